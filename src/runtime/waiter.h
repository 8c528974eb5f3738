/* SPDX-License-Identifier: MIT */
/*
 * What:    one sleeping thread: a condition of its own, on its stack, in the list of what it
 *          waits for.
 * Why:     an event wakes exactly those whom it concerns; nobody is woken to find nothing.
 * Rules:   all under the pool lock. Waking takes the waiter out of its list at once and signals
 *          it just before the lock is next given up, so that a commit wakes each reader once and
 *          no signal ever reaches a stack that is gone.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_WAITER_H
#define BERTH__RUNTIME_WAITER_H

#include "berth.h"

#include <uv.h>

typedef struct berth__waiter {
    uv_cond_t condition;
    struct berth__waiter *previous;
    struct berth__waiter *next; /* in its list; once woken, in the list of those to signal */
    struct berth__waiter **list;
    uint32_t woken;
    uint32_t reserved;
} berth__waiter;

/* ESYSTEM if the system has no condition to give. */
berth_status berth__waiter_init(berth__waiter *waiter);
void berth__waiter_fini(berth__waiter *waiter);

/* Put it in a list, not woken. */
void berth__waiter_join(berth__waiter *waiter, berth__waiter **list);

/* Sleep until woken (1) or until the machine's clock reads until_ns (0, and out of its list).
 * BERTH_FOREVER has no limit. Gives the pool lock up while it sleeps. */
uint32_t berth__waiter_sleep(berth_pool *pool, berth__waiter *waiter, uint64_t until_ns);

/* Wake the first one of a list, or all. */
void berth__waiter_wake_first(berth_pool *pool, berth__waiter **list);
void berth__waiter_wake_all(berth_pool *pool, berth__waiter **list);

/* Signal all that were woken. Before every release of the pool lock. */
void berth__waiter_signal(berth_pool *pool);

/* The machine's clock, `timeout_ns` from now. */
uint64_t berth__waiter_until(uint64_t timeout_ns);

#endif
