/* SPDX-License-Identifier: MIT */
/* Several sequences from one prompt: what they hold, and that they come and go together. */
#include "core/kv.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK 4u
#define ENTRIES 16u

static uint64_t blocks_of(uint64_t tokens, uint64_t block) {
    return (tokens + block - 1) / block;
}

/* Every way to spread `left` tokens over samples of `each` at most: the most blocks. */
static uint64_t most_blocks(uint64_t part, uint64_t block, uint64_t samples, uint64_t left,
                            uint64_t each) {
    uint64_t most = 0;
    if (samples == 0) return 0;
    for (uint64_t mine = 0; mine <= left && mine <= each; mine++) {
        if (left - mine > (samples - 1) * each) continue; /* the others may not have so many */
        const uint64_t sum = blocks_of(part + mine, block) +
                             most_blocks(part, block, samples - 1, left - mine, each);
        if (sum > most) most = sum;
    }
    return most;
}

static void check_shape(const berth__kv_shape *shape, uint32_t block) {
    const uint64_t most_tokens = shape->samples * shape->max_new_tokens;
    for (uint64_t tokens = 0; tokens < 10; tokens++) {
        const int bound = shape->max_new_tokens > 0 && tokens <= most_tokens;
        const uint64_t wanted = shape->prompt_tokens / block +
                                most_blocks(shape->prompt_tokens % block, block, shape->samples,
                                            tokens, bound ? shape->max_new_tokens : tokens);
        const uint64_t got = berth__kv_blocks_of(shape, block, shape->prompt_tokens + tokens);
        assert_true(got >= wanted);
        if (!bound || tokens == most_tokens) assert_true(got == wanted);
        if (shape->samples == 1)
            assert_true(got == blocks_of(shape->prompt_tokens + tokens, block));
    }
}

static void blocks_are_the_most_that_any_spread_of_tokens_fills(void **state) {
    (void)state;
    for (uint32_t block = 1; block <= 4; block++)
        for (uint64_t prompt = 0; prompt < 9; prompt++)
            for (uint32_t samples = 1; samples <= 3; samples++)
                for (uint64_t max_new = 0; max_new < 5; max_new++) {
                    const berth__kv_shape shape = {
                        .prompt_tokens = prompt, .max_new_tokens = max_new, .samples = samples};
                    check_shape(&shape, block);
                }
}

static void what_does_not_fit_in_64_bits_says_so(void **state) {
    const berth_options o = {.kv_block_tokens = 16, .kv_block_units = 1};
    berth__kv_shape shape = {.max_new_tokens = UINT64_MAX / 2, .samples = 3};
    uint64_t units = 7;
    (void)state;
    assert_int_equal(berth__kv_units_max(&o, &shape, &units), BERTH_EOVERFLOW);
    shape.samples = 2;
    assert_int_equal(berth__kv_units_max(&o, &shape, &units), BERTH_OK);
    shape.prompt_tokens = 2;
    assert_int_equal(berth__kv_units_max(&o, &shape, &units), BERTH_EOVERFLOW);
}

/* ---- In an engine ---- */

typedef struct bed {
    core_kit kit;
    berth_plan plan;
    berth_plan_entry entries[ENTRIES];
} bed;

static berth_options options_of(uint32_t mode, uint64_t blocks) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 8, 64);
    core_kit_add_resource(&o, "kv_blocks", blocks);
    o.kv_block_tokens = BLOCK;
    o.kv_mode = mode;
    return o;
}

static void make(bed *b, const berth_options *options) {
    memset(b, 0, sizeof *b);
    core_kit_init(&b->kit, options);
}

static berth__submit ask(uint64_t prompt, uint64_t max_new, uint32_t samples) {
    return (berth__submit){.terms.band = 1,
                           .terms.prompt_tokens = prompt,
                           .terms.max_new_tokens = max_new,
                           .samples = samples};
}

static berth_request_id take(bed *b, uint64_t prompt, uint64_t max_new, uint32_t samples) {
    const berth__submit submit = ask(prompt, max_new, samples);
    return core_kit_take_in(&b->kit, 0, &submit);
}

static uint64_t used(const bed *b) {
    return core_kit_stats(&b->kit).resources[0].used_units;
}

static void plan(bed *b, uint32_t entries) {
    b->plan =
        (berth_plan){.struct_size = sizeof b->plan, .entry_max = ENTRIES, .entries = b->entries};
    assert_int_equal(berth__core_plan(b->kit.core, 0, &b->plan), BERTH_OK);
    assert_int_equal(b->plan.entry_count, entries);
    core_kit_must_hold(&b->kit);
}

/* Everybody computes as planned, and each of its samples generates one. */
static void commit(bed *b) {
    if (b->plan.step_id == 0) return;
    assert_int_equal(berth__core_commit_begin(b->kit.core, 0, b->plan.step_id), BERTH_OK);
    for (uint32_t i = b->plan.leave_count; i < b->plan.entry_count; i++) {
        const berth__progress p = {.tokens_computed = b->entries[i].tokens,
                                   .tokens_generated = b->entries[i].samples};
        assert_int_equal(berth__core_commit_entry(b->kit.core, b->entries[i].id, &p), BERTH_OK);
    }
    berth__core_commit_end(b->kit.core);
    core_kit_must_hold(&b->kit);
}

static void the_worst_case_is_the_full_blocks_once_and_the_rest_for_each(void **state) {
    const berth_options o = options_of(BERTH_KV_WORST_CASE, 100);
    bed b;
    (void)state;
    make(&b, &o);
    /* 10 tokens are 2 full blocks and a part; with 7 more each sample ends in its 5th block. */
    (void)take(&b, 10, 7, 3);
    plan(&b, 1);
    assert_int_equal(used(&b), 2 + 3 * 3);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(b.entries[0].tokens, 10);
    assert_int_equal(b.entries[0].samples, 3);
    commit(&b);
    plan(&b, 1);
    assert_int_equal(b.entries[0].kind, BERTH_ENTRY_DECODE);
    assert_int_equal(b.entries[0].tokens, 3);
    commit(&b);
    assert_int_equal(core_kit_stats(&b.kit).tokens_generated_total, 6);
    core_kit_fini(&b.kit);
}

static void they_go_in_together_or_not_at_all(void **state) {
    const berth_options o = options_of(BERTH_KV_WORST_CASE, 12);
    bed b;
    berth_refusal refusal;
    (void)state;
    make(&b, &o);
    const berth_request_id first = take(&b, 4, 4, 1); /* 2 blocks: 10 are left */
    const berth_request_id both = take(&b, 8, 8, 5);  /* 2 + 5 * 2 */
    plan(&b, 1);
    assert_true(b.entries[0].id == first);
    assert_int_equal(core_kit_view(&b.kit, both).state, BERTH__PARKED);
    assert_int_equal(core_kit_view(&b.kit, both).units[0], 12);
    commit(&b);
    assert_int_equal(berth__core_cancel(b.kit.core, 0, first, BERTH_CANCEL_CALLER), BERTH_OK);
    plan(&b, 2); /* one leaves, five samples come in one slot */
    assert_int_equal(b.entries[1].samples, 5);
    const berth__submit too_many = ask(8, 8, 6);
    refusal = core_kit_turn_away(&b.kit, 0, &too_many, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.asked, 14);
    core_kit_fini(&b.kit);
}

static void what_grows_grows_for_each(void **state) {
    const berth_options o = options_of(BERTH_KV_OPTIMISTIC, 100);
    static const uint64_t wanted[] = {4, 4, 5, 6, 6}; /* one may be ahead of the other */
    bed b;
    (void)state;
    make(&b, &o);
    (void)take(&b, 10, 7, 2); /* 2 full blocks, and each has a part of its own */
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        plan(&b, 1);
        assert_int_equal(used(&b), wanted[i]);
        commit(&b);
    }
    core_kit_fini(&b.kit);
}

static void who_gives_way_gives_all_of_them_up_and_computes_them_anew(void **state) {
    const berth_options o = options_of(BERTH_KV_OPTIMISTIC, 8);
    bed b;
    (void)state;
    make(&b, &o);
    (void)take(&b, 4, 8, 1);
    const berth_request_id id =
        take(&b, 4, 8, 3); /* the block of the prompt, and then 3 of its own */
    uint32_t steps = 0;
    while (core_kit_stats(&b.kit).preemptions_total == 0 && ++steps < 20) {
        berth_plan *p = &b.plan;
        *p = (berth_plan){.struct_size = sizeof *p, .entry_max = ENTRIES, .entries = b.entries};
        assert_int_equal(berth__core_plan(b.kit.core, 0, p), BERTH_OK);
        core_kit_must_hold(&b.kit);
        commit(&b);
    }
    const berth__view view = core_kit_view(&b.kit, id);
    assert_int_equal(view.state, BERTH__PARKED);
    assert_int_equal(view.outcome.tokens_generated % 3, 0);
    assert_true(view.outcome.tokens_generated > 0);
    assert_true(view.units[0] >= 1 + blocks_of(view.outcome.tokens_generated, BLOCK));
    core_kit_fini(&b.kit);
}

static void a_step_has_room_for_the_samples_of_all_who_run(void **state) {
    berth_options o = options_of(BERTH_KV_WORST_CASE, 1000);
    bed b;
    (void)state;
    o.step_tokens = 16;
    o.draft_tokens = 1;
    make(&b, &o);
    const berth__submit too_many = ask(4, 4, 9);
    berth_request_id id;
    assert_int_equal(berth__core_submit(b.kit.core, 0, &too_many, &id, NULL), BERTH_EINVAL);
    (void)take(&b, 4, 40, 5);
    (void)take(&b, 4, 40, 4); /* 9 * 2 tokens: it waits */
    (void)take(&b, 4, 40, 3);
    for (uint32_t i = 0; i < 6; i++) {
        plan(&b, 1);
        commit(&b);
    }
    assert_int_equal(b.entries[0].tokens, 10);
    assert_int_equal(berth__core_cancel(b.kit.core, 0, b.entries[0].id, BERTH_CANCEL_CALLER),
                     BERTH_OK);
    plan(&b, 3);
    commit(&b);
    plan(&b, 2);
    assert_int_equal(b.entries[0].tokens + b.entries[1].tokens, 14);
    commit(&b);
    core_kit_fini(&b.kit);
}

static void a_recost_keeps_the_samples(void **state) {
    const berth_options o = options_of(BERTH_KV_WORST_CASE, 100);
    bed b;
    (void)state;
    make(&b, &o);
    const berth_request_id id = take(&b, 4, 4, 3);
    const berth__submit known = {.terms.prompt_tokens = 10, .terms.max_new_tokens = 7};
    assert_int_equal(berth__core_recost(b.kit.core, 0, id, &known, NULL), BERTH_OK);
    core_kit_must_hold(&b.kit);
    assert_int_equal(core_kit_view(&b.kit, id).units[0], 2 + 3 * 3);
    assert_int_equal(core_kit_view(&b.kit, id).samples, 3);
    core_kit_fini(&b.kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_most_that_any_spread_of_tokens_fills),
        cmocka_unit_test(what_does_not_fit_in_64_bits_says_so),
        cmocka_unit_test(the_worst_case_is_the_full_blocks_once_and_the_rest_for_each),
        cmocka_unit_test(they_go_in_together_or_not_at_all),
        cmocka_unit_test(what_grows_grows_for_each),
        cmocka_unit_test(who_gives_way_gives_all_of_them_up_and_computes_them_anew),
        cmocka_unit_test(a_step_has_room_for_the_samples_of_all_who_run),
        cmocka_unit_test(a_recost_keeps_the_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
