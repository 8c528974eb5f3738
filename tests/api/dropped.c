/* SPDX-License-Identifier: MIT */
/* Who waited when the outcome came gets it, even where retention drops it before they wake. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

typedef struct waiting_call {
    pool_thread thread;
    berth_pool *pool;
    berth_request_id id;
    uint32_t reads;
    berth_status status;
    berth_outcome outcome;
} waiting_call;

static void make_call(void *argument) {
    waiting_call *call = argument;
    berth_record record = {.struct_size = sizeof record};
    char buffer[16];
    call->outcome.struct_size = sizeof call->outcome;
    pool_thread_calls(&call->thread);
    if (call->reads) {
        call->status =
            berth_mailbox_read(call->pool, call->id, buffer, sizeof buffer, BERTH_FOREVER, &record);
        call->outcome = record.outcome;
        if (record.kind != BERTH_RECORD_END) call->status = BERTH_EAGAIN;
    } else {
        call->status = berth_wait(call->pool, call->id, BERTH_FOREVER, &call->outcome);
    }
}

/* One event ends two requests; only one outcome may be kept, and it is not the waiter's. */
static void wait_while_dropped(uint32_t reads) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    waiting_call call = {.reads = reads};
    berth_request_id other;
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.ended_max = 1;
    pool_host_start(host);
    call.id = pool_submit_band(host, BERTH_BAND_NORMAL);
    other = pool_submit_band(host, BERTH_BAND_NORMAL);
    call.pool = host->pool;
    pool_watchdog("a waiter whose outcome was dropped", 30);
    pool_thread_start(&call.thread, make_call, &call);
    pool_thread_await_blocked(&call.thread);
    CHECK_OK(berth_drain(host->pool, 0));
    pool_thread_join(&call.thread);
    pool_watchdog("", 0);
    CHECK(call.status, BERTH_OK);
    assert_int_equal(call.outcome.kind, BERTH_OUTCOME_SHUTDOWN);
    CHECK(berth_wait(host->pool, call.id, 0, NULL), BERTH_ESTALE);
    CHECK_OK(berth_wait(host->pool, other, 0, NULL));
    pool_host_end(host);
}

static void a_waiter_gets_the_outcome_that_retention_dropped(void **state) {
    (void)state;
    wait_while_dropped(0);
}

static void a_reader_gets_the_outcome_that_retention_dropped(void **state) {
    (void)state;
    wait_while_dropped(1);
}

static void a_request_without_a_ring_takes_nobodys_output(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    berth_request quiet;
    berth_request_id loud;
    pool_step step;
    char buffer[16];
    host->options.running_max = 1;
    host->options.mailboxes_max = 1;
    pool_host_start(host);
    loud = pool_submit_band(host, BERTH_BAND_NORMAL);
    pool_plan(host, &step);
    pool_result(&step, loud)->bytes = "kept";
    pool_result(&step, loud)->bytes_size = 4;
    pool_commit_finished(host, &step);
    quiet = pool_request(host, BERTH_BAND_NORMAL);
    quiet.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    (void)pool_submit(host, &quiet);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    assert_int_equal(pool_read(host, loud, buffer, sizeof buffer, BERTH_RECORD_CHUNK).size, 4);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_a_ring_takes_nobodys_output),
        cmocka_unit_test(a_waiter_gets_the_outcome_that_retention_dropped),
        cmocka_unit_test(a_reader_gets_the_outcome_that_retention_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
