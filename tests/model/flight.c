/* SPDX-License-Identifier: MIT */
/*
 * Several steps in flight: random programs against a model that keeps every outstanding plan as it
 * was given, and works out from those what each request has in flight.
 */
#include "core/kv.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 32u
#define REQUESTS_MAX 512u
#define SHORT_PROGRAMS 600u
#define LONG_PROGRAMS 20000u

typedef struct flight {
    berth_plan plan;
    berth_plan_entry entries[ENTRIES_MAX];
} flight;

typedef struct request {
    berth_request_id id;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t prefill_tokens;
    uint64_t computed;
    uint64_t generated;
    uint32_t over;     /* its outcome is fixed */
    uint32_t held_up;  /* bit 0 suspended, bit 1 paused */
    uint32_t gives_up; /* paused so that it gives way */
    uint32_t samples;
} request;

typedef struct world {
    core_kit kit;
    uint64_t random;
    flight flights[4]; /* outstanding, oldest first */
    uint32_t flight_count;
    request requests[REQUESTS_MAX];
    uint32_t request_count;
    uint32_t draining; /* the end of a program: all is computed as planned */
    /* What happened, so that the programs can be seen to be worth something. */
    uint64_t together; /* entries of a request that an earlier outstanding step contains */
    uint64_t late;     /* results for who finished in an earlier step */
    uint64_t full;     /* left out of a plan because all it may generate is in flight */
    uint64_t short_of; /* left out for want of KV */
} world;

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

static request *find(world *w, berth_request_id id) {
    for (uint32_t i = 0; i < w->request_count; i++)
        if (w->requests[i].id == id) return &w->requests[i];
    fail_msg("an id that was never given");
    return NULL;
}

static const berth_plan_entry *entry_in(const flight *f, berth_request_id id) {
    for (uint32_t i = f->plan.leave_count; i < f->plan.entry_count; i++)
        if (f->entries[i].id == id) return &f->entries[i];
    return NULL;
}

/* Tokens in outstanding steps; `count` how many steps those are. */
static uint64_t in_flight(const world *w, berth_request_id id, uint32_t *count) {
    uint64_t tokens = 0;
    *count = 0;
    for (uint32_t i = 0; i < w->flight_count; i++) {
        const berth_plan_entry *entry = entry_in(&w->flights[i], id);
        if (entry == NULL) continue;
        tokens += entry->tokens;
        ++*count;
    }
    return tokens;
}

/* From the end of its prefill a token of each sample may come, and one from each position behind.
 */
static uint64_t coming(const world *w, const request *r) {
    uint32_t count;
    uint64_t tokens = 0;
    const uint64_t end = r->computed + in_flight(w, r->id, &count);
    for (uint64_t at = r->computed + 1; at <= end; at++) {
        if (at == r->prefill_tokens) tokens += r->samples;
        if (at > r->prefill_tokens) tokens++;
    }
    return tokens;
}

static uint64_t most_new(const request *r) {
    return r->max_new_tokens * r->samples;
}

static int may_have_all(const world *w, const request *r) {
    const uint64_t more = coming(w, r);
    return more > 0 && r->max_new_tokens != 0 && r->generated + more >= most_new(r);
}

/* ---- What must hold after every event ---- */

static void look_at(world *w, const request *r) {
    berth__view view;
    uint32_t steps;
    const uint64_t tokens = r->computed + in_flight(w, r->id, &steps);
    if (berth__core_view(w->kit.core, r->id, &view) != BERTH_OK) {
        assert_true(r->over && steps == 0);
        return;
    }
    assert_int_equal(view.in_step, steps > 0);
    /* The fence: over, it goes when the last step that contains it is committed, and not before. */
    if (r->over) assert_int_equal(view.state, steps > 0 ? BERTH__STOPPING : BERTH__ENDED);
    if (steps > 0) assert_true(view.units[0] > 0);
    if (r->gives_up && view.state == BERTH__RUNNING) assert_true(steps > 0);
    if (view.state != BERTH__RUNNING || !berth__kv_grows(&w->kit.options)) return;
    const uint64_t all = tokens > r->prefill_tokens ? tokens : r->prefill_tokens;
    const berth__kv_shape shape = {.prompt_tokens = r->prompt_tokens,
                                   .max_new_tokens = r->max_new_tokens,
                                   .samples = r->samples};
    if (steps > 0) assert_int_equal(view.units[0], berth__kv_units(&w->kit.options, &shape, all));
}

static void must_hold(world *w) {
    core_kit_must_hold(&w->kit);
    for (uint32_t i = 0; i < w->request_count; i++) look_at(w, &w->requests[i]);
}

/* ---- Plans ---- */

static void must_leave(const world *w, const berth_plan_entry *entry) {
    uint32_t steps;
    (void)in_flight(w, entry->id, &steps);
    assert_int_equal(steps, 0);
}

static void slot_must_be_its_own(const world *w, const berth_plan_entry *entry) {
    for (uint32_t f = 0; f < w->flight_count; f++)
        for (uint32_t i = w->flights[f].plan.leave_count; i < w->flights[f].plan.entry_count; i++) {
            const berth_plan_entry *other = &w->flights[f].entries[i];
            assert_int_equal(other->id == entry->id, other->slot == entry->slot);
        }
}

static void must_go_on(world *w, const berth_plan_entry *entry) {
    const berth_options *o = &w->kit.options;
    request *r = find(w, entry->id);
    uint32_t steps;
    assert_true(!r->over && r->held_up == 0);
    if (entry->flags & BERTH_ENTRY_ADMITTED) {
        r->computed = 0;
        r->prefill_tokens = r->prompt_tokens + r->generated;
    }
    const uint64_t ahead = r->computed + in_flight(w, r->id, &steps);
    assert_true(steps == 0 || !(entry->flags & BERTH_ENTRY_ADMITTED));
    w->together += steps > 0;
    assert_int_equal(entry->tokens_computed, ahead);
    assert_int_equal(entry->tokens_generated, r->generated);
    if (ahead < r->prefill_tokens) {
        uint64_t chunk = r->prefill_tokens - ahead;
        if (o->prefill_tokens_max != 0 && chunk > o->prefill_tokens_max)
            chunk = o->prefill_tokens_max;
        assert_int_equal(entry->kind, BERTH_ENTRY_PREFILL);
        if (o->step_tokens == 0)
            assert_int_equal(entry->tokens, chunk);
        else
            assert_true(entry->tokens > 0 && entry->tokens <= chunk);
        return;
    }
    assert_int_equal(entry->kind, BERTH_ENTRY_DECODE);
    assert_false(may_have_all(w, r));
    assert_true(entry->tokens >= 1 &&
                entry->tokens <= r->samples * (1 + (uint64_t)o->draft_tokens));
    if (steps > 0 && r->max_new_tokens != 0)
        assert_true(r->generated + coming(w, r) + entry->tokens <= most_new(r));
}

/* Who runs and is not in the plan: there must be a reason. */
static void must_have_stayed_out(world *w, const request *r, const flight *made) {
    berth__view view;
    uint32_t steps;
    if (r->over || r->held_up || entry_in(made, r->id) != NULL) return;
    if (berth__core_view(w->kit.core, r->id, &view) != BERTH_OK) return;
    if (view.state != BERTH__RUNNING) return;
    const uint64_t ahead = r->computed + in_flight(w, r->id, &steps);
    if (ahead < r->prefill_tokens && w->kit.options.step_tokens != 0) return;
    if (ahead >= r->prefill_tokens && may_have_all(w, r)) {
        w->full++;
        return;
    }
    /* For want of KV, which somebody in a step will give: so steps are outstanding. */
    assert_true(berth__kv_grows(&w->kit.options) && w->flight_count > 0);
    w->short_of++;
}

static int plan(world *w) {
    flight made = {.plan = {.struct_size = sizeof made.plan, .entry_max = ENTRIES_MAX}};
    uint64_t tokens = 0;
    made.plan.entries = made.entries;
    const berth_status status = berth__core_plan(w->kit.core, 0, &made.plan);
    if (w->flight_count == w->kit.options.steps_max) {
        assert_int_equal(status, BERTH_ESTEP);
        return 0;
    }
    assert_int_equal(status, BERTH_OK);
    for (uint32_t i = 0; i < made.plan.leave_count; i++) must_leave(w, &made.entries[i]);
    for (uint32_t i = made.plan.leave_count; i < made.plan.entry_count; i++) {
        slot_must_be_its_own(w, &made.entries[i]);
        must_go_on(w, &made.entries[i]);
        tokens += made.entries[i].tokens;
    }
    if (w->kit.options.step_tokens != 0) assert_true(tokens <= w->kit.options.step_tokens);
    for (uint32_t i = 0; i < w->request_count; i++) must_have_stayed_out(w, &w->requests[i], &made);
    if (made.plan.step_id != 0) w->flights[w->flight_count++] = made;
    return made.plan.step_id != 0;
}

/* ---- Commits ---- */

static void result_of(world *w, const berth_plan_entry *entry) {
    request *r = find(w, entry->id);
    berth__progress p = {.tokens_computed = entry->tokens};
    if (!w->draining && below(w, 8) == 0) return; /* not mentioned */
    if (!w->draining && below(w, 8) == 0) p.tokens_computed = below(w, entry->tokens + 1);
    if (r->computed >= r->prefill_tokens)
        p.tokens_generated = p.tokens_computed < r->samples ? p.tokens_computed : r->samples;
    else if (r->computed + p.tokens_computed >= r->prefill_tokens)
        p.tokens_generated = r->samples;
    if (p.tokens_generated > 0 && r->max_new_tokens != 0 &&
        r->generated + p.tokens_generated >= most_new(r))
        p.finish = BERTH_FINISH_LENGTH;
    if (w->draining ? r->max_new_tokens == 0 : below(w, 20) == 0) p.finish = BERTH_FINISH_STOP;
    const berth_status status = berth__core_commit_entry(w->kit.core, r->id, &p);
    assert_int_equal(status, r->over ? BERTH_EENDED : BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w->kit.core, r->id, &p), BERTH_EINVAL);
    w->late += r->over;
    if (r->over) return;
    r->computed += p.tokens_computed;
    r->generated += p.tokens_generated;
    r->over = p.finish != BERTH_FINISH_NONE;
}

static void forget_flights(world *w, uint32_t count) {
    w->flight_count -= count;
    memmove(w->flights, w->flights + count, w->flight_count * sizeof *w->flights);
    for (uint32_t i = 0; i < w->flight_count; i++)
        w->flights[i].plan.entries = w->flights[i].entries;
}

static void commit(world *w) {
    const uint64_t nth = below(w, 4);
    if (w->flight_count == 0) {
        assert_int_equal(berth__core_commit_begin(w->kit.core, 0, 1), BERTH_ESTEP);
        return;
    }
    if (!w->draining && nth > 0 && nth < w->flight_count) {
        const berth_step_id newer = w->flights[nth].plan.step_id;
        assert_int_equal(berth__core_commit_begin(w->kit.core, 0, newer), BERTH_ESTEP);
        assert_int_equal(berth__core_plan_fail(w->kit.core, 0, newer), BERTH_ESTEP);
        return;
    }
    const flight *f = &w->flights[0];
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, f->plan.step_id), BERTH_OK);
    for (uint32_t i = f->plan.leave_count; i < f->plan.entry_count; i++)
        result_of(w, &f->entries[i]);
    berth__core_commit_end(w->kit.core);
    forget_flights(w, 1);
}

/* The oldest step failed: so did all of them, and one gives way or, the last one, ends. */
static void fail_step(world *w) {
    if (w->flight_count == 0) return;
    const berth_step_id oldest = w->flights[0].plan.step_id;
    assert_int_equal(berth__core_plan_fail(w->kit.core, 0, oldest), BERTH_OK);
    forget_flights(w, w->flight_count);
}

/* ---- What happens in between ---- */

static void submit(world *w) {
    const int grows = berth__kv_grows(&w->kit.options);
    request *r = &w->requests[w->request_count];
    *r = (request){.prompt_tokens = below(w, 10),
                   .max_new_tokens = below(w, 8) + w->draining,
                   .samples = 1 + (below(w, 4) == 0)};
    const berth__submit ask = {.band = 1 + (uint32_t)below(w, 4),
                               .prompt_tokens = r->prompt_tokens,
                               .max_new_tokens = r->max_new_tokens,
                               .samples = r->samples,
                               .cost = {grows ? 0 : 1 + below(w, 4)},
                               .cost_count = !grows};
    if (w->request_count == REQUESTS_MAX) return;
    const berth_status status = berth__core_submit(w->kit.core, 0, &ask, &r->id, NULL);
    if (status != BERTH_OK) {
        if (status != BERTH_EINVAL ||
            r->samples * (1 + w->kit.options.draft_tokens) <= w->kit.options.step_tokens)
            assert_int_equal(status, BERTH_EREFUSED);
        return;
    }
    core_kit_accept(&w->kit, r->id);
    w->request_count++;
}

static void disturb(world *w) {
    uint32_t steps;
    if (w->request_count == 0) return;
    const uint64_t latest = w->request_count < 12 ? w->request_count : 12;
    request *r = &w->requests[w->request_count - 1 - below(w, latest)];
    berth__core *core = w->kit.core;
    (void)in_flight(w, r->id, &steps);
    if (r->over) return;
    switch (below(w, 6)) {
    case 0:
        assert_int_equal(berth__core_cancel(core, 0, r->id, BERTH_CANCEL_CALLER), BERTH_OK);
        r->over = 1;
        break;
    case 1:
        assert_int_equal(berth__core_suspend(core, 0, r->id, 1), BERTH_OK);
        r->held_up |= 1u;
        break;
    case 2:
        assert_int_equal(berth__core_suspend(core, 0, r->id, 0), BERTH_OK);
        r->held_up &= ~1u;
        break;
    case 3:
        if (r->held_up & 2u || r->gives_up) break;
        r->gives_up = (uint32_t)below(w, 2);
        if (berth__core_pause(core, 0, r->id,
                              r->gives_up ? BERTH__PAUSE_GIVE_UP : BERTH__PAUSE_HOLD) == BERTH_OK)
            r->held_up |= 2u;
        else
            r->gives_up = 0;
        break;
    case 4:
        if (berth__core_pause(core, 0, r->id, BERTH__PAUSE_NONE) == BERTH_OK) r->held_up &= ~2u;
        r->gives_up = 0;
        break;
    default:
        if (berth__core_preempt(core, 0, r->id) == BERTH_EBUSY) assert_true(steps > 0);
        break;
    }
}

/* What the core does by itself: a pause that holds ends when its request is parked, and who was
 * preempted and could never come back is evicted. */
static void hear(world *w) {
    for (uint32_t i = 0; i < w->request_count; i++) {
        berth__view view;
        request *r = &w->requests[i];
        if (r->over || berth__core_view(w->kit.core, r->id, &view) != BERTH_OK) continue;
        if (view.state == BERTH__PARKED) r->held_up &= ~2u;
        r->over = view.outcome.kind == BERTH_OUTCOME_EVICTED;
    }
}

static void event(world *w) {
    switch (below(w, 12)) {
    case 0:
    case 1: submit(w); break;
    case 2: disturb(w); break;
    case 3:
        if (below(w, 6) == 0) fail_step(w);
        break;
    case 4:
    case 5:
    case 6: commit(w); break;
    default: (void)plan(w); break;
    }
    hear(w);
    must_hold(w);
}

/* ---- Programs ---- */

static void begin(world *w) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 1 + (uint32_t)below(w, 6), 16);
    core_kit_add_resource(&o, "kv_blocks", 12 + below(w, 30));
    o.steps_max = 1 + (uint32_t)below(w, 4);
    if (below(w, 3) != 0) {
        o.kv_block_tokens = 1 + (uint32_t)below(w, 3);
        o.kv_mode = BERTH_KV_OPTIMISTIC;
        o.victim = (uint32_t)below(w, BERTH_VICTIM_CHEAPEST + 1);
        o.preempt_max = (uint32_t)below(w, 2);
    }
    o.prefill_tokens_max = below(w, 2) == 0 ? 1 + below(w, 6) : 0;
    o.draft_tokens = below(w, 3) == 0 ? (uint32_t)below(w, 3) : 0;
    if (below(w, 3) == 0)
        o.step_tokens = o.running_max * (UINT64_C(1) + o.draft_tokens) + below(w, 8);
    core_kit_init(&w->kit, &o);
}

/* Nobody is disturbed any more: all must come to an end. */
static void run_out(world *w) {
    uint32_t rounds = 0;
    w->draining = 1;
    for (uint32_t i = 0; i < w->request_count; i++) {
        request *r = &w->requests[i];
        if (r->over) continue;
        (void)berth__core_suspend(w->kit.core, 0, r->id, 0);
        (void)berth__core_pause(w->kit.core, 0, r->id, BERTH__PAUSE_NONE);
        r->held_up = r->gives_up = 0;
    }
    do {
        while (w->flight_count < w->kit.options.steps_max && plan(w)) {
            hear(w);
            must_hold(w);
        }
        if (w->flight_count > 0) commit(w);
        hear(w);
        must_hold(w);
        assert_true(rounds++ < 3000);
    } while (w->flight_count > 0 || core_kit_stats(&w->kit).parked > 0 ||
             core_kit_stats(&w->kit).running > 0);
    assert_int_equal(core_kit_stats(&w->kit).stopping, 0);
    assert_int_equal(core_kit_stats(&w->kit).resources[0].used_units, 0);
}

static void what_is_in_flight_is_as_the_plans_said(void **state) {
    static world w;
    const uint32_t programs = core_long_tier() ? LONG_PROGRAMS : SHORT_PROGRAMS;
    const uint64_t seed = core_seed(31);
    uint64_t seen[4] = {0};
    (void)state;
    for (uint32_t i = 0; i < programs; i++) {
        memset(&w, 0, sizeof w);
        w.random = seed + i;
        begin(&w);
        for (uint32_t e = 0; e < 200; e++) event(&w);
        run_out(&w);
        seen[0] += w.together;
        seen[1] += w.late;
        seen[2] += w.full;
        seen[3] += w.short_of;
        core_kit_fini(&w.kit);
    }
    for (int i = 0; i < 4; i++) assert_true(seen[i] > 0);
}

/* Who ends by his length, and is admitted by the peak, is never preempted, however many steps are
 * in flight, and nobody is left out for want of KV. */
static void the_peak_counts_what_is_in_flight(void **state) {
    static world w;
    const uint64_t seed = core_seed(77);
    (void)state;
    for (uint32_t i = 0; i < 120; i++) {
        memset(&w, 0, sizeof w);
        w.random = seed + i;
        w.draining = 1;
        berth_options o = core_kit_options(BERTH_FACE_ENGINE, 12, 100);
        core_kit_add_resource(&o, "kv_blocks", 24 + below(&w, 40));
        o.kv_block_tokens = 1 + (uint32_t)below(&w, 6);
        o.kv_mode = BERTH_KV_FUTURE_PEAK;
        o.steps_max = 1 + (uint32_t)below(&w, 4);
        core_kit_init(&w.kit, &o);
        for (uint32_t n = 0; n < 60; n++) submit(&w);
        run_out(&w);
        assert_int_equal(core_kit_stats(&w.kit).preemptions_total, 0);
        assert_int_equal(w.short_of, 0);
        core_kit_fini(&w.kit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_flight_is_as_the_plans_said),
        cmocka_unit_test(the_peak_counts_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
