/* SPDX-License-Identifier: MIT */
/* Calls that block: what wakes them, what they outlive, and destroy with somebody inside. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)

enum call_kind { CALL_WAIT, CALL_READ, CALL_PLAN_WAIT, CALL_DRAIN };

/* One blocking call on a thread of its own, and what it returned. */
typedef struct blocked_call {
    pool_thread thread;
    berth_pool *pool;
    berth_request_id id;
    enum call_kind kind;
    uint64_t timeout_ns;
    berth_status status;
    berth_outcome outcome;
    berth_record record;
    berth_plan plan;
    berth_plan_entry entries[8];
    char buffer[64];
} blocked_call;

static void make_call(void *argument) {
    blocked_call *call = argument;
    call->outcome.struct_size = sizeof call->outcome;
    call->record.struct_size = sizeof call->record;
    call->plan =
        (berth_plan){.struct_size = sizeof call->plan, .entry_max = 8, .entries = call->entries};
    pool_thread_calls(&call->thread);
    switch (call->kind) {
    case CALL_WAIT:
        call->status = berth_wait(call->pool, call->id, call->timeout_ns, &call->outcome);
        break;
    case CALL_READ:
        call->status = berth_mailbox_read(call->pool, call->id, call->buffer, sizeof call->buffer,
                                          call->timeout_ns, &call->record);
        break;
    case CALL_PLAN_WAIT:
        call->status = berth_plan_wait(call->pool, &call->plan, call->timeout_ns);
        break;
    case CALL_DRAIN: call->status = berth_drain(call->pool, call->timeout_ns); break;
    }
}

/* Start the call and return once its thread sleeps inside it. */
static void start_call(blocked_call *call, pool_host *host, berth_request_id id,
                       enum call_kind kind) {
    memset(call, 0, sizeof *call);
    call->pool = host->pool;
    call->id = id;
    call->kind = kind;
    call->timeout_ns = BERTH_FOREVER;
    pool_thread_start(&call->thread, make_call, call);
    pool_thread_await_blocked(&call->thread);
}

static void expect_return(blocked_call *call, berth_status wanted) {
    pool_thread_join(&call->thread);
    CHECK(call->status, wanted);
}

static pool_host *engine_host(void) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.running_max = 2;
    pool_host_start(host);
    return host;
}

static void destroy_is_busy_while_a_waiter_is_inside(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    blocked_call call;
    start_call(&call, host, id, CALL_WAIT);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    assert_int_equal(pool_stats(host).closed, 0);
    assert_true(pool_unfinished(host, id));
    CHECK_OK(berth_cancel(host->pool, id));
    expect_return(&call, BERTH_OK);
    assert_int_equal(call.outcome.kind, BERTH_OUTCOME_CANCELLED);
    pool_host_end(host);
}

static void destroy_is_busy_while_a_reader_is_inside(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    blocked_call call;
    start_call(&call, host, id, CALL_READ);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    CHECK_OK(berth_drain(host->pool, 0));
    expect_return(&call, BERTH_OK);
    assert_int_equal(call.record.kind, BERTH_RECORD_END);
    assert_int_equal(call.record.outcome.kind, BERTH_OUTCOME_SHUTDOWN);
    pool_host_end(host);
}

static void destroy_is_busy_while_an_idle_engine_is_inside(void **state) {
    (void)state;
    pool_host *host = engine_host();
    blocked_call call;
    start_call(&call, host, 0, CALL_PLAN_WAIT);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    CHECK_OK(berth_close(host->pool));
    expect_return(&call, BERTH_ECLOSED);
    pool_host_end(host);
}

static void destroy_is_busy_while_a_drain_is_inside(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit(host, &step);
    blocked_call call;
    start_call(&call, host, 0, CALL_DRAIN);
    CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    expect_return(&call, BERTH_OK);
    pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    pool_host_end(host);
}

static void a_submit_wakes_an_idle_engine(void **state) {
    (void)state;
    pool_host *host = engine_host();
    blocked_call call;
    start_call(&call, host, 0, CALL_PLAN_WAIT);
    berth_request_id id = pool_submit_band(host, 0);
    expect_return(&call, BERTH_OK);
    assert_int_equal(call.plan.entry_count, 1);
    assert_int_equal(call.plan.admitted_count, 1);
    assert_true(call.entries[0].id == id);
    berth_result result = {.id = id, .finish = BERTH_FINISH_STOP};
    CHECK_OK(berth_commit(host->pool, call.plan.step_id, &result, 1));
    pool_host_end(host);
}

static void plan_wait_tells_at_once_who_must_leave(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit(host, &step);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK_OK(berth_plan_wait(host->pool, &step.plan, BERTH_FOREVER));
    assert_int_equal(step.plan.leave_count, 1);
    assert_int_equal(step.plan.entry_count, 1);
    assert_int_equal(step.plan.step_id, 0);
    assert_true(step.entries[0].id == id);
    pool_host_end(host);
}

static void a_larger_capacity_wakes_an_idle_engine(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 10);
    pool_step step;
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_outcome(host, first, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    blocked_call call;
    start_call(&call, host, 0, CALL_PLAN_WAIT);
    CHECK_OK(berth_capacity_set(host->pool, 0, 20));
    berth_request_id second = pool_submit_units(host, 0, 20);
    expect_return(&call, BERTH_OK);
    assert_true(call.entries[0].id == second);
    CHECK_OK(berth_commit(host->pool, call.plan.step_id, NULL, 0));
    pool_host_end(host);
}

static void an_idle_engine_comes_back_when_its_time_has_passed(void **state) {
    (void)state;
    pool_host *host = engine_host();
    pool_step step;
    step.plan = (berth_plan){
        .struct_size = sizeof step.plan, .entry_max = POOL_ENTRIES_MAX, .entries = step.entries};
    CHECK(berth_plan_wait(host->pool, &step.plan, 20 * MS), BERTH_ETIMEDOUT);
    assert_int_equal(step.plan.step_id, 0);
    assert_int_equal(step.plan.entry_count, 0);
    CHECK(berth_plan_wait(host->pool, &step.plan, 0), BERTH_ETIMEDOUT);
    pool_host_end(host);
}

static void waiters_timeout_does_not_destroy_the_result(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK(berth_wait(host->pool, id, 10 * MS, &outcome), BERTH_ETIMEDOUT);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_NONE);
    CHECK(berth_wait(host->pool, id, 0, &outcome), BERTH_ETIMEDOUT);
    pool_run_out(host);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
        assert_int_equal(outcome.kind, BERTH_OUTCOME_COMPLETED);
    }
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    pool_host_end(host);
}

static void any_number_of_threads_may_wait_for_one_request(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    blocked_call calls[8];
    for (uint32_t i = 0; i < 8; i++) start_call(&calls[i], host, id, CALL_WAIT);
    pool_run_out(host);
    for (uint32_t i = 0; i < 8; i++) {
        expect_return(&calls[i], BERTH_OK);
        assert_int_equal(calls[i].outcome.kind, BERTH_OUTCOME_COMPLETED);
    }
    pool_host_end(host);
}

static void a_waiter_learns_that_its_outcome_was_given_up(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    blocked_call call;
    start_call(&call, host, id, CALL_WAIT);
    CHECK_OK(berth_mailbox_close(host->pool, id));
    pool_thread_join(&call.thread);
    /* It may still have seen the outcome; it must not hang, and must not invent one. */
    if (call.status == BERTH_OK)
        assert_int_equal(call.outcome.kind, BERTH_OUTCOME_CANCELLED);
    else
        CHECK(call.status, BERTH_ESTALE);
    pool_host_end(host);
}

static void second_reader_is_refused(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    blocked_call call;
    start_call(&call, host, id, CALL_READ);
    char buffer[16];
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, id, buffer, sizeof buffer, 0, &record), BERTH_EBUSY);
    assert_int_equal(record.kind, BERTH_RECORD_NONE);
    CHECK(berth_mailbox_read(host->pool, id, buffer, sizeof buffer, BERTH_FOREVER, &record),
          BERTH_EBUSY);
    CHECK(berth_mailbox_close(host->pool, id), BERTH_EBUSY);
    pool_step step;
    pool_plan(host, &step);
    pool_result(&step, id)->bytes = "whole";
    pool_result(&step, id)->bytes_size = 5;
    pool_commit(host, &step);
    expect_return(&call, BERTH_OK);
    assert_int_equal(call.record.kind, BERTH_RECORD_CHUNK);
    assert_int_equal(call.record.size, 5);
    assert_memory_equal(call.buffer, "whole", 5);
    CHECK(berth_mailbox_read(host->pool, id, buffer, sizeof buffer, 0, &record), BERTH_ETIMEDOUT);
    pool_host_end(host);
}

static void a_reader_comes_back_when_its_time_has_passed(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request_id id = pool_submit_band(host, 0);
    berth_record record = {.struct_size = sizeof record};
    char buffer[16];
    CHECK(berth_mailbox_read(host->pool, id, buffer, sizeof buffer, 10 * MS, &record),
          BERTH_ETIMEDOUT);
    assert_int_equal(record.kind, BERTH_RECORD_NONE);
    pool_run_out(host);
    pool_read(host, id, buffer, sizeof buffer, BERTH_RECORD_END);
    pool_host_end(host);
}

static void timeouts_fire_without_queue_movement(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request request = pool_request(host, 0);
    request.queue_ns = 10 * MS;
    berth_request_id id = pool_submit(host, &request);
    /* Nobody plans, submits or finishes: only the pool's own timer can end it. */
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
    assert_int_equal(outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(outcome.detail, BERTH_DEADLINE_QUEUE);
    assert_true(outcome.ended_at_ns - outcome.submitted_at_ns >= 10 * MS);
    pool_host_end(host);
}

static void an_earlier_deadline_rearms_the_timer(void **state) {
    (void)state;
    pool_host *host = engine_host();
    berth_request slow = pool_request(host, 0);
    slow.queue_ns = 3600 * 1000 * MS;
    berth_request_id late = pool_submit(host, &slow);
    berth_request quick = pool_request(host, 0);
    quick.queue_ns = 5 * MS;
    berth_request_id soon = pool_submit(host, &quick);
    CHECK_OK(berth_wait(host->pool, soon, BERTH_FOREVER, NULL));
    pool_outcome(host, soon, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_true(pool_unfinished(host, late));
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/blocked", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroy_is_busy_while_a_waiter_is_inside),
        cmocka_unit_test(destroy_is_busy_while_a_reader_is_inside),
        cmocka_unit_test(destroy_is_busy_while_an_idle_engine_is_inside),
        cmocka_unit_test(destroy_is_busy_while_a_drain_is_inside),
        cmocka_unit_test(a_submit_wakes_an_idle_engine),
        cmocka_unit_test(plan_wait_tells_at_once_who_must_leave),
        cmocka_unit_test(a_larger_capacity_wakes_an_idle_engine),
        cmocka_unit_test(an_idle_engine_comes_back_when_its_time_has_passed),
        cmocka_unit_test(waiters_timeout_does_not_destroy_the_result),
        cmocka_unit_test(any_number_of_threads_may_wait_for_one_request),
        cmocka_unit_test(a_waiter_learns_that_its_outcome_was_given_up),
        cmocka_unit_test(second_reader_is_refused),
        cmocka_unit_test(a_reader_comes_back_when_its_time_has_passed),
        cmocka_unit_test(timeouts_fire_without_queue_movement),
        cmocka_unit_test(an_earlier_deadline_rearms_the_timer),
    };
    return cmocka_run_group_tests_name("api/blocked", tests, NULL, NULL);
}
