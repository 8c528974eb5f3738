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

/* What it would hold beyond what it has, if so many tokens more were computed. */
static uint64_t more_for(const berth__core *core, uint32_t place, uint64_t tokens) {
    const uint64_t held = berth__units_of(core, place)[core->options.kv_resource];
    const uint64_t after = berth__add_saturating(berth__flight_ahead(core, place), tokens);
    const uint64_t units = berth__kv_grow_units(core, place, after);
    return units > held ? units - held : 0;
}

static void grant(berth__core *core, uint32_t place, uint64_t more) {
    uint64_t after[BERTH_RESOURCES_MAX];
    berth__life_report(core, place, NULL, 0, after);
    after[core->options.kv_resource] += more;
    (void)berth__life_hold(core, place, after); /* it fits */
}

/* The tokens of a decode, with KV for them: drafts make nobody give way. */
static void grow(berth__core *core, uint32_t place, uint32_t *gone) {
    uint64_t tokens = berth__budget_decode(core, place);
    const uint64_t least = core->entries[place].samples;
    if (tokens == 0) return;
    if (tokens > least && more_for(core, place, tokens) > berth__kv_mode_free(core)) tokens = least;
    const uint64_t more = more_for(core, place, tokens);
    if (more > 0 && !make_room(core, place, more, gone)) return;
    if (more > 0) grant(core, place, more);
    berth__flight_plan(core, place, tokens);
}

/* One that runs, is in the step and has all of its prefill behind it. */
static int is_decode(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    return entry->state == BERTH__RUNNING && !berth__is_held_up(entry) &&
           !berth__run_of(core, place)->drains && !berth__budget_is_prefill(core, place);
}

/* Who is in no step any more can give way like everybody else. */
static void look_who_drains(berth__core *core) {
    core->draining = 0;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        const berth__entry *entry = &core->entries[p];
        if (entry->state != BERTH__RUNNING || !entry->in_step) berth__run_of(core, p)->drains = 0;
        core->draining += berth__run_of(core, p)->drains;
    }
}

uint32_t berth__kv_grow_all(berth__core *core) {
    uint32_t count = 0;
    uint32_t gone = 0;
    core->not_decoding = 0;
    if (!berth__kv_grows(&core->options)) {
        for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
            if (is_decode(core, p))
                berth__flight_plan(core, p, berth__budget_decode(core, p));
            else
                core->not_decoding++;
        return 0;
    }
    /* A copy: the list changes under the walk. */
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
        core->growing[count++] = p;
    look_who_drains(core);
    for (uint32_t i = 0; i < count; i++)
        if (is_decode(core, core->growing[i]))
            grow(core, core->growing[i], &gone);
        else
            core->not_decoding++;
    return gone;
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
