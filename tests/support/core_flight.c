/* SPDX-License-Identifier: MIT */
#include "support/core_flight.h"
#include "core/kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef core_flights world;
typedef core_flight flight;
typedef core_flight_request request;

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

uint64_t core_flights_tokens_in(const world *w, uint32_t nth, berth_request_id id) {
    const berth_plan_entry *entry = entry_in(&w->flights[nth], id);
    return entry == NULL ? 0 : entry->tokens;
}

uint64_t core_flights_tokens(const world *w, berth_request_id id, uint32_t *count) {
    uint64_t tokens = 0;
    *count = 0;
    for (uint32_t i = 0; i < w->flight_count; i++) {
        const uint64_t here = core_flights_tokens_in(w, i, id);
        tokens += here;
        *count += here > 0;
    }
    return tokens;
}

/* From the end of its prefill a token of each sample may come, and one from each position behind.
 */
static uint64_t coming(const world *w, const request *r) {
    uint32_t count;
    uint64_t tokens = 0;
    const uint64_t end = r->computed + core_flights_tokens(w, r->id, &count);
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
    const uint64_t tokens = r->computed + core_flights_tokens(w, r->id, &steps);
    if (berth__core_view(w->kit.core, r->id, &view) != BERTH_OK) {
        assert_true(r->over && steps == 0);
        return;
    }
    assert_int_equal(view.in_step, steps > 0);
    /* The fence: over, it goes when the last step that contains it is committed, and not before. */
    if (r->over) assert_int_equal(view.state, steps > 0 ? BERTH__STOPPING : BERTH__ENDED);
    if (steps > 0) assert_true(view.units[0] > 0);
    if (r->gives_up && view.state == BERTH__RUNNING) assert_true(steps > 0);
    /* Who drains is in no step after steps_max - 1 further commits. */
    if (r->drains && r->commits + 1 >= w->kit.options.steps_max) assert_int_equal(steps, 0);
    if (view.state != BERTH__RUNNING || !berth__kv_grows(&w->kit.options)) return;
    const uint64_t all = tokens > r->prefill_tokens ? tokens : r->prefill_tokens;
    const berth__kv_shape shape = {.prompt_tokens = r->prompt_tokens,
                                   .max_new_tokens = r->max_new_tokens,
                                   .samples = r->samples};
    if (steps > 0) assert_int_equal(view.units[0], berth__kv_units(&w->kit.options, &shape, all));
}

/* A pause that holds ends when its request is parked, and who was preempted and could never come
 * back is evicted. */
static void hear(world *w) {
    for (uint32_t i = 0; i < w->request_count; i++) {
        berth__view view;
        request *r = &w->requests[i];
        if (r->over || berth__core_view(w->kit.core, r->id, &view) != BERTH_OK) continue;
        if (view.state == BERTH__PARKED) r->held_up &= ~2u;
        r->over = view.outcome.kind == BERTH_OUTCOME_EVICTED;
    }
}

void core_flights_settle(world *w) {
    hear(w);
    core_kit_must_hold(&w->kit);
    for (uint32_t i = 0; i < w->request_count; i++) look_at(w, &w->requests[i]);
}

/* ---- Plans ---- */

static void must_leave(const world *w, const berth_plan_entry *entry) {
    uint32_t steps;
    (void)core_flights_tokens(w, entry->id, &steps);
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
    const uint64_t ahead = r->computed + core_flights_tokens(w, r->id, &steps);
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
    const uint64_t ahead = r->computed + core_flights_tokens(w, r->id, &steps);
    if (ahead < r->prefill_tokens && w->kit.options.step_tokens != 0) return;
    if (ahead >= r->prefill_tokens && may_have_all(w, r)) {
        w->full++;
        return;
    }
    /* For want of KV, which somebody in a step will give: so steps are outstanding. */
    assert_true(berth__kv_grows(&w->kit.options) && w->flight_count > 0);
    w->short_of++;
}

static uint32_t state_of(const world *w, const request *r) {
    berth__view view;
    return berth__core_view(w->kit.core, r->id, &view) == BERTH_OK ? view.state : BERTH__FREE;
}

static uint32_t drains(const world *w, const request *r) {
    const uint32_t place = berth__id_place(r->id);
    return state_of(w, r) == BERTH__RUNNING && berth__run_of(w->kit.core, place)->drains;
}

/* One that gave way, or is to: nobody of a lower band runs on. */
static void must_be_of_the_lowest_band(const world *w, const request *victim) {
    for (uint32_t i = 0; i < w->request_count; i++) {
        const request *r = &w->requests[i];
        if (state_of(w, r) == BERTH__RUNNING && !drains(w, r)) assert_true(r->band >= victim->band);
    }
}

static void look_who_gave_way(world *w, const uint32_t *was) {
    for (uint32_t i = 0; i < w->request_count; i++) {
        request *r = &w->requests[i];
        const uint32_t now_drains = drains(w, r);
        if (now_drains && !r->drains) r->commits = 0;
        if (now_drains || (was[i] == BERTH__RUNNING && state_of(w, r) == BERTH__PARKED))
            must_be_of_the_lowest_band(w, r);
        w->drained += now_drains && !r->drains;
        r->drains = now_drains;
    }
}

int core_flights_plan(world *w) {
    flight made = {.plan = {.struct_size = sizeof made.plan, .entry_max = CORE_FLIGHT_ENTRIES_MAX}};
    uint32_t was[CORE_FLIGHT_REQUESTS_MAX];
    uint64_t tokens = 0;
    made.plan.entries = made.entries;
    for (uint32_t i = 0; i < w->request_count; i++) was[i] = state_of(w, &w->requests[i]);
    const berth_status status = berth__core_plan(w->kit.core, 0, &made.plan);
    if (w->flight_count == w->kit.options.steps_max) {
        assert_int_equal(status, BERTH_ESTEP);
        return 0;
    }
    assert_int_equal(status, BERTH_OK);
    look_who_gave_way(w, was);
    for (uint32_t i = 0; i < made.plan.leave_count; i++) must_leave(w, &made.entries[i]);
    for (uint32_t i = made.plan.leave_count; i < made.plan.entry_count; i++) {
        slot_must_be_its_own(w, &made.entries[i]);
        must_go_on(w, &made.entries[i]);
        tokens += made.entries[i].tokens;
    }
    if (w->kit.options.step_tokens != 0) assert_true(tokens <= w->kit.options.step_tokens);
    for (uint32_t i = 0; i < w->request_count; i++) must_have_stayed_out(w, &w->requests[i], &made);
    if (made.plan.step_id == 0) return 0;
    flight *last = &w->flights[w->flight_count++];
    *last = made;
    last->plan.entries = last->entries;
    return 1;
}

/* ---- Commits ---- */

static void report(world *w, uint32_t index, core_flight_result *result) {
    const berth_plan_entry *entry = &w->flights[0].entries[w->flights[0].plan.leave_count + index];
    request *r = find(w, entry->id);
    berth__progress p = {.tokens_computed = entry->tokens};
    if (!result(w, index, r, &p)) return;
    if (r->computed >= r->prefill_tokens)
        p.tokens_generated = p.tokens_computed < r->samples ? p.tokens_computed : r->samples;
    else if (r->computed + p.tokens_computed >= r->prefill_tokens)
        p.tokens_generated = r->samples;
    if (p.tokens_generated > 0 && r->max_new_tokens != 0 && p.finish == BERTH_FINISH_NONE &&
        r->generated + p.tokens_generated >= most_new(r))
        p.finish = BERTH_FINISH_LENGTH;
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
    for (uint32_t i = 0; i < w->request_count; i++) w->requests[i].commits += count;
}

void core_flights_commit(world *w, core_flight_result *result) {
    if (w->flight_count == 0) {
        assert_int_equal(berth__core_commit_begin(w->kit.core, 0, 1), BERTH_ESTEP);
        return;
    }
    const berth_plan *plan = &w->flights[0].plan;
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, plan->step_id), BERTH_OK);
    for (uint32_t i = 0; result != NULL && i < plan->entry_count - plan->leave_count; i++)
        report(w, i, result);
    berth__core_commit_end(w->kit.core);
    forget_flights(w, 1);
}

void core_flights_commit_wrong(world *w, uint64_t nth) {
    const berth_step_id newer = w->flights[nth].plan.step_id;
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, newer), BERTH_ESTEP);
    assert_int_equal(berth__core_plan_fail(w->kit.core, 0, newer), BERTH_ESTEP);
}

void core_flights_fail(world *w) {
    if (w->flight_count == 0) return;
    const berth_step_id oldest = w->flights[0].plan.step_id;
    assert_int_equal(berth__core_plan_fail(w->kit.core, 0, oldest), BERTH_OK);
    forget_flights(w, w->flight_count);
}

/* ---- What happens in between ---- */

berth_status core_flights_submit(world *w, const berth__submit *ask) {
    request *r = &w->requests[w->request_count];
    if (w->request_count == CORE_FLIGHT_REQUESTS_MAX) return BERTH_EREFUSED;
    *r = (request){.prompt_tokens = ask->terms.prompt_tokens,
                   .max_new_tokens = ask->terms.max_new_tokens,
                   .samples = ask->samples,
                   .band = ask->terms.band};
    const berth_status status = berth__core_submit(w->kit.core, 0, ask, &r->id, NULL);
    if (status != BERTH_OK) return status;
    core_kit_accept(&w->kit, r->id);
    w->request_count++;
    return BERTH_OK;
}

void core_flights_cancel(world *w, request *r) {
    assert_int_equal(berth__core_cancel(w->kit.core, 0, r->id, BERTH_CANCEL_CALLER), BERTH_OK);
    r->over = 1;
}

void core_flights_suspend(world *w, request *r, uint32_t suspended) {
    assert_int_equal(berth__core_suspend(w->kit.core, 0, r->id, suspended), BERTH_OK);
    r->held_up = (r->held_up & ~1u) | suspended;
}

void core_flights_pause(world *w, request *r, uint32_t gives_up) {
    const uint32_t how = gives_up ? BERTH__PAUSE_GIVE_UP : BERTH__PAUSE_HOLD;
    if (r->held_up & 2u || r->gives_up) return;
    if (berth__core_pause(w->kit.core, 0, r->id, how) != BERTH_OK) return;
    r->held_up |= 2u;
    r->gives_up = gives_up;
}

void core_flights_unpause(world *w, request *r) {
    (void)berth__core_pause(w->kit.core, 0, r->id, BERTH__PAUSE_NONE);
    r->held_up &= ~2u;
    r->gives_up = 0;
}

void core_flights_preempt(world *w, const request *r) {
    uint32_t steps;
    (void)core_flights_tokens(w, r->id, &steps);
    if (berth__core_preempt(w->kit.core, 0, r->id) == BERTH_EBUSY) assert_true(steps > 0);
}

/* ---- The end ---- */

/* All as planned; who has no length stops. */
static int as_planned(world *w, uint32_t index, const request *r, berth__progress *p) {
    (void)w;
    (void)index;
    if (r->max_new_tokens == 0) p->finish = BERTH_FINISH_STOP;
    return 1;
}

void core_flights_run_out(world *w) {
    uint32_t rounds = 0;
    w->draining = 1;
    for (uint32_t i = 0; i < w->request_count; i++) {
        request *r = &w->requests[i];
        if (r->over) continue;
        core_flights_suspend(w, r, 0);
        core_flights_unpause(w, r);
    }
    do {
        while (w->flight_count < w->kit.options.steps_max && core_flights_plan(w))
            core_flights_settle(w);
        if (w->flight_count > 0) core_flights_commit(w, as_planned);
        core_flights_settle(w);
        assert_true(rounds++ < 3000);
    } while (w->flight_count > 0 || core_kit_stats(&w->kit).parked > 0 ||
             core_kit_stats(&w->kit).running > 0);
    assert_int_equal(core_kit_stats(&w->kit).stopping, 0);
    assert_int_equal(core_kit_stats(&w->kit).resources[0].used_units, 0);
}
