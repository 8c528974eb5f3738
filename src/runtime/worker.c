/* SPDX-License-Identifier: MIT */
#include "runtime/worker.h"
#include "base/hot.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/pool.h"
#include "runtime/store.h"

#include <sched.h>
#include <uv.h>

/* About two microseconds. */
#define REST_LOOKS 64u

/* A request that comes within this finds a worker awake. */
#define LINGER_NS UINT64_C(50000)
#define LINGER_NS_MIN UINT64_C(1000)

/* One per request to take, but for those on their way; what is claimed is for one that is awake. */
BERTH__HOT void berth__worker_wake(berth_pool *pool) {
    if (pool->lingering && (pool->take.count > 0 || pool->stopping))
        atomic_store_explicit(&pool->called, 1, memory_order_relaxed);
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

BERTH__HOT void berth__worker_tell_idle(berth_pool *pool) {
    if (pool->options.face == BERTH_FACE_ENGINE) return;
    uint32_t bound = berth__store_bound(pool);
    if (pool->options.face == BERTH_FACE_WORKER && berth__worker_free_count(pool) < bound)
        bound = berth__worker_free_count(pool);
    berth__core_set_idle(pool->core, bound);
}

/* Requests take it microseconds, and come after one another: it is worth waiting for them awake. */
static uint32_t is_brisk(const berth__hand *hand) {
    return hand->size_max > 1 && hand->dealt_at_ns - hand->returned_at_ns < LINGER_NS;
}

static void run_hand(berth_pool *pool, berth__hand *hand, uint32_t wanted) {
    berth__inside inside;
    berth__hand_deal(pool, hand, wanted);
    pool->lane.turns++;
    pool->brisk = hand->size_max > 1;
    if (is_brisk(hand)) berth__lane_open(pool);
    pool->active_count++;
    berth__callback_enter(pool, &inside, 0);
    berth__hand_execute(pool, hand);
    berth__callback_leave(pool, &inside);
    pool->active_count--;
    (void)berth__lane_drain(pool);
    berth__hand_return(pool, hand);
}

/* The host's callbacks come first: a worker that calls them is not free, lest what is admitted for
 * it goes ahead of what is more urgent and comes meanwhile. */
BERTH__HOT static uint32_t call_and_settle(berth_pool *pool, const berth__hand *hand) {
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

static void begin_lingering(berth_pool *pool) {
    pool->lingering = 1;
    atomic_store_explicit(&pool->called, 0, memory_order_relaxed);
}

static uint32_t is_called(const berth_pool *pool) {
    return atomic_load_explicit(&pool->called, memory_order_relaxed);
}

/* Longer the next time where it paid, shorter where it did not: other threads may want the core. */
static void end_lingering(berth_pool *pool, uint32_t pays) {
    pool->lingering = 0;
    pool->linger_ns = pays ? 2 * pool->linger_ns : pool->linger_ns / 2;
    if (pool->linger_ns < LINGER_NS_MIN) pool->linger_ns = LINGER_NS_MIN;
    if (pool->linger_ns > LINGER_NS) pool->linger_ns = LINGER_NS;
}

static uint32_t is_wanted(const berth_pool *pool, uint64_t tail) {
    return berth__lane_tail(pool) != tail || is_called(pool);
}

/* Without the lock. The core is given up now and then: who is to come may be waiting for it. */
static void linger(const berth_pool *pool, uint64_t tail, uint64_t until_ns) {
    (void)sched_yield();
    while (!is_wanted(pool, tail) && uv_hrtime() < until_ns) {
        for (uint32_t i = 0; i < REST_LOOKS; i++) {
            if (is_wanted(pool, tail)) return;
            berth__relax();
        }
        (void)sched_yield();
    }
}

/* A worker whose requests took no time and are all done waits for more to come together, out of
 * everybody's way, and then a while longer if somebody may come by the lane. It counts as woken:
 * who comes by the lock meanwhile calls it. */
static void rest(berth_pool *pool) {
    const uint64_t until_ns = uv_hrtime() + pool->linger_ns;
    const uint64_t tail = berth__lane_tail(pool);
    const uint32_t lingers =
        berth__lane_is_open(pool) && berth__lane_is_empty(pool) && !pool->lingering;
    if (lingers) begin_lingering(pool);
    pool->waking_count++;
    berth__waiter_unlock(pool);
    for (uint32_t i = 0; i < REST_LOOKS; i++) berth__relax();
    if (lingers) linger(pool, tail, until_ns);
    berth__mutex_lock(&pool->lock);
    (void)berth__lane_drain(pool);
    pool->waking_count--;
    if (lingers) end_lingering(pool, is_wanted(pool, tail));
}

/* Until there is something to take, or to see what became of a request that is still coming. */
static void idle(berth_pool *pool, berth__waiter *waiter) {
    const uint64_t until_ns =
        berth__lane_is_empty(pool) ? BERTH_FOREVER : berth__waiter_until(BERTH__LANE_HOLE_NS);
    pool->idle_count++;
    berth__waiter_join(waiter, &pool->idle);
    const uint32_t woken = berth__waiter_sleep(pool, waiter, until_ns);
    (void)berth__lane_drain(pool);
    if (woken) {
        pool->waking_count--;
    } else {
        pool->idle_count--;
        berth__lock_settle(pool);
    }
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
        } else if (berth__lane_close(pool)) {
            /* Who comes from now on takes the lock and wakes a worker; these came before. */
            wanted = call_and_settle(pool, hand);
        } else {
            idle(pool, waiter);
            wanted = 1;
        }
    }
}

BERTH__HOT static void run(void *argument) {
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
