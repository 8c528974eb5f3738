/* SPDX-License-Identifier: MIT */
#include "core/budget.h"
#include "base/checked.h"
#include "core/flight.h"

int berth__budget_is_prefill(const berth__core *core, uint32_t place) {
    return berth__flight_ahead(core, place) < berth__run_of(core, place)->prefill_tokens;
}

/* What the outstanding steps may generate, at most: the end of a prefill one token for each sample,
 * a decode as many as it was given. */
static uint64_t coming(const berth__core *core, uint32_t place) {
    const uint64_t computed = core->entries[place].tokens_computed;
    const uint64_t prefill = berth__run_of(core, place)->prefill_tokens;
    const uint64_t ahead = berth__flight_ahead(core, place);
    if (ahead == computed || ahead < prefill) return 0;
    return computed < prefill ? ahead - prefill + core->entries[place].samples : ahead - computed;
}

uint64_t berth__budget_decode(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t tokens = entry->samples * (UINT64_C(1) + core->options.draft_tokens);
    if (entry->max_new_tokens == 0) return tokens;
    if (berth__budget_is_single(core, entry)) return 1;
    const uint64_t soon = coming(core, place);
    if (tokens == 1 && soon == 0) return tokens;
    const uint64_t most_new = berth__mul_saturating(entry->max_new_tokens, entry->samples);
    if (soon > 0) {
        const uint64_t by_then = berth__add_saturating(entry->tokens_generated, soon);
        if (by_then >= most_new) return 0;
        return tokens < most_new - by_then ? tokens : most_new - by_then;
    }
    const uint64_t most = berth__add_saturating(entry->prompt_tokens, most_new);
    const uint64_t ahead = berth__flight_ahead(core, place);
    if (most <= ahead) return entry->samples;
    return tokens < most - ahead ? tokens : most - ahead;
}

/* What a prefill would like of one step. */
static uint64_t chunk(const berth__core *core, uint32_t place) {
    return berth__budget_chunk(core, berth__run_of(core, place)->prefill_tokens -
                                         berth__flight_ahead(core, place));
}

/* Does it want a part of what the decodes leave? */
static int is_waiting(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    return entry->state == BERTH__RUNNING && !berth__is_held_up(entry) &&
           !berth__run_of(core, place)->drains && berth__budget_is_prefill(core, place);
}

void berth__budget_begin(berth__core *core) {
    core->budget = (berth__budget){.active = core->options.step_tokens != 0};
    if (!core->budget.active) return;
    if (core->not_decoding == 0 && core->decode_tokens != UINT64_MAX) {
        core->budget.decodes = core->decode_tokens;
        return;
    }
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        uint64_t *wanted = &core->budget.wanted[core->entries[p].band_index];
        if (is_waiting(core, p))
            *wanted = berth__add_saturating(*wanted, chunk(core, p));
        else
            core->budget.decodes += *berth__flight_tokens(core, p, core->step_id + 1);
    }
}

int berth__budget_never_allows(const berth_options *options, uint64_t samples) {
    const uint64_t most = options->step_tokens;
    return most != 0 && samples * (UINT64_C(1) + options->draft_tokens) > most;
}

/* What a newcomer needs of the step at least: a part of his prefill; without a prompt a token for
 * each sample. */
static uint64_t least_of(const berth__entry *entry) {
    return entry->prompt_tokens == 0 && entry->tokens_generated == 0 ? entry->samples : 1;
}

int berth__budget_allows(const berth__core *core, uint32_t place) {
    const berth__budget *budget = &core->budget;
    const berth__entry *entry = &core->entries[place];
    const uint32_t band_index = entry->band_index;
    uint64_t ahead = budget->decodes;
    if (berth__budget_never_allows(&core->options, (uint64_t)core->samples + entry->samples))
        return 0;
    if (!budget->active) return 1;
    for (uint32_t b = band_index; b < core->options.band_count; b++)
        ahead = berth__add_saturating(ahead, budget->wanted[b]);
    return berth__add_saturating(ahead, least_of(entry)) <= core->options.step_tokens;
}

void berth__budget_admitted(berth__core *core, uint32_t place) {
    berth__budget *budget = &core->budget;
    uint64_t *wanted = &budget->wanted[core->entries[place].band_index];
    if (!berth__is_engine(core)) return;
    if (berth__budget_is_prefill(core, place)) {
        core->not_decoding++;
        *wanted = berth__add_saturating(*wanted, chunk(core, place));
    } else { /* it has no prompt; its first blocks were granted at admission */
        berth__flight_plan(core, place, core->entries[place].samples);
        budget->decodes += core->entries[place].samples;
    }
}

/* The prefills of a band, or of all (BERTH_BANDS_MAX), in order of admission; what is left of
 * `left`, where UINT64_MAX is no limit. */
static uint64_t share_in(berth__core *core, uint32_t band_index, uint64_t left) {
    for (uint32_t p = core->running.head; p != BERTH__NONE && left > 0; p = core->links[p].next) {
        const uint64_t tokens = is_waiting(core, p) ? chunk(core, p) : 0;
        if (tokens == 0) continue;
        if (band_index < BERTH_BANDS_MAX && core->entries[p].band_index != band_index) continue;
        berth__flight_plan(core, p, tokens < left ? tokens : left);
        if (left != UINT64_MAX) left -= tokens < left ? tokens : left;
    }
    return left;
}

void berth__budget_share(berth__core *core) {
    const berth__budget *budget = &core->budget;
    const uint64_t most = core->options.step_tokens;
    uint64_t wanted = budget->decodes;
    for (uint32_t b = 0; b < core->options.band_count; b++)
        wanted = berth__add_saturating(wanted, budget->wanted[b]);
    if (core->not_decoding == 0) {
        /* Nobody waits for a part. */
    } else if (!budget->active || wanted <= most) {
        (void)share_in(core, BERTH_BANDS_MAX, UINT64_MAX);
    } else {
        uint64_t left = most > budget->decodes ? most - budget->decodes : 0;
        for (uint32_t b = core->options.band_count; b-- > 0 && left > 0;)
            if (budget->wanted[b] > 0) left = share_in(core, b, left);
    }
    core->budget.active = 0;
}
