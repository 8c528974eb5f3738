/* SPDX-License-Identifier: MIT */
#include "runtime/worker.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/pool.h"
#include "runtime/store.h"

/* About two microseconds. */
#define REST_LOOKS 64u

/* One per request to take, but for those on their way; what is claimed is for one that is awake. */
void berth__worker_wake(berth_pool *pool) {
    while (pool->idle != NULL &&
           (pool->stopping || pool->take.count > pool->waking_count + pool->claim_count)) {
        berth__waiter_wake_first(pool, &pool->idle);
        pool->idle_count--;
        pool->waking_count++;
    }
}

/* How many requests the workers have or are to take, and how many they can take. */
static uint32_t taken(const berth_pool *pool) {
    return pool->active_count + pool->calling_count + pool->take.count;
}

static uint32_t most(const berth_pool *pool) {
    return pool->options.worker_count + pool->claim_count;
}

uint32_t berth__worker_free_count(const berth_pool *pool) {
    return most(pool) > taken(pool) ? most(pool) - taken(pool) : 0;
}

uint32_t berth__worker_is_short(const berth_pool *pool) {
    return taken(pool) > most(pool);
}

void berth__worker_tell_idle(berth_pool *pool) {
    if (pool->options.face == BERTH_FACE_ENGINE) return;
    uint32_t bound = berth__store_bound(pool);
    if (pool->options.face == BERTH_FACE_WORKER && berth__worker_free_count(pool) < bound)
        bound = berth__worker_free_count(pool);
    berth__core_set_idle(pool->core, bound);
}

static void run_hand(berth_pool *pool, berth__hand *hand, uint32_t wanted) {
    berth__inside inside;
    berth__hand_deal(pool, hand, wanted);
    pool->active_count++;
    berth__callback_enter(pool, &inside, 0);
    berth__hand_execute(pool, hand);
    berth__callback_leave(pool, &inside);
    pool->active_count--;
    berth__hand_return(pool, hand);
}

/* The host's callbacks come first: a worker that calls them is not free, lest what is admitted for
 * it goes ahead of what is more urgent and comes meanwhile. */
static uint32_t call_and_settle(berth_pool *pool, const berth__hand *hand) {
    if (berth__callback_is_due(pool)) {
        pool->calling_count++;
        berth__lock_settle(pool);
        berth__callback_run_due(pool);
        pool->calling_count--;
    }
    /* This worker takes the next ones itself: it counts as woken, and more may come in for it. */
    const uint32_t wanted = berth__hand_wanted(pool, hand);
    pool->claim_count = wanted - 1;
    pool->waking_count++;
    berth__lock_settle(pool);
    pool->waking_count--;
    pool->claim_count = 0;
    return wanted;
}

/* A worker whose requests took no time and are all done waits for more to come together, out of
 * everybody's way: it is back before another one would be awake. */
static void rest(berth_pool *pool) {
    pool->waking_count++;
    berth__waiter_unlock(pool);
    for (uint32_t i = 0; i < REST_LOOKS; i++) berth__relax();
    berth__mutex_lock(&pool->lock);
    pool->waking_count--;
}

static void work(berth_pool *pool, berth__hand *hand, berth__waiter *waiter) {
    uint32_t wanted = 1;
    uint32_t rested = 1;
    while (!pool->stopping) {
        if (pool->take.count > 0 && !berth__pool_failed(pool)) {
            run_hand(pool, hand, wanted);
            do {
                wanted = call_and_settle(pool, hand);
            } while (berth__callback_is_due(pool));
            rested = hand->size_max == 1;
        } else if (!rested) {
            rest(pool);
            rested = 1;
            wanted = call_and_settle(pool, hand);
        } else {
            pool->idle_count++;
            berth__waiter_join(waiter, &pool->idle);
            (void)berth__waiter_sleep(pool, waiter, BERTH_FOREVER);
            pool->waking_count--;
            wanted = 1;
        }
    }
}

static void run(void *argument) {
    berth__hand *hand = argument;
    berth_pool *pool = hand->pool;
    berth__waiter waiter;
    if (berth__waiter_init(&waiter, &pool->looking_workers) != BERTH_OK) return;
    berth__mutex_lock(&pool->lock);
    work(pool, hand, &waiter);
    berth__waiter_unlock(pool);
    berth__waiter_fini(&waiter);
}

berth_status berth__worker_start_all(berth_pool *pool) {
    const uv_thread_options_t options = {
        .flags = pool->options.worker_stack_size != 0 ? UV_THREAD_HAS_STACK_SIZE : 0,
        .stack_size = (size_t)pool->options.worker_stack_size};
    while (pool->worker_count < pool->options.worker_count) {
        if (uv_thread_create_ex(&pool->workers[pool->worker_count], &options, run,
                                &pool->hands[pool->worker_count]) != 0)
            return BERTH_ESYSTEM;
        pool->worker_count++;
    }
    return BERTH_OK;
}

void berth__worker_join_all(berth_pool *pool) {
    while (pool->worker_count > 0) uv_thread_join(&pool->workers[--pool->worker_count]);
}
