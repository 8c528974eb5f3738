/* SPDX-License-Identifier: MIT */
/*
 * Three states, as in Drepper, "Futexes are tricky" (2011), section 6. Before it sleeps a thread
 * looks SPINS_MAX times, a few microseconds: several times as long as most calls hold the lock.
 * Then it looks on, giving its core up in between: to a holder who has lost it, or to nobody, for
 * as long as a whole lane takes to be emptied, which is still less than a sleep and a wake-up cost.
 */
#include "runtime/mutex.h"

#if BERTH__FUTEX
#include <sched.h>

#define SPINS_MAX 100u
#define YIELDS_MAX 32u
#define SPINS_PER_YIELD 8u

berth_status berth__mutex_init(berth__mutex *mutex) {
    atomic_init(&mutex->state, 0);
    return BERTH_OK;
}

void berth__mutex_fini(berth__mutex *mutex) {
    (void)mutex;
}

static uint32_t try_lock(berth__mutex *mutex) {
    uint32_t expected = 0;
    return atomic_load_explicit(&mutex->state, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_weak_explicit(&mutex->state, &expected, 1, memory_order_acquire,
                                                 memory_order_relaxed);
}

static uint32_t look(berth__mutex *mutex, uint32_t spins) {
    while (spins-- > 0) {
        berth__relax();
        if (try_lock(mutex)) return 1;
    }
    return 0;
}

void berth__mutex_lock_slowly(berth__mutex *mutex) {
    if (look(mutex, SPINS_MAX)) return;
    for (uint32_t yields = 0; yields < YIELDS_MAX; yields++) {
        (void)sched_yield();
        if (look(mutex, SPINS_PER_YIELD)) return;
    }
    while (atomic_exchange_explicit(&mutex->state, 2, memory_order_acquire) != 0)
        berth__futex_wait(&mutex->state, 2, UINT64_MAX);
}
#else
berth_status berth__mutex_init(berth__mutex *mutex) {
    return uv_mutex_init(&mutex->plain) == 0 ? BERTH_OK : BERTH_ESYSTEM;
}

void berth__mutex_fini(berth__mutex *mutex) {
    uv_mutex_destroy(&mutex->plain);
}

void berth__mutex_lock(berth__mutex *mutex) {
    uv_mutex_lock(&mutex->plain);
}

void berth__mutex_unlock(berth__mutex *mutex) {
    uv_mutex_unlock(&mutex->plain);
}
#endif
