/* SPDX-License-Identifier: MIT */
/*
 * What:    the pool's lock.
 * Why:     the lock is held for less than a sleeping thread takes to wake: whoever finds it taken
 *          looks again for a moment before he sleeps, and no system call is made unless somebody
 *          does sleep. Measured against pthread_mutex in bench/README.md.
 * Rules:   not recursive, not fair; init, lock, unlock by the thread that locked, fini.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_MUTEX_H
#define BERTH__RUNTIME_MUTEX_H

#include "berth.h"
#include "runtime/futex.h"

#if BERTH__FUTEX
typedef struct berth__mutex {
    berth__word state; /* 0 free, 1 taken, 2 taken and perhaps somebody sleeps */
} berth__mutex;
#else
#include <uv.h>
typedef struct berth__mutex {
    uv_mutex_t plain;
} berth__mutex;
#endif

/* ESYSTEM if the system has no lock to give. */
berth_status berth__mutex_init(berth__mutex *mutex);
void berth__mutex_fini(berth__mutex *mutex);

#if BERTH__FUTEX
void berth__mutex_lock_slowly(berth__mutex *mutex);

static inline void berth__mutex_lock(berth__mutex *mutex) {
    uint32_t free = 0;
    if (!atomic_compare_exchange_strong_explicit(&mutex->state, &free, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        berth__mutex_lock_slowly(mutex);
}

static inline void berth__mutex_unlock(berth__mutex *mutex) {
    if (atomic_exchange_explicit(&mutex->state, 0, memory_order_release) == 2)
        berth__futex_wake(&mutex->state);
}
#else
void berth__mutex_lock(berth__mutex *mutex);
void berth__mutex_unlock(berth__mutex *mutex);
#endif

#endif
