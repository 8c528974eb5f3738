/* SPDX-License-Identifier: MIT */
/* The lane where it is hardest on it: one worker of two is stuck, the pool is drained in full run,
 * the queue is full. */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define WINDOW 32u
#define THREADS 3u
#define PARKED_MAX 1024u
#define HAND_MAX 32u
#define PATIENCE_NS UINT64_C(20000000000)

typedef struct many {
    pool_host *host;
    uint32_t rounds;
    atomic_uint stuck;   /* a worker is */
    atomic_uint go_on;   /* it may */
    atomic_uint strange; /* what should not be */
    _Atomic uint64_t accepted;
    _Atomic uint64_t taken;
} many;

#define BLOCKS ((void *)(uintptr_t)1) /* NOLINT: a mark, not a pointer */

static int32_t run_or_block(pool_host *host, const berth_call *call) {
    many *of = host->context;
    const struct timespec nap = {.tv_nsec = 1000000};
    if (call->payload != BLOCKS) return BERTH_EXECUTE_DONE;
    atomic_store(&of->stuck, 1);
    while (!atomic_load(&of->go_on)) nanosleep(&nap, NULL);
    return BERTH_EXECUTE_DONE;
}

static void begin(many *of, uint32_t workers) {
    memset(of, 0, sizeof *of);
    of->host = pool_host_new(BERTH_FACE_WORKER);
    of->host->context = of;
    of->host->execute = run_or_block;
    of->host->executor.release = NULL;
    of->host->executor.cancelled = NULL;
    of->host->options.worker_count = workers;
    of->host->options.parked_max = PARKED_MAX;
    of->host->options.ended_max = 2 * PARKED_MAX;
    pool_host_start(of->host);
}

static berth_status submit(many *of, void *payload, berth_request_id *id) {
    const berth_request request = {
        .struct_size = sizeof request, .mailbox_mode = BERTH_MAILBOX_OUTCOME, .payload = payload};
    const berth_status status = berth_submit(of->host->pool, &request, id, NULL);
    if (status == BERTH_OK) atomic_fetch_add(&of->accepted, 1);
    return status;
}

static void block_one(many *of) {
    berth_request_id id;
    CHECK_OK(submit(of, BLOCKS, &id));
    while (!atomic_load(&of->stuck)) sched_yield();
}

/* Its outcome comes, and is there once. */
static void settle(many *of, berth_request_id id) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_status status = berth_wait(of->host->pool, id, PATIENCE_NS, NULL);
    if (status != BERTH_OK || berth_outcome_take(of->host->pool, id, &outcome) != BERTH_OK)
        atomic_fetch_add(&of->strange, 1);
    else
        atomic_fetch_add(&of->taken, 1);
    if (outcome.kind != BERTH_OUTCOME_COMPLETED && outcome.kind != BERTH_OUTCOME_SHUTDOWN)
        atomic_fetch_add(&of->strange, 1);
}

static void come_until_closed(void *argument) {
    many *of = argument;
    berth_request_id ids[WINDOW] = {0};
    for (uint32_t i = 0; i < of->rounds; i++) {
        berth_request_id *id = &ids[i % WINDOW];
        if (*id != 0) settle(of, *id);
        const berth_status status = submit(of, NULL, id);
        if (status == BERTH_ECLOSED) break;
        if (status != BERTH_OK) atomic_fetch_add(&of->strange, 1);
    }
    for (uint32_t i = 0; i < WINDOW; i++)
        if (ids[i] != 0) settle(of, ids[i]);
}

static void end(many *of) {
    assert_int_equal(atomic_load(&of->strange), 0);
    const berth_stats stats = pool_stats(of->host);
    assert_int_equal(stats.submitted_total - stats.refused_total, atomic_load(&of->accepted));
    assert_int_equal(stats.ended_total, atomic_load(&of->accepted));
    pool_host_end(of->host);
}

static void a_stuck_worker_holds_up_only_what_it_holds(void **state) {
    static many all;
    pool_thread threads[THREADS];
    (void)state;
    begin(&all, 2);
    all.rounds = pool_rounds(60000, 1000000, 6000);
    block_one(&all);
    for (uint32_t t = 0; t < THREADS; t++) pool_thread_start(&threads[t], come_until_closed, &all);
    for (uint32_t t = 0; t < THREADS; t++) pool_thread_join(&threads[t]);
    assert_int_equal(atomic_load(&all.taken), THREADS * (uint64_t)all.rounds);
    atomic_store(&all.go_on, 1);
    CHECK_OK(berth_drain(all.host->pool, BERTH_FOREVER));
    end(&all);
}

static void a_drain_in_full_run_leaves_nobody_behind(void **state) {
    static many all;
    const uint32_t rounds = pool_rounds(150, 3000, 40);
    (void)state;
    for (uint32_t round = 0; round < rounds; round++) {
        const struct timespec nap = {.tv_nsec = (long)(round % 8 + 1) * 500000};
        pool_thread threads[THREADS];
        begin(&all, 1 + round % 2);
        all.rounds = UINT32_MAX;
        for (uint32_t t = 0; t < THREADS; t++)
            pool_thread_start(&threads[t], come_until_closed, &all);
        nanosleep(&nap, NULL);
        if (round % 3 == 0) CHECK_OK(berth_close(all.host->pool));
        CHECK_OK(berth_drain(all.host->pool, BERTH_FOREVER));
        for (uint32_t t = 0; t < THREADS; t++) pool_thread_join(&threads[t]);
        assert_int_equal(atomic_load(&all.taken), atomic_load(&all.accepted));
        end(&all);
    }
}

static void come_until_refused(void *argument) {
    many *of = argument;
    berth_request_id id;
    berth_status status;
    while ((status = submit(of, NULL, &id)) == BERTH_OK) {
    }
    if (status != BERTH_EREFUSED) atomic_fetch_add(&of->strange, 1);
}

static void a_full_queue_takes_no_more(void **state) {
    static many all;
    const uint32_t rounds = pool_rounds(40, 1000, 20);
    (void)state;
    for (uint32_t round = 0; round < rounds; round++) {
        pool_thread threads[THREADS];
        berth_request_id id = 0;
        begin(&all, 1);
        /* It is quick and keeps the lane open; then it is stuck. */
        for (uint32_t i = 0; i < 500; i++) CHECK_OK(submit(&all, NULL, &id));
        CHECK_OK(submit(&all, BLOCKS, &id));
        for (uint32_t t = 0; t < THREADS; t++)
            pool_thread_start(&threads[t], come_until_refused, &all);
        for (uint32_t t = 0; t < THREADS; t++) pool_thread_join(&threads[t]);
        while (!atomic_load(&all.stuck)) sched_yield();
        while (submit(&all, NULL, &id) == BERTH_OK) {
        }
        berth_stats stats = {.struct_size = sizeof stats};
        CHECK_OK(berth_stats_read(all.host->pool, &stats));
        /* What was dealt behind the one that is stuck may have been parked again. */
        assert_in_range(stats.parked, PARKED_MAX, PARKED_MAX + HAND_MAX);
        atomic_store(&all.go_on, 1);
        CHECK_OK(berth_drain(all.host->pool, BERTH_FOREVER));
        end(&all);
    }
}

int main(void) {
    pool_watchdog("stress/lane_end", 300);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stuck_worker_holds_up_only_what_it_holds),
        cmocka_unit_test(a_drain_in_full_run_leaves_nobody_behind),
        cmocka_unit_test(a_full_queue_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
