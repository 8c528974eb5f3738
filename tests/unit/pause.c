/* SPDX-License-Identifier: MIT */
/* Requests that wait for their readers: left out of plans, holding what they hold, not for ever. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAUSE_NS 1000u

typedef struct bed {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_plan plan;
} bed;

static void make(bed *b, uint32_t running_max) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, running_max, 100);
    memset(b, 0, sizeof *b);
    options.pause_ns_max = PAUSE_NS;
    core_kit_add_resource(&options, "units", 10);
    core_kit_init(&b->kit, &options);
    b->plan = (berth_plan){.struct_size = sizeof b->plan, .entry_max = 8, .entries = b->entries};
}

static berth_request_id submit(bed *b, uint64_t total_ns) {
    berth__submit ask = core_ask(1, 4);
    ask.terms.total_ns = total_ns;
    return core_kit_take_in(&b->kit, 0, &ask);
}

static void plan(bed *b, uint64_t now, uint32_t entries) {
    assert_int_equal(berth__core_plan(b->kit.core, now, &b->plan), BERTH_OK);
    assert_int_equal(b->plan.entry_count, entries);
    core_kit_must_hold(&b->kit);
}

static void commit_all(bed *b, uint64_t now) {
    const berth__progress progress = {.tokens_computed = 4, .tokens_generated = 1};
    assert_int_equal(berth__core_commit_begin(b->kit.core, now, b->plan.step_id), BERTH_OK);
    for (uint32_t i = b->plan.leave_count; i < b->plan.entry_count; i++)
        (void)berth__core_commit_entry(b->kit.core, b->entries[i].id, &progress);
    berth__core_commit_end(b->kit.core);
    core_kit_must_hold(&b->kit);
}

static berth_status pause_it(bed *b, uint64_t now, berth_request_id id, uint32_t paused) {
    const berth_status status = berth__core_pause(b->kit.core, now, id, paused);
    core_kit_must_hold(&b->kit);
    return status;
}

static void a_paused_request_is_left_out_and_comes_back(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    const berth_request_id one = submit(&b, 0);
    const berth_request_id two = submit(&b, 0);
    plan(&b, 0, 2);
    assert_int_equal(pause_it(&b, 1, one, 1), BERTH_OK); /* while its step is out */
    commit_all(&b, 2);
    plan(&b, 3, 1);
    assert_true(b.entries[0].id == two);
    assert_int_equal(core_kit_stats(&b.kit).paused, 1);
    assert_int_equal(core_kit_stats(&b.kit).running, 2);
    assert_int_equal(core_kit_stats(&b.kit).resources[0].used_units, 8);
    commit_all(&b, 4);
    assert_int_equal(pause_it(&b, 5, one, 0), BERTH_OK);
    plan(&b, 6, 2);
    assert_int_equal(b.entries[0].flags, 0);
    assert_int_equal(core_kit_stats(&b.kit).paused, 0);
    assert_int_equal(core_kit_stats(&b.kit).pauses_total, 1);
    commit_all(&b, 7);
    core_kit_fini(&b.kit);
}

static void with_all_paused_there_is_no_plan_to_make(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    commit_all(&b, 1);
    assert_int_equal(berth__core_has_plan(b.kit.core), 1);
    assert_int_equal(pause_it(&b, 2, id, 1), BERTH_OK);
    assert_int_equal(berth__core_has_plan(b.kit.core), 0);
    plan(&b, 3, 0);
    assert_int_equal(b.plan.step_id, 0);
    assert_int_equal(pause_it(&b, 4, id, 0), BERTH_OK);
    assert_int_equal(berth__core_has_plan(b.kit.core), 1);
    core_kit_fini(&b.kit);
}

static void a_pause_that_is_too_long_ends_as_slow_reader(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    commit_all(&b, 0);
    assert_int_equal(pause_it(&b, 10, id, 1), BERTH_OK);
    assert_true(berth__core_next_at(b.kit.core) == 10 + PAUSE_NS);
    assert_int_equal(pause_it(&b, 500, id, 1), BERTH_OK); /* said twice: no later */
    berth__core_expire(b.kit.core, 10 + PAUSE_NS - 1);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__RUNNING);
    berth__core_expire(b.kit.core, 10 + PAUSE_NS);
    core_kit_must_hold(&b.kit);
    const berth__view view = core_kit_view(&b.kit, id);
    assert_int_equal(view.outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(view.outcome.detail, BERTH_CANCEL_SLOW_READER);
    assert_int_equal(core_kit_stats(&b.kit).paused, 0);
    core_kit_fini(&b.kit);
}

static void a_pause_that_ended_in_time_does_not_end_the_request(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    commit_all(&b, 0);
    assert_int_equal(pause_it(&b, 10, id, 1), BERTH_OK);
    assert_int_equal(pause_it(&b, 10 + PAUSE_NS - 1, id, 0), BERTH_OK);
    assert_true(berth__core_next_at(b.kit.core) == UINT64_MAX);
    berth__core_expire(b.kit.core, 100 * PAUSE_NS);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__RUNNING);
    core_kit_fini(&b.kit);
}

static void deadlines_go_on_while_paused(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 100);
    plan(&b, 0, 1);
    commit_all(&b, 0);
    assert_int_equal(pause_it(&b, 10, id, 1), BERTH_OK);
    berth__core_expire(b.kit.core, 100);
    core_kit_must_hold(&b.kit);
    assert_int_equal(core_kit_view(&b.kit, id).outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(core_kit_stats(&b.kit).paused, 0);
    core_kit_fini(&b.kit);
}

static void a_cancel_ends_the_pause(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    assert_int_equal(pause_it(&b, 1, id, 1), BERTH_OK);
    assert_int_equal(berth__core_cancel(b.kit.core, 2, id, BERTH_CANCEL_CALLER), BERTH_OK);
    core_kit_must_hold(&b.kit);
    assert_int_equal(core_kit_stats(&b.kit).paused, 0);
    assert_int_equal(pause_it(&b, 3, id, 1), BERTH_EENDED);
    commit_all(&b, 4);
    plan(&b, 5, 1);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_LEAVE);
    core_kit_fini(&b.kit);
}

static void only_what_runs_on_an_engine_can_be_paused(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id one = submit(&b, 0);
    const berth_request_id two = submit(&b, 0);
    plan(&b, 0, 1);
    assert_int_equal(pause_it(&b, 0, two, 1), BERTH_EAGAIN);
    assert_int_equal(pause_it(&b, 0, 12345, 1), BERTH_ESTALE);
    assert_int_equal(pause_it(&b, 0, one, 0), BERTH_OK);
    assert_int_equal(core_kit_stats(&b.kit).pauses_total, 0);
    core_kit_fini(&b.kit);

    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 10);
    core_kit_init(&kit, &options);
    const berth__submit ask = core_ask(1, 0);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_pause(kit.core, 0, id, 1), BERTH_EFACE);
    core_kit_fini(&kit);
}

/* ---- Giving up what it holds ---- */

static void who_gives_up_is_preempted_when_its_step_ends_and_passed_over(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id one = submit(&b, 0);
    const berth_request_id two = submit(&b, 0);
    plan(&b, 0, 1);
    assert_int_equal(pause_it(&b, 1, one, BERTH__PAUSE_GIVE_UP), BERTH_OK);
    assert_int_equal(core_kit_view(&b.kit, one).state, BERTH__RUNNING);
    commit_all(&b, 2);
    assert_int_equal(core_kit_view(&b.kit, one).state, BERTH__PARKED);
    assert_int_equal(core_kit_stats(&b.kit).resources[0].used_units, 0);
    assert_int_equal(core_kit_stats(&b.kit).paused, 0);
    plan(&b, 3, 2); /* its slot leaves, the other comes in */
    assert_int_equal(b.entries[0].flags, BERTH_ENTRY_PREEMPTED);
    assert_true(b.entries[1].id == two);
    commit_all(&b, 4);
    assert_int_equal(berth__core_cancel(b.kit.core, 5, two, BERTH_CANCEL_CALLER), BERTH_OK);
    plan(&b, 6, 1); /* only that it leaves: nobody is admitted */
    assert_int_equal(berth__core_has_plan(b.kit.core), 0);
    assert_int_equal(pause_it(&b, 7, one, BERTH__PAUSE_HOLD), BERTH_OK); /* said twice */
    assert_int_equal(pause_it(&b, 7, one, BERTH__PAUSE_NONE), BERTH_OK);
    assert_int_equal(berth__core_has_plan(b.kit.core), 1);
    plan(&b, 8, 1);
    assert_true(b.entries[0].id == one);
    assert_int_equal(b.entries[0].flags, BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED);
    commit_all(&b, 9);
    assert_int_equal(pause_it(&b, 10, one, BERTH__PAUSE_NONE), BERTH_OK);
    core_kit_fini(&b.kit);
}

static void who_gave_up_and_waits_too_long_ends_as_slow_reader(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    commit_all(&b, 0);
    assert_int_equal(pause_it(&b, 10, id, BERTH__PAUSE_GIVE_UP), BERTH_OK); /* at once */
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__PARKED);
    assert_true(berth__core_next_at(b.kit.core) == 10 + PAUSE_NS);
    berth__core_expire(b.kit.core, 10 + PAUSE_NS);
    core_kit_must_hold(&b.kit);
    const berth__view view = core_kit_view(&b.kit, id);
    assert_int_equal(view.outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(view.outcome.detail, BERTH_CANCEL_SLOW_READER);
    core_kit_fini(&b.kit);
}

static void who_holds_and_is_preempted_otherwise_waits_for_his_reader_no_more(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 0);
    plan(&b, 0, 1);
    commit_all(&b, 0);
    assert_int_equal(pause_it(&b, 10, id, BERTH__PAUSE_HOLD), BERTH_OK);
    assert_int_equal(berth__core_preempt(b.kit.core, 11, id), BERTH_OK);
    core_kit_must_hold(&b.kit);
    assert_int_equal(pause_it(&b, 12, id, BERTH__PAUSE_NONE), BERTH_EAGAIN);
    assert_true(berth__core_next_at(b.kit.core) == UINT64_MAX);
    plan(&b, 13, 2);
    core_kit_fini(&b.kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_request_is_left_out_and_comes_back),
        cmocka_unit_test(with_all_paused_there_is_no_plan_to_make),
        cmocka_unit_test(a_pause_that_is_too_long_ends_as_slow_reader),
        cmocka_unit_test(a_pause_that_ended_in_time_does_not_end_the_request),
        cmocka_unit_test(deadlines_go_on_while_paused),
        cmocka_unit_test(a_cancel_ends_the_pause),
        cmocka_unit_test(only_what_runs_on_an_engine_can_be_paused),
        cmocka_unit_test(who_gives_up_is_preempted_when_its_step_ends_and_passed_over),
        cmocka_unit_test(who_gave_up_and_waits_too_long_ends_as_slow_reader),
        cmocka_unit_test(who_holds_and_is_preempted_otherwise_waits_for_his_reader_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
