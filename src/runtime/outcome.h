/* SPDX-License-Identifier: MIT */
/*
 * What:    outcomes that are taken, and waited for, without the lock.
 * Why:     one who keeps many requests going asks for each outcome twice or three times: that must
 *          not take the lock from the worker who fixes them.
 * Rules:   only where seal.h says so; whatever else is true of a request, the lock tells.
 * Threads: any, without the lock.
 */
#ifndef BERTH__RUNTIME_OUTCOME_H
#define BERTH__RUNTIME_OUTCOME_H

#include "runtime/seal.h"

/* READY: it was taken, and is in `out`. PENDING: it is not fixed. Else: the lock will tell. */
uint32_t berth__outcome_take(berth_pool *pool, berth_request_id id, berth_outcome *out);

/* Look for a moment whether it becomes READY, where that is likely; 1 if it is. */
uint32_t berth__outcome_look(berth_pool *pool, berth_request_id id, uint64_t timeout_ns);

/* Is somebody reading one, or looking for it? O(places). */
uint32_t berth__outcome_has_reader(const berth_pool *pool);

#endif
