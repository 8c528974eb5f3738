/* SPDX-License-Identifier: MIT */
/* A preempted request gives everything up but its place in line, its rights and its id. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void make(core_kit *kit, uint32_t running_max, uint32_t parked_max, uint64_t capacity) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, running_max, parked_max);
    core_kit_add_resource(&options, "units", capacity);
    core_kit_init(kit, &options);
}

/* Plan, and commit that each entry computed its tokens and generated one. */
static berth_plan step(core_kit *kit, berth_plan_entry *entries) {
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    assert_int_equal(berth__core_plan(kit->core, 0, &plan), BERTH_OK);
    core_kit_must_hold(kit);
    if (plan.step_id == 0) return plan;
    assert_int_equal(berth__core_commit_begin(kit->core, 0, plan.step_id), BERTH_OK);
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
        const berth__progress progress = {.tokens_computed = entries[i].tokens,
                                          .tokens_generated = 1};
        assert_int_equal(berth__core_commit_entry(kit->core, entries[i].id, &progress), BERTH_OK);
    }
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
    return plan;
}

static void preempt(core_kit *kit, berth_request_id id) {
    assert_int_equal(berth__core_preempt(kit->core, 0, id), BERTH_OK);
    core_kit_must_hold(kit);
}

static void a_preempted_request_keeps_its_place_in_line(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    const berth__submit ask = core_ask(1, 1);
    berth_request_id ids[4];
    (void)state;
    make(&kit, 2, 4, 2);
    for (int i = 0; i < 4; i++) ids[i] = core_kit_take_in(&kit, 0, &ask);
    (void)step(&kit, entries);
    /* The later one first: each still goes before all that came after it. */
    preempt(&kit, ids[1]);
    preempt(&kit, ids[0]);
    const berth_plan plan = step(&kit, entries);
    assert_int_equal(plan.leave_count, 2);
    assert_int_equal(plan.admitted_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(entries[i].id == ids[1 - i]);
        assert_int_equal(entries[i].kind, BERTH_ENTRY_LEAVE);
        assert_int_equal(entries[i].flags, BERTH_ENTRY_PREEMPTED);
        assert_true(entries[2 + i].id == ids[i]);
        assert_int_equal(entries[2 + i].flags, BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED);
    }
    core_kit_fini(&kit);
}

static void what_was_generated_is_computed_again_but_not_generated_again(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 1, 4, 1);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    for (int i = 0; i < 3; i++) (void)step(&kit, entries); /* 4 of the prompt, then 1 and 1 */
    preempt(&kit, id);
    assert_int_equal(core_kit_stats(&kit).tokens_recomputed_total, 6);
    assert_int_equal(core_kit_view(&kit, id).outcome.tokens_computed, 0);
    assert_int_equal(core_kit_view(&kit, id).outcome.tokens_generated, 3);
    (void)step(&kit, entries);
    assert_int_equal(entries[1].kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(entries[1].tokens, 7);
    assert_int_equal(entries[1].tokens_generated, 3);
    (void)step(&kit, entries);
    assert_int_equal(entries[0].kind, BERTH_ENTRY_DECODE);
    assert_int_equal(entries[0].flags, 0);
    assert_int_equal(core_kit_view(&kit, id).outcome.tokens_generated, 5);
    core_kit_fini(&kit);
}

static void a_preempted_request_is_past_every_limit_of_the_queue(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 1, 1, 1);
    ask.terms.queue_ns = 10;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    (void)step(&kit, entries);
    ask.terms.queue_ns = 0;
    (void)core_kit_take_in(&kit, 0, &ask);
    preempt(&kit, id);
    assert_int_equal(core_kit_stats(&kit).parked, 2);
    (void)core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_PARKED);
    /* It had left the queue in time: the deadline of the queue is met for good. */
    berth__core_expire(kit.core, 1000);
    assert_int_equal(core_kit_view(&kit, id).state, BERTH__PARKED);
    core_kit_fini(&kit);
}

static void it_asks_for_what_it_named_whatever_it_was_charged(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    const berth__submit ask = core_ask(1, 3);
    const uint64_t held = 7;
    (void)state;
    make(&kit, 1, 4, 8);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    (void)step(&kit, entries);
    kit.may_overdraw = 1;
    assert_int_equal(berth__core_charge(kit.core, 0, id, &held, 1), BERTH_OK);
    preempt(&kit, id);
    assert_int_equal(core_kit_view(&kit, id).units[0], 3);
    assert_int_equal(core_kit_stats(&kit).resources[0].used_units, 0);
    core_kit_fini(&kit);
}

static void one_that_can_never_go_in_again_is_evicted(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    const berth__submit ask = core_ask(1, 3);
    (void)state;
    make(&kit, 1, 4, 8);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    (void)step(&kit, entries);
    kit.may_overdraw = 1;
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 2), BERTH_OK);
    preempt(&kit, id);
    assert_int_equal(core_kit_view(&kit, id).outcome.kind, BERTH_OUTCOME_EVICTED);
    core_kit_fini(&kit);
}

static void more_preemptions_than_are_counted_of_one_change_nothing(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 1, 4, 1);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    for (uint32_t i = 0; i < 300; i++) {
        (void)step(&kit, entries);
        preempt(&kit, id);
    }
    const berth_plan plan = step(&kit, entries);
    assert_int_equal(entries[plan.leave_count].flags, BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED);
    assert_int_equal(core_kit_stats(&kit).preemptions_total, 300);
    assert_int_equal(core_kit_stats(&kit).readmitted_total, 300);
    core_kit_fini(&kit);
}

static void only_what_runs_outside_a_step_can_be_preempted(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 1, 4, 1);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_EAGAIN);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_EBUSY);
    assert_int_equal(berth__core_preempt(kit.core, 0, id + 1), BERTH_ESTALE);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_EENDED);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_preempted_request_keeps_its_place_in_line),
        cmocka_unit_test(what_was_generated_is_computed_again_but_not_generated_again),
        cmocka_unit_test(a_preempted_request_is_past_every_limit_of_the_queue),
        cmocka_unit_test(it_asks_for_what_it_named_whatever_it_was_charged),
        cmocka_unit_test(one_that_can_never_go_in_again_is_evicted),
        cmocka_unit_test(more_preemptions_than_are_counted_of_one_change_nothing),
        cmocka_unit_test(only_what_runs_outside_a_step_can_be_preempted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
