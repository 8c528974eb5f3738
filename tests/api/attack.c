/* SPDX-License-Identifier: MIT */
/* Corners where two rules meet: a failing call and retention, a wake-up and what is left after it,
 * a worker that is busy with the host's callbacks. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define SIZE 256u
#define CHUNK_SIZE (SIZE - 64u)

/* ---- A call that fails has changed nothing ---- */

static void a_plan_without_room_drops_no_output(void **state) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_step step;
    char buffer[8];
    (void)state;
    host->options.running_max = 1;
    host->options.mailboxes_max = 1;
    pool_host_start(host);
    const berth_request_id unread = pool_submit_band(host, BERTH_BAND_LOW);
    pool_plan(host, &step);
    pool_result(&step, unread)->bytes = "x";
    pool_result(&step, unread)->bytes_size = 1;
    pool_commit_finished(host, &step);
    (void)pool_submit_band(host, BERTH_BAND_LOW);
    berth_plan plan = {.struct_size = sizeof plan};
    CHECK(berth_plan_next(host->pool, &plan), BERTH_ESPACE);
    assert_int_equal(plan.entry_count, 1);
    (void)pool_read(host, unread, buffer, sizeof buffer, BERTH_RECORD_CHUNK);
    (void)pool_read(host, unread, buffer, sizeof buffer, BERTH_RECORD_END);
    pool_host_end(host);
}

static void a_malformed_result_cancels_no_slow_reader(void **state) {
    static const char bytes[CHUNK_SIZE];
    static const uint64_t held[1];
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_step step;
    (void)state;
    host->options.mailbox_size = SIZE;
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, BERTH_BAND_LOW);
    for (uint32_t i = 0; i < 2; i++) {
        pool_plan(host, &step);
        berth_result *result = pool_result(&step, id);
        result->bytes = bytes;
        result->bytes_size = CHUNK_SIZE;
        result->held = i == 0 ? NULL : held;
        result->held_count = i; /* there are no resources */
        CHECK_OK(berth_commit(host->pool, step.plan.step_id, step.results, step.result_count));
        CHECK(result->status, i == 0 ? BERTH_OK : BERTH_EINVAL);
    }
    assert_true(pool_unfinished(host, id));
    pool_host_end(host);
}

/* ---- What a thread that waited is told, and what it leaves ---- */

typedef struct waiting_call {
    pool_thread thread;
    berth_pool *pool;
    berth_request_id id;
    berth_status status;
    berth_outcome outcome;
} waiting_call;

static void call_wait(void *argument) {
    waiting_call *call = argument;
    pool_thread_calls(&call->thread);
    call->status = berth_wait(call->pool, call->id, BERTH_FOREVER, &call->outcome);
}

static void call_read_too_small(void *argument) {
    waiting_call *call = argument;
    berth_record record = {.struct_size = sizeof record};
    char buffer[1];
    pool_thread_calls(&call->thread);
    call->status =
        berth_mailbox_read(call->pool, call->id, buffer, sizeof buffer, BERTH_FOREVER, &record);
}

/* A thread waits while the engine delivers the last three bytes. */
static pool_host *finish_under(waiting_call *call, uint32_t mailbox_mode,
                               void (*body)(void *argument)) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_step step;
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    berth_request request = pool_request(host, BERTH_BAND_LOW);
    request.mailbox_mode = mailbox_mode;
    *call = (waiting_call){.pool = host->pool,
                           .id = pool_submit(host, &request),
                           .outcome = {.struct_size = sizeof call->outcome}};
    pool_watchdog("a thread that waits for the last chunk", 30);
    pool_thread_start(&call->thread, body, call);
    pool_thread_await_blocked(&call->thread);
    pool_plan(host, &step);
    pool_result(&step, call->id)->bytes = "xyz";
    pool_result(&step, call->id)->bytes_size = 3;
    pool_commit_finished(host, &step);
    pool_thread_join(&call->thread);
    pool_watchdog("", 0);
    return host;
}

static void a_waiter_is_told_of_the_last_dropped_chunk(void **state) {
    waiting_call call;
    pool_host *host = finish_under(&call, BERTH_MAILBOX_OUTCOME, call_wait);
    (void)state;
    CHECK_OK(call.status);
    assert_int_equal(call.outcome.chunks_dropped, 1);
    pool_host_end(host);
}

static void what_a_woken_reader_could_not_take_is_ready(void **state) {
    waiting_call call;
    pool_host *host = finish_under(&call, BERTH_MAILBOX_STREAM, call_read_too_small);
    berth_request_id id = 0;
    uint32_t count = 0;
    (void)state;
    CHECK(call.status, BERTH_ESPACE);
    CHECK_OK(berth_ready_take(host->pool, &id, 1, &count));
    assert_true(id == call.id);
    pool_host_end(host);
}

/* ---- Bands, while the one worker calls release() ---- */

typedef struct order_log {
    pool_latch door;
    void *held_payload;
    atomic_uint count;
    uint32_t bands[8];
} order_log;

static int32_t note_band(pool_host *host, const berth_call *call) {
    order_log *log = host->context;
    log->bands[atomic_load(&log->count)] = call->band;
    atomic_fetch_add(&log->count, 1);
    return BERTH_EXECUTE_DONE;
}

static void hold_first(pool_host *host, void *payload, uint64_t payload_size) {
    order_log *log = host->context;
    (void)payload_size;
    if (payload == log->held_payload) pool_latch_wait(&log->door);
}

static void a_worker_inside_release_is_not_free(void **state) {
    static const uint32_t bands[] = {BERTH_BAND_LOW, BERTH_BAND_LOW, BERTH_BAND_CRITICAL,
                                     BERTH_BAND_HIGH};
    static const uint32_t wanted[] = {BERTH_BAND_NORMAL, BERTH_BAND_CRITICAL, BERTH_BAND_HIGH,
                                      BERTH_BAND_LOW, BERTH_BAND_LOW};
    order_log log = {.door = POOL_LATCH_INIT};
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    berth_request_id last = 0;
    (void)state;
    host->context = &log;
    host->execute = note_band;
    host->release = hold_first;
    pool_host_start(host);
    berth_request first = pool_request(host, BERTH_BAND_NORMAL);
    log.held_payload = first.payload;
    pool_watchdog("a worker inside release()", 30);
    (void)pool_submit(host, &first);
    pool_latch_await(&log.door, 1);
    for (uint32_t i = 0; i < 4; i++) {
        const berth_request_id id = pool_submit_band(host, bands[i]);
        if (i == 1) last = id;
    }
    assert_int_equal(pool_stats(host).parked, 4);
    pool_latch_open(&log.door);
    CHECK_OK(berth_wait(host->pool, last, BERTH_FOREVER, NULL));
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    pool_watchdog("", 0);
    assert_int_equal(atomic_load(&log.count), 5);
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(log.bands[i], wanted[i]);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_without_room_drops_no_output),
        cmocka_unit_test(a_malformed_result_cancels_no_slow_reader),
        cmocka_unit_test(a_waiter_is_told_of_the_last_dropped_chunk),
        cmocka_unit_test(what_a_woken_reader_could_not_take_is_ready),
        cmocka_unit_test(a_worker_inside_release_is_not_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
