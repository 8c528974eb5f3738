/* SPDX-License-Identifier: MIT */
/*
 * The future peak against what it means: let everybody go on token by token to his end, and look at
 * each step how much is held. And the promise of the mode: who goes in below the peak, in any order
 * of arrival, never takes more than the capacity, to the last token.
 */
#include "core/kv_peak.h"

#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MOST 48u

static berth__peak_item items[MOST], scratch[MOST];
static uint64_t sums[MOST], before[MOST], after[MOST];

static berth__peak empty(void) {
    return (berth__peak){
        .items = items, .scratch = scratch, .sums = sums, .before = before, .after = after};
}

/* What is held at most from now on: those who have ended are gone one step later. */
static uint64_t walk(const berth__peak_item *of, uint32_t count) {
    uint64_t most = 0;
    for (uint64_t step = 0; step < 64; step++) {
        uint64_t held = 0;
        for (uint32_t i = 0; i < count; i++)
            if (of[i].left >= step) held += of[i].current + step;
        if (held > most) most = held;
    }
    return most;
}

static void the_peak_is_what_a_walk_to_the_end_finds(void **state) {
    uint64_t random = core_seed(11);
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        berth__peak peak = empty();
        berth__peak_item all[MOST];
        const uint32_t count = 1 + (uint32_t)core_random_below(&random, MOST - 1);
        const uint64_t spread = 1 + core_random_below(&random, 60);
        for (uint32_t i = 0; i < count; i++) {
            all[i] = (berth__peak_item){.current = core_random_below(&random, 30),
                                        .left = core_random_below(&random, spread),
                                        .admission = i};
            assert_true(berth__peak_with(&peak, all[i].current, all[i].left) == walk(all, i + 1));
            berth__peak_insert(&peak, &all[i]);
        }
        /* Some of them go on by a token, others do not: the order is mended. */
        for (uint32_t i = 0; i < count - 1; i++)
            if (core_random_below(&random, 3) != 0 && items[i].left > 0) {
                items[i].left--;
                items[i].current++;
            }
        peak.count = count - 1;
        memcpy(all, items, (count - 1) * sizeof *all);
        berth__peak_sort(&peak);
        for (uint32_t i = 1; i < peak.count; i++) assert_true(items[i - 1].left >= items[i].left);
        all[count - 1] = (berth__peak_item){.current = 7, .left = core_random_below(&random, 60)};
        assert_true(berth__peak_with(&peak, 7, all[count - 1].left) == walk(all, count));
    }
}

static void sums_stay_at_their_end(void **state) {
    berth__peak peak = empty();
    const berth__peak_item huge = {.current = UINT64_MAX - 1, .left = UINT64_MAX};
    (void)state;
    berth__peak_insert(&peak, &huge);
    assert_true(berth__peak_with(&peak, 5, 5) == UINT64_MAX);
}

/* What the engine knows of a slot: samples that go on, and tokens that each of those has. */
typedef struct samples_left {
    uint32_t count;
    uint32_t generated;
} samples_left;

/* A token for each sample that goes on; now and then one ends early. */
static berth__progress go_on(const berth_plan_entry *entry, samples_left *left, uint64_t *random) {
    berth__progress p = {.tokens_computed = entry->tokens};
    if (entry->flags & BERTH_ENTRY_ADMITTED) *left = (samples_left){.count = entry->samples};
    if (entry->kind == BERTH_ENTRY_DECODE) p.tokens_computed = left->count;
    p.tokens_generated = left->count;
    if (++left->generated == entry->max_new_tokens) p.finish = BERTH_FINISH_LENGTH;
    if (left->count > 1 && core_random_below(random, 4) == 0) left->count--;
    return p;
}

/* An engine whose requests all end by their length: with future_peak nobody is ever preempted. */
static void who_goes_in_below_the_peak_is_never_preempted(void **state) {
    uint64_t random = core_seed(12);
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        static berth_plan_entry entries[32];
        samples_left samples[16];
        berth_options o = core_kit_options(BERTH_FACE_ENGINE, 16, 200);
        core_kit kit;
        core_kit_add_resource(&o, "kv_blocks", 20 + core_random_below(&random, 40));
        o.kv_block_tokens = 1 + (uint32_t)core_random_below(&random, 6);
        o.kv_mode = BERTH_KV_FUTURE_PEAK;
        core_kit_init(&kit, &o);
        for (uint32_t i = 0; i < 100; i++) {
            berth_request_id id;
            const berth__submit ask = {.terms.band = 1 + (uint32_t)core_random_below(&random, 4),
                                       .terms.prompt_tokens = core_random_below(&random, 12),
                                       .terms.max_new_tokens = 1 + core_random_below(&random, 20),
                                       .samples = (uint32_t)core_random_below(&random, 4)};
            if (berth__core_submit(kit.core, 0, &ask, &id, NULL) != BERTH_OK) continue;
            core_kit_accept(&kit, id);
        }
        for (uint32_t step = 0; step < 2000; step++) {
            berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 32};
            assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
            if (plan.step_id == 0) break;
            assert_int_equal(berth__core_commit_begin(kit.core, 0, plan.step_id), BERTH_OK);
            for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
                const berth__progress p = go_on(&entries[i], &samples[entries[i].slot], &random);
                (void)berth__core_commit_entry(kit.core, entries[i].id, &p);
            }
            berth__core_commit_end(kit.core);
            core_kit_must_hold(&kit);
        }
        assert_int_equal(core_kit_stats(&kit).preemptions_total, 0);
        assert_int_equal(core_kit_stats(&kit).parked + core_kit_stats(&kit).running, 0);
        core_kit_fini(&kit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peak_is_what_a_walk_to_the_end_finds),
        cmocka_unit_test(sums_stay_at_their_end),
        cmocka_unit_test(who_goes_in_below_the_peak_is_never_preempted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
