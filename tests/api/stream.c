/* SPDX-License-Identifier: MIT */
/* Streams of workers whose first chunk takes no lock: what is known of it, and who hears of it, is
 * what it is where it does. */
#include <poll.h>
#include <time.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)
#define MANY 40u

static void sleep_ms(long ms) {
    const struct timespec time = {.tv_nsec = ms * (long)MS};
    nanosleep(&time, NULL);
}

static berth_request_id submit(pool_host *host, uint64_t first_output_ns) {
    const berth_request request = {.struct_size = sizeof request,
                                   .mailbox_mode = BERTH_MAILBOX_STREAM,
                                   .first_output_ns = first_output_ns};
    berth_request_id id = 0;
    CHECK_OK(berth_submit(host->pool, &request, &id, NULL));
    return id;
}

static pool_host *begin(int32_t (*execute)(pool_host *host, const berth_call *call)) {
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    host->execute = execute;
    host->options.worker_count = 1;
    host->options.running_max = 2;
    host->options.mailboxes_max = MANY + 2;
    host->options.parked_max = MANY;
    pool_host_start(host);
    return host;
}

/* What execute and the test tell each other. */
static atomic_uint emitted;
static atomic_uint go_on;
static uint64_t before_ns; /* the first chunk came between these two */
static uint64_t after_ns;

static uint64_t now_of(berth_pool *pool) {
    uint64_t now = 0;
    (void)berth_clock_now(pool, &now);
    return now;
}

static int32_t emit_and_wait(pool_host *host, const berth_call *call) {
    (void)host;
    sleep_ms(2);
    before_ns = now_of(call->pool);
    (void)berth_emit(call->pool, call->id, "a", 1, 1);
    after_ns = now_of(call->pool);
    sleep_ms(2);
    atomic_store(&emitted, 1);
    while (!atomic_load(&go_on)) sleep_ms(1);
    (void)berth_emit(call->pool, call->id, "b", 1, 1);
    return BERTH_EXECUTE_DONE;
}

static int32_t emit_at_once(pool_host *host, const berth_call *call) {
    (void)host;
    (void)berth_emit(call->pool, call->id, "a", 1, 1);
    return BERTH_EXECUTE_DONE;
}

/* Until it is told that its outcome is fixed. */
static int32_t emit_too_late(pool_host *host, const berth_call *call) {
    (void)host;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    while (berth_wait(call->pool, call->id, 0, &outcome) == BERTH_ETIMEDOUT) sleep_ms(1);
    (void)berth_emit(call->pool, call->id, "a", 1, 1);
    return BERTH_EXECUTE_DONE;
}

static void begin_waiting(void) {
    atomic_store(&emitted, 0);
    atomic_store(&go_on, 0);
}

static void wait_until_emitted(void) {
    while (!atomic_load(&emitted)) sleep_ms(1);
}

/* ---- When it came ---- */

static void first_output_is_when_it_came_whenever_somebody_looks(void **state) {
    (void)state;
    for (uint32_t looks = 0; looks < 2; looks++) {
        berth_outcome outcome = {.struct_size = sizeof outcome};
        begin_waiting();
        pool_host *host = begin(emit_and_wait);
        const berth_request_id id = submit(host, 0);
        wait_until_emitted();
        if (looks) assert_int_equal(pool_stats(host).chunks_total, 1);
        sleep_ms(2);
        atomic_store(&go_on, 1);
        CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
        assert_in_range(outcome.first_output_at_ns, before_ns, after_ns);
        assert_true(outcome.admitted_at_ns + 2 * MS <= before_ns);
        assert_true(after_ns + 2 * MS <= outcome.ended_at_ns);
        assert_int_equal(outcome.tokens_generated, 2);
        CHECK_OK(berth_outcome_take(host->pool, id, NULL));
        pool_host_end(host);
    }
}

static void a_deadline_of_the_first_output_is_met_by_it(void **state) {
    (void)state;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    begin_waiting();
    pool_host *host = begin(emit_and_wait);
    const berth_request_id id = submit(host, 200 * MS);
    wait_until_emitted();
    sleep_ms(250);
    atomic_store(&go_on, 1);
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
    assert_int_equal(outcome.kind, BERTH_OUTCOME_COMPLETED);
    assert_in_range(outcome.first_output_at_ns, before_ns, after_ns);
    pool_host_end(host);
}

static void a_deadline_of_the_first_output_ends_who_has_none(void **state) {
    (void)state;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    pool_host *host = begin(emit_too_late);
    const berth_request_id id = submit(host, 5 * MS);
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
    assert_int_equal(outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(outcome.detail, BERTH_DEADLINE_FIRST_OUTPUT);
    assert_int_equal(outcome.first_output_at_ns, 0);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_host_end(host);
}

/* ---- Who hears of it ---- */

static uint32_t is_readable(int32_t descriptor) {
    struct pollfd of = {.fd = descriptor, .events = POLLIN};
    return poll(&of, 1, 0) == 1;
}

static void whoever_asks_late_is_told_of_all(void **state) {
    (void)state;
    for (uint32_t by_descriptor = 0; by_descriptor < 2; by_descriptor++) {
        berth_request_id ids[MANY];
        berth_request_id ready[MANY + 1];
        uint32_t count = 0;
        int32_t descriptor = -1;
        pool_host *host = begin(emit_at_once);
        for (uint32_t i = 0; i < MANY; i++) ids[i] = submit(host, 0);
        for (uint32_t i = 0; i < MANY; i++)
            CHECK_OK(berth_wait(host->pool, ids[i], BERTH_FOREVER, NULL));
        if (by_descriptor) {
            CHECK_OK(berth_ready_descriptor(host->pool, &descriptor));
            assert_true(is_readable(descriptor));
        }
        CHECK_OK(berth_ready_take(host->pool, ready, MANY + 1, &count));
        assert_int_equal(count, MANY);
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t named = 0;
            for (uint32_t k = 0; k < count; k++) named += ready[k] == ids[i];
            assert_int_equal(named, 1);
        }
        CHECK(berth_ready_take(host->pool, ready, MANY + 1, &count), BERTH_EAGAIN);
        pool_host_end(host);
    }
}

static void a_first_chunk_is_news_while_its_request_runs(void **state) {
    (void)state;
    for (uint32_t asks_first = 0; asks_first < 2; asks_first++) {
        berth_request_id ready = 0;
        uint32_t count = 0;
        begin_waiting();
        pool_host *host = begin(emit_and_wait);
        if (asks_first) CHECK(berth_ready_take(host->pool, &ready, 1, &count), BERTH_EAGAIN);
        const berth_request_id id = submit(host, 0);
        wait_until_emitted();
        CHECK_OK(berth_ready_take(host->pool, &ready, 1, &count));
        assert_int_equal(ready, id);
        CHECK(berth_ready_take(host->pool, &ready, 1, &count), BERTH_EAGAIN);
        atomic_store(&go_on, 1);
        CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, NULL));
        CHECK_OK(berth_ready_take(host->pool, &ready, 1, &count)); /* for what came since */
        assert_int_equal(ready, id);
        pool_host_end(host);
    }
}

int main(void) {
    pool_watchdog("api/stream", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_output_is_when_it_came_whenever_somebody_looks),
        cmocka_unit_test(a_deadline_of_the_first_output_is_met_by_it),
        cmocka_unit_test(a_deadline_of_the_first_output_ends_who_has_none),
        cmocka_unit_test(whoever_asks_late_is_told_of_all),
        cmocka_unit_test(a_first_chunk_is_news_while_its_request_runs),
    };
    return cmocka_run_group_tests_name("api/stream", tests, NULL, NULL);
}
