/* SPDX-License-Identifier: MIT */
/* Who gives way when KV runs out, and that it is one at a time. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Blocks of one token, so that every decode needs another one. */
static void make(core_kit *kit, berth_options *options, uint64_t capacity) {
    core_kit_add_resource(options, "kv_blocks", capacity);
    options->kv_block_tokens = 1;
    options->kv_mode = BERTH_KV_OPTIMISTIC;
    core_kit_init(kit, options);
}

static berth_request_id ask(core_kit *kit, uint32_t band, uint64_t prompt_tokens) {
    const berth__submit submit = {
        .terms.band = band, .terms.prompt_tokens = prompt_tokens, .terms.max_new_tokens = 5};
    return core_kit_take_in(kit, 0, &submit);
}

static berth_plan_entry entries[16];

static berth_plan plan(core_kit *kit) {
    berth_plan made = {.struct_size = sizeof made, .entries = entries, .entry_max = 16};
    assert_int_equal(berth__core_plan(kit->core, 0, &made), BERTH_OK);
    core_kit_must_hold(kit);
    return made;
}

/* Commit that each entry computed its tokens, and generated one. */
static void commit(core_kit *kit, const berth_plan *of) {
    assert_int_equal(berth__core_commit_begin(kit->core, 0, of->step_id), BERTH_OK);
    for (uint32_t i = of->leave_count; i < of->entry_count; i++) {
        const berth__progress p = {.tokens_computed = entries[i].tokens, .tokens_generated = 1};
        assert_int_equal(berth__core_commit_entry(kit->core, entries[i].id, &p), BERTH_OK);
    }
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static void step(core_kit *kit) {
    const berth_plan made = plan(kit);
    commit(kit, &made);
}

static uint64_t held(const core_kit *kit, berth_request_id id) {
    return core_kit_view(kit, id).units[0];
}

static uint32_t state_of(const core_kit *kit, berth_request_id id) {
    return core_kit_view(kit, id).state;
}

static void what_runs_holds_its_tokens_after_the_planned_step(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 4);
    core_kit kit;
    (void)state;
    make(&kit, &options, 20);
    const berth_request_id id = ask(&kit, 1, 5);
    berth_plan made = plan(&kit);
    assert_int_equal(held(&kit, id), 5);
    commit(&kit, &made);
    assert_int_equal(held(&kit, id), 5);
    made = plan(&kit);
    assert_int_equal(held(&kit, id), 6);
    /* The step did nothing: what was granted for it is free again. */
    assert_int_equal(berth__core_commit_begin(kit.core, 0, made.step_id), BERTH_OK);
    berth__core_commit_end(kit.core);
    core_kit_must_hold(&kit);
    assert_int_equal(held(&kit, id), 5);
    core_kit_fini(&kit);
}

static void running_out_costs_one_request_and_never_all(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    berth_request_id ids[4];
    (void)state;
    make(&kit, &options, 20);
    for (int i = 0; i < 4; i++) ids[i] = ask(&kit, 1, 5);
    step(&kit); /* 20 held: the next step needs 4 more */
    const berth_plan made = plan(&kit);
    assert_int_equal(made.leave_count, 1);
    assert_true(entries[0].id == ids[3]);
    assert_int_equal(entries[0].flags, BERTH_ENTRY_PREEMPTED);
    assert_int_equal(made.entry_count, 4);
    assert_int_equal(core_kit_stats(&kit).running, 3);
    core_kit_fini(&kit);
}

static void nobody_is_admitted_in_a_plan_that_preempts(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    (void)state;
    options.preempt_pause_steps = 1;
    make(&kit, &options, 20);
    for (int i = 0; i < 2; i++) (void)ask(&kit, 1, 10);
    step(&kit);
    const berth_request_id small = ask(&kit, 2, 1);
    step(&kit); /* preempts one of 10, which leaves room for the small one */
    assert_int_equal(state_of(&kit, small), BERTH__PARKED);
    step(&kit); /* the pause */
    assert_int_equal(state_of(&kit, small), BERTH__PARKED);
    step(&kit);
    assert_int_equal(state_of(&kit, small), BERTH__RUNNING);
    core_kit_fini(&kit);
}

static void a_lower_band_gives_way_however_old_it_is(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    (void)state;
    make(&kit, &options, 20);
    const berth_request_id low = ask(&kit, 1, 6);
    step(&kit);
    const berth_request_id high = ask(&kit, 3, 6);
    const berth_request_id middle = ask(&kit, 2, 6);
    step(&kit); /* 7 + 6 + 6 */
    step(&kit);
    assert_int_equal(state_of(&kit, low), BERTH__PARKED);
    assert_int_equal(state_of(&kit, middle), BERTH__RUNNING);
    assert_int_equal(state_of(&kit, high), BERTH__RUNNING);
    core_kit_fini(&kit);
}

static void a_request_gives_way_itself_rather_than_a_higher_band(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    (void)state;
    make(&kit, &options, 13);
    const berth_request_id low = ask(&kit, 1, 6);
    step(&kit);
    const berth_request_id high = ask(&kit, 3, 6);
    step(&kit); /* 7 + 6: the lower one is first in line for growth, and still goes */
    step(&kit);
    assert_int_equal(state_of(&kit, low), BERTH__PARKED);
    assert_int_equal(state_of(&kit, high), BERTH__RUNNING);
    core_kit_fini(&kit);
}

/* Two run, both full after a step; does the older one, of `first` tokens, give way? */
static int the_older_goes(uint32_t victim, uint64_t first, uint64_t second) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    options.victim = victim;
    make(&kit, &options, first + second);
    const berth_request_id older = ask(&kit, 1, first);
    const berth_request_id newer = ask(&kit, 1, second);
    step(&kit);
    step(&kit);
    assert_int_not_equal(state_of(&kit, older), state_of(&kit, newer));
    const int goes = state_of(&kit, older) == BERTH__PARKED;
    core_kit_fini(&kit);
    return goes;
}

static void the_scorer_chooses_in_the_band(void **state) {
    (void)state;
    assert_false(the_older_goes(BERTH_VICTIM_NEWEST, 6, 8));
    assert_false(the_older_goes(BERTH_VICTIM_NEWEST, 8, 6));
    /* Each has generated one token: the longer prompt decides, and then who is newer. */
    assert_false(the_older_goes(BERTH_VICTIM_LEAST_COMPUTED, 6, 8));
    assert_true(the_older_goes(BERTH_VICTIM_LEAST_COMPUTED, 8, 6));
    assert_false(the_older_goes(BERTH_VICTIM_LEAST_COMPUTED, 7, 7));
    assert_true(the_older_goes(BERTH_VICTIM_CHEAPEST, 6, 8));
    assert_false(the_older_goes(BERTH_VICTIM_CHEAPEST, 8, 6));
    assert_false(the_older_goes(BERTH_VICTIM_CHEAPEST, 7, 7));
}

static void who_was_preempted_often_enough_gives_way_last_in_its_band(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    (void)state;
    options.preempt_max = 1;
    make(&kit, &options, 14);
    const berth_request_id old = ask(&kit, 1, 6);
    const berth_request_id new = ask(&kit, 1, 6);
    step(&kit);
    step(&kit); /* 7 + 7 */
    step(&kit);
    assert_int_equal(state_of(&kit, new), BERTH__PARKED);
    assert_int_equal(berth__core_cancel(kit.core, 0, old, BERTH_CANCEL_CALLER), BERTH_OK);
    step(&kit); /* readmitted with 6 + 2 */
    const berth_request_id newer = ask(&kit, 1, 5);
    step(&kit); /* 9 + 5 */
    step(&kit);
    assert_int_equal(state_of(&kit, new), BERTH__RUNNING);
    assert_int_equal(state_of(&kit, newer), BERTH__PARKED);
    core_kit_fini(&kit);
}

static void what_can_never_go_on_ends_instead_of_going_round(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    (void)state;
    make(&kit, &options, 8);
    /* It does not say how much it will generate, and generates more than there is room for. */
    const berth__submit submit = {.terms.band = 1, .terms.prompt_tokens = 6};
    const berth_request_id id = core_kit_take_in(&kit, 0, &submit);
    for (int i = 0; i < 20 && core_kit_view(&kit, id).outcome.kind == BERTH_OUTCOME_NONE; i++) {
        const berth_plan made = plan(&kit);
        if (made.step_id != 0) commit(&kit, &made);
    }
    assert_int_equal(core_kit_view(&kit, id).outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(core_kit_view(&kit, id).outcome.detail, BERTH_EVICT_CAPACITY);
    core_kit_fini(&kit);
}

static void what_could_never_finish_alone_is_refused_at_submit(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    berth__submit submit = {.terms.band = 1, .terms.prompt_tokens = 6, .terms.max_new_tokens = 15};
    (void)state;
    make(&kit, &options, 20);
    const berth_refusal refusal = core_kit_turn_away(&kit, 0, &submit, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.asked, 21);
    submit.terms.max_new_tokens = 14;
    assert_int_equal(held(&kit, core_kit_take_in(&kit, 0, &submit)), 6);
    core_kit_fini(&kit);
}

static void kv_that_grows_is_not_the_host_s_to_report(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit kit;
    uint64_t units[2] = {3, 1};
    (void)state;
    options.kv_resource = 1;
    core_kit_add_resource(&options, "adapters", 4);
    make(&kit, &options, 20);
    const berth_request_id id = ask(&kit, 1, 5);
    step(&kit);
    assert_int_equal(berth__core_charge(kit.core, 0, id, units, 2), BERTH_EINVAL);
    units[1] = 0;
    assert_int_equal(berth__core_charge(kit.core, 0, id, units, 2), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_view(&kit, id).units[0], 3);
    assert_int_equal(core_kit_view(&kit, id).units[1], 5);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_holds_its_tokens_after_the_planned_step),
        cmocka_unit_test(running_out_costs_one_request_and_never_all),
        cmocka_unit_test(nobody_is_admitted_in_a_plan_that_preempts),
        cmocka_unit_test(a_lower_band_gives_way_however_old_it_is),
        cmocka_unit_test(a_request_gives_way_itself_rather_than_a_higher_band),
        cmocka_unit_test(the_scorer_chooses_in_the_band),
        cmocka_unit_test(who_was_preempted_often_enough_gives_way_last_in_its_band),
        cmocka_unit_test(what_can_never_go_on_ends_instead_of_going_round),
        cmocka_unit_test(what_could_never_finish_alone_is_refused_at_submit),
        cmocka_unit_test(kv_that_grows_is_not_the_host_s_to_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
