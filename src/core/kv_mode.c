/* SPDX-License-Identifier: MIT */
#include "core/kv_mode.h"
#include "base/checked.h"
#include "core/kv.h"
#include "core/kv_ratio.h"

#define PPM UINT64_C(1000000)

static uint64_t tokens_of(const berth__entry *entry) {
    return berth__add_saturating(entry->prompt_tokens, entry->tokens_generated);
}

static berth__kv_shape shape_of(const berth__entry *entry) {
    return (berth__kv_shape){.prompt_tokens = entry->prompt_tokens,
                             .max_new_tokens = entry->max_new_tokens,
                             .samples = entry->samples};
}

uint64_t berth__kv_mode_holds(const berth__core *core, uint32_t place, uint64_t tokens) {
    const berth__kv_shape shape = shape_of(&core->entries[place]);
    return berth__kv_units(&core->options, &shape, tokens);
}

uint64_t berth__kv_mode_tokens_max(const berth__core *core, uint32_t place) {
    const berth__kv_shape shape = shape_of(&core->entries[place]);
    uint64_t tokens;
    return berth__kv_tokens_max(&shape, &tokens) == BERTH_OK ? tokens : UINT64_MAX;
}

uint64_t berth__kv_mode_units(const berth__core *core, uint32_t place) {
    return berth__kv_mode_holds(core, place, tokens_of(&core->entries[place]));
}

uint64_t berth__kv_mode_free(const berth__core *core) {
    const uint32_t r = core->options.kv_resource;
    const uint64_t capacity = core->ledger.capacity[r];
    return capacity > core->ledger.used[r] ? capacity - core->ledger.used[r] : 0;
}

/* Tokens in the blocks of so many units. */
static uint64_t tokens_in(const berth__core *core, uint64_t units) {
    const berth_options *o = &core->options;
    uint64_t tokens;
    return berth__mul(berth__kv_blocks(o, units), o->kv_block_tokens, &tokens) ? tokens
                                                                               : UINT64_MAX;
}

/* ---- What is still to come of a request ---- */

static uint64_t left_until(const berth__entry *entry, uint64_t end) {
    const uint64_t generated = berth__generated_each(entry);
    return end > generated ? end - generated : 0;
}

/* All that a sample of it may generate; nothing where it has not said how much. */
static uint64_t left_at_most(const berth__entry *entry) {
    return left_until(entry, entry->max_new_tokens);
}

/* Where a sample of it is likely to end: among the outputs of its tenant in its band, or of its
 * band, that went beyond what it has. */
static uint64_t likely_end(const berth__core *core, const berth__entry *entry) {
    const uint64_t end =
        berth__lengths_of(&core->lengths, entry->tenant_index, entry->band_index,
                          core->options.kv_quantile_ppm, berth__generated_each(entry));
    if (end == 0 || (entry->max_new_tokens != 0 && end > entry->max_new_tokens))
        return entry->max_new_tokens;
    return end;
}

/* Of one that runs: what was expected of it stands until it goes beyond that. */
static uint64_t left_of_running(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    berth__run *run = berth__run_of(core, place);
    if (entry->state != BERTH__RUNNING) return 0;
    if (core->options.kv_mode != BERTH_KV_PREDICTED) return left_at_most(entry);
    if (run->likely_end <= berth__generated_each(entry)) run->likely_end = likely_end(core, entry);
    return left_until(entry, run->likely_end);
}

/* ---- The peak ---- */

/* Its tokens, and the part of a block that the prompt ends with once more for each further sample:
 * they cannot share it, since each goes on in it. */
static uint64_t copied(const berth__core *core, const berth__entry *entry, uint64_t tokens) {
    const uint64_t part = entry->prompt_tokens % core->options.kv_block_tokens;
    return berth__add_saturating(tokens, (entry->samples - UINT64_C(1)) * part);
}

/* A sample holds whole blocks: up to one token less than a block more than it has. And of all but
 * one, what is to come counts as if it were there: the peak knows one token per request and step.
 * That one is ahead of what was committed by a token for each step in flight but the first. */
static uint64_t rounded_up(const berth__core *core, const berth__entry *entry, uint64_t tokens,
                           uint64_t left) {
    const uint64_t part = core->options.kv_block_tokens - UINT64_C(1);
    const uint64_t ahead = berth__mul_saturating(left, entry->samples - UINT64_C(1));
    const uint64_t current = berth__add_saturating(tokens, entry->samples * part);
    return berth__add_saturating(current,
                                 berth__add_saturating(ahead, core->options.steps_max - 1u));
}

static berth__peak_item item_of(berth__core *core, uint32_t place) {
    const berth__run *run = berth__run_of(core, place);
    const berth__entry *entry = &core->entries[place];
    const uint64_t computed = entry->tokens_computed;
    const uint64_t left = left_of_running(core, place);
    const uint64_t tokens = computed > run->prefill_tokens ? computed : run->prefill_tokens;
    const uint64_t shared = (uint64_t)run->shared_blocks * core->options.kv_block_tokens;
    return (berth__peak_item){
        .current = rounded_up(core, entry, copied(core, entry, tokens) - shared, left),
        .left = left,
        .admission = run->admission,
        .place = place};
}

static int still_runs(const berth__core *core, const berth__peak_item *item) {
    const berth__entry *entry = &core->entries[item->place];
    return (entry->state == BERTH__RUNNING || entry->state == BERTH__STOPPING) &&
           berth__run_of(core, item->place)->admission == item->admission;
}

static void look_again(berth__core *core) {
    berth__peak *peak = &core->peak;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < peak->count; i++)
        if (still_runs(core, &peak->items[i]))
            peak->items[kept++] = item_of(core, peak->items[i].place);
    peak->count = kept;
    berth__peak_sort(peak);
}

/* What is shared is held until its last holder goes: as if it were not there to be had. */
static uint64_t capacity_beside_shared(const berth__core *core) {
    const uint64_t capacity = core->ledger.capacity[core->options.kv_resource];
    const uint64_t shared = core->prefix.held_count * core->options.kv_block_units;
    return tokens_in(core, capacity > shared ? capacity - shared : 0);
}

static int stays_below_the_peak(const berth__core *core, const berth__entry *entry,
                                uint64_t asked_tokens) {
    const uint64_t capacity = capacity_beside_shared(core);
    const uint64_t left = core->options.kv_mode == BERTH_KV_PREDICTED
                              ? left_until(entry, likely_end(core, entry))
                              : left_at_most(entry);
    return berth__peak_with(&core->peak, rounded_up(core, entry, asked_tokens, left), left) <
           capacity;
}

/* ---- The ratio ---- */

static uint64_t clipped(const berth__entry *entry) {
    return berth__ratio_clip(left_at_most(entry)) * entry->samples;
}

static int stays_below_the_ratio(const berth__core *core, const berth__entry *entry,
                                 uint64_t asked_tokens) {
    const uint64_t kept = berth__ratio_of(core, core->ratio.clipped);
    const uint64_t blocks = (uint64_t)entry->samples * core->options.kv_block_tokens;
    uint64_t needed = berth__add_saturating(asked_tokens, blocks);
    needed = berth__add_saturating(needed, clipped(entry));
    return berth__add_saturating(needed, kept) < tokens_in(core, berth__kv_mode_free(core));
}

static void sum_clipped(berth__core *core) {
    core->ratio.clipped = 0;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
        if (core->entries[p].state == BERTH__RUNNING)
            core->ratio.clipped += clipped(&core->entries[p]);
}

/* ---- The modes ---- */

/* floor(watermark * blocks), in units; ppm is at most a million, so nothing overflows. */
static uint64_t watermark(const berth__core *core) {
    const berth_options *o = &core->options;
    const uint64_t ppm = o->kv_watermark_ppm;
    const uint64_t blocks = berth__kv_blocks(o, core->ledger.capacity[o->kv_resource]);
    return (blocks / PPM * ppm + blocks % PPM * ppm / PPM) * o->kv_block_units;
}

void berth__kv_mode_step(berth__core *core, uint32_t gave_way) {
    if (core->options.kv_mode != BERTH_KV_RATIO || core->running.count == 0) return;
    if (gave_way > 0)
        berth__ratio_rise(core);
    else
        berth__ratio_fall(core);
}

int berth__kv_mode_looks(const berth__core *core) {
    return core->options.kv_mode >= BERTH_KV_RATIO;
}

void berth__kv_mode_begin(berth__core *core) {
    switch ((enum berth_kv_mode)core->options.kv_mode) {
    case BERTH_KV_WORST_CASE:
    case BERTH_KV_OPTIMISTIC: break;
    case BERTH_KV_RATIO: sum_clipped(core); break;
    case BERTH_KV_FUTURE_PEAK:
    case BERTH_KV_PREDICTED: look_again(core); break;
    }
}

int berth__kv_mode_admits(const berth__core *core, uint32_t place, uint64_t asked) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t left = berth__kv_mode_free(core);
    if (!berth__kv_grows(&core->options) || core->running.count == 0) return 1;
    /* Its tokens less those that are held already: what it asks for beside its own units is not. */
    const uint64_t units = berth__units_of(core, place)[core->options.kv_resource];
    const uint64_t tokens =
        copied(core, entry, tokens_of(entry)) - tokens_in(core, units > asked ? units - asked : 0);
    if (asked > left || watermark(core) > left - asked) return 0;
    switch ((enum berth_kv_mode)core->options.kv_mode) {
    case BERTH_KV_WORST_CASE:
    case BERTH_KV_OPTIMISTIC: break;
    case BERTH_KV_RATIO: return stays_below_the_ratio(core, entry, tokens);
    case BERTH_KV_FUTURE_PEAK:
    case BERTH_KV_PREDICTED: return stays_below_the_peak(core, entry, tokens);
    }
    return 1;
}

void berth__kv_mode_admitted(berth__core *core, uint32_t place) {
    berth__peak_item item;
    switch ((enum berth_kv_mode)core->options.kv_mode) {
    case BERTH_KV_WORST_CASE:
    case BERTH_KV_OPTIMISTIC: break;
    case BERTH_KV_RATIO: core->ratio.clipped += clipped(&core->entries[place]); break;
    case BERTH_KV_FUTURE_PEAK:
    case BERTH_KV_PREDICTED:
        item = item_of(core, place);
        berth__peak_insert(&core->peak, &item);
        break;
    }
}
