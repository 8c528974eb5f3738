/* SPDX-License-Identifier: MIT */
/* Reading without a copy: what is peeked at stays until it is given back, whatever happens. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define SPANS 32u

static pool_host *engine(void) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.mailbox_size = 256;
    host->options.running_max = 2;
    host->options.mailboxes_max = 2;
    host->options.ended_max = 1;
    pool_host_start(host);
    return host;
}

/* One step: `text` for each that runs; `finish` for all. */
static void step(pool_host *host, const char *text, uint32_t finish) {
    static pool_step s;
    pool_plan(host, &s);
    for (uint32_t i = 0; i < s.result_count; i++) {
        s.results[i].bytes = text;
        s.results[i].bytes_size = strlen(text);
        s.results[i].tokens_generated = 3;
        s.results[i].finish = finish;
    }
    if (s.plan.step_id != 0) pool_commit(host, &s);
}

static void chunks_are_seen_where_they_lie_and_read_when_consumed(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count = 9;
    CHECK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count), BERTH_EAGAIN);
    assert_int_equal(count, 0);
    step(host, "one", 0);
    step(host, "two", 0);
    step(host, "three", 0);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    assert_int_equal(count, 3);
    assert_memory_equal(spans[0].bytes, "one", 3);
    assert_memory_equal(spans[2].bytes, "three", 5);
    assert_int_equal(spans[2].size, 5);
    assert_int_equal(spans[1].sequence, 1);
    assert_int_equal(spans[1].tokens, 3);
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 2));
    char text[8];
    assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK).sequence, 2);
    pool_host_end(host);
}

static void what_is_not_consumed_stays_unread(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count;
    step(host, "one", 0);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 0));
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    assert_int_equal(count, 1);
    assert_int_equal(spans[0].sequence, 0);
    CHECK(berth_mailbox_consume(host->pool, id, spans[0].lease, 2), BERTH_EINVAL);
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1));
    CHECK(berth_mailbox_consume(host->pool, id, spans[0].lease, 0), BERTH_ESTALE);
    pool_host_end(host);
}

static void a_chunk_that_wraps_is_two_spans(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789";
    uint32_t wrapped = 0;
    for (uint32_t i = 0; i < 20; i++) {
        berth_span spans[SPANS];
        uint32_t count;
        step(host, text, 0);
        CHECK_OK(berth_mailbox_peek(host->pool, id, spans, 2, &count));
        assert_int_equal(spans[0].more, count == 2);
        assert_memory_equal(spans[0].bytes, text, spans[0].size);
        if (count == 2) {
            wrapped++;
            assert_int_equal(spans[0].size + spans[1].size, strlen(text));
            assert_memory_equal(spans[1].bytes, text + spans[0].size, spans[1].size);
            assert_int_equal(spans[1].tokens, 0);
            assert_int_equal(spans[1].more, 0);
        }
        CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1));
    }
    assert_true(wrapped > 0);
    pool_host_end(host);
}

static void only_whole_chunks_are_told(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count;
    for (int i = 0; i < 5; i++) step(host, "x", 0);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, 4, &count));
    assert_int_equal(count, 3); /* a fourth might have needed two */
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 3));
    pool_host_end(host);
}

static void while_it_is_peeked_at_nobody_else_reads_or_ends_it(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_record record = {.struct_size = sizeof record};
    berth_span spans[SPANS];
    berth_span more[SPANS];
    uint32_t count;
    char text[8];
    step(host, "one", BERTH_FINISH_STOP);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    CHECK(berth_mailbox_peek(host->pool, id, more, SPANS, &count), BERTH_EBUSY);
    CHECK(berth_mailbox_read(host->pool, id, text, sizeof text, 0, &record), BERTH_EBUSY);
    CHECK(berth_outcome_take(host->pool, id, NULL), BERTH_EBUSY);
    CHECK(berth_mailbox_close(host->pool, id), BERTH_EBUSY);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1));
    pool_read(host, id, NULL, 0, BERTH_RECORD_END);
    pool_host_end(host);
}

static void what_is_dropped_while_it_is_peeked_at_can_still_be_read(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count;
    step(host, "keep me", BERTH_FINISH_STOP);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    /* Others come and go; ended_max 1 drops the first. Its ring stays out of their hands. */
    for (int i = 0; i < 6; i++) {
        const berth_request_id next = pool_submit_band(host, 0);
        step(host, "overwrite", BERTH_FINISH_STOP);
        pool_outcome(host, next, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    }
    CHECK(berth_outcome_take(host->pool, id, NULL), BERTH_ESTALE);
    assert_memory_equal(spans[0].bytes, "keep me", 7);
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1));
    CHECK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1), BERTH_ESTALE);
    /* Both rings are there again. */
    const berth_request_id one = pool_submit_band(host, 0);
    const berth_request_id two = pool_submit_band(host, 0);
    step(host, "x", 0);
    char text[8];
    pool_read(host, one, text, sizeof text, BERTH_RECORD_CHUNK);
    pool_read(host, two, text, sizeof text, BERTH_RECORD_CHUNK);
    pool_host_end(host);
}

static void admission_waits_for_a_ring_that_is_peeked_at(void **state) {
    (void)state;
    pool_host *host = engine();
    berth_span one_spans[SPANS], two_spans[SPANS];
    uint32_t count;
    const berth_request_id one = pool_submit_band(host, 0);
    const berth_request_id two = pool_submit_band(host, 0);
    step(host, "x", BERTH_FINISH_STOP); /* ended_max 1: one of them is dropped */
    if (berth_mailbox_peek(host->pool, one, one_spans, SPANS, &count) == BERTH_ESTALE)
        CHECK_OK(berth_mailbox_peek(host->pool, two, two_spans, SPANS, &count));
    const berth_request_id three = pool_submit_band(host, 0);
    const berth_request_id four = pool_submit_band(host, 0);
    step(host, "y", 0);
    assert_int_equal(pool_stats(host).running, 1);
    CHECK_OK(berth_mailbox_consume(host->pool, two, two_spans[0].lease, 1));
    step(host, "y", 0);
    assert_int_equal(pool_stats(host).running, 2);
    assert_true(pool_unfinished(host, three));
    assert_true(pool_unfinished(host, four));
    pool_host_end(host);
}

static void the_last_chunk_of_an_ended_request_gives_its_ring_back(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count;
    step(host, "one", BERTH_FINISH_STOP);
    CHECK_OK(berth_mailbox_peek(host->pool, id, spans, SPANS, &count));
    CHECK_OK(berth_mailbox_consume(host->pool, id, spans[0].lease, 1));
    /* Two new ones find rings although the first is still retained. */
    (void)pool_submit_band(host, 0);
    (void)pool_submit_band(host, 0);
    step(host, "x", 0);
    assert_int_equal(pool_stats(host).running, 2);
    pool_read(host, id, NULL, 0, BERTH_RECORD_END);
    pool_host_end(host);
}

static void malformed_calls_are_refused(void **state) {
    (void)state;
    pool_host *host = engine();
    const berth_request_id id = pool_submit_band(host, 0);
    berth_span spans[SPANS];
    uint32_t count;
    CHECK(berth_mailbox_peek(NULL, id, spans, SPANS, &count), BERTH_EINVAL);
    CHECK(berth_mailbox_peek(host->pool, 0, spans, SPANS, &count), BERTH_EINVAL);
    CHECK(berth_mailbox_peek(host->pool, id, NULL, SPANS, &count), BERTH_EINVAL);
    CHECK(berth_mailbox_peek(host->pool, id, spans, 1, &count), BERTH_EINVAL);
    CHECK(berth_mailbox_peek(host->pool, id, spans, SPANS, NULL), BERTH_EINVAL);
    CHECK(berth_mailbox_peek(host->pool, id + 1, spans, SPANS, &count), BERTH_ESTALE);
    CHECK(berth_mailbox_consume(host->pool, id, UINT32_MAX, 0), BERTH_ESTALE);
    CHECK(berth_mailbox_consume(host->pool, id, 0, 0), BERTH_ESTALE);
    CHECK(berth_mailbox_consume(NULL, id, 0, 0), BERTH_EINVAL);
    CHECK(berth_mailbox_consume(host->pool, 0, 0, 0), BERTH_EINVAL);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_seen_where_they_lie_and_read_when_consumed),
        cmocka_unit_test(what_is_not_consumed_stays_unread),
        cmocka_unit_test(a_chunk_that_wraps_is_two_spans),
        cmocka_unit_test(only_whole_chunks_are_told),
        cmocka_unit_test(while_it_is_peeked_at_nobody_else_reads_or_ends_it),
        cmocka_unit_test(what_is_dropped_while_it_is_peeked_at_can_still_be_read),
        cmocka_unit_test(admission_waits_for_a_ring_that_is_peeked_at),
        cmocka_unit_test(the_last_chunk_of_an_ended_request_gives_its_ring_back),
        cmocka_unit_test(malformed_calls_are_refused),
    };
    pool_watchdog("api spans", 60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
