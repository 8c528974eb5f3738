/* SPDX-License-Identifier: MIT */
/* Several sequences from one prompt, as an engine and its host see them. */
#include "support/pool_host.h"

static pool_host *host_of(uint32_t face) {
    pool_host *host = pool_host_new(face);
    host->options.running_max = 4;
    return host;
}

static void an_engine_hears_of_them_and_steps_them_together(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 100);
    host->options.kv_block_tokens = 4;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.prompt_tokens = 6;
    request.max_new_tokens = 5;
    request.samples = 3;
    const berth_request_id id = pool_submit(host, &request);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(step.plan.admitted_count, 1);
    assert_int_equal(pool_entry(&step, id)->samples, 3);
    assert_int_equal(pool_entry(&step, id)->tokens, 6);
    assert_int_equal(pool_stats(host).resources[0].used_units, 1 + 3 * 2);
    pool_result(&step, id)->tokens_generated = 3;
    pool_commit(host, &step);
    pool_plan(host, &step);
    assert_int_equal(pool_entry(&step, id)->kind, BERTH_ENTRY_DECODE);
    assert_int_equal(pool_entry(&step, id)->tokens, 3);
    pool_result(&step, id)->tokens_generated = 2; /* one of them has ended */
    pool_result(&step, id)->tokens_computed = 2;
    pool_result(&step, id)->finish = BERTH_FINISH_STOP;
    pool_commit(host, &step);
    const berth_outcome outcome =
        pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(outcome.tokens_computed, 8);
    assert_int_equal(outcome.tokens_generated, 5);
    pool_host_end(host);
}

static void one_is_what_none_says(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(pool_entry(&step, id)->samples, 1);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    berth_request known = {.struct_size = sizeof known, .samples = 2};
    berth_request_id id;
    request.samples = BERTH_SAMPLES_MAX + 1;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    request.samples = BERTH_SAMPLES_MAX;
    id = pool_submit(host, &request);
    CHECK(berth_recost(host->pool, id, &known, NULL), BERTH_EINVAL);
    known.samples = 0;
    CHECK_OK(berth_recost(host->pool, id, &known, NULL));
    pool_host_end(host);

    host = host_of(BERTH_FACE_GATE);
    pool_host_start(host);
    request = pool_request(host, 0);
    request.samples = 2;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_hears_of_them_and_steps_them_together),
        cmocka_unit_test(one_is_what_none_says),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
