/* SPDX-License-Identifier: MIT */
/* Requests that take no time, so many of them that submits and takes go without the pool's lock:
 * order, outcomes and counters are what they are with it. */
#include <sched.h>
#include <stdlib.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define WINDOW 64u
#define THREADS 3u
#define BANDS 4u

/* ---- Order ---- */

/* Each request's payload is its number; submits take turns between two threads, so that each begins
 * after the one before has returned. */
typedef struct relay {
    pool_host *host;
    uint32_t count;
    atomic_uint turn;
    atomic_uint failures;
    uint32_t last[BANDS + 1]; /* the worker's */
    uint32_t disorder;
} relay;

static relay run_relay;

static int32_t note_order(pool_host *host, const berth_call *call) {
    relay *of = host->context;
    const uint32_t number = (uint32_t)(uintptr_t)call->payload;
    if (number <= of->last[call->band]) of->disorder++;
    of->last[call->band] = number;
    return BERTH_EXECUTE_DONE;
}

static void submit_turns(relay *of, uint32_t mine) {
    for (uint32_t n = mine; n < of->count; n += 2) {
        berth_request request = {.struct_size = sizeof request};
        berth_request_id id = 0;
        for (uint32_t spins = 0; atomic_load(&of->turn) != n; spins++)
            if (spins % 64 == 63) sched_yield();
        request.mailbox_mode = BERTH_MAILBOX_OUTCOME;
        request.band = 1 + n * 7 % BANDS;
        request.payload = (void *)(uintptr_t)(n + 1); /* NOLINT: a number, not a pointer */
        request.cost_count = 1;
        request.cost[0] = 1;
        while (berth_submit(of->host->pool, &request, &id, NULL) == BERTH_EREFUSED) sched_yield();
        if (id == 0) atomic_fetch_add(&of->failures, 1);
        atomic_store(&of->turn, n + 1);
    }
}

static void submit_odd(void *argument) {
    submit_turns(argument, 1);
}

static void make_pool(pool_host *host, uint32_t workers) {
    /* Who is told of each end gets outcomes by the lock. */
    host->executor.release = NULL;
    host->executor.cancelled = NULL;
    host->options.worker_count = workers;
    host->options.parked_max = 2048;
    pool_host_resource(host, "units", 1000);
    pool_host_start(host);
}

static void a_band_runs_in_the_order_of_submits_that_followed_each_other(void **state) {
    (void)state;
    memset(&run_relay, 0, sizeof run_relay);
    run_relay.count = pool_rounds(40000, 2000000, 20000);
    run_relay.host = pool_host_new(BERTH_FACE_WORKER);
    run_relay.host->context = &run_relay;
    run_relay.host->execute = note_order;
    make_pool(run_relay.host, 1);
    pool_thread other;
    pool_thread_start(&other, submit_odd, &run_relay);
    submit_turns(&run_relay, 0);
    pool_thread_join(&other);
    CHECK_OK(berth_drain(run_relay.host->pool, BERTH_FOREVER));
    assert_int_equal(atomic_load(&run_relay.failures), 0);
    assert_int_equal(run_relay.disorder, 0);
    assert_int_equal(pool_stats(run_relay.host).ended_total, run_relay.count);
    pool_host_end(run_relay.host);
}

/* ---- Outcomes ---- */

typedef struct crowd {
    pool_host *host;
    uint32_t rounds;
    _Atomic uint64_t taken;
    _Atomic uint64_t stale;
    _Atomic uint64_t emitted;
    atomic_uint wrong;
    _Atomic berth_request_id shared; /* one that all may take */
} crowd;

#define STREAMS ((void *)(uintptr_t)1) /* NOLINT: a mark, not a pointer */

/* Those that stream put out one chunk, which another thread may add to. */
static int32_t emit_or_nothing(pool_host *host, const berth_call *call) {
    crowd *of = host->context;
    if (call->payload != STREAMS) return BERTH_EXECUTE_DONE;
    const berth_status status = berth_emit(call->pool, call->id, "chunk", 5, 1);
    if (status == BERTH_OK)
        atomic_fetch_add(&of->emitted, 1);
    else if (status != BERTH_EENDED && status != BERTH_EBUSY)
        atomic_fetch_add(&of->wrong, 1);
    return BERTH_EXECUTE_DONE;
}

/* Until the end, or until somebody takes it. Chunks are whole, and as many as the end says. */
static void read_all(crowd *of, berth_request_id id) {
    uint64_t seen = 0;
    for (;;) {
        char bytes[8];
        berth_record record = {.struct_size = sizeof record};
        const berth_status status =
            berth_mailbox_read(of->host->pool, id, bytes, sizeof bytes, BERTH_FOREVER, &record);
        if (status == BERTH_ESTALE) return;
        if (status != BERTH_OK || record.sequence != seen) {
            atomic_fetch_add(&of->wrong, 1);
            return;
        }
        if (record.kind == BERTH_RECORD_END) return;
        if (record.size != (bytes[0] == 'x' ? 1 : 5)) atomic_fetch_add(&of->wrong, 1);
        seen++;
    }
}

static uint32_t draw(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* Take it now, or wait for it first, or cancel it before that; ids of others are taken too. */
static void settle_one(crowd *of, berth_request_id id, uint32_t how) {
    berth_pool *pool = of->host->pool;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    berth_status status = BERTH_EAGAIN;
    if (how % 8 == 0) (void)berth_cancel(pool, id);
    if (how % 8 == 1) (void)berth_wait(pool, id, BERTH_FOREVER, &outcome);
    if (how % 8 == 2) read_all(of, id);
    while (status == BERTH_EAGAIN) {
        status = berth_outcome_take(pool, id, &outcome);
        if (status == BERTH_EAGAIN) (void)berth_wait(pool, id, BERTH_FOREVER, NULL);
    }
    if (status == BERTH_OK) {
        atomic_fetch_add(&of->taken, 1);
        if (outcome.kind != BERTH_OUTCOME_COMPLETED && outcome.kind != BERTH_OUTCOME_CANCELLED)
            atomic_fetch_add(&of->wrong, 1);
        if (outcome.tenant != 77 || outcome.prompt_tokens != 5) atomic_fetch_add(&of->wrong, 1);
    } else if (status == BERTH_ESTALE) {
        atomic_fetch_add(&of->stale, 1);
    } else {
        atomic_fetch_add(&of->wrong, 1);
    }
}

static void take_shared(crowd *of) {
    const berth_request_id id = atomic_load(&of->shared);
    const berth_status status =
        id == 0 ? BERTH_ESTALE : berth_outcome_take(of->host->pool, id, NULL);
    if (status == BERTH_OK)
        atomic_fetch_add(&of->taken, 1);
    else if (status != BERTH_ESTALE && status != BERTH_EAGAIN)
        atomic_fetch_add(&of->wrong, 1);
}

/* It may be parked, run, have ended, or its outcome be read at this very moment. */
static void emit_to_shared(crowd *of) {
    const berth_request_id id = atomic_load(&of->shared);
    if (id == 0) return;
    const berth_status status = berth_emit(of->host->pool, id, "x", 1, 0);
    if (status != BERTH_OK && status != BERTH_EBUSY && status != BERTH_EAGAIN &&
        status != BERTH_EENDED && status != BERTH_ESTALE && status != BERTH_EFULL)
        atomic_fetch_add(&of->wrong, 1);
}

static void come_and_go(void *argument) {
    static atomic_uint seeds;
    crowd *of = argument;
    uint32_t seed = atomic_fetch_add(&seeds, 1) * 7919u + 1;
    berth_request_id ids[WINDOW] = {0};
    for (uint32_t i = 0; i < of->rounds; i++) {
        berth_request request = {.struct_size = sizeof request,
                                 .band = 1 + draw(&seed) % BANDS,
                                 .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                                 .cost_count = 1,
                                 .cost = {1 + draw(&seed) % 3},
                                 .queue_ns = draw(&seed) % 2 == 0 ? 0 : UINT64_C(60000000000),
                                 .prompt_tokens = 5,
                                 .tenant = 77};
        if (draw(&seed) % 2 == 0) {
            request.mailbox_mode = BERTH_MAILBOX_STREAM;
            request.payload = STREAMS;
        }
        if (ids[i % WINDOW] != 0) settle_one(of, ids[i % WINDOW], draw(&seed));
        while (berth_submit(of->host->pool, &request, &ids[i % WINDOW], NULL) == BERTH_EREFUSED)
            sched_yield();
        if (draw(&seed) % 8 == 0) atomic_store(&of->shared, ids[i % WINDOW]);
        if (draw(&seed) % 8 == 0) emit_to_shared(of);
        if (draw(&seed) % 4 == 0) take_shared(of);
        if (draw(&seed) % 256 == 0) (void)pool_stats(of->host);
        if (draw(&seed) % 512 == 0)
            (void)berth_capacity_set(of->host->pool, 0, 500 + draw(&seed) % 500);
    }
    for (uint32_t i = 0; i < WINDOW; i++)
        if (ids[i] != 0) settle_one(of, ids[i], 2);
}

static void crowd_with(uint32_t workers, uint32_t ended_max, uint32_t mailboxes_max) {
    static crowd all;
    pool_thread threads[THREADS];
    memset(&all, 0, sizeof all);
    all.rounds = pool_rounds(15000, 500000, 6000);
    all.host = pool_host_new(BERTH_FACE_WORKER);
    all.host->context = &all;
    all.host->execute = emit_or_nothing;
    all.host->options.ended_max = ended_max;
    all.host->options.mailboxes_max = mailboxes_max;
    make_pool(all.host, workers);
    for (uint32_t t = 0; t < THREADS; t++) pool_thread_start(&threads[t], come_and_go, &all);
    for (uint32_t t = 0; t < THREADS; t++) pool_thread_join(&threads[t]);
    CHECK_OK(berth_drain(all.host->pool, BERTH_FOREVER));
    const berth_stats stats = pool_stats(all.host);
    assert_int_equal(atomic_load(&all.wrong), 0);
    assert_int_equal(stats.ended_total, THREADS * (uint64_t)all.rounds);
    assert_int_equal(stats.ended_total,
                     atomic_load(&all.taken) + stats.retained_dropped_total + stats.retained);
    assert_int_equal(stats.resources[0].used_units, 0);
    assert_int_equal(stats.tokens_generated_total, atomic_load(&all.emitted));
    pool_host_end(all.host);
}

static void every_outcome_is_taken_once(void **state) {
    (void)state;
    crowd_with(1, 4096, 4096);
    crowd_with(2, 4096, 4096);
}

static void what_retention_drops_was_not_taken(void **state) {
    (void)state;
    crowd_with(2, 16, 4096);
    crowd_with(2, 4096, 64); /* of some the rings are needed by others */
}

int main(void) {
    pool_watchdog("stress/lane", 300);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_band_runs_in_the_order_of_submits_that_followed_each_other),
        cmocka_unit_test(every_outcome_is_taken_once),
        cmocka_unit_test(what_retention_drops_was_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
