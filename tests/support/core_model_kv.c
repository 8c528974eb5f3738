/* SPDX-License-Identifier: MIT */
/* KV that grows, as obvious as can be: whoever is looked for is found by looking at everybody. */
#include "support/core_model.h"

#include <string.h>

typedef core_model_request request;

__extension__ typedef unsigned __int128 wide;

int core_model_kv_grows(const core_model *model) {
    return model->options.kv_block_tokens != 0 && model->options.kv_mode != BERTH_KV_WORST_CASE;
}

/* Blocks of samples with a prompt: the worst way to spread the tokens behind it is to let one
 * sample after the other begin a block, and to fill blocks with what is left. */
static wide blocks_of(const core_model *model, const berth__submit *s, wide tokens) {
    const wide block = model->options.kv_block_tokens;
    const wide samples = s->samples == 0 ? 1 : s->samples;
    const wide part = s->terms.prompt_tokens % block;
    wide left = tokens - s->terms.prompt_tokens;
    wide begun = 0;
    wide own = part > 0 ? samples : 0;
    if (left <= samples * s->terms.max_new_tokens) {
        const wide each = (part + s->terms.max_new_tokens + block - 1) / block;
        begun = samples * each; /* no more than this, if none goes beyond what it may have */
    } else {
        begun = ~(wide)0;
    }
    for (wide i = 0; i < samples && left >= (block - part) % block + 1; i++) {
        left -= (block - part) % block + 1;
        own++;
        if (i == samples - 1) own += left / block;
    }
    return s->terms.prompt_tokens / block + (own < begun ? own : begun);
}

uint64_t core_model_kv_units(const core_model *model, const berth__submit *s, uint64_t tokens) {
    wide blocks = blocks_of(model, s, tokens);
    if (blocks == 0) blocks = s->samples == 0 ? 1 : s->samples;
    blocks *= model->options.kv_block_units;
    return blocks > UINT64_MAX ? UINT64_MAX : (uint64_t)blocks;
}

static berth__submit submit_of(const request *r) {
    return (berth__submit){.terms.prompt_tokens = r->outcome.prompt_tokens,
                           .terms.max_new_tokens = r->max_new_tokens,
                           .samples = r->samples};
}

static uint64_t clamp(wide number) {
    return number > UINT64_MAX ? UINT64_MAX : (uint64_t)number;
}

static uint64_t all_tokens(const berth__submit *s) {
    const wide samples = s->samples == 0 ? 1 : s->samples;
    return clamp((wide)s->terms.prompt_tokens + clamp(samples * s->terms.max_new_tokens));
}

uint64_t core_model_kv_held(const core_model *model, const request *r, uint64_t tokens) {
    if (!core_model_kv_grows(model)) return 0;
    const berth__submit s = submit_of(r);
    return core_model_kv_units(model, &s, tokens > r->prefill_tokens ? tokens : r->prefill_tokens);
}

void core_model_kv_price(const core_model *model, const berth__submit *submit, uint64_t generated,
                         uint64_t *units) {
    const uint64_t tokens = clamp((wide)submit->terms.prompt_tokens + generated);
    if (core_model_kv_grows(model))
        units[model->options.kv_resource] = core_model_kv_units(model, submit, tokens);
}

void core_model_kv_ask(const core_model *model, request *r) {
    const berth__submit s = submit_of(r);
    core_model_kv_price(model, &s, r->outcome.tokens_generated, r->asked);
}

void core_model_kv_peak(const core_model *model, const berth__submit *submit, const uint64_t *units,
                        uint64_t *peak) {
    const uint32_t kv = model->options.kv_resource;
    memcpy(peak, units, BERTH_RESOURCES_MAX * sizeof *peak);
    if (!core_model_kv_grows(model)) return;
    peak[kv] = core_model_kv_units(model, submit, all_tokens(submit));
    if (peak[kv] < units[kv]) peak[kv] = units[kv];
}

uint32_t core_model_kv_never(const core_model *model, const request *r) {
    const berth__submit s = submit_of(r);
    uint64_t needs[BERTH_RESOURCES_MAX];
    memcpy(needs, r->units, sizeof needs);
    if (core_model_kv_grows(model) && r->preemptions == 0)
        needs[model->options.kv_resource] = core_model_kv_units(model, &s, all_tokens(&s));
    return core_model_never_fits(model, needs);
}

static uint32_t running_count(const core_model *model) {
    uint32_t count = 0;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        count++;
    return count;
}

/* ---- What is to come ---- */

/* Of one sample, if they go on evenly. */
static uint64_t generated(const request *r) {
    return r->outcome.tokens_generated / r->samples;
}

static uint64_t left_at_most(const request *r) {
    return r->max_new_tokens > generated(r) ? r->max_new_tokens - generated(r) : 0;
}

static core_model_lengths *own_lengths(const core_model *model, const request *r) {
    for (uint32_t i = 0; i < model->options.kv_lengths_max; i++) {
        core_model_lengths *own = &model->own_lengths[i];
        if (own->tenant == r->outcome.tenant && own->band == r->outcome.band) return own;
    }
    return NULL;
}

static uint64_t expect(const core_model *model, const request *r) {
    const uint32_t ppm = model->options.kv_quantile_ppm;
    const core_model_lengths *own = own_lengths(model, r);
    uint64_t end = own == NULL ? 0 : berth__quantile_of(&own->quantile, ppm, generated(r));
    if (end == 0) end = berth__quantile_of(&model->lengths[r->outcome.band - 1], ppm, generated(r));
    return end == 0 || (r->max_new_tokens != 0 && end > r->max_new_tokens) ? r->max_new_tokens
                                                                           : end;
}

static uint64_t left_of(const core_model *model, const request *r, uint64_t end) {
    if (r->state == BERTH__STOPPING) return 0;
    if (model->options.kv_mode != BERTH_KV_PREDICTED) return left_at_most(r);
    return end > generated(r) ? end - generated(r) : 0;
}

static void look_again(core_model *model) {
    for (request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        if (r->state == BERTH__RUNNING && r->likely_end <= generated(r))
            r->likely_end = expect(model, r);
}

void core_model_kv_admitted(core_model *model, request *r) {
    r->likely_end = model->options.kv_mode == BERTH_KV_PREDICTED ? expect(model, r) : 0;
}

void core_model_kv_learn(core_model *model, const request *r) {
    core_model_lengths *own = own_lengths(model, r);
    if (model->options.kv_mode != BERTH_KV_PREDICTED) return;
    berth__quantile_add(&model->lengths[r->outcome.band - 1], generated(r));
    if (model->options.kv_lengths_max == 0) return;
    if (own == NULL) { /* in the place of who has learned nothing for longest */
        own = model->own_lengths;
        for (uint32_t i = 1; i < model->options.kv_lengths_max; i++)
            if (model->own_lengths[i].learned < own->learned) own = &model->own_lengths[i];
        *own = (core_model_lengths){.tenant = r->outcome.tenant, .band = r->outcome.band};
    }
    own->learned = ++model->ticks;
    berth__quantile_add(&own->quantile, generated(r));
}

/* ---- Who is let in ---- */

/* Whole blocks of each sample, at most, and all that is to come of all samples but one. */
static wide current_of(const core_model *model, const request *r, uint64_t left) {
    const wide block = model->options.kv_block_tokens;
    const wide others = (wide)r->samples - 1;
    wide tokens = (wide)r->outcome.prompt_tokens + r->outcome.tokens_generated;
    if (r->state != BERTH__PARKED)
        tokens = r->outcome.tokens_computed > r->prefill_tokens ? r->outcome.tokens_computed
                                                                : r->prefill_tokens;
    tokens = clamp(tokens) + others * (r->outcome.prompt_tokens % block);
    return clamp(tokens + r->samples * (block - 1) + others * left);
}

/* What all hold when one with so much left ends: those that go on at least as long are there. */
static wide held_at_the_end_of(const core_model *model, uint64_t left, const request *candidate,
                               uint64_t candidate_left) {
    wide sum = 0;
    wide count = 0;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        if (left_of(model, r, r->likely_end) >= left)
            sum += current_of(model, r, left_of(model, r, r->likely_end)), count++;
    if (candidate_left >= left) sum += current_of(model, candidate, candidate_left), count++;
    return clamp(sum + clamp(count * left));
}

static int stays_below_the_peak(const core_model *model, const request *candidate) {
    const uint32_t kv = model->options.kv_resource;
    const uint64_t capacity =
        clamp((wide)(model->options.resources[kv].capacity_units / model->options.kv_block_units) *
              model->options.kv_block_tokens);
    const uint64_t left = left_of(model, candidate, expect(model, candidate));
    wide peak = held_at_the_end_of(model, left, candidate, left);
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission)) {
        const wide here =
            held_at_the_end_of(model, left_of(model, r, r->likely_end), candidate, left);
        if (here > peak) peak = here;
    }
    return peak < capacity;
}

static wide clipped(const request *r) {
    const uint64_t left = left_at_most(r);
    return (wide)r->samples * (left < 4096 ? left : 4096);
}

static int stays_below_the_ratio(const core_model *model, const request *candidate) {
    const uint32_t kv = model->options.kv_resource;
    const wide left = (wide)(core_model_free(model, kv) / model->options.kv_block_units) *
                      model->options.kv_block_tokens;
    const wide needed =
        (wide)clamp((wide)candidate->outcome.prompt_tokens + candidate->outcome.tokens_generated) +
        (candidate->samples - (wide)1) *
            (candidate->outcome.prompt_tokens % model->options.kv_block_tokens) +
        clipped(candidate) + (wide)candidate->samples * model->options.kv_block_tokens;
    wide kept = 0;
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        if (r->state == BERTH__RUNNING) kept += clipped(r);
    kept = kept * model->ratio / ((wide)1000000 * model->options.kv_ratio_decay_steps);
    return clamp(needed + kept) < clamp(left);
}

int core_model_kv_admits(const core_model *model, const request *r) {
    const uint32_t kv = model->options.kv_resource;
    const uint32_t mode = model->options.kv_mode;
    if (!core_model_budget_allows(model, r)) return 0;
    if (!core_model_kv_grows(model) || running_count(model) == 0) return 1;
    const wide unit = model->options.kv_block_units;
    const wide blocks = model->options.resources[kv].capacity_units / unit;
    const wide watermark = blocks * model->options.kv_watermark_ppm / 1000000 * unit;
    if (r->units[kv] + watermark > core_model_free(model, kv)) return 0;
    if (mode == BERTH_KV_RATIO) return stays_below_the_ratio(model, r);
    return mode == BERTH_KV_OPTIMISTIC || stays_below_the_peak(model, r);
}

/* ---- Who gives way ---- */

/* Does a give way before b? */
static int gives_way_before(const core_model *model, const request *a, const request *b) {
    const uint32_t max = model->options.preempt_max;
    const uint32_t victim = model->options.victim;
    const int a_capped = max != 0 && a->preemptions >= max;
    const int b_capped = max != 0 && b->preemptions >= max;
    if (a->outcome.band != b->outcome.band) return a->outcome.band < b->outcome.band;
    if (a_capped != b_capped) return b_capped;
    if (victim == BERTH_VICTIM_LEAST_COMPUTED) {
        if (a->outcome.tokens_generated != b->outcome.tokens_generated)
            return a->outcome.tokens_generated < b->outcome.tokens_generated;
        if (a->outcome.prompt_tokens != b->outcome.prompt_tokens)
            return a->outcome.prompt_tokens > b->outcome.prompt_tokens;
    }
    if (victim == BERTH_VICTIM_CHEAPEST && a->outcome.tokens_computed != b->outcome.tokens_computed)
        return a->outcome.tokens_computed < b->outcome.tokens_computed;
    return a->admission > b->admission;
}

core_model_request *core_model_first_to_give_way(const core_model *model) {
    request *first = NULL;
    for (request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission))
        if (r->state == BERTH__RUNNING && (first == NULL || gives_way_before(model, r, first)))
            first = r;
    return first;
}

/* What it holds more after so many tokens more. */
static uint64_t more_for(const core_model *model, const request *r, uint64_t tokens) {
    const uint64_t units =
        core_model_kv_held(model, r, clamp((wide)r->outcome.tokens_computed + tokens));
    const uint64_t held = r->units[model->options.kv_resource];
    return units > held ? units - held : 0;
}

static uint32_t grow(core_model *model, request *r) {
    const uint32_t kv = model->options.kv_resource;
    uint64_t tokens = core_model_decode(model, r);
    uint32_t gone = 0;
    if (more_for(model, r, tokens) > core_model_free(model, kv) && tokens > r->samples)
        tokens = r->samples;
    const uint64_t more = more_for(model, r, tokens);
    while (r->state == BERTH__RUNNING && more > core_model_free(model, kv)) {
        core_model_give_way(model, core_model_first_to_give_way(model));
        gone++;
    }
    if (r->state != BERTH__RUNNING) return gone;
    r->units[kv] += more;
    r->planned_tokens = tokens;
    core_model_raise_peaks(model);
    return gone;
}

uint32_t core_model_kv_grow(core_model *model) {
    uint32_t gone = 0;
    uint64_t after = 0;
    for (request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, after)) {
        after = r->admission;
        if (r->state != BERTH__RUNNING || core_model_held_up(r)) continue;
        if (core_model_is_prefill(r)) continue;
        if (core_model_kv_grows(model))
            gone += grow(model, r);
        else
            r->planned_tokens = core_model_decode(model, r);
    }
    return gone;
}

/* How much of what is to come is kept from now on. */
void core_model_kv_step(core_model *model, uint32_t gave_way) {
    const berth_options *o = &model->options;
    const uint64_t least = (uint64_t)o->kv_ratio_ppm * o->kv_ratio_floor_ppm / 1000000;
    wide out = 0;
    wide max_new = 1;
    if (running_count(model) == 0 || o->kv_mode != BERTH_KV_RATIO) return;
    if (gave_way == 0) {
        const wide fallen = (wide)model->ratio + least;
        const wide floor_of_it = (wide)least * o->kv_ratio_decay_steps;
        model->ratio = fallen > floor_of_it + o->kv_ratio_ppm ? (uint64_t)(fallen - o->kv_ratio_ppm)
                                                              : (uint64_t)floor_of_it;
        return;
    }
    for (const request *r = core_model_next_held(model, 0); r != NULL;
         r = core_model_next_held(model, r->admission)) {
        out += (wide)r->outcome.tokens_generated + 20 * (wide)r->samples;
        max_new += (wide)r->samples * r->max_new_tokens;
    }
    const wide ppm = out >= max_new ? 1000000 : out * 1000000 / max_new;
    model->ratio = (uint64_t)ppm * o->kv_ratio_decay_steps;
}

static uint32_t held_up_count(const core_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->place_count; i++)
        count += core_model_held_up(&model->requests[i]) != 0;
    return count;
}

void core_model_plan_admission(core_model *model, uint64_t now, const berth_plan *plan,
                               uint32_t gave_way) {
    core_model_kv_step(model, gave_way);
    if (gave_way > 0) {
        model->pause_steps = model->options.preempt_pause_steps;
        return;
    }
    const uint32_t running = running_count(model);
    /* Where all who run are held up, a plan in which nobody is let in would hold nothing. */
    if (running == 0 || (running == held_up_count(model) && plan->leave_count == 0))
        model->pause_steps = 0;
    if (model->pause_steps > 0) {
        model->pause_steps--;
        return;
    }
    if (core_model_parked_count(model, 1, BERTH_BANDS_MAX) == 0) return;
    if (model->options.kv_mode == BERTH_KV_PREDICTED) look_again(model);
    (void)core_model_admit(model, now);
}
