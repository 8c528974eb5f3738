/* SPDX-License-Identifier: MIT */
/* Calls from inside callbacks: each is either safe or says EREENTRY; none deadlocks. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

/* What a callback tried, and what came back; asserted later on the test thread. */
typedef struct tries {
    atomic_uint count;
    atomic_int drain;
    atomic_int destroy;
    atomic_int plan_next;
    atomic_int plan_wait;
    atomic_int commit;
    atomic_int wait_timed;
    atomic_int wait_now;
    atomic_int read_timed;
    atomic_int read_now;
    atomic_int stats;
    atomic_int close;
    _Atomic berth_request_id submitted; /* from inside */
    atomic_int submit;
    atomic_int cancel;
} tries;

static tries tried;

static void try_blocking(pool_host *host, berth_request_id id) {
    berth_plan_entry entries[4];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 4, .entries = entries};
    berth_record record = {.struct_size = sizeof record};
    berth_stats stats = {.struct_size = sizeof stats};
    atomic_store(&tried.drain, berth_drain(host->pool, 0));
    atomic_store(&tried.destroy, berth_pool_destroy(host->pool));
    atomic_store(&tried.plan_next, berth_plan_next(host->pool, &plan));
    atomic_store(&tried.plan_wait, berth_plan_wait(host->pool, &plan, BERTH_FOREVER));
    atomic_store(&tried.commit, berth_commit(host->pool, 1, NULL, 0));
    atomic_store(&tried.wait_timed, berth_wait(host->pool, id, BERTH_FOREVER, NULL));
    atomic_store(&tried.wait_now, berth_wait(host->pool, id, 0, NULL));
    atomic_store(&tried.read_timed,
                 berth_mailbox_read(host->pool, id, NULL, 0, BERTH_FOREVER, &record));
    atomic_store(&tried.read_now, berth_mailbox_read(host->pool, id, NULL, 0, 0, &record));
    atomic_store(&tried.stats, berth_stats_read(host->pool, &stats));
    atomic_fetch_add(&tried.count, 1);
}

static void expect_reentry(const pool_host *host) {
    assert_true(atomic_load(&tried.count) >= 1);
    CHECK(atomic_load(&tried.drain), BERTH_EREENTRY);
    CHECK(atomic_load(&tried.destroy), BERTH_EREENTRY);
    CHECK(atomic_load(&tried.wait_timed), BERTH_EREENTRY);
    CHECK(atomic_load(&tried.read_timed), BERTH_EREENTRY);
    CHECK_OK(atomic_load(&tried.stats));
    assert_true(atomic_load(&tried.wait_now) != BERTH_EREENTRY);
    assert_true(atomic_load(&tried.read_now) != BERTH_EREENTRY);
    if (host->options.face != BERTH_FACE_ENGINE) return;
    CHECK(atomic_load(&tried.plan_next), BERTH_EREENTRY);
    CHECK(atomic_load(&tried.plan_wait), BERTH_EREENTRY);
    CHECK(atomic_load(&tried.commit), BERTH_EREENTRY);
}

static int32_t execute_tries(pool_host *host, const berth_call *call) {
    try_blocking(host, call->id);
    return BERTH_EXECUTE_DONE;
}

static void release_tries(pool_host *host, void *payload, uint64_t payload_size) {
    (void)payload;
    (void)payload_size;
    if (atomic_load(&tried.count) == 0) try_blocking(host, 1);
}

static void cancelled_tries(pool_host *host, berth_request_id id) {
    if (atomic_load(&tried.count) == 0) try_blocking(host, id);
}

static int32_t cost_tries(pool_host *host, const berth_request *request, uint64_t *cost,
                          uint32_t count) {
    (void)request;
    (void)cost;
    (void)count;
    if (atomic_load(&tried.count) == 0) try_blocking(host, 1);
    return 0;
}

static pool_host *fresh_host(uint32_t face) {
    memset(&tried, 0, sizeof tried);
    return pool_host_new(face);
}

static void blocking_calls_inside_execute_are_reentry(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_WORKER);
    host->execute = execute_tries;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, NULL));
    expect_reentry(host);
    CHECK(atomic_load(&tried.wait_now), BERTH_ETIMEDOUT); /* it had not ended then */
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_host_end(host);
}

static void blocking_calls_inside_release_are_reentry(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_ENGINE);
    host->release = release_tries;
    pool_host_start(host);
    pool_submit_band(host, 0);
    pool_run_out(host);
    expect_reentry(host);
    pool_host_end(host);
}

static void release_during_destroy_is_a_callback_too(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_ENGINE);
    host->release = release_tries;
    pool_host_start(host);
    pool_submit_band(host, 0);
    pool_submit_band(host, 0);
    CHECK_OK(berth_pool_destroy(host->pool));
    expect_reentry(host);
    assert_int_equal(atomic_load(&host->release_count), 2);
    CHECK_OK(berth_pool_create(&host->options, &host->executor, &host->pool));
    atomic_store(&host->payload_count, 0);
    atomic_store(&host->release_count, 0);
    pool_host_end(host);
}

static void blocking_calls_inside_cancelled_are_reentry(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_GATE);
    host->cancelled = cancelled_tries;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, id));
    expect_reentry(host);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    pool_host_end(host);
}

static void blocking_calls_inside_cost_are_reentry(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_ENGINE);
    host->cost = cost_tries;
    pool_host_resource(host, "kv_blocks", 4);
    pool_host_start(host);
    pool_submit_band(host, 0);
    expect_reentry(host);
    pool_host_end(host);
}

/* Submits one more, the first time, and cancels one that is parked. */
static void submit_and_cancel(pool_host *host) {
    if (atomic_fetch_add(&tried.count, 1) != 0) return;
    berth_request request = {.struct_size = sizeof request};
    berth_request_id id = 0;
    atomic_store(&tried.submit, berth_submit(host->pool, &request, &id, NULL));
    atomic_store(&tried.submitted, id);
    atomic_store(&tried.cancel, berth_cancel(host->pool, id));
}

static int32_t execute_submits(pool_host *host, const berth_call *call) {
    (void)call;
    submit_and_cancel(host);
    return BERTH_EXECUTE_DONE;
}

static void release_submits(pool_host *host, void *payload, uint64_t payload_size) {
    (void)payload;
    (void)payload_size;
    submit_and_cancel(host);
}

static void cancelled_submits(pool_host *host, berth_request_id id) {
    (void)id;
    submit_and_cancel(host);
}

static void submit_and_cancel_inside_execute_are_safe(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_WORKER);
    host->execute = execute_submits;
    host->options.running_max = 1; /* so that the one from inside is parked */
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, NULL));
    CHECK_OK(atomic_load(&tried.submit));
    CHECK_OK(atomic_load(&tried.cancel));
    CHECK_OK(berth_wait(host->pool, atomic_load(&tried.submitted), BERTH_FOREVER, NULL));
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_host_end(host);
}

static void submit_and_cancel_inside_release_are_safe(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_ENGINE);
    host->release = release_submits;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_run_out(host);
    CHECK_OK(atomic_load(&tried.submit));
    CHECK_OK(atomic_load(&tried.cancel));
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_outcome(host, atomic_load(&tried.submitted), BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(atomic_load(&host->release_count), 2);
    pool_host_end(host);
}

static void submit_and_cancel_inside_cancelled_are_safe(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_GATE);
    host->cancelled = cancelled_submits;
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK_OK(atomic_load(&tried.submit));
    CHECK_OK(atomic_load(&tried.cancel));
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    assert_int_equal(pool_stats(host).ended_total, 2);
    pool_host_end(host);
}

/* Finishing from `cancelled` is how a gate's host would let go at once. */
static void cancelled_finishes(pool_host *host, berth_request_id id) {
    atomic_store(&tried.submit, berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

static void finish_inside_cancelled_lets_go_at_once(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_GATE);
    host->cancelled = cancelled_finishes;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK(atomic_load(&tried.submit), BERTH_EENDED);
    assert_int_equal(pool_stats(host).stopping, 0);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(atomic_load(&host->release_count), 1);
    pool_host_end(host);
}

static void release_closes(pool_host *host, void *payload, uint64_t payload_size) {
    (void)payload;
    (void)payload_size;
    atomic_store(&tried.close, berth_close(host->pool));
}

static void close_inside_a_callback_is_safe(void **state) {
    (void)state;
    pool_host *host = fresh_host(BERTH_FACE_ENGINE);
    host->release = release_closes;
    atomic_store(&tried.close, BERTH_EBUSY);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK_OK(atomic_load(&tried.close));
    assert_int_equal(pool_stats(host).closed, 1);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/reentry", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocking_calls_inside_execute_are_reentry),
        cmocka_unit_test(blocking_calls_inside_release_are_reentry),
        cmocka_unit_test(release_during_destroy_is_a_callback_too),
        cmocka_unit_test(blocking_calls_inside_cancelled_are_reentry),
        cmocka_unit_test(blocking_calls_inside_cost_are_reentry),
        cmocka_unit_test(submit_and_cancel_inside_execute_are_safe),
        cmocka_unit_test(submit_and_cancel_inside_release_are_safe),
        cmocka_unit_test(submit_and_cancel_inside_cancelled_are_safe),
        cmocka_unit_test(finish_inside_cancelled_lets_go_at_once),
        cmocka_unit_test(close_inside_a_callback_is_safe),
    };
    return cmocka_run_group_tests_name("api/reentry", tests, NULL, NULL);
}
