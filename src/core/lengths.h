/* SPDX-License-Identifier: MIT */
/*
 * What:    how long outputs were of late: of each band, and of a tenant in a band.
 * Why:     tenants differ more than bands do: one asks for a word, another for an essay.
 * Rules:   a tenant's own answer once 8 of its outputs in the band have been seen, unless it has
 *          gone beyond all of them; else the band's. There is room for own_max pairs of tenant and
 *          band, whatever the number of tenants: who has completed nothing for longest gives way,
 *          and starts anew. Integers only; moved only by events.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_LENGTHS_H
#define BERTH__CORE_LENGTHS_H

#include "base/list.h"
#include "berth.h"
#include "core/quantile.h"

/* The lengths of one tenant in one band. */
typedef struct berth__own_lengths {
    berth__quantile quantile;
    uint32_t pair; /* tenant index * band_count + band index */
    uint32_t reserved;
} berth__own_lengths;

typedef struct berth__lengths {
    berth__quantile *bands; /* NULL where nobody asks for lengths */
    berth__own_lengths *own;
    berth__link *links; /* of own */
    uint32_t *own_of;   /* by pair: its place in own and 1; 0 = none */
    berth__list free;
    berth__list known; /* who completed nothing for longest comes first */
    uint32_t own_max;
    uint32_t band_count;
} berth__lengths;

/* Room that these options need: own lengths, and pairs that may have some. `options` is
 * normalised. */
uint32_t berth__lengths_own_max(const berth_options *options);
uint64_t berth__lengths_pair_count(const berth_options *options);

/* The arrays are there, all zero. */
void berth__lengths_init(berth__lengths *lengths, const berth_options *options);

/* An output of so many tokens; `tenant_index` may be BERTH__NONE. */
void berth__lengths_add(berth__lengths *lengths, uint32_t tenant_index, uint32_t band_index,
                        uint64_t tokens);

/* As berth__quantile_of: where an output ends that has come to `above`; 0 = nobody can say. */
uint64_t berth__lengths_of(const berth__lengths *lengths, uint32_t tenant_index,
                           uint32_t band_index, uint32_t ppm, uint64_t above);

/* The tenant is given up: whoever gets its place in the table begins with nothing. */
void berth__lengths_forget(berth__lengths *lengths, uint32_t tenant_index);

/* 0, or the line of the first invariant that does not hold. */
uint32_t berth__lengths_check(const berth__lengths *lengths);

#endif
