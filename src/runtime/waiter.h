/* SPDX-License-Identifier: MIT */
/*
 * What:    one sleeping thread: a place to sleep of its own, on its stack, in the list of what it
 *          waits for.
 * Why:     an event wakes exactly those whom it concerns; nobody is woken to find nothing.
 * Rules:   all under the pool lock. Waking takes the waiter out of its list and tells it at once;
 *          where it sleeps, the system is asked to wake it just after the lock is next given up,
 *          so that a commit wakes each reader once and nobody wakes to find the lock taken.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_WAITER_H
#define BERTH__RUNTIME_WAITER_H

#include "berth.h"

#include "runtime/park.h"

/* Threads that take turns at looking before they sleep. */
typedef struct berth__look {
    berth__word taken; /* by any thread: one of them is looking */
    uint32_t reserved;
    uint64_t limit_ns; /* for how long the next one looks; guarded by the pool lock */
} berth__look;

typedef struct berth__waiter {
    berth__park park;
    berth__look *look; /* whom it looks in turn with; NULL = it sleeps at once */
    struct berth__waiter *previous;
    struct berth__waiter *next; /* in its list; once woken, in the list of those to wake */
    struct berth__waiter **list;
    berth__word *word; /* once woken: what to wake */
} berth__waiter;

/* ESYSTEM if the system has nothing to sleep on. */
berth_status berth__waiter_init(berth__waiter *waiter, berth__look *look);
void berth__waiter_fini(berth__waiter *waiter);

/* Put it in a list, not woken. */
void berth__waiter_join(berth__waiter *waiter, berth__waiter **list);

/* Sleep until woken (1) or until the machine's clock reads until_ns (0, and out of its list).
 * BERTH_FOREVER has no limit. Gives the pool lock up while it sleeps. */
uint32_t berth__waiter_sleep(berth_pool *pool, berth__waiter *waiter, uint64_t until_ns);

/* Wake the first one of a list, or all. */
void berth__waiter_wake_first(berth_pool *pool, berth__waiter **list);
void berth__waiter_wake_all(berth_pool *pool, berth__waiter **list);

/* Give the pool lock up, and wake all that were woken under it. */
void berth__waiter_unlock(berth_pool *pool);

/* The machine's clock, `timeout_ns` from now. */
uint64_t berth__waiter_until(uint64_t timeout_ns);

#endif
