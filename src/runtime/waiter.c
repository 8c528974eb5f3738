/* SPDX-License-Identifier: MIT */
/*
 * One thread of a pool at a time looks for a moment before it sleeps: a request that comes right
 * after the last one, or an outcome that is almost there, then costs no system call on either side.
 * The moment doubles while looking pays and halves while it does not, so that an idle pool's
 * threads sleep, and two of them never look past each other for the same core.
 */
#include "runtime/waiter.h"
#include "base/checked.h"
#include "base/hot.h"
#include "runtime/pool.h"

#include <uv.h>

#define LOOK_NS_MIN UINT64_C(1000)
#define LOOK_NS_MAX UINT64_C(50000)

/* Woken after the lock was given up; what is above it is woken under the lock. */
#define WAKES_MAX 16u

berth_status berth__waiter_init(berth__waiter *waiter, berth__look *look) {
    waiter->look = look;
    waiter->previous = NULL;
    waiter->next = NULL;
    waiter->list = NULL;
    waiter->word = NULL;
    return berth__park_init(&waiter->park);
}

void berth__waiter_fini(berth__waiter *waiter) {
    berth__park_fini(&waiter->park);
}

void berth__waiter_join(berth__waiter *waiter, berth__waiter **list) {
    berth__park_reset(&waiter->park);
    waiter->list = list;
    waiter->previous = NULL;
    waiter->next = *list;
    if (*list != NULL) (*list)->previous = waiter;
    *list = waiter;
}

static void leave_list(berth__waiter *waiter) {
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        *waiter->list = waiter->next;
    if (waiter->next != NULL) waiter->next->previous = waiter->previous;
}

/* May this one look? Not where another one does. */
static uint32_t begin_looking(berth__look *look) {
    return look != NULL && !atomic_exchange_explicit(&look->taken, 1, memory_order_relaxed);
}

static void end_looking(berth__look *look) {
    atomic_store_explicit(&look->taken, 0, memory_order_relaxed);
}

/* Twice what this wait took, where looking was or would have been enough; else half. */
static uint64_t next_limit(uint64_t limit_ns, uint64_t took_ns) {
    const uint64_t next = took_ns <= LOOK_NS_MAX ? 2 * took_ns : limit_ns / 2;
    if (next > LOOK_NS_MAX) return LOOK_NS_MAX;
    return next < LOOK_NS_MIN ? LOOK_NS_MIN : next;
}

BERTH__HOT uint32_t berth__waiter_sleep(berth_pool *pool, berth__waiter *waiter,
                                        uint64_t until_ns) {
    berth__look *look = waiter->look;
    const uint32_t looks = begin_looking(look);
    const uint64_t limit_ns = looks ? look->limit_ns : 0;
    const uint64_t start = looks ? uv_hrtime() : 0;
    berth__waiter_unlock(pool);
    if (looks) {
        berth__park_look(&waiter->park, limit_ns);
        end_looking(look);
    }
    const uint32_t woken = berth__park_wait(&waiter->park, &pool->lock, until_ns);
    if (looks) look->limit_ns = next_limit(limit_ns, uv_hrtime() - start);
    if (!woken) leave_list(waiter);
    return woken;
}

static void wake(berth_pool *pool, berth__waiter *waiter) {
    leave_list(waiter);
    waiter->word = berth__park_post(&waiter->park);
    if (waiter->word == NULL) return;
    waiter->next = pool->to_wake;
    pool->to_wake = waiter;
}

BERTH__HOT void berth__waiter_wake_first(berth_pool *pool, berth__waiter **list) {
    if (*list != NULL) wake(pool, *list);
}

BERTH__HOT void berth__waiter_wake_all(berth_pool *pool, berth__waiter **list) {
    while (*list != NULL) wake(pool, *list);
}

/* Who was woken may be gone as soon as the lock is given up: their words are copied first. */
BERTH__HOT void berth__waiter_unlock(berth_pool *pool) {
    berth__word *words[WAKES_MAX];
    uint32_t count = 0;
    if (pool->to_wake == NULL) {
        berth__mutex_unlock(&pool->lock);
        return;
    }
    while (pool->to_wake != NULL) {
        berth__word *word = pool->to_wake->word;
        pool->to_wake = pool->to_wake->next;
        if (count < WAKES_MAX)
            words[count++] = word;
        else
            berth__park_wake(word);
    }
    berth__mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < count; i++) berth__park_wake(words[i]);
}

uint64_t berth__waiter_until(uint64_t timeout_ns) {
    if (timeout_ns == BERTH_FOREVER) return BERTH_FOREVER;
    return berth__add_saturating(uv_hrtime(), timeout_ns);
}
