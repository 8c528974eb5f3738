/* SPDX-License-Identifier: MIT */
/* Whom each mode of KV lets in, number by number. Blocks of one token, all in one band. */
#include "core/kv.h"
#include "core/kv_ratio.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static berth_plan_entry entries[64];

static berth_options options_of(uint32_t mode, uint64_t capacity) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 16, 64);
    core_kit_add_resource(&o, "kv_blocks", capacity);
    o.kv_block_tokens = 1;
    o.kv_mode = mode;
    return o;
}

static berth_request_id ask(core_kit *kit, uint64_t prompt_tokens, uint64_t max_new_tokens) {
    const berth__submit submit = {.terms.band = 1,
                                  .terms.prompt_tokens = prompt_tokens,
                                  .terms.max_new_tokens = max_new_tokens};
    return core_kit_take_in(kit, 0, &submit);
}

/* One step: everybody computes as planned and generates one; `finish` ends one of them. */
static void step(core_kit *kit, berth_request_id finish) {
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 64};
    assert_int_equal(berth__core_plan(kit->core, 0, &plan), BERTH_OK);
    core_kit_must_hold(kit);
    if (plan.step_id == 0) return;
    assert_int_equal(berth__core_commit_begin(kit->core, 0, plan.step_id), BERTH_OK);
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
        const berth__progress p = {.tokens_computed = entries[i].tokens,
                                   .tokens_generated = 1,
                                   .finish = entries[i].id == finish ? BERTH_FINISH_STOP : 0};
        assert_int_equal(berth__core_commit_entry(kit->core, entries[i].id, &p), BERTH_OK);
    }
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static int runs(const core_kit *kit, berth_request_id id) {
    return core_kit_view(kit, id).state == BERTH__RUNNING;
}

/* Does a second request go in beside a first one of 10 + 20, on so much capacity? */
static int second_goes_in(const berth_options *options, uint64_t prompt_tokens,
                          uint64_t max_new_tokens) {
    core_kit kit;
    core_kit_init(&kit, options);
    (void)ask(&kit, 10, 20);
    const berth_request_id id = ask(&kit, prompt_tokens, max_new_tokens);
    step(&kit, 0);
    const int in = runs(&kit, id);
    core_kit_fini(&kit);
    return in;
}

static void worst_case_reserves_all(void **state) {
    const berth_options o = options_of(BERTH_KV_WORST_CASE, 50);
    (void)state;
    assert_true(second_goes_in(&o, 10, 10));
    assert_false(second_goes_in(&o, 10, 11));
}

static void optimistic_reserves_the_prompt_and_a_watermark(void **state) {
    berth_options o = options_of(BERTH_KV_OPTIMISTIC, 50);
    (void)state;
    assert_true(second_goes_in(&o, 40, 10));
    assert_false(second_goes_in(&o, 41, 9));
    o.kv_watermark_ppm = 119999; /* floor(5.99995) */
    assert_true(second_goes_in(&o, 35, 10));
    assert_false(second_goes_in(&o, 36, 10));
    o.kv_watermark_ppm = 120000;
    assert_true(second_goes_in(&o, 34, 10));
    assert_false(second_goes_in(&o, 35, 10));
}

static void the_watermark_is_not_asked_of_the_first(void **state) {
    berth_options o = options_of(BERTH_KV_OPTIMISTIC, 50);
    core_kit kit;
    (void)state;
    o.kv_watermark_ppm = 1000000;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 40, 10);
    step(&kit, 0);
    assert_true(runs(&kit, id));
    core_kit_fini(&kit);
}

static void ratio_keeps_a_part_of_what_is_to_come(void **state) {
    berth_options o = options_of(BERTH_KV_RATIO, 50);
    (void)state;
    o.kv_ratio_ppm = 500000;
    o.kv_ratio_floor_ppm = 1000000;
    /* 40 are free, 10 of the first one's 20 are kept, one block is a page: 28 is the most. */
    assert_true(second_goes_in(&o, 18, 10));
    assert_false(second_goes_in(&o, 19, 10));
    /* Of a very long one 4,096 tokens count. */
    o.resources[0].capacity_units = 100000;
    assert_true(second_goes_in(&o, 80000, 20000));
}

static void the_ratio_falls_by_steps_and_rises_with_a_preemption(void **state) {
    berth_options o = options_of(BERTH_KV_RATIO, 400);
    core_kit kit;
    (void)state;
    o.kv_ratio_ppm = 1000000;
    o.kv_ratio_floor_ppm = 500000;
    o.kv_ratio_decay_steps = 2;
    core_kit_init(&kit, &o);
    (void)ask(&kit, 10, 200);
    step(&kit, 0); /* 1.0 still: nobody ran before it */
    step(&kit, 0); /* 0.75 */
    /* 389 are free; of 198 left 99 are kept at 0.5, which the third step has. */
    const berth_request_id id = ask(&kit, 280, 7);
    step(&kit, 0);
    assert_true(runs(&kit, id));
    core_kit_fini(&kit);

    core_kit_init(&kit, &o);
    (void)ask(&kit, 10, 200);
    step(&kit, 0);
    step(&kit, 0);
    const berth_request_id larger = ask(&kit, 281, 8);
    step(&kit, 0); /* 281 + 8 + 1 + 99 is 389, not below 388 */
    assert_false(runs(&kit, larger));
    core_kit_fini(&kit);
}

static void after_a_preemption_the_ratio_is_what_those_who_stay_have_done(void **state) {
    berth_options o = options_of(BERTH_KV_RATIO, 200);
    core_kit kit;
    (void)state;
    o.kv_ratio_ppm = 1;
    o.kv_ratio_floor_ppm = 1000000;
    core_kit_init(&kit, &o);
    (void)ask(&kit, 99, 101);
    const berth_request_id second = ask(&kit, 100, 60);
    step(&kit, 0);
    step(&kit, second); /* 100 + 101 do not fit: the second one is preempted, before it can end */
    assert_false(runs(&kit, second));
    /* (2 + 20) / 102 from here on; it has computed 100, generated 2, and 99 are to come: 21 kept.
     */
    assert_int_equal(berth__core_cancel(kit.core, 0, second, BERTH_CANCEL_CALLER), BERTH_OK);
    const berth_request_id fits = ask(&kit, 60, 16);
    step(&kit, 0); /* 60 + 16 + 1 + floor(99 * 0.2058 = 20.4) is 97, below 99 */
    assert_true(runs(&kit, fits));
    core_kit_fini(&kit);
}

static void future_peak_looks_at_each_end(void **state) {
    const berth_options o = options_of(BERTH_KV_FUTURE_PEAK, 50);
    (void)state;
    /* When the second one ends: 10 + 5 and 29 + 5 are 49. */
    assert_true(second_goes_in(&o, 29, 5));
    assert_false(second_goes_in(&o, 30, 5));
    /* The first one alone at its end: 30; both at the end of the second: 13 + 2 * 18. */
    assert_true(second_goes_in(&o, 3, 18));
    assert_false(second_goes_in(&o, 4, 18));
    /* The second one goes on longer: both at the end of the first are 10 + 2 * 20. */
    assert_false(second_goes_in(&o, 0, 30));
}

static void predicted_goes_by_what_was_seen(void **state) {
    berth_options o = options_of(BERTH_KV_PREDICTED, 50);
    core_kit kit;
    (void)state;
    o.kv_quantile_ppm = 1000000;
    core_kit_init(&kit, &o);
    /* Nothing is known: two of 10 + 30 do not go together. */
    berth_request_id first = ask(&kit, 10, 30);
    berth_request_id second = ask(&kit, 10, 30);
    step(&kit, first);
    assert_false(runs(&kit, second));
    /* Eight outputs of one token: the next ones are expected to be as long. */
    for (uint32_t i = 0; i < 7; i++) {
        step(&kit, second);
        second = ask(&kit, 10, 30);
    }
    first = ask(&kit, 10, 30);
    step(&kit, 0);
    assert_true(runs(&kit, first));
    assert_true(runs(&kit, second));
    core_kit_fini(&kit);
}

/* What outputs were says nothing beyond what a request may have, and one without a limit has only
 * that. */
static void predicted_keeps_to_what_a_request_may_have(void **state) {
    berth_options o = options_of(BERTH_KV_PREDICTED, 50);
    core_kit kit;
    (void)state;
    o.kv_quantile_ppm = 1000000;
    core_kit_init(&kit, &o);
    /* Nothing is known, and no limit: prompts count. */
    (void)ask(&kit, 20, 0);
    berth_request_id second = ask(&kit, 20, 0);
    step(&kit, 0);
    assert_true(runs(&kit, second));
    core_kit_fini(&kit);
    core_kit_init(&kit, &o);
    for (uint32_t i = 0; i < 8; i++) { /* eight outputs of 15 */
        const berth_request_id id = ask(&kit, 1, 15);
        for (uint32_t token = 0; token < 14; token++) step(&kit, 0);
        step(&kit, id);
    }
    (void)ask(&kit, 20, 4); /* 15 more each would be too much; 4 are not */
    second = ask(&kit, 20, 4);
    const berth_request_id third = ask(&kit, 1, 0); /* this one may go on as long as those did */
    step(&kit, 0);
    assert_true(runs(&kit, second));
    assert_false(runs(&kit, third));
    core_kit_fini(&kit);
}

static void the_ratio_of_huge_numbers_is_a_ratio(void **state) {
    berth_options o = options_of(BERTH_KV_RATIO, UINT64_MAX);
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 64};
    const uint64_t max = UINT64_C(1) << 50;
    core_kit kit;
    (void)state;
    core_kit_init(&kit, &o);
    for (uint32_t i = 0; i < 2; i++) (void)ask(&kit, 1, max);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    assert_int_equal(plan.entry_count, 2);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, plan.step_id), BERTH_OK);
    for (uint32_t i = 0; i < 2; i++) {
        const berth__progress p = {.tokens_computed = 1, .tokens_generated = max / 4};
        assert_int_equal(berth__core_commit_entry(kit.core, entries[i].id, &p), BERTH_OK);
    }
    berth__core_commit_end(kit.core);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    assert_int_equal(berth__core_plan_fail(kit.core, 0, plan.step_id), BERTH_OK);
    /* A quarter, and 20 tokens, of what the one that stays may have. */
    assert_int_equal(berth__ratio_of(kit.core, 4000000) / 1000, 1000);
    /* What cannot be multiplied is kept whole. */
    assert_true(berth__ratio_of(kit.core, UINT64_C(1) << 60) == UINT64_C(1) << 60);
    core_kit_fini(&kit);
}

static berth_request_id ask_for(core_kit *kit, uint64_t tenant, uint64_t prompt_tokens,
                                uint64_t max_new_tokens) {
    const berth__submit submit = {.terms.band = 1,
                                  .terms.tenant = tenant,
                                  .terms.prompt_tokens = prompt_tokens,
                                  .terms.max_new_tokens = max_new_tokens};
    return core_kit_take_in(kit, 0, &submit);
}

/* Two of a tenant that are 10 + 30 at most, on 50: do they go in together? Both end with one
 * token. */
static int two_go_in(core_kit *kit, uint64_t tenant) {
    const berth_request_id first = ask_for(kit, tenant, 10, 30);
    const berth_request_id second = ask_for(kit, tenant, 10, 30);
    step(kit, first);
    const int in = runs(kit, second);
    step(kit, second);
    step(kit, second);
    step(kit, 0);
    assert_int_equal(core_kit_stats(kit).running, 0);
    return in;
}

static void predicted_goes_by_the_tenant_and_forgets_who_is_given_up(void **state) {
    berth_options o = options_of(BERTH_KV_PREDICTED, 50);
    core_kit kit;
    (void)state;
    o.kv_quantile_ppm = 1000000;
    o.tenants_max = 2;
    core_kit_init(&kit, &o);
    /* Tenant 1 has long outputs: the band would let two of nobody in. */
    for (uint32_t i = 0; i < 10; i++) {
        const berth_request_id id = ask_for(&kit, 1, 10, 30);
        for (uint32_t token = 0; token < 29; token++) step(&kit, 0);
        step(&kit, id);
    }
    for (uint32_t i = 0; i < 4; i++) assert_false(two_go_in(&kit, 2));
    assert_true(two_go_in(&kit, 2)); /* eight of one token */
    assert_false(two_go_in(&kit, 1));
    /* Two others come: both give way, and when the second is back nothing of it is known. */
    assert_false(two_go_in(&kit, 3));
    assert_false(two_go_in(&kit, 4));
    assert_false(two_go_in(&kit, 2));
    core_kit_fini(&kit);
}

/* What is seen at a glance is what is counted; and of blocks of a power of two all is seen. */
static void tokens_of_one_block_are_known_without_counting(void **state) {
    (void)state;
    for (uint32_t block = 1; block <= 9; block++) {
        const berth__kv_shape shape = {.prompt_tokens = 5, .max_new_tokens = 40, .samples = 1};
        const int is_power = (block & (block - 1)) == 0;
        for (uint64_t before = 0; before < 40; before++) {
            for (uint64_t after = before; after < 45; after++) {
                const int same = berth__kv_blocks_of(&shape, block, before) ==
                                 berth__kv_blocks_of(&shape, block, after);
                const int seen = berth__kv_in_one_block(block, before, after);
                assert_true(seen == (same && is_power && before > 0));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_one_block_are_known_without_counting),
        cmocka_unit_test(worst_case_reserves_all),
        cmocka_unit_test(optimistic_reserves_the_prompt_and_a_watermark),
        cmocka_unit_test(the_watermark_is_not_asked_of_the_first),
        cmocka_unit_test(ratio_keeps_a_part_of_what_is_to_come),
        cmocka_unit_test(the_ratio_falls_by_steps_and_rises_with_a_preemption),
        cmocka_unit_test(after_a_preemption_the_ratio_is_what_those_who_stay_have_done),
        cmocka_unit_test(future_peak_looks_at_each_end),
        cmocka_unit_test(predicted_goes_by_what_was_seen),
        cmocka_unit_test(predicted_keeps_to_what_a_request_may_have),
        cmocka_unit_test(the_ratio_of_huge_numbers_is_a_ratio),
        cmocka_unit_test(predicted_goes_by_the_tenant_and_forgets_who_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
