/* SPDX-License-Identifier: MIT */
/* Requests that wait outside the engine, and steps that failed for want of KV. */
#include "support/pool_host.h"

static pool_host *host_of(uint32_t running_max) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = running_max;
    return host;
}

static void a_suspended_request_keeps_its_slot_and_is_not_planned(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_host_start(host);
    berth_request_id tool = pool_submit_band(host, 0);
    berth_request_id other = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    const uint32_t slot = pool_entry(&step, tool)->slot;
    CHECK_OK(berth_suspend(host->pool, tool));
    CHECK_OK(berth_suspend(host->pool, tool));
    pool_commit(host, &step); /* the step that contains it counts */
    pool_plan(host, &step);
    assert_int_equal(step.plan.entry_count, 1);
    assert_true(pool_planned(&step, other, BERTH_ENTRY_DECODE));
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.running, 2);
    assert_int_equal(stats.suspended, 1);
    assert_int_equal(stats.suspensions_total, 1);
    pool_commit_finished(host, &step);
    pool_plan(host, &step); /* nobody is left to plan */
    assert_true(step.plan.step_id == 0);
    CHECK_OK(berth_resume(host->pool, tool));
    pool_plan(host, &step);
    assert_int_equal(pool_entry(&step, tool)->slot, slot);
    assert_int_equal(pool_entry(&step, tool)->flags, 0);
    pool_commit_finished(host, &step);
    CHECK(berth_suspend(host->pool, tool), BERTH_EENDED);
    CHECK(berth_resume(host->pool, tool), BERTH_EENDED);
    pool_host_end(host);
}

static void a_suspended_parked_request_lets_others_pass_and_keeps_its_place(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    pool_host_start(host);
    berth_request_id waits = pool_submit_band(host, 0);
    berth_request_id second = pool_submit_band(host, 0);
    berth_request_id third = pool_submit_band(host, 0);
    pool_step step;
    CHECK_OK(berth_suspend(host->pool, waits));
    pool_plan(host, &step);
    assert_int_equal(step.plan.entry_count, 1);
    (void)pool_entry(&step, second);
    CHECK_OK(berth_resume(host->pool, waits));
    pool_commit_finished(host, &step);
    pool_plan(host, &step);
    (void)pool_entry(&step, waits);
    pool_commit_finished(host, &step);
    pool_run_out(host);
    pool_outcome(host, third, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void deadlines_and_cancels_reach_a_suspended_request(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.total_ns = 100;
    berth_request_id late = pool_submit(host, &request);
    berth_request_id gone = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit(host, &step);
    CHECK_OK(berth_suspend(host->pool, late));
    CHECK_OK(berth_suspend(host->pool, gone));
    pool_advance(host, 100);
    pool_outcome(host, late, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_TOTAL);
    CHECK_OK(berth_cancel(host->pool, gone));
    assert_int_equal(pool_stats(host).suspended, 0);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 2);
    pool_host_end(host);
}

/* Only a plan can say that the second does not go in beside the first; it is no step, and a loop
 * that waits for one sleeps on. */
static void with_all_suspended_a_wait_goes_on_if_nobody_else_may_come_in(void **state) {
    (void)state;
    for (uint32_t mode = BERTH_KV_RATIO; mode <= BERTH_KV_PREDICTED; mode++) {
        pool_host *host = host_of(4);
        host->options.clock = BERTH_CLOCK_SYSTEM;
        host->options.kv_block_tokens = 1;
        host->options.kv_mode = mode;
        pool_host_resource(host, "kv", 100);
        pool_host_start(host);
        berth_request request = pool_request(host, 0);
        request.prompt_tokens = 10;
        request.max_new_tokens = 80;
        const berth_request_id first = pool_submit(host, &request);
        request.payload = pool_request(host, 0).payload;
        const berth_request_id second = pool_submit(host, &request);
        pool_step step;
        pool_plan(host, &step);
        assert_int_equal(step.plan.entry_count, 1);
        pool_commit(host, &step);
        CHECK_OK(berth_suspend(host->pool, first));
        CHECK(berth_plan_wait(host->pool, &step.plan, 0), BERTH_ETIMEDOUT);
        CHECK(berth_plan_wait(host->pool, &step.plan, 20000000), BERTH_ETIMEDOUT);
        assert_int_equal(step.plan.entry_count, 0);
        assert_true(step.plan.step_id == 0);
        CHECK_OK(berth_cancel(host->pool, first));
        pool_plan(host, &step);
        assert_int_equal(step.plan.leave_count, 1);
        assert_int_equal(pool_entry(&step, second)->flags, BERTH_ENTRY_ADMITTED);
        pool_commit_finished(host, &step);
        pool_host_end(host);
    }
}

static void only_an_engine_s_requests_are_suspended(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK(berth_suspend(host->pool, id), BERTH_EFACE);
    CHECK(berth_resume(host->pool, id), BERTH_EFACE);
    CHECK(berth_plan_fail(host->pool, 1), BERTH_EFACE);
    CHECK(berth_suspend(NULL, id), BERTH_EINVAL);
    CHECK(berth_resume(host->pool, 0), BERTH_EINVAL);
    CHECK(berth_plan_fail(NULL, 1), BERTH_EINVAL);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
    host = host_of(1);
    pool_host_start(host);
    CHECK(berth_suspend(host->pool, 77), BERTH_ESTALE);
    pool_host_end(host);
}

static void a_step_that_failed_costs_one_request_and_is_planned_again(void **state) {
    (void)state;
    pool_host *host = host_of(3);
    pool_host_start(host);
    berth_request_id first = pool_submit_band(host, 2);
    berth_request_id second = pool_submit_band(host, 2);
    berth_request_id third = pool_submit_band(host, 1);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(step.plan.admitted_count, 3);
    CHECK(berth_plan_fail(host->pool, step.plan.step_id + 1), BERTH_ESTEP);
    CHECK_OK(berth_plan_fail(host->pool, step.plan.step_id));
    CHECK(berth_commit(host->pool, step.plan.step_id, NULL, 0), BERTH_ESTEP);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 1);
    assert_int_equal(pool_entry(&step, third)->flags, BERTH_ENTRY_PREEMPTED);
    assert_int_equal(step.plan.entry_count, 3); /* and nobody comes in for it yet */
    assert_int_equal(pool_entry(&step, first)->tokens_computed, 0);
    (void)pool_entry(&step, second);
    pool_commit(host, &step);
    pool_plan(host, &step);
    assert_int_equal(pool_entry(&step, third)->flags, BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED);
    pool_commit_finished(host, &step);
    assert_int_equal(pool_stats(host).steps_failed_total, 1);
    assert_int_equal(pool_stats(host).steps_total, 2);
    pool_host_end(host);
}

static void the_last_one_ends_if_no_room_can_be_made_for_it(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_plan_fail(host->pool, step.plan.step_id));
    pool_outcome(host, id, BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 1);
    assert_true(step.plan.step_id == 0);
    pool_host_end(host);
}

static void who_is_stopping_is_let_go_by_a_failed_step(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_host_resource(host, "units", 4);
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 3);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, id));
    assert_int_equal(pool_stats(host).stopping, 1);
    CHECK_OK(berth_plan_fail(host->pool, step.plan.step_id));
    assert_int_equal(pool_stats(host).stopping, 0);
    assert_int_equal(pool_stats(host).resources[0].used_units, 0);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    pool_plan(host, &step);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suspended_request_keeps_its_slot_and_is_not_planned),
        cmocka_unit_test(a_suspended_parked_request_lets_others_pass_and_keeps_its_place),
        cmocka_unit_test(deadlines_and_cancels_reach_a_suspended_request),
        cmocka_unit_test(with_all_suspended_a_wait_goes_on_if_nobody_else_may_come_in),
        cmocka_unit_test(only_an_engine_s_requests_are_suspended),
        cmocka_unit_test(a_step_that_failed_costs_one_request_and_is_planned_again),
        cmocka_unit_test(the_last_one_ends_if_no_room_can_be_made_for_it),
        cmocka_unit_test(who_is_stopping_is_let_go_by_a_failed_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
