/* SPDX-License-Identifier: MIT */
/* Requests that give way for want of KV: what the engine is told, and what the reader keeps. */
#include "support/pool_host.h"

/* Blocks of one token on an engine: each decode needs another one. */
static pool_host *host_of(uint32_t running_max, uint64_t blocks) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = running_max;
    host->options.mailboxes_max = running_max;
    host->options.kv_block_tokens = 1;
    host->options.kv_mode = BERTH_KV_OPTIMISTIC;
    pool_host_resource(host, "kv_blocks", blocks);
    return host;
}

static berth_request_id ask(pool_host *host, uint32_t band, uint64_t prompt_tokens) {
    berth_request request = pool_request(host, band);
    request.prompt_tokens = prompt_tokens;
    request.max_new_tokens = 4;
    return pool_submit(host, &request);
}

/* A step in which each request generates one token, "t". */
static void run_step(pool_host *host, pool_step *step) {
    pool_plan(host, step);
    for (uint32_t i = 0; i < step->result_count; i++) {
        step->results[i].tokens_generated = 1;
        step->results[i].bytes = "t";
        step->results[i].bytes_size = 1;
    }
    if (step->plan.step_id != 0) pool_commit(host, step);
}

static void the_engine_is_told_to_forget_and_later_to_compute_again(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id older = ask(host, 0, 4);
    berth_request_id newer = ask(host, 0, 4);
    pool_step step;
    run_step(host, &step);
    run_step(host, &step); /* both want a fifth block */
    assert_int_equal(step.plan.leave_count, 1);
    const berth_plan_entry *leave = pool_entry(&step, newer);
    assert_int_equal(leave->kind, BERTH_ENTRY_LEAVE);
    assert_int_equal(leave->flags, BERTH_ENTRY_PREEMPTED);
    assert_int_equal(step.plan.parked_count, 1);
    assert_true(pool_unfinished(host, newer));
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.preemptions_total, 1);
    assert_int_equal(stats.tokens_recomputed_total, 4);
    assert_int_equal(stats.resources[0].used_units, 5);
    CHECK_OK(berth_cancel(host->pool, older));
    pool_plan(host, &step);
    const berth_plan_entry *again = pool_entry(&step, newer);
    assert_int_equal(again->kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(again->flags, BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED);
    assert_int_equal(again->tokens, 5); /* 4 of the prompt, and 1 that was generated */
    assert_int_equal(again->tokens_generated, 1);
    assert_int_equal(step.plan.admitted_count, 1);
    pool_commit_finished(host, &step);
    stats = pool_stats(host);
    assert_int_equal(stats.admitted_total, 2);
    assert_int_equal(stats.readmitted_total, 1);
    assert_int_equal(stats.prompt_tokens_total, 8);
    pool_host_end(host);
}

static void the_reader_misses_nothing_of_a_request_that_was_preempted(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id older = ask(host, 0, 4);
    berth_request_id newer = ask(host, 0, 4);
    char text[8];
    pool_step step;
    run_step(host, &step);
    run_step(host, &step);
    /* The chunk of the first step is unread, and still there. */
    assert_int_equal(pool_read(host, newer, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 0);
    CHECK_OK(berth_cancel(host->pool, older));
    run_step(host, &step);
    assert_int_equal(pool_read(host, newer, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 1);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    assert_int_equal(pool_read(host, newer, text, sizeof text, BERTH_RECORD_END).sequence, 2);
    pool_host_end(host);
}

static void a_preempted_request_can_be_cancelled_and_its_output_read(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id older = ask(host, 0, 4);
    berth_request_id newer = ask(host, 0, 4);
    char text[8];
    pool_step step;
    run_step(host, &step);
    run_step(host, &step);
    CHECK_OK(berth_cancel(host->pool, newer));
    pool_outcome(host, newer, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    pool_read(host, newer, text, sizeof text, BERTH_RECORD_CHUNK);
    pool_read(host, newer, text, sizeof text, BERTH_RECORD_END);
    assert_int_equal(pool_stats(host).parked, 0);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 0); /* it was told so before */
    pool_commit_finished(host, &step);
    pool_outcome(host, older, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void unread_output_of_the_preempted_does_not_take_the_rings_of_others(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id older = ask(host, 0, 4);
    berth_request_id newer = ask(host, 0, 4);
    char text[8];
    pool_step step;
    run_step(host, &step);
    run_step(host, &step); /* the newer one is parked, and holds one of the two rings */
    CHECK_OK(berth_cancel(host->pool, older)); /* which keeps the other, unread */
    berth_request_id urgent = ask(host, 4, 1);
    berth_request_id second = ask(host, 4, 1);
    run_step(host, &step); /* one outcome is dropped for its ring; there is no other to be had */
    assert_true(pool_planned(&step, urgent, BERTH_ENTRY_PREFILL));
    assert_int_equal(step.plan.parked_count, 2);
    pool_read(host, newer, text, sizeof text, BERTH_RECORD_CHUNK); /* now there is */
    run_step(host, &step);
    assert_true(pool_planned(&step, second, BERTH_ENTRY_PREFILL));
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_run_out(host);
    pool_outcome(host, newer, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void where_all_rings_are_held_by_the_preempted_the_first_gives_way(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id gone = ask(host, 1, 4);
    berth_request_id low = ask(host, 1, 4);
    pool_step step;
    run_step(host, &step);
    run_step(host, &step); /* the low one holds a ring */
    CHECK_OK(berth_cancel(host->pool, gone));
    berth_request quiet = pool_request(host, 3);
    quiet.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    quiet.prompt_tokens = 3;
    berth_request_id silent = pool_submit(host, &quiet);
    berth_request_id middle = ask(host, 2, 4);
    run_step(host, &step);
    run_step(host, &step); /* the middle one holds the other */
    assert_int_equal(pool_entry(&step, middle)->kind, BERTH_ENTRY_LEAVE);
    CHECK_OK(berth_cancel(host->pool, silent));
    berth_request_id urgent = ask(host, 4, 1);
    run_step(host, &step);
    assert_true(pool_planned(&step, urgent, BERTH_ENTRY_PREFILL));
    CHECK(berth_wait(host->pool, low, 0, NULL), BERTH_ESTALE); /* a slow reader; dropped, counted */
    assert_true(pool_unfinished(host, middle));
    pool_run_out(host);
    pool_host_end(host);
}

static void kv_that_grows_is_not_the_engine_s_to_report(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id id = ask(host, 0, 4);
    const uint64_t held = 4;
    pool_step step;
    pool_plan(host, &step);
    CHECK(berth_charge(host->pool, id, &held, 1), BERTH_EINVAL);
    step.results[0].held = &held;
    step.results[0].held_count = 1;
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, step.results, 1));
    assert_int_equal(step.results[0].status, BERTH_EINVAL);
    pool_run_out(host);
    pool_host_end(host);
}

static void a_drain_ends_what_was_preempted(void **state) {
    (void)state;
    pool_host *host = host_of(2, 8);
    pool_host_start(host);
    berth_request_id older = ask(host, 0, 4);
    berth_request_id newer = ask(host, 0, 4);
    pool_step step;
    run_step(host, &step);
    run_step(host, &step);
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    pool_outcome(host, newer, BERTH_OUTCOME_SHUTDOWN, 0);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_outcome(host, older, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    CHECK_OK(berth_drain(host->pool, 0));
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_is_told_to_forget_and_later_to_compute_again),
        cmocka_unit_test(the_reader_misses_nothing_of_a_request_that_was_preempted),
        cmocka_unit_test(a_preempted_request_can_be_cancelled_and_its_output_read),
        cmocka_unit_test(unread_output_of_the_preempted_does_not_take_the_rings_of_others),
        cmocka_unit_test(where_all_rings_are_held_by_the_preempted_the_first_gives_way),
        cmocka_unit_test(kv_that_grows_is_not_the_engine_s_to_report),
        cmocka_unit_test(a_drain_ends_what_was_preempted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
