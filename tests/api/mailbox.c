/* SPDX-License-Identifier: MIT */
/* Mailboxes: chunks in order, the end last, and what happens when nobody reads. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *gate_of(uint32_t running_max) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = running_max;
    return host;
}

static void finish(pool_host *host, berth_request_id id) {
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

static void admitted_is_the_first_record_and_comes_once(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id first = pool_submit_band(host, 0);
    berth_request_id second = pool_submit_band(host, 0);
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, second, NULL, 0, 0, &record), BERTH_ETIMEDOUT);
    CHECK_OK(berth_emit(host->pool, first, "x", 1, 1));
    record = pool_read(host, first, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(record.slot, 0);
    char buffer[8];
    pool_read(host, first, buffer, sizeof buffer, BERTH_RECORD_CHUNK);
    CHECK(berth_mailbox_read(host->pool, first, buffer, sizeof buffer, 0, &record),
          BERTH_ETIMEDOUT);
    finish(host, first);
    pool_read(host, first, buffer, sizeof buffer, BERTH_RECORD_END);
    pool_read(host, second, buffer, sizeof buffer, BERTH_RECORD_ADMITTED);
    finish(host, second);
    pool_host_end(host);
}

static void one_that_was_never_admitted_says_so_by_its_end_alone(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id first = pool_submit_band(host, 0);
    berth_request_id second = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, second));
    berth_record end = pool_read(host, second, NULL, 0, BERTH_RECORD_END);
    assert_int_equal(end.outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(end.outcome.admitted_at_ns, 0);
    finish(host, first);
    pool_host_end(host);
}

static void chunks_keep_their_order_and_the_end_is_last_and_stays(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    char text[32];
    for (uint32_t i = 0; i < 20; i++) {
        memset(text, 'a' + (int)i, sizeof text);
        CHECK_OK(berth_emit(host->pool, id, text, 1 + i, i));
    }
    finish(host, id);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    for (uint32_t i = 0; i < 20; i++) {
        berth_record chunk = pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
        assert_int_equal(chunk.sequence, i);
        assert_int_equal(chunk.size, 1 + i);
        assert_int_equal(chunk.tokens, i);
        for (uint32_t k = 0; k <= i; k++) assert_int_equal(text[k], 'a' + (int)i);
    }
    for (uint32_t i = 0; i < 3; i++) {
        berth_record end = pool_read(host, id, text, sizeof text, BERTH_RECORD_END);
        assert_int_equal(end.sequence, 20);
        assert_int_equal(end.outcome.kind, BERTH_OUTCOME_COMPLETED);
        assert_int_equal(end.outcome.tokens_generated, 190);
    }
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, id, text, sizeof text, 0, &record), BERTH_ESTALE);
    pool_host_end(host);
}

static void a_ring_that_wraps_loses_nothing(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    uint64_t seed = 7;
    uint64_t sent = 0;
    uint64_t got = 0;
    unsigned char text[256];
    for (uint32_t round = 0; round < 2000; round++) {
        size_t size = pool_random(&seed) % 60;
        memset(text, (int)(sent & 0xff), sizeof text);
        berth_status status = berth_emit(host->pool, id, text, size, 1);
        if (status == BERTH_OK)
            sent++;
        else
            CHECK(status, BERTH_EFULL);
        if (status == BERTH_EFULL || pool_random(&seed) % 2 == 0) {
            berth_record record = {.struct_size = sizeof record};
            berth_status read = berth_mailbox_read(host->pool, id, text, sizeof text, 0, &record);
            if (read == BERTH_ETIMEDOUT) continue;
            CHECK_OK(read);
            assert_int_equal(record.sequence, got);
            for (uint64_t k = 0; k < record.size; k++) assert_int_equal(text[k], got & 0xff);
            got++;
        }
    }
    assert_true(sent > 900);
    finish(host, id);
    while (got < sent) {
        berth_record record = pool_read(host, id, (char *)text, sizeof text, BERTH_RECORD_CHUNK);
        assert_int_equal(record.sequence, got++);
    }
    assert_int_equal(pool_read(host, id, NULL, 0, BERTH_RECORD_END).sequence, sent);
    pool_host_end(host);
}

static void the_largest_chunk_fits_and_a_larger_one_never_does(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    char text[256] = {0};
    CHECK(berth_emit(host->pool, id, text, 193, 1), BERTH_EINVAL);
    CHECK_OK(berth_emit(host->pool, id, text, 192, 1));
    CHECK(berth_emit(host->pool, id, NULL, 4, 1), BERTH_EINVAL);
    finish(host, id);
    pool_host_end(host);
}

static void a_full_mailbox_takes_nothing_and_still_gets_its_end(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    char text[64] = {0};
    uint32_t sent = 0;
    while (berth_emit(host->pool, id, text, 32, 1) == BERTH_OK) sent++;
    assert_in_range(sent, 1, 8);
    berth_stats before = pool_stats(host);
    CHECK(berth_emit(host->pool, id, text, 32, 1), BERTH_EFULL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK);
    CHECK_OK(berth_emit(host->pool, id, text, 32, 1)); /* once the reader has read */
    finish(host, id);
    for (uint32_t i = 1; i <= sent; i++)
        assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_CHUNK).sequence, i);
    assert_int_equal(pool_read(host, id, text, sizeof text, BERTH_RECORD_END).sequence, sent + 1);
    pool_host_end(host);
}

static void slow_reader_does_not_stall_the_engine(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 2;
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request_id slow = pool_submit_band(host, 0);
    berth_request quiet = pool_request(host, 0);
    quiet.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    berth_request_id other = pool_submit(host, &quiet);
    pool_step step;
    uint32_t sent = 0;
    static const char text[64];
    for (;;) {
        pool_plan(host, &step);
        for (uint32_t i = 0; i < step.result_count; i++) {
            step.results[i].bytes = text;
            step.results[i].bytes_size = sizeof text;
            step.results[i].tokens_generated = 1;
        }
        pool_commit(host, &step);
        CHECK_OK(pool_result(&step, other)->status);
        if (pool_result(&step, slow)->status == BERTH_EFULL) break;
        CHECK_OK(pool_result(&step, slow)->status);
        assert_in_range(++sent, 1, 4);
    }
    berth_outcome outcome =
        pool_outcome(host, slow, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER);
    assert_true(outcome.chunks_dropped >= 1);
    assert_int_equal(pool_stats(host).running, 1);
    assert_int_equal(pool_stats(host).stopping, 0);
    char buffer[64];
    for (uint32_t i = 0; i < sent; i++)
        assert_int_equal(pool_read(host, slow, buffer, 64, BERTH_RECORD_CHUNK).sequence, i);
    pool_read(host, slow, buffer, 64, BERTH_RECORD_END);
    assert_true(pool_unfinished(host, other));
    pool_host_end(host);
}

static void a_small_buffer_leaves_the_chunk_where_it_is(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    CHECK_OK(berth_emit(host->pool, id, "abcdef", 6, 1));
    char buffer[8] = "zzzzzzz";
    berth_record record = {.struct_size = sizeof record};
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(berth_mailbox_read(host->pool, id, buffer, 5, 0, &record), BERTH_ESPACE);
        assert_int_equal(record.size, 6);
        assert_int_equal(record.kind, BERTH_RECORD_NONE);
        assert_memory_equal(buffer, "zzzzzzz", 7);
        CHECK(berth_mailbox_read(host->pool, id, NULL, 0, 0, &record), BERTH_ESPACE);
    }
    assert_int_equal(pool_read(host, id, buffer, 6, BERTH_RECORD_CHUNK).sequence, 0);
    assert_memory_equal(buffer, "abcdef", 6);
    finish(host, id);
    pool_host_end(host);
}

static void an_outcome_mailbox_drops_and_counts_chunks(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 256;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    berth_request_id id = pool_submit(host, &request);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    char text[100] = {0};
    for (uint32_t i = 0; i < 50; i++) CHECK_OK(berth_emit(host->pool, id, text, 100, 2));
    finish(host, id);
    berth_record end = pool_read(host, id, NULL, 0, BERTH_RECORD_END);
    assert_int_equal(end.sequence, 0);
    assert_int_equal(end.outcome.chunks_dropped, 50);
    assert_int_equal(end.outcome.tokens_generated, 100);
    assert_int_equal(pool_stats(host).chunks_dropped_total, 50);
    pool_host_end(host);
}

static void a_reader_that_goes_away_is_a_cancel(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id running = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    CHECK_OK(berth_mailbox_close(host->pool, parked));
    CHECK(berth_wait(host->pool, parked, 0, NULL), BERTH_ESTALE);
    assert_int_equal(atomic_load(&host->cancelled_count), 0); /* it was not running */
    assert_int_equal(atomic_load(&host->release_count), 1);
    CHECK_OK(berth_mailbox_close(host->pool, running));
    assert_int_equal(atomic_load(&host->cancelled_count), 1);
    assert_true(atomic_load(&host->cancelled_id) == running);
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, running, NULL, 0, 0, &record), BERTH_ESTALE);
    CHECK(berth_mailbox_close(host->pool, running), BERTH_ESTALE);
    assert_int_equal(pool_stats(host).stopping, 1);
    CHECK(berth_finish(host->pool, running, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.stopping, 0);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_CANCELLED], 2);
    assert_int_equal(stats.retained, 0);
    pool_host_end(host);
}

static void a_reader_that_goes_away_after_the_end_gives_up_the_outcome(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    finish(host, id);
    assert_int_equal(pool_stats(host).retained, 1);
    CHECK_OK(berth_mailbox_close(host->pool, id));
    CHECK(berth_outcome_take(host->pool, id, NULL), BERTH_ESTALE);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.retained, 0);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_COMPLETED], 1);
    pool_host_end(host);
}

static void retention_drops_oldest_first_and_counts(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.ended_max = 3;
    pool_host_start(host);
    berth_request_id ids[5];
    for (uint32_t i = 0; i < 5; i++) {
        ids[i] = pool_submit_band(host, 0);
        finish(host, ids[i]);
    }
    for (uint32_t i = 0; i < 5; i++)
        CHECK(berth_wait(host->pool, ids[i], 0, NULL), i < 2 ? BERTH_ESTALE : BERTH_OK);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.retained, 3);
    assert_int_equal(stats.retained_dropped_total, 2);
    CHECK_OK(berth_outcome_take(host->pool, ids[3], NULL));
    berth_request_id sixth = pool_submit_band(host, 0);
    finish(host, sixth); /* there is room: nobody is dropped */
    CHECK_OK(berth_wait(host->pool, ids[2], 0, NULL));
    assert_int_equal(pool_stats(host).retained_dropped_total, 2);
    assert_int_equal(atomic_load(&host->release_count), 6);
    pool_host_end(host);
}

static void retention_does_not_cut_a_live_stream(void **state) {
    (void)state;
    pool_host *host = gate_of(2);
    host->options.ended_max = 1;
    pool_host_start(host);
    berth_request_id live = pool_submit_band(host, 0);
    for (uint32_t i = 0; i < 10; i++) {
        finish(host, pool_submit_band(host, 0));
        CHECK_OK(berth_emit(host->pool, live, "x", 1, 1));
    }
    char buffer[8];
    pool_read(host, live, buffer, sizeof buffer, BERTH_RECORD_ADMITTED);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(pool_read(host, live, buffer, 8, BERTH_RECORD_CHUNK).sequence, i);
    finish(host, live);
    pool_read(host, live, buffer, sizeof buffer, BERTH_RECORD_END);
    pool_host_end(host);
}

/* Rings are fewer than ended requests: unread output goes, oldest first, when one is needed. */
static void a_store_without_a_free_ring_takes_that_of_the_oldest_ended(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailboxes_max = 2;
    pool_host_start(host);
    berth_request_id ids[4];
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = pool_submit_band(host, 0);
        CHECK_OK(berth_emit(host->pool, ids[i], "unread", 6, 1));
        finish(host, ids[i]);
    }
    berth_stats stats = pool_stats(host);
    assert_true(stats.retained_dropped_total >= 2);
    assert_int_equal(stats.retained + stats.retained_dropped_total, 4);
    CHECK(berth_wait(host->pool, ids[0], 0, NULL), BERTH_ESTALE);
    char buffer[8];
    pool_read(host, ids[3], NULL, 0, BERTH_RECORD_ADMITTED);
    pool_read(host, ids[3], buffer, sizeof buffer, BERTH_RECORD_CHUNK);
    assert_memory_equal(buffer, "unread", 6);
    pool_host_end(host);
}

static void unread_results_are_not_kept_for_ever(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.ended_max = 8;
    pool_host_start(host);
    for (uint32_t i = 0; i < 2000; i++) finish(host, pool_submit_band(host, 0));
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.retained, 8);
    assert_int_equal(stats.retained_dropped_total, 1992);
    assert_int_equal(stats.refused_total, 0);
    pool_host_end(host);
}

static void a_taken_outcome_is_the_one_that_was_waited_for(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK(berth_outcome_take(host->pool, id, NULL), BERTH_EAGAIN);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_FAILED, 12));
    berth_outcome seen = pool_outcome(host, id, BERTH_OUTCOME_FAILED, 0);
    berth_outcome taken = {.struct_size = sizeof taken};
    CHECK_OK(berth_outcome_take(host->pool, id, &taken));
    assert_memory_equal(&seen, &taken, sizeof seen);
    assert_int_equal(taken.code, 12);
    CHECK(berth_outcome_take(host->pool, id, &taken), BERTH_ESTALE);
    assert_int_equal(taken.kind, BERTH_OUTCOME_NONE);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/mailbox", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admitted_is_the_first_record_and_comes_once),
        cmocka_unit_test(one_that_was_never_admitted_says_so_by_its_end_alone),
        cmocka_unit_test(chunks_keep_their_order_and_the_end_is_last_and_stays),
        cmocka_unit_test(a_ring_that_wraps_loses_nothing),
        cmocka_unit_test(the_largest_chunk_fits_and_a_larger_one_never_does),
        cmocka_unit_test(a_full_mailbox_takes_nothing_and_still_gets_its_end),
        cmocka_unit_test(slow_reader_does_not_stall_the_engine),
        cmocka_unit_test(a_small_buffer_leaves_the_chunk_where_it_is),
        cmocka_unit_test(an_outcome_mailbox_drops_and_counts_chunks),
        cmocka_unit_test(a_reader_that_goes_away_is_a_cancel),
        cmocka_unit_test(a_reader_that_goes_away_after_the_end_gives_up_the_outcome),
        cmocka_unit_test(retention_drops_oldest_first_and_counts),
        cmocka_unit_test(retention_does_not_cut_a_live_stream),
        cmocka_unit_test(a_store_without_a_free_ring_takes_that_of_the_oldest_ended),
        cmocka_unit_test(unread_results_are_not_kept_for_ever),
        cmocka_unit_test(a_taken_outcome_is_the_one_that_was_waited_for),
    };
    return cmocka_run_group_tests_name("api/mailbox", tests, NULL, NULL);
}
