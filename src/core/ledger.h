/* SPDX-License-Identifier: MIT */
/*
 * What:    who holds how much: capacity and use of each resource, exactly.
 * Why:     what we own we count, we never estimate it; a grant never makes used exceed capacity.
 * Rules:   a grant is checked by fits() first; a report (change) may overdraw, and while any
 *          resource is overdrawn nothing fits.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_LEDGER_H
#define BERTH__CORE_LEDGER_H

#include "berth.h"

typedef struct berth__ledger {
    uint64_t capacity[BERTH_RESOURCES_MAX];
    uint64_t used[BERTH_RESOURCES_MAX];
    uint64_t used_peak[BERTH_RESOURCES_MAX];
    uint32_t resource_count;
    uint32_t broken; /* 1 once more was released than was held */
} berth__ledger;

void berth__ledger_init(berth__ledger *ledger, const berth_options *options);

/* The first resource whose whole capacity is less than the cost, or resource_count if none is. */
uint32_t berth__ledger_never_fits(const berth__ledger *ledger, const uint64_t *cost);

/* 1 if the cost fits beside what is held now. */
int berth__ledger_fits(const berth__ledger *ledger, const uint64_t *cost);

/* Hold a cost that fits. */
void berth__ledger_grant(berth__ledger *ledger, const uint64_t *cost);

/* Hold `after` instead of `before`, whether it fits or not. BERTH_EOVERFLOW changes nothing. */
berth_status berth__ledger_change(berth__ledger *ledger, const uint64_t *before,
                                  const uint64_t *after);

void berth__ledger_release(berth__ledger *ledger, const uint64_t *held);

/* Hold more or less of one resource, whether it fits or not; the sum is known to. */
void berth__ledger_add(berth__ledger *ledger, uint32_t resource, uint64_t units);
void berth__ledger_subtract(berth__ledger *ledger, uint32_t resource, uint64_t units);

/* Units used above capacity; 0 if none. */
uint64_t berth__ledger_overdraft(const berth__ledger *ledger, uint32_t resource);

#endif
