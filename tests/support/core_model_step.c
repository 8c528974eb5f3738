/* SPDX-License-Identifier: MIT */
/* The model's plan, and how the tokens of a step are shared. */
#include "support/core_model.h"

typedef core_model_request request;

__extension__ typedef unsigned __int128 wide;

/* ---- Tokens ---- */

int core_model_is_prefill(const request *r) {
    return r->outcome.tokens_computed < r->prefill_tokens;
}

uint64_t core_model_decode(const core_model *model, const request *r) {
    const wide sum = (wide)r->outcome.prompt_tokens + (wide)r->samples * r->max_new_tokens;
    const wide most = sum > UINT64_MAX ? UINT64_MAX : sum;
    const wide room =
        most > r->outcome.tokens_computed ? most - r->outcome.tokens_computed : r->samples;
    const uint64_t tokens = r->samples * (1 + (uint64_t)model->options.draft_tokens);
    return r->max_new_tokens != 0 && room < tokens ? (uint64_t)room : tokens;
}

/* What its prefill would like of a step; 0 if it is not one that can go on. */
static uint64_t chunk(const core_model *model, const request *r) {
    const uint64_t most = model->options.prefill_tokens_max;
    if (r->state != BERTH__RUNNING || core_model_held_up(r)) return 0;
    if (!core_model_is_prefill(r)) return 0;
    const uint64_t left = r->prefill_tokens - r->outcome.tokens_computed;
    return most != 0 && most < left ? most : left;
}

/* Tokens of all decodes, and of the prefills of this band and higher ones. */
static wide tokens_from(const core_model *model, uint32_t band) {
    wide sum = 0;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission)) {
        if (!core_model_is_prefill(r)) sum += r->planned_tokens;
        if (r->outcome.band >= band) sum += chunk(model, r);
    }
    return sum;
}

int core_model_may_sample(const core_model *model, uint32_t samples) {
    const uint64_t each = 1 + (uint64_t)model->options.draft_tokens;
    if (samples <= 1) return 1;
    if (samples > BERTH_SAMPLES_MAX || model->options.face != BERTH_FACE_ENGINE) return 0;
    return model->options.step_tokens == 0 || samples * each <= model->options.step_tokens;
}

int core_model_budget_allows(const core_model *model, const request *candidate) {
    const uint64_t most = model->options.step_tokens;
    wide samples = candidate->samples;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        samples += r->samples;
    if (most != 0 && samples * (1 + (wide)model->options.draft_tokens) > most) return 0;
    /* A part of a prefill, or, where there is none, a token for each sample. */
    const int prefills =
        candidate->outcome.prompt_tokens > 0 || candidate->outcome.tokens_generated > 0;
    const wide least = prefills ? 1 : candidate->samples;
    return !model->planning || most == 0 ||
           tokens_from(model, candidate->outcome.band) + least <= most;
}

/* One token after the other would do the same: to the highest band first, in order of admission. */
static void share(core_model *model) {
    const uint64_t most = model->options.step_tokens;
    for (uint32_t band = BERTH_BANDS_MAX; band > 0; band--)
        for (request *r = core_model_next_held(model, 0); r != NULL;
             r = core_model_next_held(model, r->admission)) {
            wide given = 0;
            if (r->outcome.band != band || chunk(model, r) == 0) continue;
            for (const request *other = core_model_next_held(model, 0); other != NULL;
                 other = core_model_next_held(model, other->admission))
                given += other->planned_tokens;
            r->planned_tokens = chunk(model, r);
            if (most != 0 && given + r->planned_tokens > most)
                r->planned_tokens = given < most ? most - (uint64_t)given : 0;
        }
}

/* ---- The plan ---- */

static void list_running(request *r, berth_plan *plan) {
    const uint32_t again = r->preemptions > 0 ? BERTH_ENTRY_RESUMED : 0;
    if (r->planned_tokens == 0) return;
    plan->entries[plan->entry_count++] = (berth_plan_entry){
        .id = r->id,
        .slot = r->slot,
        .kind = core_model_is_prefill(r) ? BERTH_ENTRY_PREFILL : BERTH_ENTRY_DECODE,
        .flags = r->planned ? 0 : BERTH_ENTRY_ADMITTED | again,
        .band = r->outcome.band,
        .tokens = r->planned_tokens,
        .tokens_computed = r->outcome.tokens_computed,
        .tokens_generated = r->outcome.tokens_generated,
        .prompt_tokens = r->outcome.prompt_tokens,
        .max_new_tokens = r->max_new_tokens,
        .samples = r->samples,
    };
    plan->admitted_count += !r->planned;
    r->planned = 1;
    r->in_step = 1;
    r->committed = 0;
}

static void list_leaving(core_model *model, berth_plan *plan) {
    for (uint32_t i = 0; i < model->leaving_count; i++) {
        plan->entries[plan->entry_count++] = (berth_plan_entry){.id = model->leaving[i].id,
                                                                .slot = model->leaving[i].slot,
                                                                .kind = BERTH_ENTRY_LEAVE,
                                                                .flags = model->leaving[i].flags,
                                                                .band = model->leaving[i].band};
        core_model_give_slot(model, model->leaving[i].slot);
    }
    plan->leave_count = model->leaving_count;
    model->leaving_count = 0;
}

/* Entries that a plan might need. */
static uint64_t needed(const core_model *model) {
    uint64_t held = core_model_parked_count(model, 1, BERTH_BANDS_MAX);
    for (uint32_t i = 0; i < model->place_count; i++)
        held += core_model_is_held(&model->requests[i]) != 0;
    if (held > model->options.running_max) held = model->options.running_max;
    return model->leaving_count + held;
}

berth_status core_model_plan(core_model *model, uint64_t now, berth_plan *plan) {
    plan->step_id = 0;
    plan->entry_count = plan->leave_count = plan->admitted_count = 0;
    plan->now_at_ns = plan->parked_count = 0;
    if (model->step_outstanding) return BERTH_ESTEP;
    core_model_expire(model, now);
    if (needed(model) > plan->entry_max) {
        plan->entry_count = (uint32_t)needed(model);
        return BERTH_ESPACE;
    }
    const uint32_t gave_way = core_model_kv_grow(model);
    list_leaving(model, plan);
    model->planning = 1;
    core_model_plan_admission(model, now, plan, gave_way);
    model->planning = 0;
    share(model);
    for (request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        list_running(r, plan);
    if (plan->entry_count > plan->leave_count) {
        plan->step_id = ++model->step_id;
        model->step_outstanding = 1;
    }
    plan->now_at_ns = model->now;
    plan->parked_count = core_model_parked_count(model, 1, BERTH_BANDS_MAX);
    return BERTH_OK;
}

/* ---- A step that failed, requests that wait ---- */

berth_status core_model_plan_fail(core_model *model, uint64_t now, berth_step_id step_id) {
    const berth_status status = core_model_commit_begin(model, now, step_id);
    uint32_t running = 0;
    if (status != BERTH_OK) return status;
    core_model_commit_end(model);
    model->counters.steps_total--;
    model->counters.steps_failed_total++;
    model->pause_steps = model->options.preempt_pause_steps + 1;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        running++;
    if (running == 1)
        core_model_stop(model, core_model_next_held(model, 0), BERTH_OUTCOME_EVICTED,
                        BERTH_EVICT_CAPACITY, 0);
    if (running <= 1) return BERTH_OK;
    core_model_give_way(model, core_model_first_to_give_way(model));
    core_model_kv_step(model, 1);
    return BERTH_OK;
}

berth_status core_model_suspend(core_model *model, uint64_t now, berth_request_id id,
                                uint32_t suspended) {
    if (model->options.face != BERTH_FACE_ENGINE) return BERTH_EFACE;
    core_model_expire(model, now);
    request *r = core_model_find(model, id);
    if (r == NULL || r->gone) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    model->counters.suspensions_total += suspended && !r->suspended;
    r->suspended = suspended;
    return BERTH_OK;
}
