/* SPDX-License-Identifier: MIT */
/* How the tokens of a step are shared: decodes first, then prefills by band, in chunks. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static berth_plan_entry entries[32];

static berth_options options_of(uint64_t step_tokens, uint64_t prefill_tokens_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 4, 16);
    o.step_tokens = step_tokens;
    o.prefill_tokens_max = prefill_tokens_max;
    return o;
}

static berth_request_id ask(core_kit *kit, uint32_t band, uint64_t prompt_tokens) {
    const berth__submit submit = {
        .terms.band = band, .terms.prompt_tokens = prompt_tokens, .terms.max_new_tokens = 6};
    return core_kit_take_in(kit, 0, &submit);
}

static berth_plan plan(core_kit *kit) {
    berth_plan made = {.struct_size = sizeof made, .entries = entries, .entry_max = 32};
    uint64_t tokens = 0;
    assert_int_equal(berth__core_plan(kit->core, 0, &made), BERTH_OK);
    core_kit_must_hold(kit);
    for (uint32_t i = made.leave_count; i < made.entry_count; i++) tokens += entries[i].tokens;
    if (kit->options.step_tokens != 0) assert_true(tokens <= kit->options.step_tokens);
    return made;
}

static void commit(core_kit *kit, const berth_plan *of) {
    assert_int_equal(berth__core_commit_begin(kit->core, 0, of->step_id), BERTH_OK);
    for (uint32_t i = of->leave_count; i < of->entry_count; i++) {
        const berth__progress p = {.tokens_computed = entries[i].tokens,
                                   .tokens_generated = entries[i].kind == BERTH_ENTRY_DECODE};
        assert_int_equal(berth__core_commit_entry(kit->core, entries[i].id, &p), BERTH_OK);
    }
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static void step(core_kit *kit) {
    const berth_plan made = plan(kit);
    commit(kit, &made);
}

/* Tokens of one request in the latest plan; 0 if it is not in it. */
static uint64_t tokens_of(const berth_plan *of, berth_request_id id) {
    for (uint32_t i = of->leave_count; i < of->entry_count; i++)
        if (entries[i].id == id) return entries[i].tokens;
    return 0;
}

static void a_long_prompt_takes_what_the_decodes_leave(void **state) {
    const berth_options o = options_of(10, 0);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id first = ask(&kit, 1, 4);
    const berth_request_id second = ask(&kit, 1, 20);
    berth_plan made = plan(&kit);
    assert_int_equal(tokens_of(&made, first), 4);
    assert_int_equal(tokens_of(&made, second), 6);
    commit(&kit, &made);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, first), 1);
    assert_int_equal(tokens_of(&made, second), 9);
    assert_int_equal(entries[1].kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(entries[1].tokens_computed, 6);
    commit(&kit, &made);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, second), 5);
    core_kit_fini(&kit);
}

static void no_prefill_takes_more_than_its_chunk(void **state) {
    const berth_options o = options_of(0, 7);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id first = ask(&kit, 1, 20);
    const berth_request_id second = ask(&kit, 1, 5);
    berth_plan made = plan(&kit);
    assert_int_equal(tokens_of(&made, first), 7);
    assert_int_equal(tokens_of(&made, second), 5);
    commit(&kit, &made);
    step(&kit);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, first), 6);
    core_kit_fini(&kit);
}

static void nobody_is_admitted_for_whom_nothing_is_left(void **state) {
    const berth_options o = options_of(10, 0);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    (void)ask(&kit, 1, 30);
    const berth_request_id second = ask(&kit, 1, 5);
    step(&kit);
    assert_int_equal(core_kit_view(&kit, second).state, BERTH__PARKED);
    step(&kit);
    step(&kit);
    const berth_plan made = plan(&kit); /* one decode: nine are left */
    assert_int_equal(tokens_of(&made, second), 5);
    core_kit_fini(&kit);
}

/* Whose samples generate at once would take the last token of a newcomer before him. */
static void samples_without_a_prompt_need_a_token_each(void **state) {
    const berth_options o = options_of(11, 0);
    const berth__submit two = {.terms.band = 1, .terms.max_new_tokens = 7, .samples = 2};
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id first = ask(&kit, 1, 9);
    const berth_request_id second = ask(&kit, 1, 1);
    const berth_request_id samples = core_kit_take_in(&kit, 0, &two);
    berth_plan made = plan(&kit);
    assert_int_equal(tokens_of(&made, first), 9);
    assert_int_equal(tokens_of(&made, second), 1);
    assert_int_equal(core_kit_view(&kit, samples).state, BERTH__PARKED);
    commit(&kit, &made);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, samples), 2);
    commit(&kit, &made);
    core_kit_fini(&kit);
}

static void a_higher_band_is_prefilled_first(void **state) {
    const berth_options o = options_of(10, 0);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id low = ask(&kit, 1, 30);
    step(&kit);
    const berth_request_id high = ask(&kit, 3, 12);
    berth_plan made = plan(&kit);
    assert_int_equal(tokens_of(&made, high), 10);
    assert_int_equal(tokens_of(&made, low), 0); /* it is not in this step */
    assert_int_equal(made.entry_count, 1);
    commit(&kit, &made);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, high), 2);
    assert_int_equal(tokens_of(&made, low), 8);
    core_kit_fini(&kit);
}

static void a_draft_is_part_of_a_decode_as_far_as_it_goes(void **state) {
    berth_options o = options_of(16, 0);
    core_kit kit;
    (void)state;
    o.draft_tokens = 3;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 1, 4); /* and 6 to come */
    step(&kit);
    berth_plan made = plan(&kit);
    assert_int_equal(tokens_of(&made, id), 4);
    commit(&kit, &made);
    made = plan(&kit);
    assert_int_equal(tokens_of(&made, id), 2); /* 4 + 4 computed of 10 */
    core_kit_fini(&kit);
}

static void drafts_make_nobody_give_way(void **state) {
    berth_options o = options_of(0, 0);
    core_kit kit;
    (void)state;
    o.draft_tokens = 3;
    o.kv_block_tokens = 1;
    o.kv_mode = BERTH_KV_OPTIMISTIC;
    core_kit_add_resource(&o, "kv_blocks", 12);
    core_kit_init(&kit, &o);
    const berth_request_id first = ask(&kit, 1, 5);
    const berth_request_id second = ask(&kit, 1, 4);
    step(&kit);
    const berth_plan made = plan(&kit); /* 9 held: 3 are free, and 4 do not fit */
    assert_int_equal(tokens_of(&made, first), 1);
    assert_int_equal(tokens_of(&made, second), 1);
    assert_int_equal(made.leave_count, 0);
    core_kit_fini(&kit);
}

static void what_was_planned_but_not_computed_is_planned_again(void **state) {
    const berth_options o = options_of(10, 0);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 1, 20);
    berth_plan made = plan(&kit);
    const berth__progress partly = {.tokens_computed = 3};
    assert_int_equal(berth__core_commit_begin(kit.core, 0, made.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit.core, id, &partly), BERTH_OK);
    berth__core_commit_end(kit.core);
    made = plan(&kit);
    assert_int_equal(entries[0].tokens_computed, 3);
    assert_int_equal(entries[0].tokens, 10);
    core_kit_fini(&kit);
}

/* Any mix: each decode is in each step, and the first prefill gets on. */
static void every_step_gets_everybody_who_generates_on_and_one_prefill(void **state) {
    uint64_t random = core_seed(3);
    const berth_options o = options_of(4, 3);
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    for (uint32_t round = 0; round < 400; round++) {
        if (core_kit_stats(&kit).parked < 8)
            (void)ask(&kit, 1 + (uint32_t)core_random_below(&random, 4),
                      core_random_below(&random, 30));
        const uint64_t running = core_kit_stats(&kit).running;
        const berth_plan made = plan(&kit);
        uint32_t prefills = 0;
        for (uint32_t i = made.leave_count; i < made.entry_count; i++) {
            assert_true(entries[i].tokens > 0);
            prefills += entries[i].kind == BERTH_ENTRY_PREFILL;
        }
        assert_true(made.entry_count > made.leave_count);
        assert_true(prefills > 0 || made.entry_count - made.leave_count >= running);
        commit(&kit, &made);
        for (uint32_t i = made.leave_count; i < made.entry_count; i++)
            if (entries[i].tokens_generated >= 5)
                (void)berth__core_cancel(kit.core, 0, entries[i].id, BERTH_CANCEL_CALLER);
    }
    assert_true(core_kit_stats(&kit).ended_total > 50);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_prompt_takes_what_the_decodes_leave),
        cmocka_unit_test(no_prefill_takes_more_than_its_chunk),
        cmocka_unit_test(nobody_is_admitted_for_whom_nothing_is_left),
        cmocka_unit_test(samples_without_a_prompt_need_a_token_each),
        cmocka_unit_test(a_higher_band_is_prefilled_first),
        cmocka_unit_test(a_draft_is_part_of_a_decode_as_far_as_it_goes),
        cmocka_unit_test(drafts_make_nobody_give_way),
        cmocka_unit_test(what_was_planned_but_not_computed_is_planned_again),
        cmocka_unit_test(every_step_gets_everybody_who_generates_on_and_one_prefill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
