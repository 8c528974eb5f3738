/* SPDX-License-Identifier: MIT */
#include "core/lengths.h"

#include <string.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) return (uint32_t)__LINE__;                                               \
    } while (0)

uint32_t berth__lengths_own_max(const berth_options *options) {
    const uint64_t pairs = berth__lengths_pair_count(options);
    return pairs < options->kv_lengths_max ? (uint32_t)pairs : options->kv_lengths_max;
}

uint64_t berth__lengths_pair_count(const berth_options *options) {
    if (options->kv_mode != BERTH_KV_PREDICTED) return 0;
    return (uint64_t)options->tenants_max * options->band_count;
}

void berth__lengths_init(berth__lengths *lengths, const berth_options *options) {
    berth__list_init(&lengths->free);
    berth__list_init(&lengths->known);
    lengths->own_max = berth__lengths_own_max(options);
    lengths->band_count = options->band_count;
    for (uint32_t i = 0; i < lengths->own_max; i++)
        berth__list_push(&lengths->free, lengths->links, i);
}

/* ---- Own lengths ---- */

static void give_up(berth__lengths *lengths, uint32_t own) {
    lengths->own_of[lengths->own[own].pair] = 0;
    berth__list_remove(&lengths->known, lengths->links, own);
    berth__list_push(&lengths->free, lengths->links, own);
}

/* The place of a pair that has completed one more; the last in line from now on. */
static uint32_t take(berth__lengths *lengths, uint32_t pair) {
    uint32_t own = lengths->own_of[pair];
    if (own != 0) {
        own--;
        berth__list_remove(&lengths->known, lengths->links, own);
    } else {
        if (lengths->free.count == 0) give_up(lengths, lengths->known.head);
        own = lengths->free.head;
        berth__list_remove(&lengths->free, lengths->links, own);
        memset(&lengths->own[own], 0, sizeof lengths->own[own]);
        lengths->own[own].pair = pair;
        lengths->own_of[pair] = own + 1;
    }
    berth__list_push(&lengths->known, lengths->links, own);
    return own;
}

void berth__lengths_add(berth__lengths *lengths, uint32_t tenant_index, uint32_t band_index,
                        uint64_t tokens) {
    berth__quantile_add(&lengths->bands[band_index], tokens);
    if (lengths->own_max == 0 || tenant_index == BERTH__NONE) return;
    const uint32_t own = take(lengths, tenant_index * lengths->band_count + band_index);
    berth__quantile_add(&lengths->own[own].quantile, tokens);
}

uint64_t berth__lengths_of(const berth__lengths *lengths, uint32_t tenant_index,
                           uint32_t band_index, uint32_t ppm, uint64_t above) {
    uint64_t tokens = 0;
    if (lengths->own_max > 0 && tenant_index != BERTH__NONE) {
        const uint32_t own = lengths->own_of[tenant_index * lengths->band_count + band_index];
        if (own != 0) tokens = berth__quantile_of(&lengths->own[own - 1].quantile, ppm, above);
    }
    return tokens != 0 ? tokens : berth__quantile_of(&lengths->bands[band_index], ppm, above);
}

void berth__lengths_forget(berth__lengths *lengths, uint32_t tenant_index) {
    if (lengths->own_max == 0) return;
    for (uint32_t b = 0; b < lengths->band_count; b++) {
        const uint32_t own = lengths->own_of[tenant_index * lengths->band_count + b];
        if (own != 0) give_up(lengths, own - 1);
    }
}

uint32_t berth__lengths_check(const berth__lengths *lengths) {
    uint32_t known = 0;
    for (uint32_t own = lengths->known.head; own != BERTH__NONE; own = lengths->links[own].next) {
        MUST(own < lengths->own_max && known < lengths->own_max);
        MUST(lengths->own_of[lengths->own[own].pair] == own + 1);
        MUST(lengths->own[own].quantile.total > 0);
        known++;
    }
    MUST(known == lengths->known.count);
    MUST(known + lengths->free.count == lengths->own_max);
    return 0;
}
