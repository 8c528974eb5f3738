/* SPDX-License-Identifier: MIT */
/* Workers whose requests take no time are dealt several at once; nobody must feel it. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)
#define BATCH 12u

static pool_latch entry; /* holds up the first request, so that the others are parked together */
static pool_latch door;  /* holds up one of those */
static atomic_uint at_entry, at_door, nothing; /* payloads: the kit counts releases in them */

static int32_t execute(pool_host *host, const berth_call *call) {
    (void)host;
    if (call->payload == &at_entry) pool_latch_wait(&entry);
    if (call->payload == &at_door) pool_latch_wait(&door);
    return BERTH_EXECUTE_DONE;
}

static berth_request_id submit(pool_host *host, void *payload, uint32_t band, uint64_t queue_ns) {
    berth_request_id id;
    const berth_request request = {
        .struct_size = sizeof request, .payload = payload, .band = band, .queue_ns = queue_ns};
    CHECK_OK(berth_submit(host->pool, &request, &id, NULL));
    return id;
}

static uint32_t kind_of(pool_host *host, berth_request_id id) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK_OK(berth_wait(host->pool, id, 20000 * MS, &outcome));
    return outcome.kind;
}

/* A pool whose workers have been quick until now. */
static pool_host *quick_host(uint32_t workers) {
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    entry = (pool_latch)POOL_LATCH_INIT;
    door = (pool_latch)POOL_LATCH_INIT;
    host->execute = execute;
    host->options.worker_count = workers;
    host->options.ended_max = 4096;
    pool_host_start(host);
    for (uint32_t i = 0; i < 1000; i++) submit(host, &nothing, 2, 0);
    while (pool_stats(host).ended_total < 1000) pool_sleep_ms(1);
    return host;
}

/* One worker waits at the entry, and behind it are parked: one, one that stands at the door, more.
 */
static void park_batch(pool_host *host, berth_request_id *ids, uint64_t queue_ns) {
    submit(host, &at_entry, 4, 0);
    pool_latch_await(&entry, 1);
    for (uint32_t i = 0; i < BATCH; i++)
        ids[i] = submit(host, i == 1 ? &at_door : &nothing, 2, i > 1 ? queue_ns : 0);
    pool_latch_open(&entry);
    pool_latch_await(&door, 1);
}

static void end(pool_host *host) {
    pool_latch_open(&door);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    assert_int_equal(pool_stats(host).active_workers, 0);
    pool_host_end(host);
}

static void what_is_done_is_told_while_the_next_one_runs(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 0);
    assert_int_equal(kind_of(host, ids[0]), BERTH_OUTCOME_COMPLETED);
    assert_true(pool_unfinished(host, ids[1]));
    end(host);
}

static void who_waits_behind_one_that_takes_long_is_parked(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 0);
    while (pool_stats(host).running != 1) pool_sleep_ms(1);
    assert_int_equal(pool_stats(host).parked, BATCH - 2);
    pool_latch_open(&door);
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_COMPLETED);
    assert_int_equal(pool_stats(host).admitted_total, 1000 + 1 + BATCH);
    end(host);
}

static void their_queue_deadlines_hold(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 200 * MS);
    const uint32_t begun = atomic_load(&host->execute_count);
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_EXPIRED);
    assert_int_equal(atomic_load(&host->execute_count), begun);
    end(host);
}

static void they_can_be_cancelled_at_once(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 0);
    const uint32_t begun = atomic_load(&host->execute_count);
    for (uint32_t i = 2; i < BATCH; i++) CHECK_OK(berth_cancel(host->pool, ids[i]));
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_CANCELLED);
    pool_latch_open(&door);
    assert_int_equal(kind_of(host, ids[1]), BERTH_OUTCOME_COMPLETED);
    assert_int_equal(atomic_load(&host->execute_count), begun);
    end(host);
}

static void another_worker_takes_them(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(2);
    park_batch(host, ids, 0);
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_COMPLETED);
    assert_true(pool_unfinished(host, ids[1]));
    end(host);
}

static void a_more_urgent_one_goes_before_them(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 0);
    while (pool_stats(host).running != 1) pool_sleep_ms(1);
    const berth_request_id urgent = submit(host, &nothing, 4, 0);
    pool_latch_open(&door);
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_COMPLETED);
    berth_outcome first = {.struct_size = sizeof first}, later = {.struct_size = sizeof later};
    CHECK_OK(berth_wait(host->pool, urgent, BERTH_FOREVER, &first));
    CHECK_OK(berth_wait(host->pool, ids[2], BERTH_FOREVER, &later));
    assert_true(first.admitted_at_ns <= later.admitted_at_ns);
    end(host);
}

static void a_pool_is_destroyed_with_hands_full(void **state) {
    berth_request_id ids[BATCH];
    (void)state;
    pool_host *host = quick_host(1);
    park_batch(host, ids, 0);
    CHECK(berth_drain(host->pool, MS), BERTH_ETIMEDOUT);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    for (uint32_t i = 2; i < BATCH; i++)
        assert_int_equal(kind_of(host, ids[i]), BERTH_OUTCOME_SHUTDOWN);
    end(host);
}

int main(void) {
    pool_watchdog("api/hand", 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_is_told_while_the_next_one_runs),
        cmocka_unit_test(who_waits_behind_one_that_takes_long_is_parked),
        cmocka_unit_test(their_queue_deadlines_hold),
        cmocka_unit_test(they_can_be_cancelled_at_once),
        cmocka_unit_test(another_worker_takes_them),
        cmocka_unit_test(a_more_urgent_one_goes_before_them),
        cmocka_unit_test(a_pool_is_destroyed_with_hands_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
