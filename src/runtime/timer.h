/* SPDX-License-Identifier: MIT */
/*
 * What:    the thread that ends what is due, on the machine's clock.
 * Why:     a deadline ends a request when it is due, not when somebody next looks at it.
 * Rules:   one thread per pool; it sleeps until the earliest deadline, or one that was given up and
 *          would have been, and is woken only when an earlier one comes. A pool on a virtual clock
 *          has none.
 * Threads: its own; start and stop from create and destroy.
 */
#ifndef BERTH__RUNTIME_TIMER_H
#define BERTH__RUNTIME_TIMER_H

#include "berth.h"

/* Nothing to start on a virtual clock. */
berth_status berth__timer_start(berth_pool *pool);

/* Without the lock; pool->stopping is set. */
void berth__timer_join(berth_pool *pool);

/* Under the pool lock: several requests were dealt to one worker; look after them. */
void berth__timer_watch(berth_pool *pool);

/* Under the pool lock, after events. */
void berth__timer_wake(berth_pool *pool);

#endif
