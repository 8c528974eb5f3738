/* SPDX-License-Identifier: MIT */
/*
 * What:    where one thread sleeps until another posts it.
 * Why:     a thread that looks for a moment before it sleeps is often posted without any system
 *          call; one that does sleep is woken after the lock was given up, so that it finds it
 *          free.
 * Rules:   post under the lock, once per wait; wake what post returned after the lock was given up.
 * Threads: one waits; any posts.
 */
#ifndef BERTH__RUNTIME_PARK_H
#define BERTH__RUNTIME_PARK_H

#include "runtime/mutex.h"

#if !BERTH__FUTEX
#include <uv.h>
#endif

typedef struct berth__park {
    berth__word state; /* of park.c */
#if !BERTH__FUTEX
    uv_cond_t condition;
#endif
} berth__park;

/* ESYSTEM if the system has nothing to sleep on. */
berth_status berth__park_init(berth__park *park);
void berth__park_fini(berth__park *park);

/* Under the lock: from here on it may be posted. */
void berth__park_reset(berth__park *park);

/* Without the lock: return once it is posted, or after look_ns. Gives the core up at first, and now
 * and then. */
void berth__park_look(const berth__park *park, uint64_t look_ns);

/* Without the lock: sleep until posted (1) or until the machine's clock reads until_ns (0), then
 * take the lock. BERTH_FOREVER has no limit. */
uint32_t berth__park_wait(berth__park *park, berth__mutex *mutex, uint64_t until_ns);

/* Under the lock. Returns what to wake once the lock was given up; NULL if nobody sleeps. */
berth__word *berth__park_post(berth__park *park);
void berth__park_wake(berth__word *word);

#endif
