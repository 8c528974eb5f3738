/* SPDX-License-Identifier: MIT */
/* Two engines' cores live through the same events, the one by the plain way through a step and to
 * the end of who is parked, the other by the long ones. Plans, statuses, transitions, counters and
 * views must not differ. */
#include "core/plain_step.h"
#include "core/state.h"
#include "support/core_kit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDS_MAX 512u
#define ENTRIES_MAX 32u
#define RESULTS_MAX 16u
#define UNITS_MAX 8u
#define RECENT 16u
#define TENANTS 3u

enum side { PLAIN, LONG, SIDES };

typedef struct world {
    core_kit kits[SIDES];
    uint64_t random;
    uint64_t now;
    berth_request_id ids[IDS_MAX];
    uint32_t id_count;
    uint32_t reserved;
    berth_plan_entry entries[SIDES][ENTRIES_MAX];
    /* What happened, so that the programs can be seen to be worth something. */
    uint64_t tokens_only;  /* results that say tokens and nothing else, and were counted */
    uint64_t grown;        /* such results where KV grows or the engine has a cache */
    uint64_t together;     /* plans made while steps were outstanding */
    uint64_t gave_up;      /* preempted */
    uint64_t ended_late;   /* results of those who are stopping */
    uint64_t ended_parked; /* who were never admitted */
} world;

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

/* KV that grows, an index of prompts, a cache of the engine's own: some of it. */
static void draw_kv(world *w, berth_options *o) {
    o->kv_block_tokens = 1 + (uint32_t)below(w, 4);
    o->resources[0].capacity_units = 4 * UNITS_MAX;
    o->kv_mode = (uint32_t)below(w, BERTH_KV_PREDICTED + 1);
    if (o->kv_mode != BERTH_KV_WORST_CASE) {
        o->victim = (uint32_t)below(w, BERTH_VICTIM_CHEAPEST + 1);
        o->kv_watermark_ppm = 10000;
    }
    if (below(w, 2)) o->prefix_blocks_max = 32;
    if (o->prefix_blocks_max > 0 && below(w, 2)) o->prefix_owner = BERTH_PREFIX_ENGINE;
}

static berth_options draw_options(world *w) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 1 + (uint32_t)below(w, 6), 12);
    o.ended_max = 1 + (uint32_t)below(w, 20);
    o.steps_max = 1 + (uint32_t)below(w, 4);
    o.fit = (uint32_t)below(w, BERTH_FIT_EASY + 1);
    o.pause_ns_max = 1 + below(w, 60);
    o.prefill_tokens_max = below(w, 2) ? 0 : 1 + below(w, 5);
    o.draft_tokens = below(w, 3) ? 0 : (uint32_t)below(w, 3);
    o.displace = (uint32_t)below(w, 2);
    if (below(w, 4) != 0) core_kit_add_resource(&o, "units", UNITS_MAX);
    if (below(w, 3) == 0)
        o.step_tokens = o.running_max * (UINT64_C(2) + o.draft_tokens) + below(w, 8);
    if (below(w, 3) == 0) {
        o.tenants_max = 4;
        o.fairness = below(w, 2) ? BERTH_FAIRNESS_VTC : BERTH_FAIRNESS_NONE;
    }
    if (o.resource_count > 0 && below(w, 2)) draw_kv(w, &o);
    for (uint32_t b = 0; b < o.band_count; b++) {
        if (below(w, 4) == 0) o.bands[b].codel_target_ns = 1 + below(w, 50);
        if (below(w, 4) == 0) o.bands[b].share_ppm = 100000;
    }
    return o;
}

/* ---- What is compared ---- */

static int was_never_admitted(const world *w, berth_request_id id) {
    berth__view view;
    return berth__core_view(w->kits[PLAIN].core, id, &view) == BERTH_OK &&
           view.outcome.admitted_at_ns == 0;
}

static void compare(world *w) {
    const berth_stats plain = core_kit_stats(&w->kits[PLAIN]);
    const berth_stats other = core_kit_stats(&w->kits[LONG]);
    core_log *logs[] = {&w->kits[PLAIN].log, &w->kits[LONG].log};
    assert_memory_equal(&plain, &other, sizeof plain);
    assert_int_equal(logs[PLAIN]->count, logs[LONG]->count);
    for (uint32_t i = 0; i < logs[PLAIN]->count; i++) {
        assert_int_equal(logs[PLAIN]->items[i].transition, logs[LONG]->items[i].transition);
        assert_true(logs[PLAIN]->items[i].id == logs[LONG]->items[i].id);
        w->gave_up += logs[PLAIN]->items[i].transition == BERTH__T_PREEMPTED;
        w->ended_parked += logs[PLAIN]->items[i].transition == BERTH__T_ENDED &&
                           was_never_admitted(w, logs[PLAIN]->items[i].id);
    }
    for (uint32_t i = 0; i < w->id_count; i++) {
        berth__view views[SIDES];
        const berth_status status = berth__core_view(w->kits[PLAIN].core, w->ids[i], &views[PLAIN]);
        assert_int_equal(berth__core_view(w->kits[LONG].core, w->ids[i], &views[LONG]), status);
        assert_memory_equal(&views[PLAIN], &views[LONG], sizeof views[PLAIN]);
    }
    for (uint64_t tenant = 0; tenant < TENANTS; tenant++) {
        berth_tenant_stats of[SIDES];
        memset(of, 0, sizeof of);
        const berth_status status =
            berth__core_tenant_stats(w->kits[PLAIN].core, tenant, &of[PLAIN]);
        assert_int_equal(berth__core_tenant_stats(w->kits[LONG].core, tenant, &of[LONG]), status);
        assert_memory_equal(&of[PLAIN], &of[LONG], sizeof of[PLAIN]);
    }
    for (int side = 0; side < SIDES; side++) {
        core_kit_clear(&w->kits[side]);
        core_kit_must_hold(&w->kits[side]);
    }
    assert_int_equal(berth__core_has_plan(w->kits[PLAIN].core),
                     berth__core_has_plan(w->kits[LONG].core));
    assert_true(berth__core_next_at(w->kits[PLAIN].core) ==
                berth__core_next_at(w->kits[LONG].core));
}

/* ---- Events ---- */

static void submit(world *w) {
    const uint32_t resources = w->kits[PLAIN].options.resource_count;
    const uint64_t prompt_tokens = below(w, 10);
    const berth_options *o = &w->kits[PLAIN].options;
    const berth_block_hash hashes[] = {{1 + below(w, 2), 1}, {2, 2}, {3, 3}};
    const uint64_t blocks = o->prefix_blocks_max > 0 ? prompt_tokens / o->kv_block_tokens : 0;
    const uint32_t hash_count = blocks < 3 ? (uint32_t)blocks : 3;
    const berth__submit ask = {
        .terms.band = 1 + (uint32_t)below(w, 4),
        .cost_count = resources,
        .cost = {resources > 0 && o->kv_block_tokens == 0 ? below(w, UNITS_MAX) : 0},
        .terms.prompt_tokens = prompt_tokens,
        .terms.max_new_tokens = below(w, 8),
        .samples = 1 + (below(w, 4) == 0),
        .terms.tenant = below(w, TENANTS),
        .block_hashes = hashes,
        .block_hash_count = hash_count,
        .terms.queue_ns = below(w, 3) ? 0 : 1 + below(w, 100),
        .terms.first_output_ns = below(w, 4) ? 0 : 1 + below(w, 100),
        .terms.total_ns = below(w, 4) ? 0 : 1 + below(w, 300)};
    berth_request_id ids[SIDES];
    if (w->id_count == IDS_MAX) return;
    const berth_status status =
        core_submit_any(w->kits[PLAIN].core, w->now, &ask, &ids[PLAIN], NULL);
    assert_int_equal(berth__core_submit(w->kits[LONG].core, w->now, &ask, &ids[LONG], NULL),
                     status);
    if (status != BERTH_OK) return;
    assert_true(ids[PLAIN] == ids[LONG]);
    for (int side = 0; side < SIDES; side++) core_kit_accept(&w->kits[side], ids[PLAIN]);
    w->ids[w->id_count++] = ids[PLAIN];
}

static berth_request_id any(world *w) {
    const uint32_t recent = w->id_count < RECENT ? w->id_count : RECENT;
    return recent == 0 ? 0 : w->ids[w->id_count - 1 - (uint32_t)below(w, recent)];
}

/* Mostly one of the latest plan. */
static berth_request_id any_planned(world *w) {
    const berth_request_id id = w->entries[PLAIN][below(w, ENTRIES_MAX / 4)].id;
    return id != 0 && below(w, 4) ? id : any(w);
}

static void plan(world *w) {
    berth_plan plans[SIDES];
    berth_status status[SIDES];
    w->together += w->kits[PLAIN].core->steps_outstanding > 0;
    for (int side = 0; side < SIDES; side++) {
        memset(w->entries[side], 0, sizeof w->entries[side]);
        plans[side] = (berth_plan){.struct_size = sizeof plans[side], .entry_max = ENTRIES_MAX};
        plans[side].entries = w->entries[side];
        status[side] = berth__core_plan(w->kits[side].core, w->now, &plans[side]);
    }
    assert_int_equal(status[PLAIN], status[LONG]);
    plans[LONG].entries = plans[PLAIN].entries;
    assert_memory_equal(&plans[PLAIN], &plans[LONG], sizeof plans[PLAIN]);
    assert_memory_equal(w->entries[PLAIN], w->entries[LONG], sizeof w->entries[PLAIN]);
}

static uint64_t planned_for(const world *w, berth_request_id id) {
    for (uint32_t i = 0; i < ENTRIES_MAX; i++)
        if (w->entries[PLAIN][i].id == id) return w->entries[PLAIN][i].tokens;
    return 0;
}

/* Tokens as planned mostly, and now and then whatever else a result may say. */
static berth__progress draw_progress(world *w, berth_request_id id, const uint64_t *held) {
    berth__progress p = {.tokens_computed = below(w, 4) ? planned_for(w, id) : below(w, 6),
                         .tokens_generated = below(w, 3),
                         .has_output = (uint32_t)below(w, 2)};
    if (below(w, 50) == 0) p.tokens_computed = UINT64_MAX;
    if (below(w, 50) == 0) p.prefix_tokens = 1;
    if (below(w, 10) == 0) p.finish = (uint32_t)below(w, BERTH_FINISH_FAILED + 2);
    if (below(w, 10) == 0) {
        p.held = held;
        p.held_count = (uint32_t)below(w, 3);
    }
    return p;
}

static void commit_one(world *w, berth_request_id id) {
    const uint64_t held[BERTH_RESOURCES_MAX] = {below(w, UNITS_MAX + 1)};
    const berth__progress p = draw_progress(w, id, held);
    w->kits[PLAIN].may_overdraw = w->kits[LONG].may_overdraw = 1;
    const berth_status status = berth__core_commit_entry(w->kits[PLAIN].core, id, &p);
    assert_int_equal(berth__core_commit_entry(w->kits[LONG].core, id, &p), status);
    w->tokens_only += status == BERTH_OK && p.held == NULL && p.finish == BERTH_FINISH_NONE;
    w->grown += status == BERTH_OK && p.held == NULL && p.finish == BERTH_FINISH_NONE &&
                (w->kits[PLAIN].core->minds & (BERTH__MINDS_KV | BERTH__MINDS_FOUND)) != 0;
    w->ended_late += status == BERTH_EENDED;
    for (int side = 0; side < SIDES; side++) core_kit_must_hold(&w->kits[side]);
}

static void disturb(world *w) {
    const berth_request_id id = any(w);
    const uint64_t how = below(w, 7);
    berth_status status[SIDES] = {BERTH_OK, BERTH_OK};
    for (int side = 0; side < SIDES; side++) {
        berth__core *core = w->kits[side].core;
        switch (how) {
        case 0: status[side] = berth__core_cancel(core, w->now, id, BERTH_CANCEL_CALLER); break;
        case 1: status[side] = berth__core_suspend(core, w->now, id, 1); break;
        case 2: status[side] = berth__core_suspend(core, w->now, id, 0); break;
        case 3: status[side] = berth__core_pause(core, w->now, id, BERTH__PAUSE_GIVE_UP); break;
        case 4: status[side] = berth__core_pause(core, w->now, id, BERTH__PAUSE_HOLD); break;
        case 5: status[side] = berth__core_pause(core, w->now, id, BERTH__PAUSE_NONE); break;
        default: status[side] = berth__core_preempt(core, w->now, id); break;
        }
    }
    assert_int_equal(status[PLAIN], status[LONG]);
}

/* The oldest step, with some results twice, some of nobody in it, and others left out; what can
 * happen between two of them happens, too. */
static void commit(world *w) {
    const berth__core *core = w->kits[PLAIN].core;
    const berth_step_id step_id = core->step_id - core->steps_outstanding + 1;
    if (core->steps_outstanding == 0) return;
    for (int side = 0; side < SIDES; side++)
        assert_int_equal(berth__core_commit_begin(w->kits[side].core, w->now, step_id), BERTH_OK);
    for (uint64_t left = below(w, RESULTS_MAX); left > 0; left--) {
        const berth_request_id id = any_planned(w);
        assert_int_equal(berth__core_awaits(w->kits[PLAIN].core, id),
                         berth__core_awaits(w->kits[LONG].core, id));
        commit_one(w, id);
        if (below(w, 12) == 0) disturb(w);
    }
    for (int side = 0; side < SIDES; side++) berth__core_commit_end(w->kits[side].core);
}

static void fail_all(world *w) {
    const berth__core *core = w->kits[PLAIN].core;
    const berth_step_id step_id = core->step_id - core->steps_outstanding + 1;
    const berth_status status = berth__core_plan_fail(w->kits[PLAIN].core, w->now, step_id);
    assert_int_equal(berth__core_plan_fail(w->kits[LONG].core, w->now, step_id), status);
}

static void change_capacity(world *w) {
    const uint64_t capacity = 1 + below(w, UNITS_MAX);
    if (w->kits[PLAIN].options.resource_count == 0) return;
    for (int side = 0; side < SIDES; side++) {
        w->kits[side].may_overdraw = 1;
        assert_int_equal(berth__core_capacity_set(w->kits[side].core, w->now, 0, capacity),
                         BERTH_OK);
    }
}

static void event(world *w) {
    const uint64_t what = below(w, 100);
    w->now += below(w, 3) ? 0 : below(w, 12);
    if (what < 25)
        submit(w);
    else if (what < 55)
        plan(w);
    else if (what < 85)
        commit(w);
    else if (what < 95)
        disturb(w);
    else if (what < 98)
        fail_all(w);
    else
        change_capacity(w);
    compare(w);
}

/* ---- Programs ---- */

static uint64_t failing_seed; /* 0 = none */

static void the_plain_way_comes_to_the_same_end(void **state) {
    static world w;
    const uint64_t first = core_seed(1);
    const uint64_t programs = getenv("BERTH_TEST_SEED") != NULL ? 1 : core_long_tier() ? 4000 : 200;
    uint64_t seen[6] = {0};
    uint64_t plain_plans = 0;
    uint64_t plain_ends = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + programs; seed++) {
        failing_seed = seed;
        memset(&w, 0, sizeof w);
        w.random = seed;
        w.now = 1000;
        const berth_options options = draw_options(&w);
        for (int side = 0; side < SIDES; side++) core_kit_init(&w.kits[side], &options);
        plain_plans += w.kits[PLAIN].core->plain_steps;
        plain_ends += w.kits[PLAIN].core->plain_ends;
        w.kits[LONG].core->plain_steps = w.kits[LONG].core->plain_submits = 0;
        w.kits[LONG].core->plain_ends = 0;
        w.kits[LONG].core->minds |= BERTH__MINDS_ALL;
        for (uint32_t i = 0; i < 400; i++) event(&w);
        seen[0] += w.tokens_only;
        seen[1] += w.together;
        seen[2] += w.gave_up;
        seen[3] += w.ended_late;
        seen[4] += w.ended_parked;
        seen[5] += w.grown;
        for (int side = 0; side < SIDES; side++) core_kit_fini(&w.kits[side]);
    }
    failing_seed = 0;
    for (int i = 0; i < 6; i++) assert_true(programs == 1 || seen[i] > programs);
    assert_true(programs == 1 || (plain_plans > programs / 8 && plain_plans < programs));
    assert_true(programs == 1 || (plain_ends > programs / 8 && plain_ends < programs));
}

static int say_seed(void **state) {
    (void)state;
    if (failing_seed != 0) fprintf(stderr, "seed %" PRIu64 "\n", failing_seed);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_plain_way_comes_to_the_same_end, say_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
