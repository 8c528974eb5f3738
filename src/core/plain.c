/* SPDX-License-Identifier: MIT */
#include "core/plain.h"
#include "base/checked.h"
#include "base/hot.h"
#include "core/flows.h"

int berth__plain_suits(const berth_options *options) {
    if (options->face == BERTH_FACE_ENGINE || options->fit != BERTH_FIT_STRICT) return 0;
    if (options->tenants_max != 0 || options->kv_block_tokens != 0) return 0;
    if (options->prefix_blocks_max != 0 || options->sets_max != 0) return 0;
    for (uint32_t b = 0; b < options->band_count; b++) {
        const berth_band_options *band = &options->bands[b];
        if (band->codel_target_ns != 0 || band->ceiling_ppm != BERTH__WHOLE_PPM ||
            band->share_ppm != 0)
            return 0;
    }
    return !berth__flows_are_needed(options);
}

static void tell(berth__core *core, uint32_t transition, uint32_t place) {
    core->sink(core->sink_context, transition, berth__ids_of(&core->ids, place));
}

/* ---- Parked ---- */

/* Sums wrap, so that adding the negative (`sign` all ones) subtracts. */
static inline void add(berth__core *core, uint32_t place, uint64_t sign) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t *units = berth__units_of(core, place);
    berth__parked *band = &core->queue.bands[entry->band_index];
    berth__parked *total = &core->queue.total;
    const uint64_t size = (entry->payload_size ^ sign) - sign;
    band->count += sign | 1;
    total->count += sign | 1;
    band->size += size;
    total->size += size;
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        const uint64_t more = (units[r] ^ sign) - sign;
        band->units[r] += more;
        total->units[r] += more;
    }
}

/* A newcomer has put nothing out, and waits for no reader: all its deadlines apply. */
static inline void arm(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    uint64_t due = entry->queue_at_ns;
    if (entry->first_output_due_at_ns < due) due = entry->first_output_due_at_ns;
    if (entry->total_at_ns < due) due = entry->total_at_ns;
    if (due != UINT64_MAX) berth__agenda_arm(&core->deadlines, place, due);
}

BERTH__HOT void berth__plain_park(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    const uint32_t b = entry->band_index;
    berth__rate_touch(&core->rate, core->now, core->queue.total.count > 0);
    entry->state = BERTH__PARKED;
    berth__list_push(&core->queue.lists[b], core->links, place);
    core->queue.bands_with |= 1u << b;
    add(core, place, 0);
    core->counters.bands[b].parked++;
    arm(core, place);
}

static inline void unpark(berth__core *core, uint32_t place) {
    const uint32_t b = core->entries[place].band_index;
    berth__list_remove(&core->queue.lists[b], core->links, place);
    if (core->queue.lists[b].count == 0) core->queue.bands_with &= ~(1u << b);
    add(core, place, UINT64_MAX);
    core->counters.bands[b].parked--;
}

/* ---- Ended while parked ---- */

int berth__plain_ends_suit(const berth_options *options) {
    return options->tenants_max == 0 && options->prefix_blocks_max == 0 && options->sets_max == 0 &&
           !berth__flows_are_needed(options);
}

void berth__plain_end_parked(berth__core *core, uint32_t place, berth__cause cause) {
    berth__entry *entry = &core->entries[place];
    const berth_request_id id = berth__ids_of(&core->ids, place);
    berth__rate_touch(&core->rate, core->now, 1);
    unpark(core, place);
    entry->admitted_at_ns = 0;
    entry->ended_at_ns = core->now;
    entry->code = cause.code;
    entry->outcome = cause.kind;
    entry->detail = cause.detail;
    core->sink(core->sink_context, BERTH__T_OUTCOME, id);
    entry->state = BERTH__ENDED;
    core->counters.ended_total++;
    core->counters.outcome_total[cause.kind]++;
    core->counters.bands[entry->band_index].ended_total++;
    core->sink(core->sink_context, BERTH__T_ENDED, id);
    if (!entry->gone && core->ended.count < core->options.ended_max)
        berth__list_push(&core->ended, core->links, place);
    else
        berth__life_keep(core, place);
}

/* ---- Running ---- */

static int fits(const berth__core *core, uint32_t place) {
    const berth__ledger *ledger = &core->ledger;
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (ledger->used[r] > ledger->capacity[r] ||
            units[r] > ledger->capacity[r] - ledger->used[r])
            return 0;
    return 1;
}

/* What it asked for, too: for one that is unadmitted. */
static void grant(berth__core *core, uint32_t place, berth__run *run) {
    berth__ledger *ledger = &core->ledger;
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        ledger->used[r] += units[r];
        if (ledger->used[r] > ledger->used_peak[r]) ledger->used_peak[r] = ledger->used[r];
        run->asked[r] = units[r];
    }
}

static void count(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    berth_stats *counters = &core->counters;
    berth_band_stats *band = &counters->bands[entry->band_index];
    const uint64_t waited_ns = core->now - entry->submitted_at_ns;
    if (waited_ns > 0)
        berth__rate_admitted(&core->rate, berth__units_of(core, place),
                             core->options.resource_count);
    entry->admitted_at_ns = core->now;
    band->admitted_total++;
    band->running++;
    band->queue_ns_total = berth__add_saturating(band->queue_ns_total, waited_ns);
    counters->admitted_total++;
    counters->prompt_tokens_total =
        berth__add_saturating(counters->prompt_tokens_total, entry->prompt_tokens);
    if (++counters->running > counters->running_peak) counters->running_peak = counters->running;
}

/* A run has no tokens in steps and no shared blocks here: those fields keep what init gave them. */
static void admit(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    const uint32_t slot = core->slots_free[--core->slots_free_count];
    berth__run *run = &core->runs[slot];
    unpark(core, place);
    grant(core, place, run);
    berth__list_push(&core->running, core->links, place);
    core->samples += entry->samples;
    entry->state = BERTH__RUNNING;
    entry->slot = slot;
    run->prefill_tokens = entry->prompt_tokens;
    run->admission = core->admissions++;
    run->began_at_ns = core->now;
    run->queue_at_ns = entry->queue_at_ns;
    count(core, place);
    if (core->idle_count != BERTH__NONE) core->idle_count--;
    tell(core, BERTH__T_ADMITTED, place);
}

BERTH__HOT uint32_t berth__plain_admit_all(berth__core *core) {
    uint32_t admitted = 0;
    while (core->queue.bands_with != 0 && core->slots_free_count > 0 && core->idle_count > 0) {
        const uint32_t place = berth__queue_head(&core->queue);
        if (!fits(core, place)) break;
        berth__rate_touch(&core->rate, core->now, 1);
        admit(core, place);
        admitted++;
    }
    return admitted;
}

/* ---- Ended ---- */

static void release(berth__core *core, uint32_t place) {
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        BERTH__ASSERT(core->ledger.broken, units[r] <= core->ledger.used[r]);
        core->ledger.used[r] -= units[r];
    }
}

BERTH__HOT void berth__plain_complete(berth__core *core, uint32_t place, berth__cause cause) {
    berth__entry *entry = &core->entries[place];
    BERTH__ASSERT(core->broken, entry->outcome == BERTH_OUTCOME_NONE);
    entry->outcome = cause.kind;
    entry->detail = cause.detail;
    entry->code = cause.code;
    entry->ended_at_ns = core->now;
    entry->state = BERTH__STOPPING;
    tell(core, BERTH__T_OUTCOME, place);
    release(core, place);
    berth__list_remove(&core->running, core->links, place);
    core->samples -= entry->samples;
    core->slots_free[core->slots_free_count++] = entry->slot;
    core->counters.running--;
    core->counters.bands[entry->band_index].running--;
    berth__life_retain(core, place);
}
