/* SPDX-License-Identifier: MIT */
/* Deadlines on a virtual clock: queue, first output, total; when and in what order they end. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *host_of(uint32_t face, uint32_t running_max) {
    pool_host *host = pool_host_new(face);
    host->options.running_max = running_max;
    pool_host_start(host);
    return host;
}

static berth_request_id submit_ns(pool_host *host, uint64_t queue_ns, uint64_t first_output_ns,
                                  uint64_t total_ns) {
    berth_request request = pool_request(host, 0);
    request.queue_ns = queue_ns;
    request.first_output_ns = first_output_ns;
    request.total_ns = total_ns;
    return pool_submit(host, &request);
}

static void the_clock_starts_at_zero_and_moves_only_when_told(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    uint64_t now = 1;
    CHECK_OK(berth_clock_now(host->pool, &now));
    assert_int_equal(now, 0);
    pool_submit_band(host, 0);
    CHECK_OK(berth_clock_advance(host->pool, 500));
    CHECK_OK(berth_clock_advance(host->pool, 500));
    CHECK_OK(berth_clock_now(host->pool, &now));
    assert_int_equal(now, 500);
    CHECK(berth_clock_advance(host->pool, 499), BERTH_EINVAL);
    CHECK_OK(berth_clock_now(host->pool, &now));
    assert_int_equal(now, 500);
    pool_host_end(host);
}

static void the_systems_clock_cannot_be_moved(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    uint64_t now = 0;
    CHECK_OK(berth_clock_now(host->pool, &now));
    CHECK(berth_clock_advance(host->pool, now + 1000000000), BERTH_EINVAL);
    uint64_t later = 0;
    CHECK_OK(berth_clock_now(host->pool, &later));
    assert_true(later >= now);
    pool_host_end(host);
}

static void a_parked_request_ends_when_its_queue_deadline_is_due(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    berth_request_id id = submit_ns(host, 100, 0, 0);
    uint64_t next = 0;
    CHECK_OK(berth_clock_next(host->pool, &next));
    assert_int_equal(next, 100);
    CHECK_OK(berth_clock_advance(host->pool, 99));
    assert_true(pool_unfinished(host, id));
    CHECK_OK(berth_clock_advance(host->pool, 100));
    berth_outcome outcome = pool_outcome(host, id, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_int_equal(outcome.ended_at_ns, 100);
    assert_int_equal(outcome.admitted_at_ns, 0);
    assert_int_equal(atomic_load(&host->release_count), 1);
    CHECK_OK(berth_clock_next(host->pool, &next));
    assert_true(next == BERTH_FOREVER);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(step.plan.entry_count, 0); /* expired work does not run */
    pool_host_end(host);
}

static void the_queue_deadline_is_over_once_admitted(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    berth_request_id id = submit_ns(host, 100, 0, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit(host, &step);
    CHECK_OK(berth_clock_advance(host->pool, 1000));
    assert_true(pool_unfinished(host, id));
    pool_run_out(host);
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void the_pools_queue_deadline_is_for_those_that_set_none(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.queue_ns_max = 50;
    pool_host_start(host);
    berth_request_id plain = submit_ns(host, 0, 0, 0);
    berth_request_id own = submit_ns(host, 80, 0, 0);
    CHECK_OK(berth_clock_advance(host->pool, 60));
    pool_outcome(host, plain, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_true(pool_unfinished(host, own));
    CHECK_OK(berth_clock_advance(host->pool, 80));
    pool_outcome(host, own, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    pool_host_end(host);
}

static void the_first_output_deadline_is_met_by_the_first_chunk(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 2);
    berth_request_id quick = submit_ns(host, 0, 100, 0);
    berth_request_id silent = submit_ns(host, 0, 100, 0);
    CHECK_OK(berth_clock_advance(host->pool, 90));
    CHECK_OK(berth_emit(host->pool, quick, "x", 1, 1));
    CHECK_OK(berth_clock_advance(host->pool, 200));
    assert_true(pool_unfinished(host, quick));
    berth_outcome outcome =
        pool_outcome(host, silent, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_FIRST_OUTPUT);
    assert_int_equal(outcome.ended_at_ns, 100);
    assert_int_equal(atomic_load(&host->cancelled_count), 1);
    assert_true(atomic_load(&host->cancelled_id) == silent);
    CHECK(berth_finish(host->pool, silent, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    CHECK_OK(berth_finish(host->pool, quick, BERTH_FINISH_STOP, 0));
    outcome = pool_outcome(host, quick, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(outcome.first_output_at_ns, 90);
    assert_int_equal(outcome.ended_at_ns, 200);
    pool_host_end(host);
}

static void the_first_output_deadline_counts_while_parked(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    berth_request_id id = submit_ns(host, 0, 100, 0);
    CHECK_OK(berth_clock_advance(host->pool, 100));
    pool_outcome(host, id, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_FIRST_OUTPUT);
    pool_host_end(host);
}

static void the_total_deadline_ends_what_streams(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    berth_request_id id = submit_ns(host, 0, 0, 100);
    pool_step step;
    for (uint64_t at = 30; at <= 90; at += 30) {
        pool_plan(host, &step);
        CHECK_OK(berth_clock_advance(host->pool, at));
        step.results[0].bytes = "x";
        step.results[0].bytes_size = 1;
        pool_commit(host, &step);
        CHECK_OK(step.results[0].status);
    }
    pool_plan(host, &step);
    CHECK_OK(berth_clock_advance(host->pool, 130));
    berth_outcome outcome = pool_outcome(host, id, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_TOTAL);
    assert_int_equal(outcome.ended_at_ns, 100);
    assert_int_equal(pool_stats(host).stopping, 1);
    pool_commit_finished(host, &step);
    CHECK(step.results[0].status, BERTH_EENDED);
    assert_int_equal(pool_stats(host).stopping, 0);
    pool_host_end(host);
}

static void what_is_due_ends_in_order_of_time_then_of_arrival(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    static const uint64_t due[] = {300, 100, 200, 100, 100, 300};
    static const uint32_t wanted[] = {1, 3, 4, 2, 0, 5};
    berth_request_id ids[6];
    for (uint32_t i = 0; i < 6; i++) ids[i] = submit_ns(host, due[i], 0, 0);
    CHECK_OK(berth_clock_advance(host->pool, 1000));
    berth_request_id named[6];
    uint32_t count = 0;
    CHECK_OK(berth_ready_take(host->pool, named, 6, &count));
    assert_int_equal(count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(named[i] == ids[wanted[i]]);
        berth_outcome outcome =
            pool_outcome(host, ids[i], BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
        assert_int_equal(outcome.ended_at_ns, due[i]); /* each at its own moment */
    }
    pool_host_end(host);
}

static void an_expiry_lets_the_next_one_in_at_its_own_moment(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    berth_request_id holder = pool_submit_units(host, 0, 6);
    berth_request head = pool_request_units(host, 0, 9);
    head.queue_ns = 100;
    pool_submit(host, &head);
    berth_request_id behind = pool_submit_units(host, 0, 3);
    CHECK_OK(berth_clock_advance(host->pool, 500));
    pool_read(host, behind, NULL, 0, BERTH_RECORD_ADMITTED);
    CHECK_OK(berth_finish(host->pool, behind, BERTH_FINISH_STOP, 0));
    berth_outcome outcome = pool_outcome(host, behind, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(outcome.admitted_at_ns, 100);
    CHECK_OK(berth_finish(host->pool, holder, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void a_deadline_that_does_not_fit_in_time_never_comes(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    CHECK_OK(berth_clock_advance(host->pool, 1000));
    berth_request_id id = submit_ns(host, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX);
    CHECK_OK(berth_clock_advance(host->pool, 1000000));
    assert_true(pool_unfinished(host, id));
    pool_host_end(host);
}

static void timed_calls_do_not_wait_on_a_virtual_clock(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 1);
    berth_request_id id = pool_submit_band(host, 0);
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_wait(host->pool, id, BERTH_FOREVER, NULL), BERTH_ETIMEDOUT);
    CHECK(berth_mailbox_read(host->pool, id, NULL, 0, BERTH_FOREVER, &record), BERTH_ETIMEDOUT);
    pool_run_out(host);
    pool_step step;
    step.plan =
        (berth_plan){.struct_size = sizeof step.plan, .entry_max = 2, .entries = step.entries};
    CHECK(berth_plan_wait(host->pool, &step.plan, BERTH_FOREVER), BERTH_ETIMEDOUT);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/deadlines", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_starts_at_zero_and_moves_only_when_told),
        cmocka_unit_test(the_systems_clock_cannot_be_moved),
        cmocka_unit_test(a_parked_request_ends_when_its_queue_deadline_is_due),
        cmocka_unit_test(the_queue_deadline_is_over_once_admitted),
        cmocka_unit_test(the_pools_queue_deadline_is_for_those_that_set_none),
        cmocka_unit_test(the_first_output_deadline_is_met_by_the_first_chunk),
        cmocka_unit_test(the_first_output_deadline_counts_while_parked),
        cmocka_unit_test(the_total_deadline_ends_what_streams),
        cmocka_unit_test(what_is_due_ends_in_order_of_time_then_of_arrival),
        cmocka_unit_test(an_expiry_lets_the_next_one_in_at_its_own_moment),
        cmocka_unit_test(a_deadline_that_does_not_fit_in_time_never_comes),
        cmocka_unit_test(timed_calls_do_not_wait_on_a_virtual_clock),
    };
    return cmocka_run_group_tests_name("api/deadlines", tests, NULL, NULL);
}
