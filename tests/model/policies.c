/* SPDX-License-Identifier: MIT */
/*
 * Random events on an engine under every mixture of options, several steps in flight, prompts that
 * share blocks, sets, samples, tickets, reports, changes of capacity and of tenants' options: after
 * each event every law and invariant holds, and at the end, when faults have stopped, everybody
 * ends and nothing is held.
 */
#include "core/kv.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 64u
#define IDS_MAX 600u
#define STEPS_MAX 4u
#define TICKETS_MAX 3u
#define PROMPT_MAX 30u
#define KV_UNITS 64u

typedef struct request {
    berth_request_id id;
    uint64_t prefill_tokens;
    berth_outcome outcome; /* once it is fixed */
    uint32_t pinned;
    uint32_t gone;
} request;

typedef struct flight {
    berth_plan plan;
    berth_plan_entry entries[ENTRIES_MAX];
} flight;

typedef struct world {
    core_kit kit;
    uint64_t seed;
    uint64_t random;
    uint64_t now;
    request requests[IDS_MAX];
    berth_ticket_id tickets[TICKETS_MAX];
    flight flights[STEPS_MAX]; /* outstanding, oldest first */
    berth_block_hash hashes[PROMPT_MAX];
    uint32_t count;
    uint32_t flight_count;
    uint32_t draining; /* faults have stopped */
} world;

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

static int maybe(world *w) {
    return below(w, 2) != 0;
}

/* 0, or a number up to `most`. */
static uint32_t upto(world *w, uint32_t most) {
    return maybe(w) ? 0 : (uint32_t)below(w, most + UINT64_C(1));
}

#define must(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s; BERTH_TEST_SEED=%llu", #condition, (unsigned long long)(w)->seed);       \
    } while (0)

/* ---- Options ---- */

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
        if (below(w, 4) == 0) o->bands[b].codel_target_ns = 1 + below(w, 60);
        if (below(w, 4) == 0) o->bands[b].parked_max = 1 + (uint32_t)below(w, 8);
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

static void set_kv(world *w, berth_options *o) {
    o->kv_block_tokens = 1 + (uint32_t)below(w, 4);
    o->kv_block_units = 1 + below(w, 2);
    o->kv_mode = (uint32_t)below(w, BERTH_KV_PREDICTED + 1);
    if (o->kv_mode == BERTH_KV_WORST_CASE) return;
    o->victim = (uint32_t)below(w, BERTH_VICTIM_CHEAPEST + 1);
    o->kv_watermark_ppm = upto(w, 200000);
    o->preempt_max = upto(w, 2);
    o->preempt_pause_steps = upto(w, 3);
    if (o->kv_mode == BERTH_KV_RATIO) o->kv_ratio_decay_steps = upto(w, 20);
    if (o->kv_mode == BERTH_KV_PREDICTED) o->kv_quantile_ppm = upto(w, 1000000);
}

static void set_steps(world *w, berth_options *o) {
    o->steps_max = 1 + (uint32_t)below(w, STEPS_MAX);
    o->draft_tokens = upto(w, 3);
    o->prefill_tokens_max = upto(w, 6);
    o->pause_ns_max = 30 + below(w, 200);
    if (maybe(w)) o->step_tokens = o->running_max * (UINT64_C(1) + o->draft_tokens) + below(w, 9);
}

/* The index has room for most of the names, or for few of them. */
static void set_shared(world *w, berth_options *o) {
    if (below(w, 3) != 0) {
        o->prefix_blocks_max = 1 + (uint32_t)below(w, maybe(w) ? 12 : 200);
        o->prefix_owner = (uint32_t)below(w, 2);
    }
    if (maybe(w)) {
        o->sets_max = 1 + (uint32_t)below(w, 3);
        o->set_resource = (uint32_t)below(w, 2);
    }
}

static berth_options random_options(world *w) {
    const uint32_t running_max = 1 + (uint32_t)below(w, 5);
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, running_max, 4 + (uint32_t)below(w, 12));
    core_kit_add_resource(&o, "kv_blocks", KV_UNITS);
    core_kit_add_resource(&o, "memory", 20);
    if (maybe(w)) o.resources[0].parked_units_max = 40 + below(w, 100);
    o.ended_max = maybe(w) ? IDS_MAX : 4;
    o.order = (uint32_t)below(w, 5);
    if (o.order != BERTH_ORDER_ARRIVAL) o.order_displaced_max = upto(w, 5);
    o.displace = (uint32_t)below(w, 2);
    o.fit = (uint32_t)below(w, 3);
    if (o.fit != BERTH_FIT_STRICT) o.look_max = upto(w, 4);
    if (o.fit != BERTH_FIT_STRICT) o.overtake_max = upto(w, 3);
    if (o.fit != BERTH_FIT_STRICT) o.overtake_ns_max = upto(w, 200);
    o.wait_ppm = upto(w, 1000000);
    o.tickets_max = TICKETS_MAX;
    o.ticket_ns = 1 + below(w, 200);
    set_bands(w, &o);
    set_kv(w, &o);
    set_steps(w, &o);
    set_shared(w, &o);
    if (o.order == BERTH_ORDER_PREFIX && o.prefix_blocks_max == 0) o.order = BERTH_ORDER_RANK;
    if (below(w, 3) != 0) set_tenants(w, &o);
    return o;
}

/* ---- Requests ---- */

static berth_request_id any(world *w) {
    const uint64_t latest = w->count < 20 ? w->count : 20;
    return w->count == 0 ? 1 : w->requests[w->count - 1 - below(w, latest)].id;
}

/* Prompts of three families, each with branches; now and then a chain that cannot be. */
static void name_blocks(world *w, berth__submit *ask) {
    const uint64_t family = below(w, 3);
    const uint64_t fork = below(w, 6);
    const uint64_t branch = below(w, 3);
    const int is_odd = below(w, 30) == 0;
    if (w->kit.options.prefix_blocks_max == 0 || below(w, 5) == 0) return;
    ask->block_hash_count = (uint32_t)below(w, PROMPT_MAX);
    ask->block_hashes = w->hashes;
    for (uint32_t i = 0; i < ask->block_hash_count; i++) {
        const uint64_t of = is_odd && i > 1 ? below(w, 3) : family;
        const uint64_t path = i >= fork ? 1 + fork * 3 + branch : 0;
        w->hashes[i] =
            (berth_block_hash){.low = of * 31 + i * 7 + path, .high = of + i * 8 + (path << 20)};
    }
}

static uint64_t extreme(world *w) {
    static const uint64_t numbers[] = {0, 1, UINT32_MAX, UINT64_MAX / 2 + 1, UINT64_MAX};
    return numbers[below(w, sizeof numbers / sizeof numbers[0])];
}

static void make_extreme(world *w, berth__submit *ask) {
    switch (below(w, 8)) {
    case 0: ask->terms.prompt_tokens = extreme(w); break;
    case 1: ask->terms.total_ns = extreme(w); break;
    case 2: ask->run_ns = extreme(w); break;
    case 3: ask->rank = extreme(w); break;
    case 4: ask->cost[1] = ask->cost_count != 0 ? extreme(w) : 0; break;
    case 5: ask->set_units = ask->set != 0 ? extreme(w) : 0; break;
    case 6: ask->terms.payload_size = extreme(w); break;
    default: ask->terms.max_new_tokens = extreme(w); break;
    }
}

static berth__submit random_ask(world *w) {
    const berth_options *o = &w->kit.options;
    berth__submit ask = {.terms.band = 1 + (uint32_t)below(w, o->band_count)};
    ask.terms.tenant = below(w, 6);
    ask.rank = below(w, 9);
    ask.terms.prompt_tokens = below(w, PROMPT_MAX + 1);
    ask.terms.max_new_tokens = 1 + below(w, 20);
    ask.terms.total_ns = maybe(w) ? 0 : 100 + below(w, 900);
    ask.terms.queue_ns = below(w, 4) != 0 ? 0 : 50 + below(w, 300);
    ask.terms.first_output_ns = below(w, 4) != 0 ? 0 : 50 + below(w, 300);
    ask.run_ns = upto(w, 300);
    ask.samples = below(w, 4) != 0 ? 1 : 1 + (uint32_t)below(w, 3);
    if (maybe(w)) {
        ask.cost_count = 2;
        ask.cost[1] = below(w, 8);
    }
    if (o->sets_max != 0 && maybe(w)) {
        ask.set = 1 + below(w, 5);
        ask.set_units = below(w, 6);
    }
    name_blocks(w, &ask);
    if (below(w, 40) == 0) make_extreme(w, &ask);
    return ask;
}

static void submit(world *w) {
    berth_request_id id;
    berth__submit ask = random_ask(w);
    if (below(w, 4) == 0) ask.ticket = w->tickets[below(w, TICKETS_MAX)];
    if (w->count == IDS_MAX || berth__core_submit(w->kit.core, w->now, &ask, &id, NULL) != BERTH_OK)
        return;
    core_kit_accept(&w->kit, id);
    w->requests[w->count] = (request){.id = id, .pinned = (uint32_t)maybe(w)};
    if (w->requests[w->count++].pinned) berth__core_pin(w->kit.core, id);
}

static void hold_room(world *w) {
    berth__submit ask = random_ask(w);
    berth_ticket_id *ticket = &w->tickets[below(w, TICKETS_MAX)];
    ask.count = 1 + (uint32_t)below(w, 4);
    if (maybe(w))
        (void)berth__core_ticket_cancel(w->kit.core, w->now, *ticket);
    else
        (void)berth__core_reserve(w->kit.core, w->now, &ask, ticket, NULL);
}

/* ---- Steps ---- */

static request *find(world *w, berth_request_id id) {
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].id == id) return &w->requests[i];
    fail_msg("an id that was never given; BERTH_TEST_SEED=%llu", (unsigned long long)w->seed);
    return NULL;
}

/* 1 if there was anything in it. */
static int plan(world *w) {
    flight *made = &w->flights[w->flight_count];
    berth_block_hash gone;
    uint64_t left = UINT64_MAX;
    uint32_t slots = 0;
    if (w->flight_count == w->kit.options.steps_max) return 0;
    berth__core_expire(w->kit.core, w->now);
    const uint32_t expected = berth__core_has_plan(w->kit.core);
    const uint64_t parked = core_kit_stats(&w->kit).parked;
    made->plan = (berth_plan){.entries = made->entries, .entry_max = ENTRIES_MAX};
    must(w, berth__core_plan(w->kit.core, w->now, &made->plan) == BERTH_OK);
    must(w, expected || made->plan.entry_count == 0);
    /* A loop that is told to make a plan, and gets an empty one, sleeps until something happens. */
    if (expected && w->flight_count == 0 && w->kit.options.kv_mode <= BERTH_KV_OPTIMISTIC)
        must(w, made->plan.entry_count > 0 || made->plan.parked_count < parked);
    if (w->kit.options.step_tokens != 0) left = w->kit.options.step_tokens;
    for (uint32_t i = made->plan.leave_count; i < made->plan.entry_count; i++) {
        const berth_plan_entry *e = &made->entries[i];
        must(w, e->tokens > 0 && e->tokens <= left);
        must(w, !(slots >> e->slot & 1));
        slots |= 1u << e->slot;
        left -= e->tokens;
        if (e->flags & BERTH_ENTRY_ADMITTED)
            find(w, e->id)->prefill_tokens = e->prompt_tokens + e->tokens_generated;
        if (e->kind == BERTH_ENTRY_PREFILL)
            must(w, e->tokens_computed + e->tokens <= find(w, e->id)->prefill_tokens);
    }
    while (below(w, 3) != 0 && berth__core_prefix_tell(w->kit.core, &gone)) continue;
    if (made->plan.step_id != 0) w->flight_count++;
    return made->plan.entry_count > 0;
}

/* What an engine says of one entry: from the end of its prefill on it generates. */
static berth__progress progress_of(world *w, const berth_plan_entry *e, const uint64_t *held) {
    const berth_options *o = &w->kit.options;
    const uint64_t prefill = find(w, e->id)->prefill_tokens;
    const int found = (e->flags & BERTH_ENTRY_ADMITTED) && o->prefix_owner == BERTH_PREFIX_ENGINE;
    berth__view view;
    berth__progress p = {.tokens_computed = e->tokens};
    if (berth__core_view(w->kit.core, e->id, &view) != BERTH_OK) return p;
    if (found) p.prefix_tokens = e->prefix_tokens;
    if (!w->draining && below(w, 5) == 0) p.tokens_computed = below(w, e->tokens + 1);
    if (!w->draining && found && maybe(w)) p.prefix_tokens = below(w, e->prompt_tokens + 2);
    if (!w->draining && below(w, 6) == 0) {
        p.held = held;
        p.held_count = 2;
    }
    const uint64_t before = found ? p.prefix_tokens : view.outcome.tokens_computed;
    if (before + p.tokens_computed >= prefill)
        p.tokens_generated = before >= prefill ? p.tokens_computed : view.samples;
    if (before >= prefill && maybe(w) && p.tokens_generated > view.samples)
        p.tokens_generated = view.samples;
    const uint64_t most =
        view.max_new_tokens == 0 || view.max_new_tokens > 20 ? 20 : view.max_new_tokens;
    if (view.outcome.tokens_generated + p.tokens_generated >= most * view.samples)
        p.finish = BERTH_FINISH_LENGTH;
    if (!w->draining && below(w, 20) == 0) p.finish = 1 + (uint32_t)below(w, 3);
    return p;
}

static void forget_flights(world *w, uint32_t count) {
    w->flight_count -= count;
    memmove(w->flights, w->flights + count, w->flight_count * sizeof *w->flights);
}

static void commit(world *w) {
    const flight *f = &w->flights[0];
    if (w->flight_count == 0) return;
    must(w, berth__core_commit_begin(w->kit.core, w->now, f->plan.step_id) == BERTH_OK);
    for (uint32_t i = f->plan.leave_count; i < f->plan.entry_count; i++) {
        const uint64_t held[] = {berth__kv_grows(&w->kit.options) ? 0 : below(w, 20), below(w, 8)};
        const berth__progress p = progress_of(w, &f->entries[i], held);
        if (w->draining || below(w, 8) != 0)
            (void)berth__core_commit_entry(w->kit.core, f->entries[i].id, &p);
    }
    berth__core_commit_end(w->kit.core);
    w->kit.may_overdraw = 1;
    forget_flights(w, 1);
}

static void fail_step(world *w) {
    if (w->flight_count == 0) return;
    const berth_step_id oldest = w->flights[0].plan.step_id;
    must(w, berth__core_plan_fail(w->kit.core, w->now, oldest) == BERTH_OK);
    forget_flights(w, w->flight_count);
}

/* ---- What else happens ---- */

static void set_tenant(world *w) {
    const uint32_t with_fairness = w->kit.options.fairness != 0;
    berth_tenant_options o = {.parked_max = (uint32_t)below(w, 9)};
    if (with_fairness) o.weight = (uint32_t)below(w, 5);
    if (with_fairness) o.running_max = (uint32_t)below(w, 3);
    const uint64_t tenant = below(w, 6);
    (void)berth__core_tenant_set(w->kit.core, w->now, tenant, maybe(w) ? &o : NULL);
}

static void recost(world *w) {
    berth_refusal refusal;
    const berth__submit known = random_ask(w);
    const berth_request_id id = any(w);
    (void)berth__core_recost(w->kit.core, w->now, id, &known, &refusal);
}

static void charge(world *w) {
    uint64_t held[2];
    held[0] = berth__kv_grows(&w->kit.options) ? 0 : below(w, 20);
    held[1] = below(w, 12);
    const berth_request_id id = any(w);
    (void)berth__core_charge(w->kit.core, w->now, id, held, 1 + (uint32_t)below(w, 2));
    w->kit.may_overdraw = 1;
}

static void resize(world *w) {
    const uint32_t resource = (uint32_t)below(w, 2);
    const uint64_t units = resource == 0 ? 30 + below(w, KV_UNITS) : 8 + below(w, 20);
    (void)berth__core_capacity_set(w->kit.core, w->now, resource, units);
    w->kit.may_overdraw = 1;
}

static void lose_block(world *w) {
    berth__submit ask = {.terms.band = 1};
    if (w->kit.options.prefix_owner != BERTH_PREFIX_ENGINE) return;
    name_blocks(w, &ask);
    if (ask.block_hash_count == 0) return;
    (void)berth__core_prefix_lost(w->kit.core, &w->hashes[below(w, ask.block_hash_count)]);
}

static void unpin(world *w, request *r) {
    if (r->pinned) berth__core_unpin(w->kit.core, r->id);
    r->pinned = 0;
}

static void disturb(world *w) {
    const berth_request_id id = any(w);
    berth__core *core = w->kit.core;
    switch (below(w, 14)) {
    case 0: (void)berth__core_cancel(core, w->now, id, BERTH_CANCEL_CALLER); break;
    case 1: (void)berth__core_preempt(core, w->now, id); break;
    case 2: recost(w); break;
    case 3: charge(w); break;
    case 4: resize(w); break;
    case 5: set_tenant(w); break;
    case 6: (void)berth__core_suspend(core, w->now, id, 1); break;
    case 7: (void)berth__core_suspend(core, w->now, id, 0); break;
    case 8: (void)berth__core_pause(core, w->now, id, (uint32_t)below(w, 3)); break;
    case 9: (void)berth__core_forget(core, id, (uint32_t)below(w, 2)); break;
    case 10: fail_step(w); break;
    case 11: unpin(w, &w->requests[below(w, w->count + 1u)]); break;
    case 12: berth__core_set_idle(core, maybe(w) ? UINT32_MAX : (uint32_t)below(w, 4)); break;
    default: hold_room(w); break;
    }
}

static void one_event(world *w) {
    w->now += below(w, 8);
    switch (below(w, 16)) {
    case 0:
    case 1:
    case 2:
    case 3: disturb(w); break;
    case 4: lose_block(w); break;
    case 5: berth__core_expire(w->kit.core, w->now); break;
    case 6:
    case 7:
    case 8: submit(w); break;
    case 9:
    case 10:
    case 11: commit(w); break;
    default: (void)plan(w); break;
    }
}

/* What was told of how a request ended stays true. */
static void outcome_must_stay(world *w, request *r) {
    berth_outcome now;
    if (r->gone || berth__core_outcome(w->kit.core, r->id, &now) == BERTH_EAGAIN) return;
    r->gone = berth__core_outcome(w->kit.core, r->id, &now) != BERTH_OK;
    if (r->gone) return;
    if (r->outcome.kind == BERTH_OUTCOME_NONE) r->outcome = now;
    must(w, memcmp(&r->outcome, &now, sizeof now) == 0);
}

static void hold(world *w) {
    const char *law = core_kit_law(&w->kit, 1);
    if (law != NULL) fail_msg("%s; BERTH_TEST_SEED=%llu", law, (unsigned long long)w->seed);
    for (uint32_t i = 0; i < w->count; i++) outcome_must_stay(w, &w->requests[i]);
    core_kit_clear(&w->kit);
}

/* ---- The end ---- */

static void stop_faults(world *w) {
    const uint64_t end = below(w, 8); /* now and then by shutdown */
    w->draining = 1;
    (void)berth__core_capacity_set(w->kit.core, w->now, 0, KV_UNITS);
    (void)berth__core_capacity_set(w->kit.core, w->now, 1, 20);
    w->kit.may_overdraw = 1;
    for (uint32_t i = 0; i < w->count; i++) {
        (void)berth__core_suspend(w->kit.core, w->now, w->requests[i].id, 0);
        (void)berth__core_pause(w->kit.core, w->now, w->requests[i].id, BERTH__PAUSE_NONE);
        unpin(w, &w->requests[i]);
    }
    berth__core_set_idle(w->kit.core, UINT32_MAX);
    if (end == 0) berth__core_close(w->kit.core, w->now);
    if (end < 2) berth__core_shutdown(w->kit.core, w->now, (uint32_t)end);
    hold(w);
}

/* Nobody comes any more, and all is computed as planned: the queue must empty, and all be let go.
 */
static void run_out(world *w) {
    uint32_t idle = 0;
    stop_faults(w);
    for (uint32_t rounds = 0; idle < 20; rounds++) {
        const int listed = plan(w);
        hold(w);
        const berth_stats s = core_kit_stats(&w->kit);
        if (!listed && s.parked + s.running + s.stopping == 0) break;
        if (w->flight_count == 0 && s.parked + s.running > 0)
            must(w, berth__core_has_plan(w->kit.core) != 0); /* or a loop would sleep for ever */
        idle = listed || w->flight_count > 0 ? 0 : idle + 1;
        if (!listed || maybe(w)) commit(w);
        w->now += below(w, 3);
        hold(w);
        must(w, rounds < 30000);
    }
    const berth_stats s = core_kit_stats(&w->kit);
    must(w, s.parked + s.running + s.stopping == 0);
    must(w, s.resources[0].used_units == 0 && s.resources[1].used_units == 0);
    must(w, s.prefix_blocks_held == 0 && s.sets_held == 0 && s.suspended == 0 && s.paused == 0);
}

static void one_program(world *w, uint64_t seed) {
    berth_config_error error;
    memset(w, 0, sizeof *w);
    w->seed = w->random = seed;
    const berth_options options = random_options(w);
    if (berth__options_check(&options, &error) != BERTH_OK)
        fail_msg("%s: %s", error.path, error.message);
    core_kit_init(&w->kit, &options);
    for (uint32_t n = 0; n < 300; n++) {
        one_event(w);
        hold(w);
    }
    run_out(w);
    core_kit_fini(&w->kit);
}

static void invariants_hold_and_everybody_ends_under_every_mixture(void **state) {
    const uint64_t seed = core_seed(1);
    const uint32_t programs = core_long_tier() ? 20000 : 300;
    world *w = malloc(sizeof *w);
    (void)state;
    assert_non_null(w);
    for (uint32_t i = 0; i < programs; i++) one_program(w, seed + i);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invariants_hold_and_everybody_ends_under_every_mixture),
    };
    return cmocka_run_group_tests_name("model/policies", tests, NULL, NULL);
}
