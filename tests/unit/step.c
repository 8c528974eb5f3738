/* SPDX-License-Identifier: MIT */
/* The engine's steps: what a plan lists, what a commit means, when slots and units come back. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct bed {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_plan plan;
} bed;

static void make(bed *b, uint32_t running_max) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, running_max, 100);
    memset(b, 0, sizeof *b);
    core_kit_add_resource(&options, "units", 10);
    core_kit_init(&b->kit, &options);
    b->plan = (berth_plan){.struct_size = sizeof b->plan, .entry_max = 8, .entries = b->entries};
}

static berth_request_id submit(bed *b, uint64_t units) {
    const berth__submit ask = core_ask(1, units);
    return core_kit_take_in(&b->kit, 0, &ask);
}

static void plan(bed *b, uint64_t now, uint32_t entries, uint32_t leaving) {
    assert_int_equal(berth__core_plan(b->kit.core, now, &b->plan), BERTH_OK);
    assert_int_equal(b->plan.entry_count, entries);
    assert_int_equal(b->plan.leave_count, leaving);
    core_kit_must_hold(&b->kit);
}

static berth_status commit(bed *b, berth_request_id id, uint64_t computed, uint32_t finish) {
    const berth__progress progress = {
        .tokens_computed = computed, .tokens_generated = computed == 1, .finish = finish};
    return berth__core_commit_entry(b->kit.core, id, &progress);
}

static void begin(bed *b, uint64_t now) {
    assert_int_equal(berth__core_commit_begin(b->kit.core, now, b->plan.step_id), BERTH_OK);
}

static void end(bed *b) {
    berth__core_commit_end(b->kit.core);
    core_kit_must_hold(&b->kit);
}

static void a_plan_lists_prefill_then_decode_until_the_engine_finishes(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    const berth_request_id id = submit(&b, 1);
    plan(&b, 0, 1, 0);
    assert_int_equal(b.plan.step_id, 1);
    assert_int_equal(b.plan.admitted_count, 1);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(b.entries[0].flags, BERTH_ENTRY_ADMITTED);
    assert_int_equal(b.entries[0].tokens, 4);
    begin(&b, 1);
    assert_int_equal(commit(&b, id, 3, 0), BERTH_OK); /* a partly executed step */
    end(&b);
    plan(&b, 2, 1, 0);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(b.entries[0].flags, 0);
    assert_int_equal(b.entries[0].tokens, 1);
    assert_int_equal(b.entries[0].tokens_computed, 3);
    begin(&b, 3);
    assert_int_equal(commit(&b, id, 1, 0), BERTH_OK);
    end(&b);
    plan(&b, 4, 1, 0);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_DECODE);
    assert_int_equal(b.entries[0].tokens, 1);
    assert_int_equal(b.entries[0].tokens_generated, 1);
    begin(&b, 5);
    assert_int_equal(commit(&b, id, 1, BERTH_FINISH_STOP), BERTH_OK);
    assert_int_equal(core_kit_stats(&b.kit).stopping, 1);
    end(&b);
    assert_int_equal(core_kit_stats(&b.kit).ended_total, 1);
    assert_int_equal(core_kit_stats(&b.kit).steps_total, 3);
    plan(&b, 6, 0, 0); /* the engine knows: no LEAVE */
    assert_int_equal(b.plan.step_id, 0);
    core_kit_fini(&b.kit);
}

static void capacity_of_one_and_two_requests_do_not_deadlock(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id[] = {submit(&b, 10), submit(&b, 10)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(berth__core_has_plan(b.kit.core), 1);
        plan(&b, 0, 1, 0);
        assert_true(b.entries[0].id == id[i]);
        assert_int_equal(b.entries[0].slot, 0);
        begin(&b, 0);
        assert_int_equal(commit(&b, id[i], 4, BERTH_FINISH_LENGTH), BERTH_OK);
        end(&b);
    }
    assert_int_equal(berth__core_has_plan(b.kit.core), 0);
    core_kit_fini(&b.kit);
}

static void a_cancel_during_a_step_holds_the_units_until_its_commit(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 10);
    const berth_request_id next = submit(&b, 10);
    plan(&b, 0, 1, 0);
    assert_int_equal(berth__core_cancel(b.kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__STOPPING);
    assert_int_equal(core_kit_stats(&b.kit).resources[0].used_units, 10);
    begin(&b, 0);
    assert_int_equal(commit(&b, id, 1, BERTH_FINISH_STOP), BERTH_EENDED);
    end(&b);
    assert_int_equal(core_kit_view(&b.kit, id).outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(core_kit_view(&b.kit, id).outcome.tokens_computed, 0);
    plan(&b, 0, 2, 1);
    assert_true(b.entries[0].id == id && b.entries[0].kind == BERTH_ENTRY_LEAVE);
    assert_true(b.entries[1].id == next && b.entries[1].slot == b.entries[0].slot);
    core_kit_fini(&b.kit);
}

static void a_cancel_between_steps_frees_the_units_and_says_leave(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    const berth_request_id id = submit(&b, 10);
    plan(&b, 0, 1, 0);
    begin(&b, 0);
    end(&b);
    assert_int_equal(berth__core_cancel(b.kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(core_kit_stats(&b.kit).resources[0].used_units, 0);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__ENDED);
    assert_int_equal(berth__core_has_plan(b.kit.core), 1);
    plan(&b, 0, 1, 1);
    assert_int_equal(b.plan.step_id, 0); /* nothing to commit */
    plan(&b, 0, 0, 0);
    core_kit_fini(&b.kit);
}

static void a_slot_to_be_left_is_not_given_out_before_the_engine_is_told(void **state) {
    bed b;
    (void)state;
    make(&b, 1);
    const berth_request_id id = submit(&b, 1);
    const berth_request_id next = submit(&b, 1);
    plan(&b, 0, 1, 0);
    begin(&b, 0);
    end(&b);
    (void)berth__core_cancel(b.kit.core, 0, id, BERTH_CANCEL_CALLER);
    assert_int_equal(berth__core_admit(b.kit.core, 0), 0);
    b.plan.entry_max = 1;
    assert_int_equal(berth__core_plan(b.kit.core, 0, &b.plan), BERTH_ESPACE);
    assert_int_equal(b.plan.entry_count, 2); /* what is needed; nothing was lost */
    b.plan.entry_max = 8;
    plan(&b, 0, 2, 1);
    assert_true(b.entries[1].id == next);
    core_kit_fini(&b.kit);
}

static void wrong_and_repeated_steps_change_nothing(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    (void)submit(&b, 1);
    assert_int_equal(berth__core_commit_begin(b.kit.core, 0, 0), BERTH_ESTEP);
    plan(&b, 0, 1, 0);
    assert_int_equal(berth__core_plan(b.kit.core, 0, &b.plan), BERTH_ESTEP);
    assert_int_equal(berth__core_has_plan(b.kit.core), 0);
    assert_int_equal(berth__core_commit_begin(b.kit.core, 0, 2), BERTH_ESTEP);
    assert_int_equal(berth__core_commit_begin(b.kit.core, 0, 0), BERTH_ESTEP);
    b.plan.step_id = 1;
    begin(&b, 0);
    end(&b);
    assert_int_equal(berth__core_commit_begin(b.kit.core, 0, 1), BERTH_ESTEP);
    core_kit_fini(&b.kit);
}

static void each_entry_of_a_commit_has_its_own_status(void **state) {
    bed b;
    (void)state;
    make(&b, 3);
    const berth_request_id id[] = {submit(&b, 1), submit(&b, 1), submit(&b, 1)};
    plan(&b, 0, 3, 0);
    const berth_request_id parked = submit(&b, 1);
    begin(&b, 0);
    assert_int_equal(commit(&b, id[0], 4, BERTH_FINISH_FAILED + 1), BERTH_EINVAL);
    assert_int_equal(commit(&b, id[0], 4, BERTH_FINISH_NONE), BERTH_OK);
    assert_int_equal(commit(&b, id[0], 4, BERTH_FINISH_NONE), BERTH_EINVAL);
    assert_int_equal(commit(&b, parked, 4, BERTH_FINISH_NONE), BERTH_ESTALE);
    assert_int_equal(commit(&b, 12345, 4, BERTH_FINISH_NONE), BERTH_ESTALE);
    assert_int_equal(commit(&b, id[1], 4, BERTH_FINISH_FAILED), BERTH_OK);
    assert_int_equal(commit(&b, id[1], 4, BERTH_FINISH_FAILED), BERTH_EINVAL);
    end(&b);
    assert_int_equal(core_kit_view(&b.kit, id[0]).outcome.tokens_computed, 4);
    assert_int_equal(core_kit_view(&b.kit, id[1]).outcome.kind, BERTH_OUTCOME_FAILED);
    assert_int_equal(core_kit_view(&b.kit, id[2]).outcome.tokens_computed, 0);
    assert_int_equal(core_kit_stats(&b.kit).tokens_computed_total, 8);
    core_kit_fini(&b.kit);
}

static void a_commit_can_say_what_is_held_now(void **state) {
    bed b;
    const uint64_t held[] = {14, 1};
    const uint64_t most[] = {UINT64_MAX};
    berth__progress progress = {.tokens_computed = 4, .held = held, .held_count = 1};
    (void)state;
    make(&b, 3);
    const berth_request_id id[] = {submit(&b, 1), submit(&b, 1)};
    plan(&b, 0, 2, 0);
    begin(&b, 0);
    b.kit.may_overdraw = 1;
    assert_int_equal(berth__core_commit_entry(b.kit.core, id[0], &progress), BERTH_OK);
    progress.held_count = 2;
    assert_int_equal(berth__core_commit_entry(b.kit.core, id[1], &progress), BERTH_EINVAL);
    progress.held_count = 1;
    progress.held = most;
    assert_int_equal(berth__core_commit_entry(b.kit.core, id[1], &progress), BERTH_EOVERFLOW);
    progress.held = NULL;
    assert_int_equal(berth__core_commit_entry(b.kit.core, id[1], &progress), BERTH_OK);
    end(&b);
    assert_int_equal(core_kit_stats(&b.kit).resources[0].overdraft_units, 5);
    (void)submit(&b, 0);
    plan(&b, 0, 2, 0); /* nobody is admitted beside an overdraft */
    assert_int_equal(b.plan.parked_count, 1);
    core_kit_fini(&b.kit);
}

static void a_deadline_during_a_step_stops_at_once_and_frees_at_the_commit(void **state) {
    bed b;
    berth__submit ask = core_ask(1, 10);
    (void)state;
    make(&b, 1);
    ask.terms.total_ns = 50;
    const berth_request_id id = core_kit_take_in(&b.kit, 0, &ask);
    plan(&b, 0, 1, 0);
    berth__core_expire(b.kit.core, 50);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__STOPPING);
    begin(&b, 60);
    assert_int_equal(commit(&b, id, 4, BERTH_FINISH_STOP), BERTH_EENDED);
    end(&b);
    assert_int_equal(core_kit_view(&b.kit, id).outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(core_kit_view(&b.kit, id).outcome.ended_at_ns, 50);
    core_kit_fini(&b.kit);
}

static void shutdown_leaves_the_outstanding_step_alone(void **state) {
    bed b;
    (void)state;
    make(&b, 2);
    const berth_request_id id = submit(&b, 1);
    plan(&b, 0, 1, 0);
    const berth_request_id parked = submit(&b, 1);
    berth__core_shutdown(b.kit.core, 0, 1);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__RUNNING);
    assert_int_equal(core_kit_view(&b.kit, parked).outcome.kind, BERTH_OUTCOME_SHUTDOWN);
    begin(&b, 0);
    end(&b);
    berth__core_shutdown(b.kit.core, 0, 1);
    assert_int_equal(core_kit_view(&b.kit, id).state, BERTH__ENDED);
    plan(&b, 0, 1, 1);
    core_kit_fini(&b.kit);
}

static void a_request_without_a_prompt_decodes_at_once(void **state) {
    bed b;
    berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&b, 2);
    ask.terms.prompt_tokens = 0;
    (void)core_kit_take_in(&b.kit, 0, &ask);
    plan(&b, 0, 1, 0);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_DECODE);
    assert_int_equal(b.entries[0].tokens, 1);
    core_kit_fini(&b.kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_lists_prefill_then_decode_until_the_engine_finishes),
        cmocka_unit_test(capacity_of_one_and_two_requests_do_not_deadlock),
        cmocka_unit_test(a_cancel_during_a_step_holds_the_units_until_its_commit),
        cmocka_unit_test(a_cancel_between_steps_frees_the_units_and_says_leave),
        cmocka_unit_test(a_slot_to_be_left_is_not_given_out_before_the_engine_is_told),
        cmocka_unit_test(wrong_and_repeated_steps_change_nothing),
        cmocka_unit_test(each_entry_of_a_commit_has_its_own_status),
        cmocka_unit_test(a_commit_can_say_what_is_held_now),
        cmocka_unit_test(a_deadline_during_a_step_stops_at_once_and_frees_at_the_commit),
        cmocka_unit_test(shutdown_leaves_the_outstanding_step_alone),
        cmocka_unit_test(a_request_without_a_prompt_decodes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
