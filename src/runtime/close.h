/* SPDX-License-Identifier: MIT */
/*
 * What:    closing a pool, and waiting until it has run dry.
 * Why:     everything accepted is resolved, within the caller's time limit.
 * Rules:   a closed pool stays closed; drain may be called again, by any number of threads.
 * Threads: any; wake under the pool lock.
 */
#ifndef BERTH__RUNTIME_CLOSE_H
#define BERTH__RUNTIME_CLOSE_H

#include "berth.h"

/* Under the pool lock: wake those who drain, if the pool is idle. */
void berth__close_wake(berth_pool *pool);

/* The public calls, arguments checked. */
berth_status berth__close(berth_pool *pool);
berth_status berth__close_drain(berth_pool *pool, uint64_t timeout_ns);

#endif
