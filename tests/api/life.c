/* SPDX-License-Identifier: MIT */
/* Create, close, drain and destroy on a pool without threads: the order of death. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)

static void defaults_make_a_pool_that_can_be_destroyed(void **state) {
    (void)state;
    berth_pool *pool = NULL;
    CHECK_OK(berth_pool_create(NULL, NULL, &pool));
    assert_non_null(pool);
    berth_stats stats = {.struct_size = sizeof stats};
    CHECK_OK(berth_stats_read(pool, &stats));
    assert_int_equal(stats.face, BERTH_FACE_ENGINE);
    assert_int_equal(stats.running_max, 64);
    assert_int_equal(stats.parked_max, 1024);
    assert_int_equal(stats.band_count, 4);
    assert_int_equal(stats.worker_count, 0);
    CHECK_OK(berth_pool_destroy(pool));
}

static void destroy_of_no_pool_does_nothing(void **state) {
    (void)state;
    CHECK_OK(berth_pool_destroy(NULL));
}

static void pools_live_side_by_side(void **state) {
    (void)state;
    pool_host *one = pool_host_new(BERTH_FACE_ENGINE);
    pool_host *two = pool_host_new(BERTH_FACE_GATE);
    pool_host_start(one);
    pool_host_start(two);
    berth_request_id first = pool_submit_band(one, BERTH_BAND_NORMAL);
    berth_request_id second = pool_submit_band(two, BERTH_BAND_NORMAL);
    pool_host_end(one);
    CHECK_OK(berth_finish(two->pool, second, BERTH_FINISH_STOP, 0));
    pool_outcome(two, second, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(two);
    (void)first;
}

static void the_options_and_the_executor_are_copied(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    memset(&host->options, 0xff, sizeof host->options);
    void *pool_keeps = host->executor.user_data;
    memset(&host->executor, 0, sizeof host->executor);
    assert_ptr_equal(pool_keeps, host);
    berth_request request = pool_request_units(host, 0, 10);
    berth_request_id id = pool_submit(host, &request);
    memset(&request, 0xff, sizeof request);
    pool_run_out(host);
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void destroy_releases_what_is_parked(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    for (uint32_t i = 0; i < 5; i++) pool_submit_band(host, 1 + i % 4);
    assert_int_equal(pool_stats(host).parked, 5);
    pool_host_end(host); /* checks that each was released once */
}

static void destroy_releases_what_runs_between_two_steps(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 2;
    pool_host_start(host);
    for (uint32_t i = 0; i < 4; i++) pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit(host, &step);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.running, 2);
    assert_int_equal(stats.parked, 2);
    pool_host_end(host);
}

static void destroy_releases_nothing_twice(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id ended = pool_submit_band(host, 0);
    berth_request_id taken = pool_submit_band(host, 0);
    berth_request_id cancelled = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, cancelled));
    pool_run_out(host);
    CHECK_OK(berth_outcome_take(host->pool, taken, NULL));
    pool_outcome(host, ended, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(atomic_load(&host->release_count), 3);
    pool_host_end(host);
}

static void destroy_is_busy_while_a_step_is_outstanding(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id running = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    berth_stats before = pool_stats(host);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(after.closed, 0);
    assert_true(pool_unfinished(host, running));
    assert_true(pool_unfinished(host, parked));
    assert_int_equal(atomic_load(&host->release_count), 0);
    pool_submit_band(host, 0);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static void destroy_is_busy_while_the_step_of_a_cancelled_request_is_outstanding(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    assert_int_equal(atomic_load(&host->release_count), 0);
    pool_commit(host, &step);
    assert_int_equal(atomic_load(&host->release_count), 1);
    pool_host_end(host);
}

static void destroy_is_busy_while_a_gated_request_is_admitted(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id in = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    assert_true(pool_unfinished(host, parked));
    assert_int_equal(pool_stats(host).closed, 0);
    CHECK_OK(berth_cancel(host->pool, in)); /* stopping: the host still owes a finish */
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    CHECK_OK(berth_cancel(host->pool, parked));
    CHECK(berth_finish(host->pool, in, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    pool_host_end(host);
}

static void close_refuses_new_work_and_lets_the_rest_go_on(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_close(host->pool));
    assert_int_equal(pool_stats(host).closed, 1);
    berth_request request = pool_request(host, 0);
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_CLOSED);
    assert_int_equal(refusal.retry_after_ns, 0);
    assert_int_equal(pool_stats(host).refusal_total[BERTH_REFUSAL_CLOSED], 1);
    pool_run_out(host);
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void close_is_idempotent(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    for (uint32_t i = 0; i < 3; i++) CHECK_OK(berth_close(host->pool));
    assert_int_equal(pool_stats(host).closed, 1);
    pool_host_end(host);
}

static void plan_wait_says_closed_when_nothing_is_left_to_run(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    pool_submit_band(host, 0);
    CHECK_OK(berth_close(host->pool));
    pool_step step;
    step.plan = (berth_plan){
        .struct_size = sizeof step.plan, .entry_max = POOL_ENTRIES_MAX, .entries = step.entries};
    CHECK_OK(berth_plan_wait(host->pool, &step.plan, BERTH_FOREVER));
    assert_int_equal(step.plan.admitted_count, 1);
    berth_result result = {.id = step.entries[0].id, .finish = BERTH_FINISH_STOP};
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, &result, 1));
    CHECK(berth_plan_wait(host->pool, &step.plan, BERTH_FOREVER), BERTH_ECLOSED);
    assert_int_equal(step.plan.step_id, 0);
    assert_int_equal(step.plan.entry_count, 0);
    pool_host_end(host);
}

static void shutdown_does_not_drop_parked_work(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id ids[20];
    for (uint32_t i = 0; i < 20; i++) ids[i] = pool_submit_band(host, 1 + i % 4);
    CHECK_OK(berth_drain(host->pool, 0));
    char buffer[8];
    for (uint32_t i = 0; i < 20; i++) {
        pool_outcome(host, ids[i], BERTH_OUTCOME_SHUTDOWN, 0);
        berth_record end = pool_read(host, ids[i], buffer, sizeof buffer, BERTH_RECORD_END);
        assert_int_equal(end.outcome.kind, BERTH_OUTCOME_SHUTDOWN);
    }
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_SHUTDOWN], 20);
    assert_int_equal(stats.closed, 1);
    assert_int_equal(atomic_load(&host->release_count), 20);
    pool_host_end(host);
}

static void drain_lets_the_engine_finish_what_runs(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id running = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    CHECK(berth_drain(host->pool, 100 * MS), BERTH_ETIMEDOUT); /* virtual: does not wait */
    pool_outcome(host, parked, BERTH_OUTCOME_SHUTDOWN, 0);
    assert_true(pool_unfinished(host, running));
    pool_commit(host, &step);
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    pool_plan(host, &step);
    assert_int_equal(step.result_count, 1);
    pool_commit_finished(host, &step);
    pool_outcome(host, running, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    CHECK_OK(berth_drain(host->pool, 0));
    CHECK_OK(berth_drain(host->pool, 0));
    pool_host_end(host);
}

static void a_drained_gate_lets_its_requests_finish(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id in = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    pool_outcome(host, parked, BERTH_OUTCOME_SHUTDOWN, 0);
    assert_int_equal(atomic_load(&host->cancelled_count), 0);
    CHECK_OK(berth_finish(host->pool, in, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_drain(host->pool, 0));
    pool_outcome(host, in, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void a_closed_pool_can_still_be_read(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_result(&step, id)->bytes = "late";
    pool_result(&step, id)->bytes_size = 4;
    pool_result(&step, id)->tokens_generated = 1;
    pool_commit_finished(host, &step);
    CHECK_OK(berth_drain(host->pool, 0));
    char buffer[8];
    berth_record chunk = pool_read(host, id, buffer, sizeof buffer, BERTH_RECORD_CHUNK);
    assert_int_equal(chunk.size, 4);
    assert_memory_equal(buffer, "late", 4);
    pool_read(host, id, buffer, sizeof buffer, BERTH_RECORD_END);
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/life", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_make_a_pool_that_can_be_destroyed),
        cmocka_unit_test(destroy_of_no_pool_does_nothing),
        cmocka_unit_test(pools_live_side_by_side),
        cmocka_unit_test(the_options_and_the_executor_are_copied),
        cmocka_unit_test(destroy_releases_what_is_parked),
        cmocka_unit_test(destroy_releases_what_runs_between_two_steps),
        cmocka_unit_test(destroy_releases_nothing_twice),
        cmocka_unit_test(destroy_is_busy_while_a_step_is_outstanding),
        cmocka_unit_test(destroy_is_busy_while_the_step_of_a_cancelled_request_is_outstanding),
        cmocka_unit_test(destroy_is_busy_while_a_gated_request_is_admitted),
        cmocka_unit_test(close_refuses_new_work_and_lets_the_rest_go_on),
        cmocka_unit_test(close_is_idempotent),
        cmocka_unit_test(plan_wait_says_closed_when_nothing_is_left_to_run),
        cmocka_unit_test(shutdown_does_not_drop_parked_work),
        cmocka_unit_test(drain_lets_the_engine_finish_what_runs),
        cmocka_unit_test(a_drained_gate_lets_its_requests_finish),
        cmocka_unit_test(a_closed_pool_can_still_be_read),
    };
    return cmocka_run_group_tests_name("api/life", tests, NULL, NULL);
}
