/* SPDX-License-Identifier: MIT */
/* What: the workloads that every entrant can run, over its peer_ops.
 * Why: the loop that is timed is the same for all.
 * Rules: each has its own warm-up, makes the pool before the clock starts, and says its figures
 *        through peer_say(). Exits with a message where the pool cannot be made.
 * Threads: one at a time; they start and join the producers. */
#ifndef PEER_DRIVE_H
#define PEER_DRIVE_H

#include "peer.h"

/* Each producer keeps `window` tasks in flight: submit, and wait for the oldest when it is full.
 * Says `op`: wall time per task, all producers together. With `tail` also the percentiles of the
 * time that one submit takes. */
void drive_saturated(const peer_ops *ops, const peer_shape *shape, uint32_t count, uint32_t window,
                     uint32_t tail);

/* One producer, one worker: submit `count`, then wait for all. Says `op`. */
void drive_burst(const peer_ops *ops, uint32_t count);

/* One request at a time into an idle pool, `gap_ns` after the last one's outcome. Says percentiles
 * of submit to start and of submit to outcome. */
void drive_idle(const peer_ops *ops, uint64_t gap_ns, uint32_t count);

/* From before create to the first outcome. Says `first`. */
void drive_first(const peer_ops *ops);

#endif
