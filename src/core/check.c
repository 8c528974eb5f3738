/* SPDX-License-Identifier: MIT */
/*
 * Every invariant of the core, worked out anew from the table: what tests call after each event.
 * A check returns the line of the first that does not hold.
 */
#include "base/checked.h"
#include "core/budget.h"
#include "core/check_flows.h"
#include "core/core.h"
#include "core/flight.h"
#include "core/kv.h"
#include "core/kv_grow.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/share.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) return (uint32_t)__LINE__;                                               \
    } while (0)

/* What the table adds up to, by state. */
typedef struct census {
    uint64_t states[BERTH__LENT + 1];
    uint64_t retained;
    uint64_t used[BERTH_RESOURCES_MAX];
    uint64_t parked[BERTH_RESOURCES_MAX];
    uint64_t parked_size;
    uint64_t paused;
    uint64_t suspended;
    uint64_t held_up;
    uint64_t samples;
} census;

static void count_units(const berth__core *core, uint32_t place, uint64_t *sum) {
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++) sum[r] += units[r];
}

/* Parked, it asks for the blocks of what it has; running, it holds those of what it has and what
 * the step adds, and not one more. */
static int kv_is_exact(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    if (!berth__kv_grows(&core->options)) return 1;
    const uint64_t units = berth__units_of(core, place)[core->options.kv_resource];
    if (entry->state == BERTH__PARKED) return units == berth__kv_mode_units(core, place);
    if (entry->state != BERTH__RUNNING) return 1;
    const uint64_t planned = berth__run_of(core, place)->planned_tokens;
    return units == berth__kv_grow_units(core, place,
                                         berth__add_saturating(entry->tokens_computed, planned));
}

static uint32_t count_entry(const berth__core *core, uint32_t place, census *c) {
    const berth__entry *entry = &core->entries[place];
    const int held = entry->state == BERTH__RUNNING || entry->state == BERTH__STOPPING;
    const int fixed = entry->outcome != BERTH_OUTCOME_NONE;
    c->states[entry->state]++;
    MUST(berth__ids_is_taken(&core->ids, place) == (entry->state != BERTH__FREE));
    if (entry->state == BERTH__FREE || entry->state == BERTH__LENT) return 0;
    MUST(fixed == (entry->state == BERTH__STOPPING || entry->state == BERTH__ENDED));
    MUST(!entry->gone || fixed);
    MUST(!entry->in_step || held);
    MUST(kv_is_exact(core, place));
    MUST(!entry->paused || entry->state == BERTH__RUNNING ||
         (entry->state == BERTH__PARKED && entry->paused == BERTH__PAUSE_GIVE_UP));
    c->paused += entry->paused && entry->state == BERTH__RUNNING;
    MUST(!entry->suspended || !fixed);
    c->suspended += entry->suspended;
    c->held_up += (uint64_t)berth__is_held_up(entry);
    MUST(berth__life_is_armed(core, place));
    if (entry->state == BERTH__PARKED) {
        count_units(core, place, c->parked);
        c->parked_size += entry->payload_size;
    }
    if (held) {
        count_units(core, place, c->used);
        MUST(entry->slot < core->options.running_max);
        MUST(core->options.prefix_blocks_max == 0 || entry->samples == 1 ||
             berth__run_of(core, place)->shared_blocks <=
                 entry->prompt_tokens / core->options.kv_block_tokens);
        c->samples += entry->samples;
    }
    if (entry->state == BERTH__ENDED) {
        c->retained += !entry->gone;
        MUST(!entry->gone || entry->pinned);
    }
    return 0;
}

static uint32_t check_sums(const berth__core *core, const census *c) {
    const berth_stats *n = &core->counters;
    MUST(c->states[BERTH__PARKED] == core->queue.total.count);
    MUST(c->states[BERTH__LENT] == core->queue.lent_count);
    MUST(c->states[BERTH__RUNNING] == n->running);
    MUST(c->states[BERTH__STOPPING] == n->stopping);
    MUST(core->running.count == n->running + n->stopping);
    MUST(core->running.count <= core->options.running_max);
    MUST(c->retained == core->ended.count && core->ended.count <= core->options.ended_max);
    MUST(berth__agenda_is_sound(&core->deadlines));
    MUST(c->paused == n->paused && n->paused <= n->pauses_total);
    MUST(c->suspended == n->suspended && n->suspended <= n->suspensions_total);
    MUST(c->held_up == core->held_up);
    MUST(c->samples == core->samples);
    MUST(core->samples <= core->options.running_max ||
         !berth__budget_never_allows(&core->options, core->samples));
    MUST(c->parked_size == core->queue.total.size);
    MUST(core->slots_free_count + core->running.count + core->leaving_count ==
         core->options.running_max);
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        MUST(c->used[r] + berth__share_units(core, r) == core->ledger.used[r]);
        MUST(c->parked[r] == core->queue.total.units[r]);
        MUST(core->ledger.used[r] <= core->ledger.used_peak[r]);
    }
    MUST(n->submitted_total ==
         n->refused_total + core->queue.total.count + n->running + n->stopping + n->ended_total);
    return 0;
}

static uint32_t check_band(const berth__core *core, uint32_t b) {
    const berth_band_stats *band = &core->counters.bands[b];
    uint64_t order = 0;
    uint64_t count = 0;
    for (uint32_t place = core->queue.lists[b].head; place != BERTH__NONE;
         place = core->links[place].next) {
        MUST(core->entries[place].state == BERTH__PARKED);
        MUST(core->entries[place].band_index == b);
        MUST(count == 0 || core->order[place] > order);
        order = core->order[place];
        count++;
    }
    MUST(count == core->queue.lists[b].count && count == band->parked);
    MUST(count == core->queue.bands[b].count);
    MUST((count > 0) == (core->queue.bands_with >> b & 1u));
    MUST(band->submitted_total ==
         band->refused_total + band->parked + band->running + band->stopping + band->ended_total);
    return 0;
}

/* Is a slot in use, free or leaving in more than one place? O(slots) per slot: for tests. */
static uint32_t times_seen(const berth__core *core, uint32_t slot) {
    uint32_t times = 0;
    for (uint32_t i = 0; i < core->slots_free_count; i++) times += core->slots_free[i] == slot;
    for (uint32_t i = 0; i < core->leaving_count; i++) times += core->leaving[i].slot == slot;
    for (uint32_t place = core->running.head; place != BERTH__NONE; place = core->links[place].next)
        times += core->entries[place].slot == slot;
    return times;
}

/* Tokens only in outstanding steps that contain it, and all of them in the sum. */
static int flight_adds_up(const berth__core *core, uint32_t place) {
    const uint8_t in_step = core->entries[place].in_step;
    uint64_t sum = 0;
    uint8_t outstanding = 0;
    for (uint32_t i = 0; i < core->steps_outstanding; i++)
        outstanding |= berth__flight_bit(core->step_id - i);
    if ((in_step & ~outstanding) != 0) return 0;
    for (berth_step_id step = 0; step < BERTH__STEPS_MAX; step++) {
        const uint64_t tokens = *berth__flight_tokens(core, place, step);
        if (tokens > 0 && (in_step & berth__flight_bit(step)) == 0) return 0;
        sum += tokens;
    }
    return sum == berth__run_of(core, place)->planned_tokens;
}

static uint32_t check_lists(const berth__core *core) {
    MUST(core->steps_outstanding <= core->options.steps_max || !berth__is_engine(core));
    for (uint32_t slot = 0; slot < core->options.running_max; slot++)
        MUST(times_seen(core, slot) == 1);
    for (uint32_t place = core->running.head; place != BERTH__NONE;
         place = core->links[place].next) {
        const berth__entry *entry = &core->entries[place];
        MUST(entry->state == BERTH__RUNNING || entry->state == BERTH__STOPPING);
        MUST(berth__run_of(core, place)->prefill_tokens >= entry->prompt_tokens);
        MUST(flight_adds_up(core, place));
        MUST(!berth__is_engine(core) || entry->state == BERTH__RUNNING || entry->in_step);
    }
    for (uint32_t place = core->ended.head; place != BERTH__NONE; place = core->links[place].next)
        MUST(core->entries[place].state == BERTH__ENDED && !core->entries[place].gone);
    return 0;
}

/* What a band's queue adds up to, beside its order. */
static uint32_t check_band_sums(const berth__core *core, uint32_t b) {
    const berth__parked *band = &core->queue.bands[b];
    uint64_t units[BERTH_RESOURCES_MAX] = {0};
    uint64_t size = 0;
    for (uint32_t place = core->queue.lists[b].head; place != BERTH__NONE;
         place = core->links[place].next) {
        count_units(core, place, units);
        size += core->entries[place].payload_size;
    }
    MUST(size == band->size);
    for (uint32_t r = 0; r < core->options.resource_count; r++) MUST(units[r] == band->units[r]);
    return 0;
}

static uint32_t check_totals(const berth__core *core) {
    const berth_stats *n = &core->counters;
    uint64_t outcomes = 0;
    uint64_t refusals = 0;
    uint64_t submitted = 0;
    for (uint32_t i = 0; i < BERTH_OUTCOMES_MAX; i++) outcomes += n->outcome_total[i];
    for (uint32_t i = 0; i < BERTH_REFUSALS_MAX; i++) refusals += n->refusal_total[i];
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) submitted += n->bands[b].submitted_total;
    MUST(outcomes == n->ended_total);
    MUST(refusals == n->refused_total);
    MUST(submitted == n->submitted_total);
    return 0;
}

/* What is shared: the index by itself, who holds how much of it, and that what is cached fits. */
static uint32_t check_shared(const berth__core *core) {
    if (!berth__share_has_index(core)) return 0;
    const uint32_t kv = core->options.kv_resource;
    uint64_t free_blocks = 0;
    if (core->ledger.used[kv] < core->ledger.capacity[kv])
        free_blocks =
            (core->ledger.capacity[kv] - core->ledger.used[kv]) / core->options.kv_block_units;
    MUST(core->prefix.cached.count <= free_blocks);
    for (uint32_t place = core->running.head; place != BERTH__NONE;
         place = core->links[place].next) {
        const berth__run *run = berth__run_of(core, place);
        const uint32_t held = run->held_block;
        MUST(berth__prefix_depth(&core->prefix, held) == run->shared_blocks);
        MUST(held == BERTH__NONE || core->prefix.blocks[held].holders > 0);
        MUST(run->next_block == BERTH__NONE || core->prefix.blocks[run->next_block].owner == place);
        MUST(run->next_block == BERTH__NONE || core->prefix.blocks[run->next_block].parent == held);
    }
    for (uint32_t place = 0; place < core->ids.place_count; place++)
        MUST(core->entries[place].state != BERTH__PARKED ||
             berth__share_remembers_well(core, place));
    return berth__prefix_check(&core->prefix);
}

uint32_t berth__core_check(const berth__core *core) {
    census c = {.states = {0}};
    uint32_t line = 0;
    MUST(!berth__core_broken(core));
    for (uint32_t place = 0; place < core->ids.place_count && line == 0; place++)
        line = count_entry(core, place, &c);
    if (line == 0) line = check_sums(core, &c);
    if (line == 0) line = check_lists(core);
    if (line == 0) line = check_shared(core);
    for (uint32_t b = 0; b < core->options.band_count && line == 0; b++) {
        line = check_band(core, b);
        if (line == 0) line = check_band_sums(core, b);
    }
    if (line == 0) line = check_totals(core);
    if (line == 0) line = berth__tickets_check(core);
    if (line == 0) line = berth__lengths_check(&core->lengths);
    return line != 0 ? line : berth__check_flows(core);
}
