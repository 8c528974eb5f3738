/* SPDX-License-Identifier: MIT */
/*
 * What:    the pool's clock, the machine's or a virtual one.
 * Why:     every moment in a pool comes from here, and never goes back.
 * Rules:   read under the pool lock; a virtual clock moves only by advance.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_CLOCK_H
#define BERTH__RUNTIME_CLOCK_H

#include "berth.h"

/* Under the pool lock: now, not before any earlier reading. */
uint64_t berth__clock_read(berth_pool *pool);

/* A pool's calls may wait only on the machine's clock. */
uint32_t berth__clock_can_wait(const berth_pool *pool);

/* Under the pool lock: when the next deadline, or the time of a key, ends. */
uint64_t berth__clock_next_due(berth_pool *pool);

/* The same where that is within so many ns from now; else a later moment before which nothing is
 * due. */
uint64_t berth__clock_next_within(berth_pool *pool, uint64_t ns);

/* Under the pool lock: nothing is due before; it may be later. For who asks after every event. */
uint64_t berth__clock_not_before(const berth_pool *pool);

/* The public calls, arguments checked. */
berth_status berth__clock_now(berth_pool *pool, uint64_t *out);
berth_status berth__clock_next(berth_pool *pool, uint64_t *out);
berth_status berth__clock_advance(berth_pool *pool, uint64_t to_at_ns);

#endif
