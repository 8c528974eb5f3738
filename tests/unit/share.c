/* SPDX-License-Identifier: MIT */
/* What requests share, in the core: prompts that begin alike, adapters; counted once, exactly. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK 4u /* tokens */
#define ENTRIES 16u

typedef struct world {
    core_kit kit;
    berth_plan_entry entries[ENTRIES];
    berth_plan plan;
} world;

static uint32_t kv_mode = BERTH_KV_WORST_CASE;

static void make_with(world *w, uint64_t kv_blocks, uint32_t index_blocks, uint32_t owner) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 16);
    core_kit_add_resource(&options, "kv", kv_blocks);
    core_kit_add_resource(&options, "adapters", 100);
    options.kv_block_tokens = BLOCK;
    options.kv_mode = kv_mode;
    options.prefix_blocks_max = index_blocks;
    options.prefix_owner = owner;
    options.sets_max = 2;
    options.set_resource = 1;
    core_kit_init(&w->kit, &options);
}

static void make(world *w) {
    make_with(w, 100, 64, BERTH_PREFIX_POOL);
}

static void assert_lawful(world *w) {
    const char *law = core_kit_law(&w->kit, 1);
    if (law != NULL) print_error("%s\n", law);
    assert_null(law);
}

/* The hash of block `depth` of a prompt of this kind: kinds part after `common` blocks. */
static berth_block_hash hash_of(uint32_t kind, uint32_t common, uint32_t depth) {
    return (berth_block_hash){.low = depth + 1, .high = depth < common ? 0 : kind + 1};
}

static berth_request_id ask_samples(world *w, uint64_t prompt, uint64_t output, uint32_t kind,
                                    uint32_t samples) {
    berth_block_hash hashes[32];
    berth__submit submit = {.terms.band = 1,
                            .terms.prompt_tokens = prompt,
                            .terms.max_new_tokens = output,
                            .samples = samples};
    berth_request_id id;
    for (uint32_t i = 0; i < prompt / BLOCK; i++) hashes[i] = hash_of(kind, 3, i);
    submit.block_hashes = hashes;
    submit.block_hash_count = (uint32_t)(prompt / BLOCK);
    assert_int_equal(berth__core_submit(w->kit.core, 0, &submit, &id, NULL), BERTH_OK);
    core_kit_accept(&w->kit, id);
    assert_lawful(w);
    return id;
}

static berth_request_id ask_for(world *w, uint64_t prompt, uint64_t output, uint32_t kind) {
    return ask_samples(w, prompt, output, kind, 1);
}

static void plan(world *w) {
    w->plan =
        (berth_plan){.struct_size = sizeof w->plan, .entries = w->entries, .entry_max = ENTRIES};
    assert_int_equal(berth__core_plan(w->kit.core, 0, &w->plan), BERTH_OK);
    assert_lawful(w);
}

/* Compute all that was planned; whoever is `last` finishes. */
static void commit(world *w, berth_request_id last) {
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, w->plan.step_id), BERTH_OK);
    for (uint32_t i = w->plan.leave_count; i < w->plan.entry_count; i++) {
        const berth_plan_entry *entry = &w->entries[i];
        const berth__progress progress = {.tokens_computed = entry->tokens,
                                          .tokens_generated = 1,
                                          .finish = entry->id == last ? BERTH_FINISH_STOP
                                                                      : BERTH_FINISH_NONE};
        assert_int_equal(berth__core_commit_entry(w->kit.core, entry->id, &progress), BERTH_OK);
        assert_lawful(w);
    }
    berth__core_commit_end(w->kit.core);
    assert_lawful(w);
}

static void commit_nothing(world *w) {
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, w->plan.step_id), BERTH_OK);
    berth__core_commit_end(w->kit.core);
    assert_lawful(w);
}

static uint64_t used(world *w, uint32_t resource) {
    return core_kit_stats(&w->kit).resources[resource].used_units;
}

static void a_prompt_that_is_there_is_not_asked_for_again(void **state) {
    world w;
    (void)state;
    make(&w);
    const berth_request_id first = ask_for(&w, 18, 2, 0); /* 4 full blocks, 5 in all */
    plan(&w);
    assert_int_equal(w.entries[0].tokens, 18);
    assert_int_equal(w.entries[0].prefix_tokens, 0);
    assert_int_equal(used(&w, 0), 5);
    commit(&w, 0);
    (void)ask_for(&w, 18, 2, 1); /* 3 blocks are the same */
    plan(&w);
    assert_int_equal(w.plan.entry_count, 2);
    assert_int_equal(w.entries[1].prefix_tokens, 12);
    assert_int_equal(w.entries[1].tokens_computed, 12);
    assert_int_equal(w.entries[1].tokens, 6);
    assert_int_equal(used(&w, 0), 5 + 2);
    assert_int_equal(core_kit_stats(&w.kit).prefix_hit_tokens_total, 12);
    commit(&w, first);
    assert_int_equal(used(&w, 0), 5); /* the second holds the three alone now */
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_cached, 1);
    core_kit_fini(&w.kit);
}

static void what_nobody_holds_is_found_again(void **state) {
    world w;
    (void)state;
    make(&w);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    assert_int_equal(used(&w, 0), 0);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_cached, 4);
    (void)ask_for(&w, 16, 4, 0);
    plan(&w);
    /* The last token is always computed: three blocks of four. */
    assert_int_equal(w.entries[0].prefix_tokens, 12);
    assert_int_equal(w.entries[0].tokens, 4);
    assert_int_equal(used(&w, 0), 5);
    core_kit_fini(&w.kit);
}

static void one_waits_for_a_prefix_that_is_being_computed(void **state) {
    world w;
    (void)state;
    make(&w);
    (void)ask_for(&w, 18, 2, 0);
    const berth_request_id same = ask_for(&w, 18, 2, 0);
    berth__submit other = {.terms.band = 1, .terms.prompt_tokens = 4, .terms.max_new_tokens = 1};
    berth_request_id id;
    assert_int_equal(berth__core_submit(w.kit.core, 0, &other, &id, NULL), BERTH_OK);
    core_kit_accept(&w.kit, id);
    plan(&w);
    assert_int_equal(w.plan.entry_count, 2); /* the first and the other: `same` lets it pass */
    assert_int_equal(w.entries[1].id, id);
    commit(&w, 0);
    plan(&w);
    assert_int_equal(w.entries[2].id, same);
    assert_int_equal(w.entries[2].prefix_tokens, 16);
    core_kit_fini(&w.kit);
}

/* Behind so many who wait for a prompt that is being computed nobody is looked for any more. */
static uint32_t admitted_behind(uint32_t waiting) {
    world w;
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 100);
    core_kit_add_resource(&options, "kv", 100);
    options.kv_block_tokens = BLOCK;
    options.prefix_blocks_max = 64;
    core_kit_init(&w.kit, &options);
    (void)ask_for(&w, 8, 2, 0);
    plan(&w);
    for (uint32_t i = 0; i < waiting; i++) (void)ask_for(&w, 8, 2, 0);
    const berth__submit other = {
        .terms.band = 1, .terms.prompt_tokens = 4, .terms.max_new_tokens = 1};
    const berth_request_id id = core_kit_take_in(&w.kit, 0, &other);
    commit_nothing(&w);
    plan(&w);
    const uint32_t state = core_kit_view(&w.kit, id).state;
    core_kit_fini(&w.kit);
    return state;
}

static void no_more_than_64_who_wait_for_a_prompt_are_passed(void **state) {
    (void)state;
    assert_int_equal(admitted_behind(64), BERTH__RUNNING);
    assert_int_equal(admitted_behind(65), BERTH__PARKED);
}

static void a_preempted_computer_makes_nobody_wait(void **state) {
    world w;
    (void)state;
    make(&w);
    const berth_request_id first = ask_for(&w, 18, 2, 0);
    (void)ask_for(&w, 18, 2, 0);
    plan(&w);
    assert_int_equal(w.plan.entry_count, 1);
    commit_nothing(&w);
    assert_int_equal(berth__core_cancel(w.kit.core, 0, first, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_lawful(&w);
    plan(&w);
    assert_int_equal(w.plan.admitted_count, 1);
    core_kit_fini(&w.kit);
}

static void cached_blocks_make_room_and_are_named(void **state) {
    world w;
    berth_block_hash hash;
    (void)state;
    make_with(&w, 6, 64, BERTH_PREFIX_POOL);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first); /* 4 of 6 blocks are cached */
    assert_false(berth__core_prefix_tell(w.kit.core, &hash));
    (void)ask_for(&w, 20, 4, 5); /* 3 shared with it, 3 more: 1 cached block is in the way */
    plan(&w);
    assert_int_equal(w.entries[0].prefix_tokens, 12);
    assert_int_equal(used(&w, 0), 6);
    assert_true(berth__core_prefix_tell(w.kit.core, &hash));
    assert_int_equal(hash.low, 4); /* the leaf of the first */
    assert_int_equal(hash.high, 1);
    assert_false(berth__core_prefix_tell(w.kit.core, &hash));
    core_kit_fini(&w.kit);
}

static void an_engine_corrects_what_was_expected(void **state) {
    world w;
    (void)state;
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    const berth_request_id second = ask_for(&w, 18, 2, 0);
    plan(&w);
    assert_int_equal(w.entries[0].prefix_tokens, 16);
    assert_int_equal(used(&w, 0), 5);
    const berth__progress found = {.tokens_computed = 14, .prefix_tokens = 4};
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_OK);
    assert_lawful(&w);
    berth__core_commit_end(w.kit.core);
    assert_lawful(&w);
    assert_int_equal(used(&w, 0), 5);
    assert_int_equal(core_kit_stats(&w.kit).prefix_hit_tokens_total, 4);
    assert_int_equal(core_kit_view(&w.kit, second).outcome.tokens_computed, 18);
    core_kit_fini(&w.kit);
}

static void an_engine_finds_more_than_was_expected(void **state) {
    world w;
    (void)state;
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id id = ask_for(&w, 18, 2, 0);
    plan(&w);
    assert_int_equal(w.entries[0].prefix_tokens, 0);
    berth__progress found = {.tokens_computed = 6, .prefix_tokens = 19};
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, id, &found), BERTH_EINVAL);
    found.prefix_tokens = 12;
    assert_int_equal(berth__core_commit_entry(w.kit.core, id, &found), BERTH_OK);
    assert_lawful(&w);
    berth__core_commit_end(w.kit.core);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, 4);
    assert_int_equal(used(&w, 0), 5);
    plan(&w); /* a second report is malformed */
    found.tokens_computed = 1;
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, id, &found), BERTH_EINVAL);
    berth__core_commit_end(w.kit.core);
    core_kit_fini(&w.kit);
}

/* Cancelled in its first step: what the engine found is news to the index only. */
static void what_is_found_late_changes_no_outcome(void **state) {
    world w;
    (void)state;
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    const berth_request_id second = ask_for(&w, 18, 2, 0);
    plan(&w);
    assert_int_equal(berth__core_cancel(w.kit.core, 0, second, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(core_kit_view(&w.kit, second).outcome.tokens_computed, 16);
    const berth__progress found = {.tokens_computed = 14, .prefix_tokens = 4};
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_EENDED);
    berth__core_commit_end(w.kit.core);
    assert_lawful(&w);
    assert_int_equal(core_kit_view(&w.kit, second).outcome.tokens_computed, 16);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_cached, 1);
    core_kit_fini(&w.kit);
}

/* A result that says what was found, and holds more than can be counted: refused, it has told the
 * index nothing, and the next one of the same step is as if it had not been. */
static void refuse_what_overflows(uint64_t found_tokens, uint64_t hit_before, uint32_t held_after) {
    world w;
    uint64_t too_much[2] = {0, UINT64_MAX};
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    const berth__submit other = {
        .terms.band = 1, .terms.prompt_tokens = 1, .cost = {0, 1}, .cost_count = 2};
    (void)core_kit_take_in(&w.kit, 0, &other);
    const berth_request_id second = ask_for(&w, 18, 2, hit_before == 16 ? 0 : 1);
    plan(&w);
    assert_int_equal(w.entries[1].prefix_tokens, hit_before);
    const berth_stats before = core_kit_stats(&w.kit);
    berth__progress found = {.tokens_computed = 18 - found_tokens, .prefix_tokens = found_tokens};
    found.held = too_much;
    found.held_count = 2;
    if (kv_mode == BERTH_KV_WORST_CASE) too_much[0] = 1;
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_EOVERFLOW);
    assert_lawful(&w);
    const berth_stats after = core_kit_stats(&w.kit);
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(core_kit_view(&w.kit, second).outcome.tokens_computed, hit_before);
    if (kv_mode == BERTH_KV_WORST_CASE && found_tokens > hit_before) {
        too_much[0] = UINT64_MAX; /* of KV, beside what is shared from now on */
        too_much[1] = 0;
        assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_EOVERFLOW);
    }
    found.held_count = 0;
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_OK);
    assert_lawful(&w);
    assert_int_equal(core_kit_view(&w.kit, second).outcome.tokens_computed, 18);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, held_after);
    berth__core_commit_end(w.kit.core);
    core_kit_fini(&w.kit);
}

/* The same where only the blocks that were not found do not fit: they count twice until the index
 * has let go of them. */
static void what_is_not_found_may_overflow_too(void **state) {
    world w;
    uint64_t held[2] = {UINT64_MAX - 6, 0};
    (void)state;
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    const berth_request_id other = ask_for(&w, 1, 1, 2);
    const berth_request_id second = ask_for(&w, 18, 2, 0);
    plan(&w);
    assert_int_equal(w.entries[1].prefix_tokens, 16);
    w.kit.may_overdraw = 1;
    assert_int_equal(berth__core_charge(w.kit.core, 0, other, held, 1), BERTH_OK);
    assert_int_equal(used(&w, 0), UINT64_MAX - 6 + 5);
    const berth__progress found = {.tokens_computed = 14, .prefix_tokens = 4};
    assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_EOVERFLOW);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, 4);
    held[0] = 1;
    assert_int_equal(berth__core_charge(w.kit.core, 0, other, held, 1), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w.kit.core, second, &found), BERTH_OK);
    berth__core_commit_end(w.kit.core);
    assert_lawful(&w);
    core_kit_fini(&w.kit);
}

static void what_overflows_tells_the_index_nothing(void **state) {
    (void)state;
    for (kv_mode = BERTH_KV_WORST_CASE; kv_mode <= BERTH_KV_OPTIMISTIC; kv_mode++) {
        refuse_what_overflows(4, 16, 4);  /* less than was expected */
        refuse_what_overflows(16, 12, 4); /* more */
    }
    kv_mode = BERTH_KV_WORST_CASE;
}

static void what_the_engine_lost_is_not_credited(void **state) {
    world w;
    (void)state;
    make_with(&w, 100, 64, BERTH_PREFIX_ENGINE);
    const berth_request_id first = ask_for(&w, 16, 4, 0);
    plan(&w);
    commit(&w, first);
    const berth_block_hash second_block = hash_of(0, 3, 1);
    assert_true(berth__core_prefix_lost(w.kit.core, &second_block));
    assert_false(berth__core_prefix_lost(w.kit.core, &second_block));
    assert_lawful(&w);
    (void)ask_for(&w, 16, 4, 0);
    plan(&w);
    assert_int_equal(w.entries[0].prefix_tokens, 4);
    core_kit_fini(&w.kit);
}

static void an_adapter_is_counted_once(void **state) {
    world w;
    berth_request_id ids[4];
    (void)state;
    make(&w);
    for (uint32_t i = 0; i < 4; i++) {
        const berth__submit submit = {
            .terms.band = 1, .set = i == 3 ? 9 : 7, .set_units = 40, .terms.prompt_tokens = 4};
        assert_int_equal(berth__core_submit(w.kit.core, 0, &submit, &ids[i], NULL), BERTH_OK);
        core_kit_accept(&w.kit, ids[i]);
    }
    plan(&w);
    assert_int_equal(w.plan.entry_count, 4);
    assert_int_equal(used(&w, 1), 80);
    commit(&w, ids[3]);
    assert_int_equal(used(&w, 1), 40);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(berth__core_cancel(w.kit.core, 0, ids[i], BERTH_CANCEL_CALLER), BERTH_OK);
    assert_lawful(&w);
    assert_int_equal(used(&w, 1), 0);
    core_kit_fini(&w.kit);
}

static void sets_have_limits(void **state) {
    world w;
    berth_request_id id;
    berth_refusal refusal;
    (void)state;
    make(&w);
    berth__submit submit = {.terms.band = 1, .set = 1, .set_units = 101};
    assert_int_equal(berth__core_submit(w.kit.core, 0, &submit, &id, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.resource, 1);
    submit.set = 0;
    submit.set_units = 1;
    assert_int_equal(berth__core_submit(w.kit.core, 0, &submit, &id, NULL), BERTH_EINVAL);
    for (uint64_t set = 1; set <= 3; set++) { /* two at once */
        submit.set = set;
        assert_int_equal(berth__core_submit(w.kit.core, 0, &submit, &id, NULL), BERTH_OK);
        core_kit_accept(&w.kit, id);
    }
    plan(&w);
    assert_int_equal(w.plan.entry_count, 2);
    assert_int_equal(core_kit_stats(&w.kit).sets_held, 2);
    core_kit_fini(&w.kit);
}

/* Random lives of requests that share: every invariant after every event. */
/* Parked with all of its blocks in the cache, it turns out to be shorter: another token is the last
 * one, which is left to compute. */
static void a_new_length_is_looked_up_anew(void **state) {
    world w;
    berth_refusal refusal;
    const berth__submit shorter = {.terms.prompt_tokens = 16, .terms.max_new_tokens = 2};
    (void)state;
    make(&w);
    const berth_request_id first = ask_for(&w, 18, 2, 0);
    plan(&w);
    commit(&w, first);
    const berth_request_id second = ask_for(&w, 18, 2, 0);
    assert_int_equal(berth__core_recost(w.kit.core, 0, second, &shorter, &refusal), BERTH_OK);
    assert_lawful(&w);
    plan(&w);
    assert_int_equal(w.entries[w.plan.leave_count].prefix_tokens, 12);
    assert_int_equal(w.entries[w.plan.leave_count].tokens, 4);
    core_kit_fini(&w.kit);
}

/* What is shared stays held though the capacity is less now; nobody else is let in. */
static void a_capacity_below_what_is_shared_lets_nobody_in(void **state) {
    world w;
    (void)state;
    kv_mode = BERTH_KV_FUTURE_PEAK;
    make(&w);
    kv_mode = BERTH_KV_WORST_CASE;
    const berth_request_id first = ask_for(&w, 16, 40, 0);
    plan(&w);
    commit(&w, 0);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, 4);
    w.kit.may_overdraw = 1;
    assert_int_equal(berth__core_capacity_set(w.kit.core, 0, 0, 3), BERTH_OK);
    assert_lawful(&w);
    const berth__submit other = {
        .terms.band = 1, .terms.prompt_tokens = 4, .terms.max_new_tokens = 4};
    const berth_request_id second = core_kit_take_in(&w.kit, 0, &other);
    assert_int_equal(berth__core_suspend(w.kit.core, 0, first, 1), BERTH_OK);
    plan(&w);
    assert_int_equal(core_kit_view(&w.kit, second).state, BERTH__PARKED);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, 4);
    assert_int_equal(berth__core_cancel(w.kit.core, 0, first, BERTH_CANCEL_CALLER), BERTH_OK);
    plan(&w);
    assert_int_equal(core_kit_view(&w.kit, second).state, BERTH__RUNNING);
    core_kit_fini(&w.kit);
}

static void random_lives_keep_every_law(uint64_t seed, uint32_t owner) {
    world w;
    uint64_t random = seed;
    make_with(&w, 12 + core_random_below(&random, 24), 8 + (uint32_t)core_random_below(&random, 40),
              owner);
    for (uint32_t turn = 0; turn < 60; turn++) {
        if (core_kit_stats(&w.kit).parked < 8)
            (void)ask_samples(&w, core_random_below(&random, 20), core_random_below(&random, 5),
                              (uint32_t)core_random_below(&random, 3),
                              1 + (uint32_t)core_random_below(&random, 2) *
                                      (uint32_t)core_random_below(&random, 3));
        plan(&w);
        if (w.plan.step_id == 0) continue;
        assert_int_equal(berth__core_commit_begin(w.kit.core, 0, w.plan.step_id), BERTH_OK);
        for (uint32_t i = w.plan.leave_count; i < w.plan.entry_count; i++) {
            const berth_plan_entry *entry = &w.entries[i];
            berth__progress progress = {.tokens_computed = core_random_below(&random, 8),
                                        .tokens_generated = core_random_below(&random, 2)};
            if (core_random_below(&random, 4) == 0) progress.finish = BERTH_FINISH_STOP;
            if (owner == BERTH_PREFIX_ENGINE && entry->flags != 0)
                progress.prefix_tokens = core_random_below(&random, entry->prompt_tokens + 1);
            assert_int_equal(berth__core_commit_entry(w.kit.core, entry->id, &progress), BERTH_OK);
            w.kit.may_overdraw = 1; /* more than was planned, or less was found */
            assert_lawful(&w);
        }
        berth__core_commit_end(w.kit.core);
        const uint32_t lost = (uint32_t)core_random_below(&random, 5);
        const berth_block_hash hash = hash_of((uint32_t)core_random_below(&random, 3), 3, lost);
        if (owner == BERTH_PREFIX_ENGINE) (void)berth__core_prefix_lost(w.kit.core, &hash);
        for (berth_block_hash told; berth__core_prefix_tell(w.kit.core, &told);) continue;
        for (uint32_t i = 0; i < w.plan.entry_count; i++) {
            const berth_request_id id = w.entries[i].id;
            if (core_random_below(&random, 6) == 0) (void)berth__core_preempt(w.kit.core, 0, id);
        }
        assert_lawful(&w);
    }
    berth__core_shutdown(w.kit.core, 0, 1);
    assert_lawful(&w);
    assert_int_equal(used(&w, 0), 0);
    assert_int_equal(core_kit_stats(&w.kit).prefix_blocks_held, 0);
    core_kit_fini(&w.kit);
}

static void whoever_owns_the_cache_no_unit_is_lost(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (core_long_tier() ? 20000u : 200u); seed++) {
        kv_mode = seed % 4 < 2 ? BERTH_KV_WORST_CASE : BERTH_KV_OPTIMISTIC;
        random_lives_keep_every_law(seed, seed % 2 == 0 ? BERTH_PREFIX_POOL : BERTH_PREFIX_ENGINE);
    }
    kv_mode = BERTH_KV_WORST_CASE;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_that_is_there_is_not_asked_for_again),
        cmocka_unit_test(what_nobody_holds_is_found_again),
        cmocka_unit_test(one_waits_for_a_prefix_that_is_being_computed),
        cmocka_unit_test(a_preempted_computer_makes_nobody_wait),
        cmocka_unit_test(cached_blocks_make_room_and_are_named),
        cmocka_unit_test(an_engine_corrects_what_was_expected),
        cmocka_unit_test(an_engine_finds_more_than_was_expected),
        cmocka_unit_test(what_is_found_late_changes_no_outcome),
        cmocka_unit_test(what_overflows_tells_the_index_nothing),
        cmocka_unit_test(what_is_not_found_may_overflow_too),
        cmocka_unit_test(what_the_engine_lost_is_not_credited),
        cmocka_unit_test(a_new_length_is_looked_up_anew),
        cmocka_unit_test(an_adapter_is_counted_once),
        cmocka_unit_test(sets_have_limits),
        cmocka_unit_test(no_more_than_64_who_wait_for_a_prompt_are_passed),
        cmocka_unit_test(a_capacity_below_what_is_shared_lets_nobody_in),
        cmocka_unit_test(whoever_owns_the_cache_no_unit_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
