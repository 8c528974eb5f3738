/* SPDX-License-Identifier: MIT */
/* One array of requests; whoever is next, due or oldest is found by looking at all of them. */
#include "support/core_model.h"

#include "core/pause.h"
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
#define PLACE_BITS 24

typedef core_model_request request;

/* Wide enough for any sum, so that nothing here can wrap. */
__extension__ typedef unsigned __int128 wide;

static void tell(core_model *model, uint32_t transition, const request *r) {
    core_log_add(&model->log, transition, r->id);
}

static void add_capped(uint64_t *sum, uint64_t more) {
    const wide total = (wide)*sum + more;
    *sum = total > UINT64_MAX ? UINT64_MAX : (uint64_t)total;
}

/* ---- Looking for one ---- */

core_model_request *core_model_find(const core_model *model, berth_request_id id) {
    for (uint32_t i = 0; i < model->place_count; i++)
        if (model->requests[i].state != BERTH__FREE && model->requests[i].id == id)
            return &model->requests[i];
    return NULL;
}

static request *find_for_user(const core_model *model, berth_request_id id) {
    request *r = core_model_find(model, id);
    return r == NULL || r->gone ? NULL : r;
}

static request *find_for_engine(const core_model *model, berth_request_id id) {
    request *r = core_model_find(model, id);
    return r == NULL || (r->gone && r->state == BERTH__ENDED) ? NULL : r;
}

int core_model_is_held(const request *r) {
    return r->state == BERTH__RUNNING || r->state == BERTH__STOPPING;
}

/* The parked request that comes first: highest band, then arrival. */
static request *first_parked(const core_model *model, int with_waiting) {
    request *best = NULL;
    for (uint32_t i = 0; i < model->place_count; i++) {
        request *r = &model->requests[i];
        if (r->state != BERTH__PARKED) continue;
        if ((r->suspended || r->pause_due != NEVER) && !with_waiting) continue;
        if (best == NULL || r->outcome.band > best->outcome.band ||
            (r->outcome.band == best->outcome.band && r->arrival < best->arrival))
            best = r;
    }
    return best;
}

/* Whom admission asks first. */
static request *head(const core_model *model) {
    return first_parked(model, 0);
}

/* The held request that was admitted first of those after `after`. */
core_model_request *core_model_next_held(const core_model *model, uint64_t after) {
    request *best = NULL;
    for (uint32_t i = 0; i < model->place_count; i++) {
        request *r = &model->requests[i];
        if (core_model_is_held(r) && r->admission > after &&
            (best == NULL || r->admission < best->admission))
            best = r;
    }
    return best;
}

/* The retained request that ended first, pinned or not. */
static request *oldest(const core_model *model, int unpinned_only) {
    request *best = NULL;
    for (uint32_t i = 0; i < model->place_count; i++) {
        request *r = &model->requests[i];
        if (r->state != BERTH__ENDED || r->gone || (unpinned_only && r->pinned)) continue;
        if (best == NULL || r->ending < best->ending) best = r;
    }
    return best;
}

berth_request_id core_model_oldest_ended(const core_model *model) {
    const request *r = oldest(model, 0);
    return r == NULL ? 0 : r->id;
}

static uint32_t retained_count(const core_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->place_count; i++)
        count += model->requests[i].state == BERTH__ENDED && !model->requests[i].gone;
    return count;
}

static wide used(const core_model *model, uint32_t resource) {
    wide sum = 0;
    for (uint32_t i = 0; i < model->place_count; i++)
        if (core_model_is_held(&model->requests[i])) sum += model->requests[i].units[resource];
    return sum;
}

uint64_t core_model_free(const core_model *model, uint32_t resource) {
    const uint64_t capacity = model->options.resources[resource].capacity_units;
    return used(model, resource) < capacity ? capacity - (uint64_t)used(model, resource) : 0;
}

void core_model_raise_peaks(core_model *model) {
    for (uint32_t r = 0; r < model->options.resource_count; r++)
        if (used(model, r) > model->used_peak[r]) model->used_peak[r] = (uint64_t)used(model, r);
}

/* ---- Places and slots ---- */

static request *take_place(core_model *model) {
    request *best = NULL;
    for (uint32_t i = 0; i < model->place_count; i++) {
        request *r = &model->requests[i];
        if (r->state == BERTH__FREE && (best == NULL || r->freed < best->freed)) best = r;
    }
    return best;
}

static void give_place(core_model *model, request *r) {
    if (r->pinned) return;
    r->state = BERTH__FREE;
    r->freed = ++model->ticks;
}

/* The slot that became free last, or running_max if none is. */
static uint32_t last_freed_slot(const core_model *model) {
    uint32_t best = model->options.running_max;
    for (uint32_t s = 0; s < model->options.running_max; s++)
        if (model->slot_freed[s] != 0 &&
            (best == model->options.running_max || model->slot_freed[s] > model->slot_freed[best]))
            best = s;
    return best;
}

void core_model_give_slot(core_model *model, uint32_t slot) {
    model->slot_freed[slot] = ++model->ticks;
}

/* ---- Ending ---- */

static void forget(core_model *model, request *r) {
    r->gone = 1;
    tell(model, BERTH__T_GONE, r);
    if (r->state == BERTH__ENDED) give_place(model, r);
}

static void retain(core_model *model, request *r) {
    const uint32_t kept = retained_count(model);
    r->state = BERTH__ENDED;
    r->ending = ++model->ticks;
    model->counters.ended_total++;
    model->counters.outcome_total[r->outcome.kind]++;
    model->counters.bands[r->outcome.band - 1].ended_total++;
    tell(model, BERTH__T_ENDED, r);
    if (r->gone) {
        give_place(model, r);
        return;
    }
    if (kept < model->options.ended_max) return;
    model->counters.retained_dropped_total++;
    forget(model, oldest(model, 0));
}

static void leave_slot(core_model *model, request *r, uint32_t flags) {
    if (model->options.face != BERTH_FACE_ENGINE || r->engine_knows || !r->planned)
        core_model_give_slot(model, r->slot);
    else
        model->leaving[model->leaving_count++] = (core_model_leaving){
            .id = r->id, .slot = r->slot, .band = r->outcome.band, .flags = flags};
}

static void let_go(core_model *model, request *r) {
    r->in_step = 0;
    leave_slot(model, r, 0);
    retain(model, r);
}

void core_model_stop(core_model *model, request *r, uint32_t kind, uint32_t detail, int32_t code) {
    const uint32_t was = r->state;
    r->outcome.kind = kind;
    r->outcome.detail = detail;
    r->outcome.code = code;
    r->outcome.ended_at_ns = model->now;
    r->suspended = 0;
    if (was == BERTH__RUNNING) r->state = BERTH__STOPPING;
    tell(model, BERTH__T_OUTCOME, r);
    if (was == BERTH__PARKED)
        retain(model, r);
    else if (model->options.face == BERTH_FACE_ENGINE && !r->in_step)
        let_go(model, r);
}

static void finish(core_model *model, request *r, uint32_t kind, int32_t code) {
    if (kind != BERTH_FINISH_FAILED) core_model_kv_learn(model, r);
    if (kind == BERTH_FINISH_FAILED)
        core_model_stop(model, r, BERTH_OUTCOME_FAILED, 0, code);
    else
        core_model_stop(model, r, BERTH_OUTCOME_COMPLETED, kind, 0);
}

/* Could it be parked with what it asked for? */
static int can_be_parked(const core_model *model, const request *r) {
    wide size = r->payload_size;
    if (core_model_never_fits(model, r->asked) < BERTH_RESOURCES_MAX) return 0;
    for (uint32_t other = 0; other < model->place_count; other++)
        if (model->requests[other].state == BERTH__PARKED)
            size += model->requests[other].payload_size;
    if (size > UINT64_MAX) return 0;
    for (uint32_t i = 0; i < model->options.resource_count; i++) {
        wide sum = r->asked[i];
        for (uint32_t other = 0; other < model->place_count; other++)
            if (model->requests[other].state == BERTH__PARKED)
                sum += model->requests[other].units[i];
        if (sum > UINT64_MAX) return 0;
    }
    return 1;
}

void core_model_give_way(core_model *model, request *r) {
    core_model_kv_ask(model, r);
    if (!can_be_parked(model, r)) {
        core_model_stop(model, r, BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0);
        return;
    }
    leave_slot(model, r, BERTH_ENTRY_PREEMPTED);
    model->counters.preemptions_total++;
    model->counters.bands[r->outcome.band - 1].preemptions_total++;
    add_capped(&model->counters.tokens_recomputed_total, r->outcome.tokens_computed);
    memcpy(r->units, r->asked, sizeof r->units);
    r->state = BERTH__PARKED;
    r->slot = UINT32_MAX;
    r->planned = 0;
    r->outcome.tokens_computed = 0;
    r->queue_due = NEVER;
    if (!r->gives_up) r->pause_due = NEVER;
    if (r->preemptions < UINT8_MAX) r->preemptions++;
    tell(model, BERTH__T_PREEMPTED, r);
}

/* ---- Time ---- */

static uint64_t due_of(const request *r, uint32_t *which) {
    uint64_t due = NEVER;
    *which = 0;
    if (r->state != BERTH__PARKED && r->state != BERTH__RUNNING) return NEVER;
    if (r->state == BERTH__PARKED && r->queue_due < due) {
        due = r->queue_due;
        *which = BERTH_DEADLINE_QUEUE;
    }
    if (!r->has_output && r->first_output_due < due) {
        due = r->first_output_due;
        *which = BERTH_DEADLINE_FIRST_OUTPUT;
    }
    if (r->total_due < due) {
        due = r->total_due;
        *which = BERTH_DEADLINE_TOTAL;
    }
    if (r->pause_due < due) {
        due = r->pause_due;
        *which = BERTH__DEADLINE_PAUSE;
    }
    return due;
}

static request *first_due(const core_model *model) {
    request *best = NULL;
    uint32_t which;
    for (uint32_t i = 0; i < model->place_count; i++) {
        request *r = &model->requests[i];
        const uint64_t due = due_of(r, &which);
        if (due == NEVER) continue;
        if (best == NULL || due < due_of(best, &which) ||
            (due == due_of(best, &which) && r->arrival < best->arrival))
            best = r;
    }
    return best;
}

uint64_t core_model_next_at(const core_model *model) {
    uint32_t which;
    const request *r = first_due(model);
    return r == NULL ? NEVER : due_of(r, &which);
}

void core_model_expire(core_model *model, uint64_t now) {
    if (now > model->now) {
        core_model_wait_until(model, now);
        model->now = now;
    }
    for (;;) {
        uint32_t which;
        request *r = first_due(model);
        if (r == NULL || due_of(r, &which) > model->now) return;
        (void)due_of(r, &which);
        if (which == BERTH__DEADLINE_PAUSE)
            core_model_stop(model, r, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER, 0);
        else
            core_model_stop(model, r, BERTH_OUTCOME_EXPIRED, which, 0);
    }
}

static void first_output(core_model *model, request *r) {
    if (r->has_output) return;
    r->has_output = 1;
    r->outcome.first_output_at_ns = model->now;
}

/* ---- Admission ---- */

static int fits(const core_model *model, const uint64_t *cost) {
    if (last_freed_slot(model) == model->options.running_max || model->idle_count == 0) return 0;
    for (uint32_t r = 0; r < model->options.resource_count; r++)
        if (used(model, r) > model->options.resources[r].capacity_units ||
            used(model, r) + cost[r] > model->options.resources[r].capacity_units)
            return 0;
    return 1;
}

static void count_first(core_model *model, request *r) {
    berth_band_stats *band = &model->counters.bands[r->outcome.band - 1];
    core_model_wait_admitted(model, r);
    r->outcome.admitted_at_ns = model->now;
    r->prefill_tokens = r->outcome.prompt_tokens;
    model->counters.admitted_total++;
    band->admitted_total++;
    add_capped(&band->queue_ns_total, model->now - r->outcome.submitted_at_ns);
    add_capped(&model->counters.prompt_tokens_total, r->outcome.prompt_tokens);
}

static void admit_one(core_model *model, request *r) {
    uint64_t running = 0;
    r->state = BERTH__RUNNING;
    r->admission = ++model->ticks;
    r->slot = last_freed_slot(model);
    model->slot_freed[r->slot] = 0;
    memcpy(r->asked, r->units, sizeof r->asked);
    core_model_raise_peaks(model);
    if (r->preemptions == 0) {
        count_first(model, r);
    } else {
        model->counters.readmitted_total++;
        r->prefill_tokens = r->outcome.prompt_tokens;
        add_capped(&r->prefill_tokens, r->outcome.tokens_generated);
    }
    r->planned_tokens =
        model->options.face == BERTH_FACE_ENGINE && !core_model_is_prefill(r) ? r->samples : 0;
    core_model_kv_admitted(model, r);
    for (uint32_t i = 0; i < model->place_count; i++)
        running += model->requests[i].state == BERTH__RUNNING;
    if (running > model->counters.running_peak) model->counters.running_peak = running;
    tell(model, BERTH__T_ADMITTED, r);
}

void core_model_set_idle(core_model *model, uint32_t idle_count) {
    model->idle_count = idle_count;
}

uint32_t core_model_admit(core_model *model, uint64_t now) {
    uint32_t count = 0;
    core_model_expire(model, now);
    for (request *r = head(model);
         r != NULL && fits(model, r->units) && core_model_kv_admits(model, r); r = head(model)) {
        admit_one(model, r);
        if (model->idle_count != UINT32_MAX) model->idle_count--;
        count++;
    }
    return count;
}

/* ---- Submit and recost ---- */

static int goes_in_at_once(const core_model *model, const berth__submit *submit,
                           const uint64_t *units) {
    return model->options.face != BERTH_FACE_ENGINE && fits(model, units) &&
           core_model_parked_count(model, submit->terms.band, BERTH_BANDS_MAX) == 0;
}

static berth_status consider(core_model *model, const berth__submit *submit, const uint64_t *units,
                             berth_refusal *refusal) {
    uint64_t peak[BERTH_RESOURCES_MAX];
    core_model_kv_peak(model, submit, units, peak);
    const uint32_t resource = core_model_never_fits(model, peak);
    berth_status status = BERTH_OK;
    if (model->closed) {
        refusal->reason = BERTH_REFUSAL_CLOSED;
        return BERTH_ECLOSED;
    }
    if (resource < BERTH_RESOURCES_MAX) {
        refusal->resource = resource;
        refusal->reason = BERTH_REFUSAL_NEVER_FITS;
        refusal->limit = model->options.resources[resource].capacity_units;
        refusal->asked = peak[resource];
        return BERTH_EREFUSED;
    }
    if (!goes_in_at_once(model, submit, units))
        status = core_model_limits(model, submit, units, refusal);
    if (status == BERTH_OK && core_model_tenant_overflows(model, submit->terms.tenant, units))
        return BERTH_EOVERFLOW;
    if (status == BERTH_OK && !goes_in_at_once(model, submit, units))
        status = core_model_wait_check(model, submit, units, refusal);
    if (status != BERTH_OK || take_place(model) != NULL) return status;
    request *drop = oldest(model, 1);
    if (drop == NULL) {
        refusal->reason = BERTH_REFUSAL_SLOTS;
        refusal->limit = model->place_count;
        refusal->asked = (uint64_t)model->place_count + 1;
        return BERTH_EREFUSED;
    }
    model->counters.retained_dropped_total++;
    forget(model, drop);
    return BERTH_OK;
}

static uint64_t due_in(const core_model *model, uint64_t after_ns) {
    const wide due = (wide)model->now + after_ns;
    return after_ns == 0 || due > UINT64_MAX ? NEVER : (uint64_t)due;
}

static request *park(core_model *model, const berth__submit *submit, const uint64_t *units) {
    request *r = take_place(model);
    const uint64_t generation = r->generation + 1;
    const uint64_t place = (uint64_t)(r - model->requests);
    memset(r, 0, sizeof *r);
    r->generation = generation;
    r->id = generation << PLACE_BITS | place;
    r->state = BERTH__PARKED;
    r->slot = UINT32_MAX;
    r->arrival = ++model->ticks;
    r->queue_due = due_in(model, submit->terms.queue_ns);
    r->pause_due = NEVER;
    r->first_output_due = due_in(model, submit->terms.first_output_ns);
    r->total_due = due_in(model, submit->terms.total_ns);
    r->payload_size = submit->terms.payload_size;
    r->max_new_tokens = submit->terms.max_new_tokens;
    r->samples = submit->samples == 0 ? 1 : submit->samples;
    memcpy(r->units, units, model->options.resource_count * sizeof *units);
    r->outcome.struct_size = (uint32_t)sizeof r->outcome;
    r->outcome.band = submit->terms.band;
    r->outcome.tenant = submit->terms.tenant;
    r->outcome.prompt_tokens = submit->terms.prompt_tokens;
    r->outcome.submitted_at_ns = model->now;
    return r;
}

static void count_refusal(core_model *model, uint32_t band, uint32_t reason) {
    model->counters.refused_total++;
    model->counters.bands[band - 1].refused_total++;
    model->counters.refusal_total[reason]++;
}

berth_status core_model_submit(core_model *model, uint64_t now, const berth__submit *submit,
                               berth_request_id *out, berth_refusal *refusal) {
    uint64_t units[BERTH_RESOURCES_MAX];
    memset(refusal, 0, sizeof *refusal);
    refusal->struct_size = (uint32_t)sizeof *refusal;
    *out = 0;
    if (submit->terms.band < 1 || submit->terms.band > model->options.band_count)
        return BERTH_EINVAL;
    if (!core_model_may_sample(model, submit->samples)) return BERTH_EINVAL;
    berth_status status = core_model_price(model, submit, units);
    if (status != BERTH_OK) return status;
    core_model_expire(model, now);
    status = consider(model, submit, units, refusal);
    if (status == BERTH_EOVERFLOW) return status;
    model->counters.submitted_total++;
    model->counters.bands[submit->terms.band - 1].submitted_total++;
    if (status != BERTH_OK) {
        count_refusal(model, submit->terms.band, refusal->reason);
        refusal->ahead_count = core_model_parked_count(model, submit->terms.band, BERTH_BANDS_MAX);
        refusal->retry_after_ns =
            core_model_has_hint(model, submit->terms.payload_size, units, refusal);
        return status;
    }
    const int at_once = goes_in_at_once(model, submit, units);
    *out = park(model, submit, units)->id;
    const uint64_t parked = core_model_parked_count(model, 1, BERTH_BANDS_MAX);
    if (!at_once && parked > model->counters.parked_peak) model->counters.parked_peak = parked;
    return BERTH_OK;
}

berth_status core_model_recost(core_model *model, uint64_t now, berth_request_id id,
                               const berth__submit *known, berth_refusal *refusal) {
    uint64_t units[BERTH_RESOURCES_MAX];
    uint64_t more[BERTH_RESOURCES_MAX];
    const berth_refusal none = {.struct_size = (uint32_t)sizeof *refusal};
    berth__submit submit = *known;
    *refusal = none;
    if (known->cost_count > model->options.resource_count) return BERTH_EINVAL;
    core_model_expire(model, now);
    request *r = find_for_user(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (r->state != BERTH__PARKED) return BERTH_EBUSY;
    submit.samples = r->samples;
    if (submit.cost_count == 0) {
        submit.cost_count = model->options.resource_count;
        memcpy(submit.cost, r->units, submit.cost_count * sizeof *submit.cost);
        if (model->options.kv_block_tokens != 0) submit.cost[model->options.kv_resource] = 0;
    }
    berth_status status = core_model_price(model, &submit, units);
    if (status != BERTH_OK) return status;
    core_model_kv_price(model, &submit, r->outcome.tokens_generated, units);
    status = core_model_recost_limits(model, r, &submit, units, refusal);
    if (status != BERTH_EREFUSED) *refusal = none;
    if (status != BERTH_OK) return status;
    for (uint32_t i = 0; i < model->options.resource_count; i++)
        more[i] = units[i] > r->units[i] ? units[i] - r->units[i] : 0;
    if (core_model_tenant_overflows(model, r->outcome.tenant, more)) return BERTH_EOVERFLOW;
    memcpy(r->units, units, sizeof r->units);
    r->outcome.prompt_tokens = known->terms.prompt_tokens;
    r->max_new_tokens = known->terms.max_new_tokens;
    return BERTH_OK;
}

/* ---- Charge, capacity, cancel, close ---- */

static berth_status hold(core_model *model, request *r, const uint64_t *after) {
    for (uint32_t i = 0; i < model->options.resource_count; i++)
        if (used(model, i) - r->units[i] + after[i] > UINT64_MAX) return BERTH_EOVERFLOW;
    for (uint32_t i = 0; i < model->options.resource_count; i++) r->units[i] = after[i];
    core_model_raise_peaks(model);
    return BERTH_OK;
}

/* A report of what is held; KV that grows is as it was, or `kv_units` if that is not 0. */
static berth_status charge(core_model *model, request *r, const uint64_t *held, uint32_t held_count,
                           uint64_t kv_units) {
    uint64_t after[BERTH_RESOURCES_MAX];
    memcpy(after, r->units, sizeof after);
    for (uint32_t i = 0; i < held_count; i++)
        if (!core_model_kv_grows(model) || i != model->options.kv_resource) after[i] = held[i];
    if (kv_units != 0) after[model->options.kv_resource] = kv_units;
    return hold(model, r, after);
}

/* KV that grows is not the host's to report. */
static int names_kv(const core_model *model, const uint64_t *held, uint32_t held_count) {
    const uint32_t kv = model->options.kv_resource;
    return core_model_kv_grows(model) && kv < held_count && held[kv] != 0;
}

berth_status core_model_charge(core_model *model, uint64_t now, berth_request_id id,
                               const uint64_t *held, uint32_t held_count) {
    if (held_count > model->options.resource_count) return BERTH_EINVAL;
    if (names_kv(model, held, held_count)) return BERTH_EINVAL;
    core_model_expire(model, now);
    request *r = find_for_engine(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    if (r->state == BERTH__ENDED) return BERTH_EENDED;
    return charge(model, r, held, held_count, 0);
}

berth_status core_model_capacity_set(core_model *model, uint64_t now, uint32_t resource,
                                     uint64_t capacity_units) {
    if (resource >= model->options.resource_count || capacity_units == 0) return BERTH_EINVAL;
    core_model_expire(model, now);
    model->options.resources[resource].capacity_units = capacity_units;
    for (uint32_t band = BERTH_BANDS_MAX; band > 0; band--)
        for (;;) {
            request *first = NULL;
            for (uint32_t i = 0; i < model->place_count; i++) {
                request *r = &model->requests[i];
                if (r->state == BERTH__PARKED && r->outcome.band == band &&
                    core_model_kv_never(model, r) < BERTH_RESOURCES_MAX &&
                    (first == NULL || r->arrival < first->arrival))
                    first = r;
            }
            if (first == NULL) break;
            core_model_stop(model, first, BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0);
        }
    return BERTH_OK;
}

berth_status core_model_cancel(core_model *model, uint64_t now, berth_request_id id,
                               uint32_t cause) {
    core_model_expire(model, now);
    request *r = find_for_user(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    core_model_stop(model, r, BERTH_OUTCOME_CANCELLED, cause, 0);
    return BERTH_OK;
}

void core_model_close(core_model *model, uint64_t now) {
    core_model_expire(model, now);
    model->closed = 1;
}

void core_model_shutdown(core_model *model, uint64_t now, uint32_t running) {
    core_model_expire(model, now);
    for (request *r = first_parked(model, 1); r != NULL; r = first_parked(model, 1))
        core_model_stop(model, r, BERTH_OUTCOME_SHUTDOWN, 0, 0);
    if (!running) return;
    uint64_t after = 0;
    for (request *r = core_model_next_held(model, after); r != NULL;
         r = core_model_next_held(model, after)) {
        after = r->admission;
        if (!r->in_step && r->outcome.kind == BERTH_OUTCOME_NONE)
            core_model_stop(model, r, BERTH_OUTCOME_SHUTDOWN, 0, 0);
    }
}

/* ---- Worker and gate ---- */

berth_status core_model_emit(core_model *model, uint64_t now, berth_request_id id,
                             uint64_t tokens) {
    core_model_expire(model, now);
    request *r = find_for_engine(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    add_capped(&r->outcome.tokens_generated, tokens);
    add_capped(&model->counters.tokens_generated_total, tokens);
    first_output(model, r);
    return BERTH_OK;
}

berth_status core_model_finish(core_model *model, uint64_t now, berth_request_id id, uint32_t kind,
                               int32_t code) {
    if (kind < BERTH_FINISH_STOP || kind > BERTH_FINISH_FAILED) return BERTH_EINVAL;
    core_model_expire(model, now);
    request *r = find_for_engine(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    finish(model, r, kind, code);
    return BERTH_OK;
}

berth_status core_model_preempt(core_model *model, uint64_t now, berth_request_id id) {
    if (model->options.face != BERTH_FACE_ENGINE) return BERTH_EFACE;
    core_model_expire(model, now);
    request *r = find_for_engine(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    if (r->in_step) return BERTH_EBUSY;
    core_model_give_way(model, r);
    return BERTH_OK;
}

berth_status core_model_let_go(core_model *model, uint64_t now, berth_request_id id) {
    core_model_expire(model, now);
    request *r = find_for_engine(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    if (r->state == BERTH__RUNNING) return BERTH_EBUSY;
    if (r->state == BERTH__ENDED) return BERTH_EENDED;
    let_go(model, r);
    return BERTH_OK;
}

/* ---- Engine ---- */

/* It runs, but plans leave it out. */
int core_model_held_up(const request *r) {
    return r->state == BERTH__RUNNING && (r->pause_due != NEVER || r->suspended);
}

/* Of those who run and are in plans. */
static request *next_planned(const core_model *model, uint64_t after) {
    request *r = core_model_next_held(model, after);
    while (r != NULL && core_model_held_up(r)) r = core_model_next_held(model, r->admission);
    return r;
}

uint32_t core_model_has_plan(const core_model *model) {
    const request *r = head(model);
    if (model->step_outstanding) return 0;
    if (model->leaving_count > 0 || next_planned(model, 0) != NULL) return 1;
    if (model->options.kv_mode >= BERTH_KV_RATIO && core_model_next_held(model, 0) != NULL &&
        core_model_parked_count(model, 1, BERTH_BANDS_MAX) > 0)
        return 1;
    return (r != NULL && fits(model, r->units) && core_model_kv_admits(model, r));
}

berth_status core_model_commit_begin(core_model *model, uint64_t now, berth_step_id step_id) {
    if (!model->step_outstanding || step_id != model->step_id) return BERTH_ESTEP;
    core_model_expire(model, now);
    return BERTH_OK;
}

berth_status core_model_commit_entry(core_model *model, berth_request_id id,
                                     const berth__progress *progress) {
    request *r = core_model_find(model, id);
    const uint32_t held_count = progress->held == NULL ? 0 : progress->held_count;
    if (progress->finish > BERTH_FINISH_FAILED) return BERTH_EINVAL;
    if (held_count > model->options.resource_count) return BERTH_EINVAL;
    if (names_kv(model, progress->held, held_count)) return BERTH_EINVAL;
    if (r == NULL || !r->in_step) return BERTH_ESTALE;
    if (r->committed) return BERTH_EINVAL;
    uint64_t tokens = r->outcome.tokens_computed;
    add_capped(&tokens, progress->tokens_computed);
    const uint64_t kv =
        r->outcome.kind == BERTH_OUTCOME_NONE ? core_model_kv_held(model, r, tokens) : 0;
    if (charge(model, r, progress->held, held_count, kv) != BERTH_OK) return BERTH_EOVERFLOW;
    r->committed = 1;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    r->planned_tokens = 0;
    add_capped(&r->outcome.tokens_computed, progress->tokens_computed);
    add_capped(&r->outcome.tokens_generated, progress->tokens_generated);
    add_capped(&model->counters.tokens_computed_total, progress->tokens_computed);
    add_capped(&model->counters.tokens_generated_total, progress->tokens_generated);
    if (progress->has_output || progress->tokens_generated > 0) first_output(model, r);
    if (progress->finish == BERTH_FINISH_NONE) return BERTH_OK;
    r->engine_knows = 1;
    finish(model, r, progress->finish, progress->code);
    return BERTH_OK;
}

void core_model_commit_end(core_model *model) {
    uint64_t after = 0;
    for (request *r = core_model_next_held(model, after); r != NULL;
         r = core_model_next_held(model, after)) {
        after = r->admission;
        r->in_step = 0;
        r->planned_tokens = 0;
        if (r->state == BERTH__STOPPING)
            let_go(model, r);
        else if (!r->committed)
            (void)charge(model, r, NULL, 0,
                         core_model_kv_held(model, r, r->outcome.tokens_computed));
        if (r->state == BERTH__RUNNING && r->pause_due != NEVER && r->gives_up)
            core_model_give_way(model, r);
    }
    model->step_outstanding = 0;
    model->counters.steps_total++;
}

/* ---- Taking, pinning, counting ---- */

berth_status core_model_forget(core_model *model, berth_request_id id, uint32_t dropped) {
    request *r = find_for_user(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind == BERTH_OUTCOME_NONE) return BERTH_EAGAIN;
    if (dropped) model->counters.retained_dropped_total++;
    forget(model, r);
    return BERTH_OK;
}

void core_model_pin(core_model *model, berth_request_id id, uint32_t pinned) {
    request *r = core_model_find(model, id);
    if (r == NULL || (!pinned && !r->pinned)) return;
    r->pinned = pinned;
    if (!pinned && r->state == BERTH__ENDED && r->gone) give_place(model, r);
}

void core_model_count_chunk(core_model *model, berth_request_id id, uint32_t delivered,
                            uint64_t size) {
    request *r = core_model_find(model, id);
    if (delivered) {
        model->counters.chunks_total++;
        add_capped(&model->counters.bytes_total, size);
        return;
    }
    model->counters.chunks_dropped_total++;
    if (r != NULL) r->outcome.chunks_dropped++;
}
