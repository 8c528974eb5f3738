/* SPDX-License-Identifier: MIT */
/* The worker face: what an executor may do to a pool, and what it may not. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)

/* What the tests' executors share with the test thread. */
typedef struct worker_notes {
    pool_latch door;
    _Atomic berth_request_id id;
    atomic_int first_status;
    atomic_int second_status;
    atomic_uint stop;
    int32_t returns;
} worker_notes;

static worker_notes notes;

static pool_host *worker_host(int32_t (*execute)(pool_host *, const berth_call *)) {
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    notes = (worker_notes){.door = POOL_LATCH_INIT};
    host->execute = execute;
    pool_host_resource(host, "kv_blocks", 10);
    return host;
}

static berth_outcome outcome_of(pool_host *host, berth_request_id id) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
    return outcome;
}

static void end_drained(pool_host *host) {
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    assert_int_equal(pool_stats(host).resources[0].used_units, 0);
    assert_int_equal(pool_stats(host).active_workers, 0);
    pool_host_end(host);
}

static int32_t emit_two_chunks(pool_host *host, const berth_call *call) {
    atomic_store(&notes.first_status, berth_emit(host->pool, call->id, "ab", 2, 1));
    atomic_store(&notes.second_status, berth_emit(host->pool, call->id, "cde", 3, 2));
    return BERTH_EXECUTE_DONE;
}

static void done_is_completed_and_its_chunks_are_read_in_order(void **state) {
    (void)state;
    pool_host *host = worker_host(emit_two_chunks);
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 3);
    berth_outcome outcome = outcome_of(host, id);
    CHECK_OK(atomic_load(&notes.first_status));
    CHECK_OK(atomic_load(&notes.second_status));
    assert_int_equal(outcome.kind, BERTH_OUTCOME_COMPLETED);
    assert_int_equal(outcome.detail, BERTH_FINISH_STOP);
    assert_int_equal(outcome.tokens_generated, 3);
    char buffer[8];
    assert_int_equal(pool_read(host, id, buffer, 8, BERTH_RECORD_CHUNK).sequence, 0);
    assert_memory_equal(buffer, "ab", 2);
    assert_int_equal(pool_read(host, id, buffer, 8, BERTH_RECORD_CHUNK).sequence, 1);
    assert_memory_equal(buffer, "cde", 3);
    assert_int_equal(pool_read(host, id, buffer, 8, BERTH_RECORD_END).sequence, 2);
    end_drained(host);
}

static int32_t fail_now(pool_host *host, const berth_call *call) {
    (void)host;
    (void)call;
    return -42;
}

static void failing_executor_leaks_no_units(void **state) {
    (void)state;
    pool_host *host = worker_host(fail_now);
    pool_host_start(host);
    berth_request_id ids[20];
    for (uint32_t i = 0; i < 20; i++) ids[i] = pool_submit_units(host, 0, 10);
    for (uint32_t i = 0; i < 20; i++) { /* each needs what all before it have given back */
        berth_outcome outcome = outcome_of(host, ids[i]);
        assert_int_equal(outcome.kind, BERTH_OUTCOME_FAILED);
        assert_int_equal(outcome.code, -42);
    }
    assert_int_equal(atomic_load(&host->execute_count), 20);
    end_drained(host);
}

static int32_t stay_pending(pool_host *host, const berth_call *call) {
    (void)host;
    atomic_store(&notes.id, call->id);
    return BERTH_EXECUTE_PENDING;
}

static void pending_holds_its_units_until_it_is_finished(void **state) {
    (void)state;
    pool_host *host = worker_host(stay_pending);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 10);
    berth_request_id second = pool_submit_units(host, 0, 10);
    while (atomic_load(&notes.id) != first || pool_stats(host).active_workers != 0)
        pool_sleep_ms(1);
    assert_true(pool_unfinished(host, first));
    assert_int_equal(pool_stats(host).resources[0].used_units, 10);
    assert_int_equal(atomic_load(&host->execute_count), 1); /* and the second has to wait */
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    CHECK_OK(berth_emit(host->pool, first, "x", 1, 1));
    CHECK_OK(berth_finish(host->pool, first, BERTH_FINISH_LENGTH, 0));
    assert_int_equal(outcome_of(host, first).detail, BERTH_FINISH_LENGTH);
    while (atomic_load(&notes.id) != second) pool_sleep_ms(1);
    CHECK_OK(berth_finish(host->pool, second, BERTH_FINISH_FAILED, 9));
    assert_int_equal(outcome_of(host, second).code, 9);
    end_drained(host);
}

static int32_t finish_inside(pool_host *host, const berth_call *call) {
    atomic_store(&notes.first_status, berth_finish(host->pool, call->id, BERTH_FINISH_LENGTH, 0));
    atomic_store(&notes.second_status, berth_finish(host->pool, call->id, BERTH_FINISH_FAILED, 1));
    atomic_store(&notes.id, call->id);
    pool_latch_wait(&notes.door);
    return notes.returns;
}

/* Finished inside, twice; the first outcome stays whatever execute returns. */
static void check_finish_inside(int32_t returns) {
    pool_host *host = worker_host(finish_inside);
    notes.returns = returns;
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 10);
    berth_outcome outcome = outcome_of(host, id);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_COMPLETED);
    assert_int_equal(outcome.detail, BERTH_FINISH_LENGTH);
    pool_latch_await(&notes.door, 1);
    CHECK_OK(atomic_load(&notes.first_status));
    CHECK(atomic_load(&notes.second_status), BERTH_EENDED);
    assert_int_equal(pool_stats(host).resources[0].used_units, 10); /* execute is still inside */
    assert_int_equal(pool_stats(host).stopping, 1);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    pool_latch_open(&notes.door);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_LENGTH);
    end_drained(host);
}

static void a_finish_inside_execute_holds_units_until_execute_returns(void **state) {
    (void)state;
    check_finish_inside(BERTH_EXECUTE_DONE);
}

static void a_failure_after_a_finish_does_not_change_the_outcome(void **state) {
    (void)state;
    check_finish_inside(-5);
}

static void pending_after_a_finish_does_not_leave_it_pending(void **state) {
    (void)state;
    check_finish_inside(BERTH_EXECUTE_PENDING);
}

static void cancelled_opens_door(pool_host *host, berth_request_id id) {
    (void)host;
    (void)id;
    atomic_store(&notes.stop, 1);
}

static int32_t run_until_cancelled(pool_host *host, const berth_call *call) {
    atomic_store(&notes.id, call->id);
    while (!atomic_load(&notes.stop)) pool_sleep_ms(1);
    atomic_store(&notes.first_status, berth_emit(host->pool, call->id, "late", 4, 1));
    atomic_store(&notes.second_status, berth_finish(host->pool, call->id, BERTH_FINISH_STOP, 0));
    return BERTH_EXECUTE_DONE;
}

static void one_that_never_returns_is_told_to_stop(void **state) {
    (void)state;
    pool_host *host = worker_host(run_until_cancelled);
    host->cancelled = cancelled_opens_door;
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 10);
    while (atomic_load(&notes.id) != id) pool_sleep_ms(1);
    CHECK_OK(berth_cancel(host->pool, id));
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(atomic_load(&host->cancelled_count), 1);
    assert_true(atomic_load(&host->cancelled_id) == id);
    CHECK(berth_cancel(host->pool, id), BERTH_EENDED);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    CHECK(atomic_load(&notes.first_status), BERTH_EENDED);
    CHECK(atomic_load(&notes.second_status), BERTH_EENDED);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(atomic_load(&host->cancelled_count), 1); /* once */
    assert_int_equal(pool_stats(host).chunks_dropped_total, 1);
    end_drained(host);
}

static void a_running_request_expires_when_due_and_is_told(void **state) {
    (void)state;
    pool_host *host = worker_host(run_until_cancelled);
    host->cancelled = cancelled_opens_door;
    pool_host_start(host);
    berth_request request = pool_request_units(host, 0, 10);
    request.total_ns = 20 * MS;
    berth_request_id id = pool_submit(host, &request);
    berth_outcome outcome = outcome_of(host, id);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(outcome.detail, BERTH_DEADLINE_TOTAL);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    assert_in_range(atomic_load(&host->cancelled_count), 0, 1); /* 0: expired before its turn */
    end_drained(host);
}

static void late_output_after_the_end_is_refused(void **state) {
    (void)state;
    pool_host *host = worker_host(stay_pending);
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 1);
    while (atomic_load(&notes.id) != id) pool_sleep_ms(1);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    CHECK(berth_emit(host->pool, id, "late", 4, 1), BERTH_EENDED);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    CHECK(berth_emit(host->pool, id, "late", 4, 1), BERTH_ESTALE);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_ESTALE);
    end_drained(host);
}

static int32_t stand_at_door(pool_host *host, const berth_call *call) {
    (void)host;
    (void)call;
    pool_latch_wait(&notes.door);
    return BERTH_EXECUTE_DONE;
}

static void drain_keeps_its_time_limit_with_a_stuck_worker(void **state) {
    (void)state;
    pool_host *host = worker_host(stand_at_door);
    pool_host_start(host);
    berth_request_id stuck = pool_submit_units(host, 0, 10);
    berth_request_id parked = pool_submit_units(host, 0, 10);
    pool_latch_await(&notes.door, 1);
    CHECK(berth_drain(host->pool, 100 * MS), BERTH_ETIMEDOUT);
    assert_int_equal(pool_latch_waiting(&notes.door), 1); /* it did not wait for the worker */
    pool_outcome(host, parked, BERTH_OUTCOME_SHUTDOWN, 0);
    assert_true(pool_unfinished(host, stuck));
    assert_int_equal(pool_stats(host).active_workers, 1);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    assert_int_equal(pool_latch_waiting(&notes.door), 1);
    berth_request request = pool_request(host, 0);
    pool_refused(host, &request, BERTH_REFUSAL_CLOSED);
    pool_latch_open(&notes.door);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_outcome(host, stuck, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    end_drained(host);
}

static void a_scrape_does_not_wait_behind_a_worker(void **state) {
    (void)state;
    pool_host *host = worker_host(stand_at_door);
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 3);
    pool_latch_await(&notes.door, 1);
    berth_stats stats = pool_stats(host); /* were it to wait, the watchdog would end this */
    assert_int_equal(pool_latch_waiting(&notes.door), 1);
    assert_int_equal(stats.active_workers, 1);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.resources[0].used_units, 3);
    pool_latch_open(&notes.door);
    assert_int_equal(outcome_of(host, id).kind, BERTH_OUTCOME_COMPLETED);
    end_drained(host);
}

/* A worker whose first request failed runs the next one. */
static int32_t fail_the_low(pool_host *host, const berth_call *call) {
    (void)host;
    return call->band == BERTH_BAND_LOW ? INT32_MIN : BERTH_EXECUTE_DONE;
}

static void a_worker_outlives_its_failures(void **state) {
    (void)state;
    pool_host *host = worker_host(fail_the_low);
    pool_host_start(host);
    for (uint32_t i = 0; i < 10; i++) {
        berth_request_id bad = pool_submit_units(host, BERTH_BAND_LOW, 1);
        assert_int_equal(outcome_of(host, bad).code, INT32_MIN);
        berth_request_id good = pool_submit_units(host, BERTH_BAND_HIGH, 1);
        assert_int_equal(outcome_of(host, good).kind, BERTH_OUTCOME_COMPLETED);
    }
    assert_int_equal(pool_stats(host).worker_count, 1);
    end_drained(host);
}

static void gate_does_not_deadlock_at_worker_count_plus_one(void **state) {
    (void)state;
    pool_host *host = worker_host(stand_at_door);
    host->options.worker_count = 2;
    pool_host_start(host);
    berth_request_id ids[3];
    for (uint32_t i = 0; i < 3; i++) ids[i] = pool_submit_band(host, 0);
    pool_latch_await(&notes.door, 2);
    assert_int_equal(pool_stats(host).active_workers, 2);
    pool_latch_open(&notes.door);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(outcome_of(host, ids[i]).kind, BERTH_OUTCOME_COMPLETED);
    end_drained(host);
}

static int32_t do_nothing(pool_host *host, const berth_call *call) {
    (void)host;
    (void)call;
    return BERTH_EXECUTE_DONE;
}

static void expired_work_does_not_run(void **state) {
    (void)state;
    pool_host *host = worker_host(stand_at_door);
    pool_host_start(host);
    pool_submit_units(host, 0, 10);
    pool_latch_await(&notes.door, 1);
    berth_request request = pool_request_units(host, BERTH_BAND_CRITICAL, 10);
    request.queue_ns = 5 * MS;
    berth_request_id late = pool_submit(host, &request);
    assert_int_equal(outcome_of(host, late).kind, BERTH_OUTCOME_EXPIRED);
    pool_latch_open(&notes.door);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    assert_int_equal(atomic_load(&host->execute_count), 1);
    end_drained(host);
}

static void workers_run_by_band_once_the_units_are_there(void **state) {
    (void)state;
    pool_host *host = worker_host(do_nothing);
    host->options.worker_count = 4;
    host->options.worker_stack_size = 256 * 1024;
    host->options.parked_max = 2000;
    host->options.ended_max = 2000;
    pool_host_start(host);
    for (uint32_t i = 0; i < 1000; i++) pool_submit_units(host, 1 + i % 4, 1 + i % 10);
    while (pool_stats(host).ended_total < 1000) pool_sleep_ms(1);
    assert_int_equal(atomic_load(&host->execute_count), 1000);
    assert_in_range(pool_stats(host).resources[0].used_units_peak, 1, 10);
    end_drained(host);
}

static void idle_workers_leave_when_the_pool_is_destroyed(void **state) {
    (void)state;
    pool_host *host = worker_host(do_nothing);
    host->options.worker_count = 8;
    pool_host_start(host);
    assert_int_equal(pool_stats(host).worker_count, 8);
    pool_host_end(host);
}

static int32_t check_call(pool_host *host, const berth_call *call) {
    const berth_request *wanted = host->context;
    int same = call->pool == host->pool && call->payload == wanted->payload &&
               call->payload_size == wanted->payload_size && call->band == wanted->band &&
               call->prompt_tokens == wanted->prompt_tokens &&
               call->max_new_tokens == wanted->max_new_tokens && call->slot < 64 &&
               call->struct_size == sizeof *call;
    return same ? BERTH_EXECUTE_DONE : -1;
}

static void execute_is_told_all_about_its_request(void **state) {
    (void)state;
    pool_host *host = worker_host(check_call);
    pool_host_start(host);
    berth_request request = pool_request(host, BERTH_BAND_HIGH);
    request.payload_size = 77;
    request.prompt_tokens = 5;
    request.max_new_tokens = 6;
    host->context = &request;
    berth_request_id id = pool_submit(host, &request);
    assert_int_equal(outcome_of(host, id).kind, BERTH_OUTCOME_COMPLETED);
    end_drained(host);
}

int main(void) {
    pool_watchdog("api/worker", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(done_is_completed_and_its_chunks_are_read_in_order),
        cmocka_unit_test(failing_executor_leaks_no_units),
        cmocka_unit_test(pending_holds_its_units_until_it_is_finished),
        cmocka_unit_test(a_finish_inside_execute_holds_units_until_execute_returns),
        cmocka_unit_test(a_failure_after_a_finish_does_not_change_the_outcome),
        cmocka_unit_test(pending_after_a_finish_does_not_leave_it_pending),
        cmocka_unit_test(one_that_never_returns_is_told_to_stop),
        cmocka_unit_test(a_running_request_expires_when_due_and_is_told),
        cmocka_unit_test(late_output_after_the_end_is_refused),
        cmocka_unit_test(drain_keeps_its_time_limit_with_a_stuck_worker),
        cmocka_unit_test(a_scrape_does_not_wait_behind_a_worker),
        cmocka_unit_test(a_worker_outlives_its_failures),
        cmocka_unit_test(gate_does_not_deadlock_at_worker_count_plus_one),
        cmocka_unit_test(expired_work_does_not_run),
        cmocka_unit_test(workers_run_by_band_once_the_units_are_there),
        cmocka_unit_test(idle_workers_leave_when_the_pool_is_destroyed),
        cmocka_unit_test(execute_is_told_all_about_its_request),
    };
    return cmocka_run_group_tests_name("api/worker", tests, NULL, NULL);
}
