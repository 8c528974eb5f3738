/* SPDX-License-Identifier: MIT */
#include "runtime/outcome.h"
#include "base/hot.h"
#include "runtime/lock.h"

#include <sched.h>
#include <uv.h>

/* Several times what a worker takes for the requests of one turn. */
#define LOOK_NS_MAX 10000u
#define LOOK_NS_MIN 500u
#define RESTS_PER_LOOK 16u

static void put_back(berth_pool *pool, berth_request_id id) {
    if (berth__lane_tell_taken(pool, id)) return;
    berth__lock_enter(pool);
    berth__lane_forget(pool, id);
    (void)berth__lock_leave(pool, BERTH_OK);
}

BERTH__HOT uint32_t berth__outcome_take(berth_pool *pool, berth_request_id id, berth_outcome *out) {
    const uint32_t seal = berth__seal_of(pool, id);
    if (seal != BERTH__SEAL_READY) return seal;
    if (!berth__seal_take(pool, id, BERTH__SEAL_TAKEN)) return BERTH__SEAL_NONE;
    (void)berth__core_outcome(pool->core, id, out); /* there: its place is kept */
    put_back(pool, id);
    return BERTH__SEAL_READY;
}

/* Twice as long the next time where it paid, half where it did not. */
static void adapt(berth_pool *pool, uint32_t look_ns, uint32_t pays) {
    uint32_t next_ns = pays ? 2 * look_ns : look_ns / 2;
    if (next_ns < LOOK_NS_MIN) next_ns = LOOK_NS_MIN;
    if (next_ns > LOOK_NS_MAX) next_ns = LOOK_NS_MAX;
    if (next_ns != look_ns)
        atomic_store_explicit(&pool->outcome_look_ns, next_ns, memory_order_relaxed);
}

BERTH__HOT uint32_t berth__outcome_look(berth_pool *pool, berth_request_id id,
                                        uint64_t timeout_ns) {
    const uint32_t look_ns = atomic_load_explicit(&pool->outcome_look_ns, memory_order_relaxed);
    uint32_t seal = berth__seal_of(pool, id);
    if (seal != BERTH__SEAL_PENDING || timeout_ns == 0) return seal == BERTH__SEAL_READY;
    if (!berth__lane_is_open(pool)) return 0;
    const uint64_t until_ns = berth__waiter_until(timeout_ns < look_ns ? timeout_ns : look_ns);
    atomic_fetch_add_explicit(&pool->outcome_lookers, 1, memory_order_relaxed);
    do {
        (void)sched_yield(); /* who is to write it may have been woken on this very core */
        seal = berth__seal_of(pool, id);
        for (uint32_t i = 0; seal == BERTH__SEAL_PENDING && i < RESTS_PER_LOOK; i++) berth__relax();
    } while (seal == BERTH__SEAL_PENDING && uv_hrtime() < until_ns);
    adapt(pool, look_ns, seal == BERTH__SEAL_READY);
    atomic_fetch_sub_explicit(&pool->outcome_lookers, 1, memory_order_release);
    return seal == BERTH__SEAL_READY;
}

/* Who was told of is done: his row is not sealed any more, though his seal says TAKEN. */
uint32_t berth__outcome_has_reader(const berth_pool *pool) {
    if (pool->lane.slots == NULL) return 0;
    if (atomic_load_explicit(&pool->outcome_lookers, memory_order_acquire) > 0) return 1;
    for (uint32_t place = 0; place < pool->row_count; place++) {
        const berth__row *row = berth__row_at(pool, place);
        if (row->sealed && berth__seal_of(pool, row->id) == BERTH__SEAL_TAKEN) return 1;
    }
    return 0;
}
