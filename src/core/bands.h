/* SPDX-License-Identifier: MIT */
/*
 * What:    what bands may use and when they go first: ceilings, shares, aging.
 * Why:     strict order alone lets a high band starve a low one, and a low one fill the pool.
 * Rules:   parts are millionths of the slots and of each resource, rounded up. A level is the band
 *          that a request competes in; use is counted by the level of its admission.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_BANDS_H
#define BERTH__CORE_BANDS_H

#include "berth.h"

#define BERTH__WHOLE_PPM 1000000u

/* What the running requests of each level hold; kept only where somebody has a share. */
typedef struct berth__bands {
    uint32_t with_share; /* bit b is set where band b has a share */
    uint32_t with_aging;
    uint64_t slots[BERTH_BANDS_MAX];
    uint64_t used[BERTH_BANDS_MAX][BERTH_RESOURCES_MAX];
} berth__bands;

typedef struct berth__core berth__core;

/* whole * ppm / 1,000,000, rounded up; never more than whole. */
uint64_t berth__bands_part(uint64_t whole, uint32_t ppm);

void berth__bands_init(berth__bands *bands, const berth_options *options);

/* The level of a parked request: its band, or the next one once it has waited long enough. */
uint8_t berth__bands_level(const berth__core *core, uint32_t place);

/* Let everybody who has waited long enough compete in the next band. */
void berth__bands_age(berth__core *core);

/* The levels that use less than their share. */
uint32_t berth__bands_in_need(const berth__core *core);

/* May a level take this much more now? Only its ceiling is asked, and that not below its share. */
int berth__bands_allow(const berth__core *core, uint32_t level, const uint64_t *cost);

/* The first resource of which a band's ceiling can never give this much, else resource_count. */
uint32_t berth__bands_never_allow(const berth__core *core, uint32_t band_index,
                                  const uint64_t *cost);

/* A request of this place took a slot (1) or gave it back (-1) with these units. */
void berth__bands_use(berth__core *core, uint32_t place, const uint64_t *before,
                      const uint64_t *after, int64_t slots);

#endif
