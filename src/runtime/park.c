/* SPDX-License-Identifier: MIT */
#include "runtime/park.h"
#include "base/hot.h"

#include <sched.h>
#include <uv.h>

#if BERTH__FUTEX

enum state {
    LOOKING = 0, /* not posted, and awake: a store is enough to tell it */
    ASLEEP = 1,  /* not posted, and about to sleep or asleep: it has to be woken */
    POSTED = 2
};

#define LOOKS_PER_CLOCK 16u

berth_status berth__park_init(berth__park *park) {
    atomic_init(&park->state, LOOKING);
    return BERTH_OK;
}

void berth__park_fini(berth__park *park) {
    (void)park;
}

void berth__park_reset(berth__park *park) {
    atomic_store_explicit(&park->state, LOOKING, memory_order_relaxed);
}

static uint32_t is_posted(const berth__park *park) {
    return atomic_load_explicit(&park->state, memory_order_acquire) == POSTED;
}

BERTH__HOT void berth__park_look(const berth__park *park, uint64_t look_ns) {
    const uint64_t start = uv_hrtime();
    do {
        sched_yield(); /* who is to post it may have been woken on this very core */
        for (uint32_t i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (is_posted(park)) return;
            berth__relax();
        }
    } while (uv_hrtime() - start < look_ns);
}

/* 1 once posted; 0 when time is up. */
static uint32_t sleep_until(berth__park *park, uint64_t until_ns) {
    uint32_t looking = LOOKING;
    if (!atomic_compare_exchange_strong_explicit(&park->state, &looking, ASLEEP,
                                                 memory_order_acquire, memory_order_acquire))
        return 1;
    while (!is_posted(park)) {
        if (until_ns != BERTH_FOREVER && uv_hrtime() >= until_ns) return 0;
        berth__futex_wait(&park->state, ASLEEP, until_ns);
    }
    return 1;
}

BERTH__HOT uint32_t berth__park_wait(berth__park *park, berth__mutex *mutex, uint64_t until_ns) {
    const uint32_t posted = sleep_until(park, until_ns);
    berth__mutex_lock(mutex);
    /* Posted between the end of the time and the lock: that counts. */
    return posted || is_posted(park);
}

berth__word *berth__park_post(berth__park *park) {
    const uint32_t was = atomic_exchange_explicit(&park->state, POSTED, memory_order_release);
    return was == ASLEEP ? &park->state : NULL;
}

void berth__park_wake(berth__word *word) {
    berth__futex_wake(word);
}

#else

/* One sleep at most; a longer wait is several. Far below what a timespec can hold. */
#define SLEEP_NS_MAX (UINT64_C(3600) * 1000000000)

berth_status berth__park_init(berth__park *park) {
    atomic_init(&park->state, 0);
    return uv_cond_init(&park->condition) == 0 ? BERTH_OK : BERTH_ESYSTEM;
}

void berth__park_fini(berth__park *park) {
    uv_cond_destroy(&park->condition);
}

void berth__park_reset(berth__park *park) {
    atomic_store_explicit(&park->state, 0, memory_order_relaxed);
}

BERTH__HOT void berth__park_look(const berth__park *park, uint64_t look_ns) {
    (void)park;
    (void)look_ns;
}

BERTH__HOT uint32_t berth__park_wait(berth__park *park, berth__mutex *mutex, uint64_t until_ns) {
    berth__mutex_lock(mutex);
    while (atomic_load_explicit(&park->state, memory_order_relaxed) == 0) {
        const uint64_t now = uv_hrtime();
        uint64_t left = SLEEP_NS_MAX;
        if (until_ns != BERTH_FOREVER && now >= until_ns) return 0;
        if (until_ns != BERTH_FOREVER && until_ns - now < left) left = until_ns - now;
        (void)uv_cond_timedwait(&park->condition, &mutex->plain, left);
    }
    return 1;
}

/* Under the lock, so that no signal reaches a condition that is gone. */
berth__word *berth__park_post(berth__park *park) {
    atomic_store_explicit(&park->state, 1, memory_order_relaxed);
    uv_cond_signal(&park->condition);
    return NULL;
}

void berth__park_wake(berth__word *word) {
    (void)word;
}

#endif
