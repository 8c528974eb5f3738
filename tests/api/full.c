/* SPDX-License-Identifier: MIT */
/* What becomes of a stream whose reader is behind: it ends, text is merged, or the plan waits. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define SIZE 512u

static pool_host *engine_of(uint32_t full) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.mailbox_size = SIZE;
    host->options.mailbox_full = full;
    host->options.pause_ns_max = 1000;
    return host;
}

static char bytes[SIZE];

#define NOT_LISTED 1

/* Plan, and commit one chunk of `size` bytes for `id`; the others get nothing. What became of it.
 */
static berth_status try_step(pool_host *host, berth_request_id id, uint64_t size) {
    static pool_step s;
    pool_plan(host, &s);
    const int listed =
        pool_planned(&s, id, BERTH_ENTRY_DECODE) || pool_planned(&s, id, BERTH_ENTRY_PREFILL);
    if (listed) {
        berth_result *result = pool_result(&s, id);
        memset(bytes, 'a', size);
        result->tokens_generated = 2;
        result->bytes = bytes;
        result->bytes_size = size;
    }
    if (s.plan.step_id != 0) pool_commit(host, &s);
    return listed ? pool_result(&s, id)->status : NOT_LISTED;
}

/* 0 if it is not in the plan. */
static uint32_t step(pool_host *host, berth_request_id id, uint64_t size, berth_status wanted) {
    const berth_status status = try_step(host, id, size);
    if (status != NOT_LISTED) CHECK(status, wanted);
    return status != NOT_LISTED;
}

static uint64_t read_all(pool_host *host, berth_request_id id, uint64_t *tokens, uint64_t *next) {
    uint64_t size = 0;
    char text[SIZE];
    berth_record record = {.struct_size = sizeof record};
    while (berth_mailbox_read(host->pool, id, text, sizeof text, 0, &record) == BERTH_OK &&
           record.kind == BERTH_RECORD_CHUNK) {
        assert_int_equal(record.sequence, *next);
        (*next)++;
        size += record.size;
        *tokens += record.tokens;
    }
    return size;
}

static void by_default_a_reader_who_is_too_slow_ends_the_request(void **state) {
    (void)state;
    pool_host *host = engine_of(0);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    for (int i = 0; i < 5; i++) assert_true(step(host, id, 80, BERTH_OK));
    assert_true(step(host, id, 80, BERTH_EFULL));
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    pool_host_end(host);
}

static void coalescing_merges_text_and_keeps_the_count_of_tokens(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_COALESCE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    uint64_t tokens = 0, next = 0, size = 0, steps = 0;
    /* One byte a token: sixteen times as many as would fit with a header each. */
    while (steps < 200) {
        assert_true(step(host, id, 1, BERTH_OK));
        steps++;
    }
    size = read_all(host, id, &tokens, &next);
    assert_int_equal(size, 200);
    assert_int_equal(tokens, 400);
    assert_true(next < 12);
    /* It goes on with the next sequence, and END counts chunks, not tokens. */
    assert_true(step(host, id, 3, BERTH_OK));
    size += read_all(host, id, &tokens, &next);
    assert_int_equal(size, 203);
    CHECK_OK(berth_cancel(host->pool, id));
    assert_int_equal(pool_read(host, id, NULL, 0, BERTH_RECORD_END).sequence, next);
    pool_host_end(host);
}

static void coalescing_ends_the_request_only_when_no_byte_fits(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_COALESCE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    uint64_t size = 0, tokens = 0, next = 0;
    while (try_step(host, id, 16) == BERTH_OK) size += 16;
    /* A header of 16 bytes each up to the half, and none after that. */
    assert_in_range(size, SIZE / 4 + SIZE / 2 - 64, SIZE);
    assert_int_equal(read_all(host, id, &tokens, &next), size);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    pool_host_end(host);
}

static void a_worker_or_gate_can_coalesce_too(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.mailbox_size = SIZE;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.mailbox_full = BERTH_FULL_COALESCE;
    const berth_request_id id = pool_submit(host, &request);
    uint64_t sent = 0, tokens = 0, next = 0;
    while (berth_emit(host->pool, id, "x", 1, 1) == BERTH_OK) sent++;
    CHECK(berth_emit(host->pool, id, "x", 1, 1), BERTH_EFULL);
    assert_in_range(sent, 200, SIZE);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(read_all(host, id, &tokens, &next), sent);
    assert_int_equal(tokens, sent);
    CHECK_OK(berth_emit(host->pool, id, "x", 1, 1));
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void a_paused_request_is_left_out_until_its_reader_has_caught_up(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    const berth_request_id other = pool_submit_band(host, 0);
    char text[SIZE];
    /* Three chunks are more than half of the ring, one is less than a quarter. */
    for (int i = 0; i < 3; i++) assert_true(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_stats(host).paused, 1);
    assert_false(step(host, id, 80, BERTH_OK));
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    assert_false(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_stats(host).paused, 1);
    assert_int_equal(pool_stats(host).running, 2);
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    assert_int_equal(pool_stats(host).paused, 0);
    assert_true(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_stats(host).pauses_total, 1);
    assert_true(pool_unfinished(host, id));
    assert_true(pool_unfinished(host, other));
    pool_host_end(host);
}

static void a_pause_ends_the_request_after_pause_ns_max(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    for (int i = 0; i < 3; i++) assert_true(step(host, id, 80, BERTH_OK));
    pool_advance(host, 999);
    assert_true(pool_unfinished(host, id));
    pool_advance(host, 1);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    /* What was delivered can still be read, and so can the end. */
    uint64_t tokens = 0, next = 0;
    assert_int_equal(read_all(host, id, &tokens, &next), 240);
    assert_int_equal(pool_read(host, id, NULL, 0, BERTH_RECORD_END).sequence, 3);
    pool_host_end(host);
}

static void a_chunk_that_does_not_fit_ends_a_request_that_would_pause(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    assert_true(step(host, id, 200, BERTH_OK));
    assert_true(step(host, id, 400, BERTH_EFULL));
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    pool_host_end(host);
}

static void a_request_may_differ_from_its_pool(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.mailbox_full = BERTH_FULL_END;
    const berth_request_id id = pool_submit(host, &request);
    for (int i = 0; i < 5; i++) assert_true(step(host, id, 80, BERTH_OK));
    assert_true(step(host, id, 80, BERTH_EFULL));
    pool_host_end(host);
}

static void one_that_waits_for_the_outcome_only_is_never_held_up(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    const berth_request_id id = pool_submit(host, &request);
    for (int i = 0; i < 50; i++) assert_true(step(host, id, 200, BERTH_OK));
    assert_int_equal(pool_stats(host).pauses_total, 0);
    pool_host_end(host);
}

static void an_engine_asleep_is_woken_when_the_reader_has_caught_up(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PAUSE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.pause_ns_max = 0;
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    char text[SIZE];
    for (int i = 0; i < 3; i++) assert_true(step(host, id, 80, BERTH_OK));
    berth_plan_entry entries[2];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2, .entries = entries};
    CHECK(berth_plan_wait(host->pool, &plan, 1000000), BERTH_ETIMEDOUT);
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    CHECK_OK(berth_plan_wait(host->pool, &plan, BERTH_FOREVER));
    assert_int_equal(plan.entry_count, 1);
    CHECK_OK(berth_commit(host->pool, plan.step_id, NULL, 0));
    pool_host_end(host);
}

static void one_that_gives_up_what_it_holds_lets_others_in_and_comes_back(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PREEMPT);
    host->options.running_max = 1;
    pool_host_resource(host, "units", 4);
    pool_host_start(host);
    const berth_request_id id = pool_submit_units(host, 0, 4);
    const berth_request_id other = pool_submit_units(host, 0, 4);
    char text[SIZE];
    for (int i = 0; i < 3; i++) assert_true(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_stats(host).preemptions_total, 1);
    assert_int_equal(pool_stats(host).resources[0].used_units, 0);
    /* What was delivered can be read while the other runs. */
    assert_true(step(host, other, 8, BERTH_OK));
    CHECK_OK(berth_cancel(host->pool, other));
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    assert_false(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_stats(host).parked, 1);
    assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 1);
    assert_true(step(host, id, 80, BERTH_OK));
    assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 2);
    assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 3);
    assert_int_equal(pool_stats(host).running, 1);
    pool_host_end(host);
}

static void one_that_gave_up_and_is_read_to_its_end_comes_back_too(void **state) {
    (void)state;
    pool_host *host = engine_of(BERTH_FULL_PREEMPT);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[8];
    uint32_t count;
    for (int i = 0; i < 3; i++) assert_true(step(host, id, 80, BERTH_OK));
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, 8, &count));
    assert_false(step(host, id, 80, BERTH_OK));
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 3));
    assert_true(step(host, id, 80, BERTH_OK));
    pool_host_end(host);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    pool_host *host = engine_of(0);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    berth_request_id id;
    request.mailbox_full = BERTH_FULL_PREEMPT + 1;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    request.mailbox_full = 0;
    request.mailbox_flags = BERTH_MAILBOX_KEYED << 1;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    request.mailbox_flags = 0;
    request.samples = BERTH_SAMPLES_MAX + 1;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    pool_host_end(host);

    host = pool_host_new(BERTH_FACE_GATE);
    pool_host_start(host);
    request.samples = 0;
    request.mailbox_full = BERTH_FULL_PAUSE;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    berth_options options = host->options;
    options.mailbox_full = BERTH_FULL_PAUSE;
    CHECK(berth_options_check(&options, NULL), BERTH_ECONFIG);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_a_reader_who_is_too_slow_ends_the_request),
        cmocka_unit_test(coalescing_merges_text_and_keeps_the_count_of_tokens),
        cmocka_unit_test(coalescing_ends_the_request_only_when_no_byte_fits),
        cmocka_unit_test(a_worker_or_gate_can_coalesce_too),
        cmocka_unit_test(a_paused_request_is_left_out_until_its_reader_has_caught_up),
        cmocka_unit_test(a_pause_ends_the_request_after_pause_ns_max),
        cmocka_unit_test(a_chunk_that_does_not_fit_ends_a_request_that_would_pause),
        cmocka_unit_test(a_request_may_differ_from_its_pool),
        cmocka_unit_test(one_that_waits_for_the_outcome_only_is_never_held_up),
        cmocka_unit_test(an_engine_asleep_is_woken_when_the_reader_has_caught_up),
        cmocka_unit_test(one_that_gives_up_what_it_holds_lets_others_in_and_comes_back),
        cmocka_unit_test(one_that_gave_up_and_is_read_to_its_end_comes_back_too),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    pool_watchdog("api full", 60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
