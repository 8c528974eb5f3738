/* SPDX-License-Identifier: MIT */
#include "runtime/waiter.h"
#include "base/checked.h"
#include "runtime/pool.h"

/* One sleep at most; a longer wait is several. Far below what a timespec can hold. */
#define SLEEP_NS_MAX (UINT64_C(3600) * 1000000000)

berth_status berth__waiter_init(berth__waiter *waiter) {
    waiter->previous = NULL;
    waiter->next = NULL;
    waiter->list = NULL;
    waiter->woken = 0;
    waiter->reserved = 0;
    return uv_cond_init(&waiter->condition) == 0 ? BERTH_OK : BERTH_ESYSTEM;
}

void berth__waiter_fini(berth__waiter *waiter) {
    uv_cond_destroy(&waiter->condition);
}

void berth__waiter_join(berth__waiter *waiter, berth__waiter **list) {
    waiter->woken = 0;
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

uint32_t berth__waiter_sleep(berth_pool *pool, berth__waiter *waiter, uint64_t until_ns) {
    while (!waiter->woken) {
        const uint64_t now = uv_hrtime();
        uint64_t left = SLEEP_NS_MAX;
        if (until_ns != BERTH_FOREVER) {
            if (now >= until_ns) {
                leave_list(waiter);
                return 0;
            }
            if (until_ns - now < left) left = until_ns - now;
        }
        berth__waiter_signal(pool);
        (void)uv_cond_timedwait(&waiter->condition, &pool->lock, left);
    }
    return 1;
}

static void wake(berth_pool *pool, berth__waiter *waiter) {
    leave_list(waiter);
    waiter->woken = 1;
    waiter->next = pool->to_signal;
    pool->to_signal = waiter;
}

void berth__waiter_wake_first(berth_pool *pool, berth__waiter **list) {
    if (*list != NULL) wake(pool, *list);
}

void berth__waiter_wake_all(berth_pool *pool, berth__waiter **list) {
    while (*list != NULL) wake(pool, *list);
}

void berth__waiter_signal(berth_pool *pool) {
    while (pool->to_signal != NULL) {
        berth__waiter *waiter = pool->to_signal;
        pool->to_signal = waiter->next;
        uv_cond_signal(&waiter->condition);
    }
}

uint64_t berth__waiter_until(uint64_t timeout_ns) {
    if (timeout_ns == BERTH_FOREVER) return BERTH_FOREVER;
    return berth__add_saturating(uv_hrtime(), timeout_ns);
}
