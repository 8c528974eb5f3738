/* SPDX-License-Identifier: MIT */
#include "runtime/timer.h"
#include "base/hot.h"
#include "runtime/clock.h"
#include "runtime/close.h"
#include "runtime/lock.h"
#include "runtime/owner.h"
#include "runtime/pool.h"

/* It calls the host's release() and cancelled(), which must not block and may log. */
#define STACK_SIZE ((size_t)256 * 1024)

/* What is due so soon is looked at, so that deadlines which were given up do not wake the timer one
 * by one. Those behind it stay: a pool in use gives up what it has set moments ago, and the next
 * request, whose deadline is later, finds the timer asleep and leaves it so. */
#define TIDY_NS UINT64_C(1000000)

/* When there will be something to do: the next deadline, or hands to look after. Hands are looked
 * after for as long as any were dealt, and once more. */
static uint64_t next_look(berth_pool *pool) {
    uint64_t at =
        berth__pool_failed(pool) ? BERTH_FOREVER : berth__clock_next_within(pool, TIDY_NS);
    const uint64_t watch_at = pool->now_ns + BERTH__HAND_WATCH_NS;
    if (pool->watching && watch_at < at) at = watch_at;
    pool->watching = pool->watching && pool->watch_again;
    pool->watch_again = 0;
    return at;
}

static void run(void *argument) {
    berth_pool *pool = argument;
    berth__waiter waiter;
    if (berth__waiter_init(&waiter, NULL) != BERTH_OK) return;
    berth__mutex_lock(&pool->lock);
    while (!pool->stopping) {
        (void)berth__lane_drain(pool);
        berth__lane_watch(pool);
        if (!berth__pool_failed(pool)) {
            berth__core_expire(pool->core, berth__clock_read(pool));
            berth__owner_expire(pool, pool->now_ns);
        }
        berth__hand_watch(pool);
        berth__lock_settle(pool);
        if (berth__callback_is_due(pool)) {
            /* They give the lock up: look again before going to sleep. */
            berth__callback_run_due(pool);
            berth__close_wake(pool);
            continue;
        }
        pool->timer_at_ns = next_look(pool);
        berth__waiter_join(&waiter, &pool->timer_waiter);
        (void)berth__waiter_sleep(pool, &waiter, pool->timer_at_ns);
    }
    berth__waiter_unlock(pool);
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

void berth__timer_watch(berth_pool *pool) {
    pool->watch_again = 1;
    if (pool->watching) return;
    pool->watching = 1;
    berth__waiter_wake_all(pool, &pool->timer_waiter);
}

BERTH__HOT void berth__timer_wake(berth_pool *pool) {
    if (pool->timer_waiter == NULL) return;
    if (pool->stopping || berth__clock_not_before(pool) < pool->timer_at_ns)
        berth__waiter_wake_all(pool, &pool->timer_waiter);
}
