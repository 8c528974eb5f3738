/* SPDX-License-Identifier: MIT */
/* An engine that plans its next step while the one before still computes. */
#include "support/pool_host.h"

static pool_host *host_of(uint32_t steps_max) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.steps_max = steps_max;
    return host;
}

static void speak(pool_step *step, berth_request_id id, const char *text) {
    berth_result *result = pool_result(step, id);
    result->tokens_generated = 1;
    result->bytes = text;
    result->bytes_size = strlen(text);
}

static void output_comes_in_the_order_of_the_steps(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_step step[3];
    char text[16];
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_plan(host, &step[0]);
    pool_plan(host, &step[1]);
    step[2].plan = (berth_plan){.struct_size = sizeof step[2].plan};
    CHECK(berth_plan_next(host->pool, &step[2].plan), BERTH_ESTEP);
    CHECK(berth_plan_wait(host->pool, &step[2].plan, BERTH_FOREVER), BERTH_ESTEP);
    speak(&step[0], id, "one");
    speak(&step[1], id, "two");
    CHECK(berth_commit(host->pool, step[1].plan.step_id, step[1].results, 1), BERTH_ESTEP);
    pool_commit(host, &step[0]);
    pool_plan(host, &step[2]);
    pool_commit(host, &step[1]);
    berth_record record = pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    assert_memory_equal(text, "one", record.size);
    record = pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    assert_memory_equal(text, "two", record.size);
    pool_commit_finished(host, &step[2]);
    (void)pool_read(host, id, text, sizeof text, BERTH_RECORD_END);
    pool_host_end(host);
}

static void what_comes_after_the_end_is_dropped_and_counted(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_step step[2];
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_plan(host, &step[0]);
    pool_plan(host, &step[1]);
    pool_commit_finished(host, &step[0]);
    assert_int_equal(pool_stats(host).stopping, 1);
    speak(&step[1], id, "late");
    pool_commit(host, &step[1]);
    CHECK(step[1].results[0].status, BERTH_EENDED);
    assert_int_equal(pool_stats(host).stopping, 0);
    assert_int_equal(pool_stats(host).chunks_dropped_total, 1);
    (void)pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void an_engine_with_a_step_out_never_waits_for_work(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_step step;
    pool_host_start(host);
    (void)pool_submit_band(host, 0);
    berth_request_id id = pool_submit_band(host, 0);
    pool_plan(host, &step);
    for (uint32_t i = 0; i < step.result_count; i++)
        CHECK_OK(berth_suspend(host->pool, step.results[i].id));
    berth_plan_entry entries[POOL_ENTRIES_MAX];
    berth_plan plan = {
        .struct_size = sizeof plan, .entries = entries, .entry_max = POOL_ENTRIES_MAX};
    CHECK(berth_plan_wait(host->pool, &plan, BERTH_FOREVER), BERTH_ETIMEDOUT);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    pool_commit_finished(host, &step);
    (void)pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void a_full_mailbox_ends_it_and_its_later_steps_are_ended_too(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_step step[3];
    static char chunk[192];
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_plan(host, &step[0]);
    pool_plan(host, &step[1]);
    for (int i = 0; i < 2; i++) {
        speak(&step[i], id, "");
        pool_result(&step[i], id)->bytes = chunk;
        pool_result(&step[i], id)->bytes_size = sizeof chunk;
    }
    pool_commit(host, &step[0]);
    CHECK(step[0].results[0].status, BERTH_OK);
    pool_plan(host, &step[2]);
    pool_commit(host, &step[1]);
    CHECK(step[1].results[0].status, BERTH_EFULL);
    assert_int_equal(pool_stats(host).stopping, 1);
    pool_commit(host, &step[2]);
    CHECK(step[2].results[0].status, BERTH_EENDED);
    (void)pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    pool_run_out(host);
    pool_host_end(host);
}

static void a_failed_step_frees_the_pool_of_all(void **state) {
    (void)state;
    pool_host *host = host_of(3);
    pool_step step[3];
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    for (int i = 0; i < 3; i++) pool_plan(host, &step[i]);
    CHECK(berth_plan_fail(host->pool, step[1].plan.step_id), BERTH_ESTEP);
    CHECK_OK(berth_plan_fail(host->pool, step[0].plan.step_id));
    CHECK(berth_commit(host->pool, step[1].plan.step_id, NULL, 0), BERTH_ESTEP);
    assert_int_equal(pool_stats(host).steps_failed_total, 3);
    (void)pool_outcome(host, id, BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_comes_in_the_order_of_the_steps),
        cmocka_unit_test(what_comes_after_the_end_is_dropped_and_counted),
        cmocka_unit_test(an_engine_with_a_step_out_never_waits_for_work),
        cmocka_unit_test(a_full_mailbox_ends_it_and_its_later_steps_are_ended_too),
        cmocka_unit_test(a_failed_step_frees_the_pool_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
