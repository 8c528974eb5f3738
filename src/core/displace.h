/* SPDX-License-Identifier: MIT */
/*
 * What:    room for a newcomer among the parked ones, at the cost of lower bands.
 * Why:     when a limit of the pool is met, the urgent should not be turned away by what is not.
 * Rules:   the newest of the lowest band first, never one of the newcomer's band or above, never
 *          one that was preempted; nobody ends unless that makes room enough.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_DISPLACE_H
#define BERTH__CORE_DISPLACE_H

#include "core/state.h"

/* How many would have to go so that the limits take this load; 0 if that cannot be. */
uint32_t berth__displace_count(const berth__core *core, const berth__load *load);

/* End so many, as EVICTED. */
void berth__displace(berth__core *core, uint32_t count);

#endif
