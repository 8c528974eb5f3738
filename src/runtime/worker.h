/* SPDX-License-Identifier: MIT */
/*
 * What:    the worker face's threads: take an admitted request, execute it, let it go.
 * Why:     one-shot work runs on Berth's threads; to the core a worker is one more engine.
 * Rules:   one worker is woken per request to take; one that is busy looks again when it is done.
 *          A request whose outcome is fixed before it was taken is never executed.
 * Threads: its own; start and stop from create and destroy.
 */
#ifndef BERTH__RUNTIME_WORKER_H
#define BERTH__RUNTIME_WORKER_H

#include "berth.h"

berth_status berth__worker_start_all(berth_pool *pool);

/* Without the lock; pool->stopping is set. */
void berth__worker_join_all(berth_pool *pool);

/* Under the pool lock: workers that nothing is waiting for. */
uint32_t berth__worker_free_count(const berth_pool *pool);

/* Under the pool lock: more requests are to be taken than workers are there to take them. */
uint32_t berth__worker_is_short(const berth_pool *pool);

/* Under the pool lock, before a submit and before admission: tell the core how many requests will
 * find a worker and a ring, so that it admits none which would then wait for one. */
void berth__worker_tell_idle(berth_pool *pool);

/* Under the pool lock, after events. */
void berth__worker_wake(berth_pool *pool);

#endif
