/* SPDX-License-Identifier: MIT */
/* Output that takes the short way, without the pool's lock: it is all counted when somebody looks,
 * and nobody can tell it from output that took the long one. */
#include "support/pool_host.h"

#define COUNT 20u

static pool_host *gate_of(uint32_t running_max) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = running_max;
    host->options.mailbox_size = 4096;
    return host;
}

static berth_request_id admitted(pool_host *host, const berth_request *request) {
    const berth_request_id id = pool_submit(host, request);
    pool_read(host, id, NULL, 0, BERTH_RECORD_ADMITTED);
    return id;
}

static berth_request_id submit(pool_host *host) {
    const berth_request request = pool_request(host, 0);
    return admitted(host, &request);
}

static void emit(pool_host *host, berth_request_id id, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) CHECK_OK(berth_emit(host->pool, id, "abc", 3, 2));
}

/* All that is there, in order from `sequence`. */
static uint32_t read_chunks(pool_host *host, berth_request_id id, uint64_t sequence) {
    char text[64];
    uint32_t count = 0;
    berth_record record = {.struct_size = sizeof record};
    while (berth_mailbox_read(host->pool, id, text, sizeof text, 0, &record) == BERTH_OK &&
           record.kind == BERTH_RECORD_CHUNK) {
        assert_int_equal(record.sequence, sequence + count);
        assert_int_equal(record.size, 3);
        assert_memory_equal(text, "abc", 3);
        count++;
    }
    return count;
}

static void what_was_put_out_is_counted_when_somebody_looks(void **state) {
    (void)state;
    pool_host *host = gate_of(2);
    host->options.tenants_max = 4;
    pool_host_start(host);
    berth_tenant_stats tenant = {.struct_size = sizeof tenant};
    berth_request request = pool_request(host, 0);
    request.tenant = 7;
    const berth_request_id one = admitted(host, &request);
    const berth_request_id two = submit(host);
    for (uint32_t round = 1; round <= 3; round++) {
        emit(host, one, COUNT);
        emit(host, two, COUNT);
        const berth_stats stats = pool_stats(host);
        const uint64_t chunks = round * 2 * COUNT + round - 1;
        assert_int_equal(stats.chunks_total, chunks);
        assert_int_equal(stats.tokens_generated_total, 2 * chunks);
        assert_int_equal(stats.bytes_total, 3 * chunks);
        emit(host, one, 1);
        CHECK_OK(berth_tenant_stats_read(host->pool, 7, &tenant));
        assert_int_equal(tenant.tokens_generated_total, round * 2 * (COUNT + 1));
        assert_int_equal(read_chunks(host, one, (round - 1) * (COUNT + 1)), COUNT + 1);
        assert_int_equal(read_chunks(host, two, (round - 1) * COUNT), COUNT);
    }
    CHECK_OK(berth_finish(host->pool, one, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, two, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void an_outcome_counts_all_that_came_before_it(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    const berth_request_id id = submit(host);
    emit(host, id, COUNT);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK(berth_emit(host->pool, id, "late", 4, 1), BERTH_EENDED);
    const berth_outcome outcome =
        pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(outcome.tokens_generated, 2 * COUNT);
    assert_int_equal(outcome.chunks_dropped, 1);
    assert_int_equal(read_chunks(host, id, 0), COUNT);
    berth_record record = pool_read(host, id, NULL, 0, BERTH_RECORD_END);
    assert_int_equal(record.sequence, COUNT);
    (void)berth_finish(host->pool, id, BERTH_FINISH_STOP, 0);
    pool_host_end(host);
}

static void a_deadline_counts_all_that_came_before_it(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.first_output_ns = 50;
    request.total_ns = 100;
    const berth_request_id id = admitted(host, &request);
    emit(host, id, COUNT);
    CHECK_OK(berth_clock_advance(host->pool, 99));
    emit(host, id, COUNT);
    CHECK_OK(berth_clock_advance(host->pool, 100));
    CHECK(berth_emit(host->pool, id, "late", 4, 1), BERTH_EENDED);
    const berth_outcome outcome =
        pool_outcome(host, id, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_TOTAL);
    assert_int_equal(outcome.tokens_generated, 4 * COUNT);
    assert_int_equal(outcome.chunks_dropped, 1);
    (void)berth_finish(host->pool, id, BERTH_FINISH_STOP, 0);
    pool_host_end(host);
}

static void the_ready_list_names_it_again(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    const berth_request_id id = submit(host);
    berth_request_id ready;
    uint32_t count;
    emit(host, id, 3);
    for (uint32_t round = 0; round < 3; round++) {
        CHECK_OK(berth_ready_take(host->pool, &ready, 1, &count));
        assert_true(ready == id);
        CHECK(berth_ready_take(host->pool, &ready, 1, &count), BERTH_EAGAIN);
        emit(host, id, 3);
    }
    assert_int_equal(read_chunks(host, id, 0), 12);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void a_full_ring_takes_nothing_and_goes_on_where_it_was(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 512;
    pool_host_start(host);
    const berth_request_id id = submit(host);
    uint32_t sent = 0;
    for (uint32_t round = 0; round < 5; round++) {
        const uint32_t before = sent;
        while (berth_emit(host->pool, id, "abc", 3, 2) == BERTH_OK) sent++;
        assert_int_equal(sent - before, 16); /* of 32 bytes each */
        CHECK(berth_emit(host->pool, id, "abc", 3, 2), BERTH_EFULL);
        assert_int_equal(pool_stats(host).chunks_total, sent);
        CHECK(berth_emit(host->pool, id, "abc", 3, 2), BERTH_EFULL);
        assert_int_equal(read_chunks(host, id, before), 16);
    }
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    assert_int_equal(pool_stats(host).tokens_generated_total, 2 * sent);
    pool_host_end(host);
}

static void what_does_not_fit_the_short_way_takes_the_long_one(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    pool_host_start(host);
    const berth_request_id id = submit(host);
    static char large[4096];
    emit(host, id, 2);
    CHECK(berth_emit(host->pool, id, large, 4033, 1), BERTH_EINVAL);
    CHECK(berth_emit(host->pool, id, NULL, 1, 1), BERTH_EINVAL);
    CHECK_OK(berth_emit(host->pool, id, "abc", 3, UINT64_C(1) << 40));
    emit(host, id, 2);
    assert_int_equal(pool_stats(host).tokens_generated_total, (UINT64_C(1) << 40) + 8);
    assert_int_equal(read_chunks(host, id, 0), 5);
    CHECK_OK(berth_emit(host->pool, id, large, 4032, 1));
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

/* Sizes go round by 151, so that each size meets each place where the ring's memory ends. */
static void a_chunk_of_any_size_comes_out_as_it_went_in(void **state) {
    unsigned char bytes[400], got[400];
    berth_record record = {.struct_size = sizeof record};
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailbox_size = 1024;
    pool_host_start(host);
    const berth_request_id id = submit(host);
    uint64_t size_total = 0;
    for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7 + 1);
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t size = i % 151;
        bytes[0] = (unsigned char)i;
        CHECK_OK(berth_emit(host->pool, id, size > 0 ? bytes : NULL, size, i % 3));
        CHECK_OK(berth_mailbox_read(host->pool, id, got, sizeof got, 0, &record));
        assert_int_equal(record.sequence, i);
        assert_int_equal(record.size, size);
        assert_int_equal(record.tokens, i % 3);
        assert_memory_equal(got, bytes, size);
        size_total += size;
    }
    assert_int_equal(pool_stats(host).bytes_total, size_total);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void where_tokens_decide_each_counts_at_once(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.tenants_max = 4;
    host->options.fairness = BERTH_FAIRNESS_VTC;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    berth_request_id ids[3];
    request.tenant = 7;
    ids[0] = admitted(host, &request);
    request = pool_request(host, 0);
    request.tenant = 7;
    ids[1] = pool_submit(host, &request);
    request = pool_request(host, 0);
    request.tenant = 8;
    ids[2] = pool_submit(host, &request);
    emit(host, ids[0], COUNT);
    /* Nobody has looked; the other tenant has had less, and goes next though it came later. */
    CHECK_OK(berth_finish(host->pool, ids[0], BERTH_FINISH_STOP, 0));
    pool_read(host, ids[2], NULL, 0, BERTH_RECORD_ADMITTED);
    CHECK_OK(berth_finish(host->pool, ids[2], BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, ids[1], BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

/* One that puts out so many chunks, and ends. */
static void put_out(pool_host *host, uint64_t tenant, uint32_t count) {
    berth_request request = pool_request(host, 0);
    request.tenant = tenant;
    request.max_new_tokens = 1000;
    const berth_request_id id = admitted(host, &request);
    emit(host, id, count);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

static void lengths_are_learnt_from_all_that_came(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.order = BERTH_ORDER_SHORTEST;
    host->options.tenants_max = 4;
    pool_host_start(host);
    for (uint32_t i = 0; i < 10; i++) {
        put_out(host, 7, 40);
        put_out(host, 8, 2);
    }
    const berth_request_id runs = submit(host);
    berth_request request = pool_request(host, 0);
    request.tenant = 7;
    request.max_new_tokens = 1000;
    const berth_request_id is_long = pool_submit(host, &request);
    request = pool_request(host, 0);
    request.tenant = 8;
    request.max_new_tokens = 1000;
    const berth_request_id is_short = pool_submit(host, &request);
    CHECK_OK(berth_finish(host->pool, runs, BERTH_FINISH_STOP, 0));
    pool_read(host, is_short, NULL, 0, BERTH_RECORD_ADMITTED);
    CHECK_OK(berth_finish(host->pool, is_short, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, is_long, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void a_ring_that_changes_hands_keeps_nothing(void **state) {
    (void)state;
    pool_host *host = gate_of(1);
    host->options.mailboxes_max = 1;
    pool_host_start(host);
    berth_request_id before = 0;
    for (uint32_t i = 0; i < 5; i++) {
        const berth_request_id id = submit(host);
        emit(host, id, 1 + i);
        if (before != 0) CHECK(berth_emit(host->pool, before, "abc", 3, 2), BERTH_ESTALE);
        assert_int_equal(read_chunks(host, id, 0), 1 + i);
        CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
        CHECK_OK(berth_outcome_take(host->pool, id, NULL));
        before = id;
    }
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_out_is_counted_when_somebody_looks),
        cmocka_unit_test(an_outcome_counts_all_that_came_before_it),
        cmocka_unit_test(a_deadline_counts_all_that_came_before_it),
        cmocka_unit_test(lengths_are_learnt_from_all_that_came),
        cmocka_unit_test(the_ready_list_names_it_again),
        cmocka_unit_test(a_full_ring_takes_nothing_and_goes_on_where_it_was),
        cmocka_unit_test(what_does_not_fit_the_short_way_takes_the_long_one),
        cmocka_unit_test(a_chunk_of_any_size_comes_out_as_it_went_in),
        cmocka_unit_test(where_tokens_decide_each_counts_at_once),
        cmocka_unit_test(a_ring_that_changes_hands_keeps_nothing),
    };
    return cmocka_run_group_tests_name("api/emit", tests, NULL, NULL);
}
