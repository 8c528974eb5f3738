/* SPDX-License-Identifier: MIT */
/*
 * Random events on an engine under every mixture of options that decide who goes next, with KV that
 * grows, preemption, reports, changes of capacity and of tenants' options: after each event every
 * invariant holds, and at the end, when faults have stopped, everybody ends.
 */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 64u
#define IDS_MAX 600u

typedef struct world {
    core_kit kit;
    uint64_t seed;
    uint64_t random;
    uint64_t now;
    berth_request_id ids[IDS_MAX];
    uint32_t count;
    berth_plan plan;
    berth_plan_entry entries[ENTRIES_MAX];
} world;

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

static int maybe(world *w) {
    return below(w, 2) != 0;
}

static void set_bands(world *w, berth_options *o) {
    uint32_t shares = 1000000;
    o->band_count = 1 + (uint32_t)below(w, 4);
    for (uint32_t b = 0; b < o->band_count; b++) {
        /* The whole of the capacity is what any ceiling but the first is. */
        if (b == 0 && maybe(w)) o->bands[b].ceiling_ppm = 500000 + (uint32_t)below(w, 500000);
        if (below(w, 3) == 0) {
            o->bands[b].share_ppm = (uint32_t)below(w, shares / 2 + 1);
            shares -= o->bands[b].share_ppm;
        } else if (b + 1 < o->band_count && maybe(w)) {
            o->bands[b].aging_ns = 1 + below(w, 300);
        }
    }
}

static void set_tenants(world *w, berth_options *o) {
    o->tenants_max = 1 + (uint32_t)below(w, 4);
    if (maybe(w)) o->fairness = BERTH_FAIRNESS_VTC;
    if (maybe(w)) o->tenant_defaults.parked_max = 1 + (uint32_t)below(w, 6);
    if (maybe(w)) o->tenant_defaults.units_max[0] = 20 + below(w, 40);
    if (maybe(w)) o->tenant_defaults.rate_ns = 1 + below(w, 40);
    if (o->fairness == BERTH_FAIRNESS_VTC && maybe(w)) o->tenant_defaults.running_max = 1;
}

static berth_options random_options(world *w) {
    berth_options o =
        core_kit_options(BERTH_FACE_ENGINE, 1 + (uint32_t)below(w, 5), 4 + (uint32_t)below(w, 12));
    core_kit_add_resource(&o, "kv_blocks", 40);
    o.ended_max = IDS_MAX;
    o.kv_block_tokens = 2;
    o.kv_mode = (uint32_t)below(w, 2); /* worst case, or growing */
    o.order = (uint32_t)below(w, 5);
    if (o.order != BERTH_ORDER_ARRIVAL && maybe(w))
        o.order_displaced_max = 1 + (uint32_t)below(w, 5);
    o.displace = (uint32_t)below(w, 2);
    o.fit = (uint32_t)below(w, 3);
    set_bands(w, &o);
    if (below(w, 3) != 0) set_tenants(w, &o);
    return o;
}

static berth_request_id any(world *w) {
    return w->count == 0 ? 1 : w->ids[below(w, w->count)];
}

static void submit(world *w) {
    berth_request_id id;
    berth__submit ask = core_ask(1 + (uint32_t)below(w, w->kit.options.band_count), 0);
    ask.tenant = below(w, 6);
    ask.rank = below(w, 9);
    ask.prompt_tokens = 1 + below(w, 30);
    ask.max_new_tokens = 1 + below(w, 20);
    ask.total_ns = maybe(w) ? 0 : 100 + below(w, 900);
    if (w->count == IDS_MAX || berth__core_submit(w->kit.core, w->now, &ask, &id, NULL) != BERTH_OK)
        return;
    core_kit_accept(&w->kit, id);
    w->ids[w->count++] = id;
}

static void plan(world *w) {
    w->plan = (berth_plan){.entries = w->entries, .entry_max = ENTRIES_MAX};
    if (berth__core_plan(w->kit.core, w->now, &w->plan) != BERTH_OK) w->plan.step_id = 0;
}

static void commit(world *w, int ends) {
    if (w->plan.step_id == 0) return;
    assert_int_equal(berth__core_commit_begin(w->kit.core, w->now, w->plan.step_id), BERTH_OK);
    for (uint32_t i = w->plan.leave_count; i < w->plan.entry_count; i++) {
        const berth_plan_entry *e = &w->entries[i];
        berth__progress p = {.tokens_computed = below(w, 5) == 0 ? 0 : e->tokens,
                             .tokens_generated = 1};
        if (ends || e->tokens_generated + 1 >= e->max_new_tokens) p.finish = BERTH_FINISH_LENGTH;
        (void)berth__core_commit_entry(w->kit.core, e->id, &p);
    }
    berth__core_commit_end(w->kit.core);
    w->plan.step_id = 0;
}

static void set_tenant(world *w) {
    const berth_tenant_options o = {
        .parked_max = (uint32_t)below(w, 9),
        .weight = w->kit.options.fairness != 0 ? (uint32_t)below(w, 5) : 0,
        .running_max = w->kit.options.fairness != 0 ? (uint32_t)below(w, 3) : 0};
    (void)berth__core_tenant_set(w->kit.core, w->now, below(w, 6), maybe(w) ? &o : NULL);
}

static void one_event(world *w) {
    berth_refusal refusal;
    const berth__submit known = {.prompt_tokens = 1 + below(w, 30), .max_new_tokens = below(w, 20)};
    const uint64_t held[] = {below(w, 20)};
    w->now += below(w, 12);
    switch (below(w, 16)) {
    case 0: (void)berth__core_cancel(w->kit.core, w->now, any(w), BERTH_CANCEL_CALLER); break;
    case 1: (void)berth__core_preempt(w->kit.core, w->now, any(w)); break;
    case 2: (void)berth__core_recost(w->kit.core, w->now, any(w), &known, &refusal); break;
    case 3: (void)berth__core_charge(w->kit.core, w->now, any(w), held, 1); break;
    case 4: (void)berth__core_capacity_set(w->kit.core, w->now, 0, 30 + below(w, 20)); break;
    case 5: set_tenant(w); break;
    case 6:
    case 7:
    case 8:
    case 9: submit(w); break;
    default:
        if (w->plan.step_id == 0)
            plan(w);
        else
            commit(w, 0);
        break;
    }
}

static void hold(world *w) {
    const uint32_t line = berth__core_check(w->kit.core);
    if (line != 0) fail_msg("line %u; BERTH_TEST_SEED=%llu", line, (unsigned long long)w->seed);
}

/* Nobody comes any more, and whoever runs finishes: the queue must empty. */
static void run_out(world *w) {
    (void)berth__core_capacity_set(w->kit.core, w->now, 0, 40);
    commit(w, 1);
    for (uint32_t i = 0; i < 4 * IDS_MAX; i++) {
        if (core_kit_stats(&w->kit).parked + core_kit_stats(&w->kit).running == 0) return;
        w->now++;
        plan(w);
        commit(w, 1);
        hold(w);
    }
    fail_msg("somebody waits for ever; BERTH_TEST_SEED=%llu", (unsigned long long)w->seed);
}

static void invariants_hold_and_everybody_ends_under_every_mixture(void **state) {
    const uint64_t seed = core_seed(1);
    const uint32_t rounds = core_long_tier() ? 20000 : 300;
    world *w = malloc(sizeof *w);
    (void)state;
    assert_non_null(w);
    for (uint32_t i = 0; i < rounds; i++) {
        memset(w, 0, sizeof *w);
        w->seed = w->random = seed + i;
        const berth_options options = random_options(w);
        assert_int_equal(berth__options_check(&options, NULL), BERTH_OK);
        core_kit_init(&w->kit, &options);
        for (uint32_t n = 0; n < 300; n++) {
            one_event(w);
            core_kit_clear(&w->kit);
            hold(w);
        }
        run_out(w);
        core_kit_fini(&w->kit);
    }
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invariants_hold_and_everybody_ends_under_every_mixture),
    };
    return cmocka_run_group_tests_name("model/policies", tests, NULL, NULL);
}
