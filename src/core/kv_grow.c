/* SPDX-License-Identifier: MIT */
#include "core/kv_grow.h"
#include "base/checked.h"
#include "core/budget.h"
#include "core/flight.h"
#include "core/kv.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/victim.h"

uint64_t berth__kv_grow_units(const berth__core *core, uint32_t place, uint64_t tokens) {
    const berth__run *run = berth__run_of(core, place);
    const uint64_t all = tokens > run->prefill_tokens ? tokens : run->prefill_tokens;
    return berth__kv_mode_holds(core, place, all) -
           run->shared_blocks * core->options.kv_block_units;
}

/* It is to give way, and steps contain it: it gets no further ones, nor what this plan gave it. */
static void drain(berth__core *core, uint32_t place) {
    berth__run_of(core, place)->drains = 1;
    core->draining++;
    berth__kv_grow_take_back(core, place, core->step_id + 1);
}

/* Make room for `more` units, one victim at a time; `gone` counts them. 0 if `place` itself went,
 * or has to wait until the next one to go has left its steps. */
static int make_room(berth__core *core, uint32_t place, uint64_t more, uint32_t *gone) {
    while (more > berth__kv_mode_free(core)) {
        if (core->draining > 0) return 0;
        if (*gone == 0) berth__victim_begin(core);
        const uint32_t victim = berth__victim_next(core);
        if (victim == BERTH__NONE) return 0;
        if (core->entries[victim].in_step) {
            drain(core, victim);
            if (victim == place) return 0;
            continue; /* what this plan gave it may do */
        }
        berth__life_preempt(core, victim);
        ++*gone;
        if (victim == place) return 0;
    }
    return 1;
}

/* What a decode would hold beyond what it has, if so many tokens more were computed: mostly
 * nothing, since it holds the block that they fall into. */
static uint64_t more_for(const berth__core *core, uint32_t place, uint64_t tokens) {
    const uint64_t held = berth__units_of(core, place)[core->options.kv_resource];
    const uint64_t ahead = berth__flight_ahead(core, place);
    const uint64_t after = berth__add_saturating(ahead, tokens);
    if (core->entries[place].samples == 1 &&
        berth__kv_in_one_block(core->options.kv_block_tokens, ahead, after))
        return 0;
    const uint64_t units = berth__kv_grow_units(core, place, after);
    return units > held ? units - held : 0;
}

static void grant(berth__core *core, uint32_t place, uint64_t more) {
    uint64_t after[BERTH_RESOURCES_MAX];
    berth__life_report(core, place, NULL, 0, after);
    after[core->options.kv_resource] += more;
    (void)berth__life_hold(core, place, after); /* it fits */
}

/* The tokens of a decode, with KV for them: drafts make nobody give way. `more`: what is to be held
 * for them. */
static uint64_t tokens_of(const berth__core *core, uint32_t place, uint64_t *more) {
    const uint64_t tokens = berth__budget_decode(core, place);
    const uint64_t least = core->entries[place].samples;
    *more = tokens == 0 ? 0 : more_for(core, place, tokens);
    if (tokens <= least || *more <= berth__kv_mode_free(core)) return tokens;
    *more = more_for(core, place, least);
    return least;
}

static void give(berth__core *core, uint32_t place, uint64_t tokens, uint64_t more) {
    if (more > 0) grant(core, place, more);
    berth__flight_plan(core, place, tokens);
}

static void grow(berth__core *core, uint32_t place, uint32_t *gone) {
    uint64_t more;
    const uint64_t tokens = tokens_of(core, place, &more);
    if (tokens == 0 || (more > 0 && !make_room(core, place, more, gone))) return;
    give(core, place, tokens, more);
}

/* One that runs, is in the step and has all of its prefill behind it. */
static int is_decode(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    return entry->state == BERTH__RUNNING && !entry->paused && !entry->suspended &&
           !berth__run_of(core, place)->drains && !berth__budget_is_prefill(core, place);
}

/* Who is in no step any more can give way like everybody else; and nobody is in one, at a plan,
 * where one at most is outstanding. */
static void look_who_drains(berth__core *core) {
    core->draining = 0;
    if (core->options.steps_max == 1) return;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        const berth__entry *entry = &core->entries[p];
        if (entry->state != BERTH__RUNNING || !entry->in_step) berth__run_of(core, p)->drains = 0;
        core->draining += berth__run_of(core, p)->drains;
    }
}

/* Most decodes are one token, which falls into a block that is held: planned at once. */
static inline int plan_one(berth__core *core, uint32_t place, uint64_t at, int grows) {
    const berth__entry *entry = &core->entries[place];
    berth__run *run = &core->runs[entry->slot];
    const uint64_t ahead = berth__add_saturating(entry->tokens_computed, run->planned_tokens);
    if (entry->state != BERTH__RUNNING || entry->paused || entry->suspended || run->drains ||
        ahead < run->prefill_tokens || !berth__budget_is_single(core, entry))
        return 0;
    if (grows && !berth__kv_in_one_block(core->options.kv_block_tokens, ahead, ahead + 1)) return 0;
    run->step_tokens[at] = 1;
    run->planned_tokens++;
    return 1;
}

/* KV does not grow: nobody is in the way of anybody. */
static void plan_decodes(berth__core *core) {
    const uint64_t at = (core->step_id + 1) % BERTH__STEPS_MAX;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        uint64_t tokens = 1;
        if (!plan_one(core, p, at, 0)) {
            const int decodes = is_decode(core, p);
            tokens = decodes ? berth__budget_decode(core, p) : 0;
            core->not_decoding += !decodes;
            if (tokens > 0) berth__flight_plan(core, p, tokens);
        }
        core->decode_tokens += tokens;
    }
}

/* As long as there is KV for what they need. Returns the first one for whom there is not. */
static uint32_t grow_freely(berth__core *core) {
    const uint64_t at = (core->step_id + 1) % BERTH__STEPS_MAX;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        uint64_t tokens = 1;
        uint64_t more = 0;
        if (!plan_one(core, p, at, 1)) {
            const int decodes = is_decode(core, p);
            tokens = decodes ? tokens_of(core, p, &more) : 0;
            if (more > 0 && more > berth__kv_mode_free(core)) return p;
            core->not_decoding += !decodes;
            if (tokens > 0) give(core, p, tokens, more);
        }
        core->decode_tokens += tokens;
    }
    return BERTH__NONE;
}

/* One after another from there on, and some may have to give way: the walk is over a copy, since
 * the list changes under it. */
static uint32_t grow_from(berth__core *core, uint32_t place) {
    uint32_t count = 0;
    uint32_t gone = 0;
    for (uint32_t p = place; p != BERTH__NONE; p = core->links[p].next) core->growing[count++] = p;
    for (uint32_t i = 0; i < count; i++)
        if (is_decode(core, core->growing[i]))
            grow(core, core->growing[i], &gone);
        else
            core->not_decoding++;
    core->decode_tokens = UINT64_MAX;
    return gone;
}

uint32_t berth__kv_grow_all(berth__core *core) {
    core->not_decoding = 0;
    core->decode_tokens = 0;
    if (!berth__kv_grows(&core->options)) {
        plan_decodes(core);
        return 0;
    }
    look_who_drains(core);
    const uint32_t place = grow_freely(core);
    return place == BERTH__NONE ? 0 : grow_from(core, place);
}

void berth__kv_grow_settle(const berth__core *core, uint32_t place, uint64_t tokens,
                           uint64_t *after) {
    if (berth__kv_grows(&core->options))
        after[core->options.kv_resource] = berth__kv_grow_units(core, place, tokens);
}

void berth__kv_grow_take_back(berth__core *core, uint32_t place, berth_step_id step_id) {
    uint64_t after[BERTH_RESOURCES_MAX];
    berth__flight_clear(core, place, step_id);
    berth__life_report(core, place, NULL, 0, after);
    berth__kv_grow_settle(core, place,
                          berth__add_saturating(core->entries[place].tokens_computed,
                                                berth__run_of(core, place)->planned_tokens),
                          after);
    (void)berth__life_hold(core, place, after); /* no more than before */
}
