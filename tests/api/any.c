/* SPDX-License-Identifier: MIT */
/* Waiting for one of many mailboxes: what wakes, whom it names, who is sent away. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define COUNT 4u

typedef struct bed {
    pool_host *host;
    berth_request_id ids[COUNT];
} bed;

/* A gate that all are in, and that have read so. */
static void make(bed *b) {
    b->host = pool_host_new(BERTH_FACE_GATE);
    b->host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(b->host);
    for (uint32_t i = 0; i < COUNT; i++) {
        b->ids[i] = pool_submit_band(b->host, 0);
        pool_read(b->host, b->ids[i], NULL, 0, BERTH_RECORD_ADMITTED);
    }
    uint32_t count;
    berth_request_id ids[COUNT];
    while (berth_ready_take(b->host->pool, ids, COUNT, &count) == BERTH_OK) continue;
}

static void end(bed *b) {
    for (uint32_t i = 0; i < COUNT; i++)
        (void)berth_finish(b->host->pool, b->ids[i], BERTH_FINISH_STOP, 0);
    pool_host_end(b->host);
}

static berth_status wait_any(bed *b, uint64_t timeout_ns, uint32_t *index) {
    *index = 77;
    return berth_mailbox_wait_any(b->host->pool, b->ids, COUNT, timeout_ns, index);
}

typedef struct sleeper {
    pool_thread thread;
    bed *b;
    _Atomic berth_status status;
    atomic_uint index;
} sleeper;

static void sleep_for_any(void *argument) {
    sleeper *self = argument;
    uint32_t index;
    pool_thread_calls(&self->thread);
    const berth_status status = wait_any(self->b, BERTH_FOREVER, &index);
    atomic_store(&self->index, index);
    atomic_store(&self->status, status);
}

static void start(sleeper *self, bed *b) {
    memset(self, 0, sizeof *self);
    self->b = b;
    pool_thread_start(&self->thread, sleep_for_any, self);
    pool_thread_await_blocked(&self->thread);
}

static void what_is_there_is_named_at_once_the_first_of_them(void **state) {
    bed b;
    uint32_t index;
    (void)state;
    make(&b);
    CHECK(wait_any(&b, 0, &index), BERTH_ETIMEDOUT);
    CHECK_OK(berth_emit(b.host->pool, b.ids[3], "x", 1, 1));
    CHECK_OK(wait_any(&b, 0, &index));
    assert_int_equal(index, 3);
    CHECK_OK(berth_emit(b.host->pool, b.ids[1], "x", 1, 1));
    CHECK_OK(wait_any(&b, BERTH_FOREVER, &index));
    assert_int_equal(index, 1);
    end(&b);
}

static void a_chunk_an_end_or_a_close_wakes_who_waits(void **state) {
    bed b;
    sleeper s;
    (void)state;
    make(&b);
    start(&s, &b);
    CHECK_OK(berth_emit(b.host->pool, b.ids[2], "x", 1, 1));
    pool_thread_join(&s.thread);
    CHECK_OK(atomic_load(&s.status));
    assert_int_equal(atomic_load(&s.index), 2);
    char text[4];
    pool_read(b.host, b.ids[2], text, sizeof text, BERTH_RECORD_CHUNK);
    start(&s, &b);
    CHECK_OK(berth_finish(b.host->pool, b.ids[1], BERTH_FINISH_STOP, 0));
    pool_thread_join(&s.thread);
    CHECK_OK(atomic_load(&s.status));
    assert_int_equal(atomic_load(&s.index), 1);
    CHECK_OK(berth_outcome_take(b.host->pool, b.ids[1], NULL));
    uint32_t index;
    CHECK(wait_any(&b, 0, &index), BERTH_ESTALE);
    assert_int_equal(index, 1);
    end(&b);
}

static void one_that_is_closed_under_who_waits_is_named_as_stale(void **state) {
    bed b;
    sleeper s;
    (void)state;
    make(&b);
    start(&s, &b);
    CHECK_OK(berth_mailbox_close(b.host->pool, b.ids[0]));
    pool_thread_join(&s.thread);
    CHECK(atomic_load(&s.status), BERTH_ESTALE);
    assert_int_equal(atomic_load(&s.index), 0);
    end(&b);
}

static void a_second_waiter_is_sent_away_and_nothing_is_left_behind(void **state) {
    bed b;
    sleeper s;
    uint32_t index;
    (void)state;
    make(&b);
    berth_record record = {.struct_size = sizeof record};
    start(&s, &b);
    CHECK(wait_any(&b, BERTH_FOREVER, &index), BERTH_EBUSY);
    CHECK(berth_mailbox_read(b.host->pool, b.ids[0], NULL, 0, BERTH_FOREVER, &record), BERTH_EBUSY);
    CHECK_OK(berth_emit(b.host->pool, b.ids[0], "x", 1, 1));
    pool_thread_join(&s.thread);
    CHECK_OK(atomic_load(&s.status));
    char text[4];
    pool_read(b.host, b.ids[0], text, sizeof text, BERTH_RECORD_CHUNK);
    CHECK(wait_any(&b, 1000000, &index), BERTH_ETIMEDOUT);
    CHECK(wait_any(&b, 1000000, &index), BERTH_ETIMEDOUT);
    end(&b);
}

static void others_that_got_something_meanwhile_are_named_as_ready(void **state) {
    bed b;
    sleeper s;
    berth_request_id ids[COUNT];
    uint32_t count = 0;
    (void)state;
    make(&b);
    start(&s, &b);
    CHECK_OK(berth_cancel(b.host->pool, b.ids[3]));
    pool_thread_join(&s.thread);
    assert_int_equal(atomic_load(&s.index), 3);
    /* The one that it was told of is not. */
    CHECK(berth_ready_take(b.host->pool, ids, COUNT, &count), BERTH_EAGAIN);
    CHECK_OK(berth_emit(b.host->pool, b.ids[0], "x", 1, 1));
    CHECK_OK(berth_ready_take(b.host->pool, ids, COUNT, &count));
    assert_int_equal(count, 1);
    assert_true(ids[0] == b.ids[0]);
    end(&b);
}

static void malformed_calls_are_refused(void **state) {
    bed b;
    uint32_t index;
    const berth_request_id none = 0;
    (void)state;
    make(&b);
    CHECK(berth_mailbox_wait_any(NULL, b.ids, 1, 0, &index), BERTH_EINVAL);
    CHECK(berth_mailbox_wait_any(b.host->pool, NULL, 1, 0, &index), BERTH_EINVAL);
    CHECK(berth_mailbox_wait_any(b.host->pool, b.ids, 0, 0, &index), BERTH_EINVAL);
    CHECK(berth_mailbox_wait_any(b.host->pool, b.ids, 1, 0, NULL), BERTH_EINVAL);
    CHECK(berth_mailbox_wait_any(b.host->pool, &none, 1, 0, &index), BERTH_EINVAL);
    end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_named_at_once_the_first_of_them),
        cmocka_unit_test(a_chunk_an_end_or_a_close_wakes_who_waits),
        cmocka_unit_test(one_that_is_closed_under_who_waits_is_named_as_stale),
        cmocka_unit_test(a_second_waiter_is_sent_away_and_nothing_is_left_behind),
        cmocka_unit_test(others_that_got_something_meanwhile_are_named_as_ready),
        cmocka_unit_test(malformed_calls_are_refused),
    };
    pool_watchdog("api any", 60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
