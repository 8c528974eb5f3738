/* SPDX-License-Identifier: MIT */
#include "runtime/close.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/pool.h"

void berth__close_wake(berth_pool *pool) {
    if (pool->drains != NULL && berth__pool_idle(pool)) berth__waiter_wake_all(pool, &pool->drains);
}

static void close_now(berth_pool *pool) {
    pool->closed = 1;
    (void)berth__lane_close(pool);
    berth__core_close(pool->core, berth__clock_read(pool));
}

berth_status berth__close(berth_pool *pool) {
    berth__lock_enter(pool);
    close_now(pool);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, BERTH_OK);
}

/* Sleep until the pool is idle or time is up. */
static berth_status await_idle(berth_pool *pool, uint64_t until_ns) {
    berth__waiter waiter;
    uint32_t woken = 1;
    if (berth__waiter_init(&waiter, NULL) != BERTH_OK) return BERTH_ESYSTEM;
    while (woken && !berth__pool_idle(pool) && !berth__pool_failed(pool)) {
        berth__waiter_join(&waiter, &pool->drains);
        woken = berth__waiter_sleep(pool, &waiter, until_ns);
    }
    berth__waiter_fini(&waiter);
    return BERTH_OK;
}

berth_status berth__close_drain(berth_pool *pool, uint64_t timeout_ns) {
    const uint64_t until_ns = berth__waiter_until(timeout_ns);
    berth_status status = BERTH_OK;
    berth__lock_enter(pool);
    if (berth__callback_is_inside(pool)) return berth__lock_leave(pool, BERTH_EREENTRY);
    close_now(pool);
    /* What was dealt and has not begun counts as parked. */
    berth__hand_take_back_all(pool);
    berth__lock_settle(pool);
    if (!berth__pool_failed(pool)) berth__core_shutdown(pool->core, pool->now_ns, 0);
    berth__lock_settle(pool);
    berth__callback_run_due(pool);
    if (timeout_ns != 0 && berth__clock_can_wait(pool)) status = await_idle(pool, until_ns);
    if (status == BERTH_OK && !berth__pool_idle(pool))
        status = berth__pool_failed(pool) ? BERTH_EBROKEN : BERTH_ETIMEDOUT;
    return berth__lock_leave(pool, status);
}
