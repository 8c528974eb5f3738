/* SPDX-License-Identifier: MIT */
/*
 * What:    one consistent snapshot: the core's counters and what only the runtime knows.
 * Why:     reading it never waits behind a step or a callback.
 * Rules:   one locked copy.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_STATS_H
#define BERTH__RUNTIME_STATS_H

#include "berth.h"

void berth__stats_read(berth_pool *pool, berth_stats *out);

#endif
