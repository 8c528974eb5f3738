/* SPDX-License-Identifier: MIT */
#include "runtime/timer.h"
#include "runtime/clock.h"
#include "runtime/close.h"
#include "runtime/lock.h"
#include "runtime/pool.h"

/* It calls the host's release() and cancelled(), which must not block and may log. */
#define STACK_SIZE ((size_t)256 * 1024)

static void run(void *argument) {
    berth_pool *pool = argument;
    berth__waiter waiter;
    if (berth__waiter_init(&waiter) != BERTH_OK) return;
    uv_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (!berth__pool_failed(pool)) berth__core_expire(pool->core, berth__clock_read(pool));
        berth__lock_settle(pool);
        if (berth__callback_is_due(pool)) {
            /* They give the lock up: look again before going to sleep. */
            berth__callback_run_due(pool);
            berth__close_wake(pool);
            continue;
        }
        pool->timer_at_ns =
            berth__pool_failed(pool) ? BERTH_FOREVER : berth__core_next_at(pool->core);
        berth__waiter_join(&waiter, &pool->timer_waiter);
        (void)berth__waiter_sleep(pool, &waiter, pool->timer_at_ns);
    }
    berth__waiter_signal(pool);
    uv_mutex_unlock(&pool->lock);
    berth__waiter_fini(&waiter);
}

berth_status berth__timer_start(berth_pool *pool) {
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_SIZE};
    if (!berth__clock_can_wait(pool)) return BERTH_OK;
    if (uv_thread_create_ex(&pool->timer, &options, run, pool) != 0) return BERTH_ESYSTEM;
    pool->timer_started = 1;
    return BERTH_OK;
}

void berth__timer_join(berth_pool *pool) {
    if (pool->timer_started) uv_thread_join(&pool->timer);
    pool->timer_started = 0;
}

void berth__timer_wake(berth_pool *pool) {
    if (pool->timer_waiter == NULL) return;
    if (pool->stopping || berth__core_next_at(pool->core) < pool->timer_at_ns)
        berth__waiter_wake_all(pool, &pool->timer_waiter);
}
