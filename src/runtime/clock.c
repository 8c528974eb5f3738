/* SPDX-License-Identifier: MIT */
#include "runtime/clock.h"
#include "base/checked.h"
#include "runtime/lock.h"
#include "runtime/owner.h"
#include "runtime/pool.h"

uint64_t berth__clock_read(berth_pool *pool) {
    if (pool->options.clock == BERTH_CLOCK_SYSTEM) {
        const uint64_t now = uv_hrtime();
        if (now > pool->now_ns) pool->now_ns = now;
    }
    return pool->now_ns;
}

uint32_t berth__clock_can_wait(const berth_pool *pool) {
    return pool->options.clock == BERTH_CLOCK_SYSTEM;
}

uint64_t berth__clock_next_due(berth_pool *pool) {
    const uint64_t deadline = berth__core_next_at(pool->core);
    const uint64_t key = berth__owner_next_at(pool);
    return key < deadline ? key : deadline;
}

uint64_t berth__clock_next_within(berth_pool *pool, uint64_t ns) {
    const uint64_t until = berth__add_saturating(pool->now_ns, ns);
    const uint64_t deadline = berth__core_next_within(pool->core, until);
    const uint64_t key = berth__owner_next_at(pool);
    return key < deadline ? key : deadline;
}

uint64_t berth__clock_not_before(const berth_pool *pool) {
    const uint64_t deadline = berth__core_not_before(pool->core);
    const uint64_t key = berth__owner_next_at(pool);
    return key < deadline ? key : deadline;
}

berth_status berth__clock_now(berth_pool *pool, uint64_t *out) {
    berth__lock_enter(pool);
    *out = berth__clock_read(pool);
    return berth__lock_leave(pool, BERTH_OK);
}

berth_status berth__clock_next(berth_pool *pool, uint64_t *out) {
    berth__lock_enter(pool);
    *out = berth__clock_next_due(pool);
    return berth__lock_leave(pool, BERTH_OK);
}

berth_status berth__clock_advance(berth_pool *pool, uint64_t to_at_ns) {
    berth__lock_enter(pool);
    if (pool->options.clock != BERTH_CLOCK_VIRTUAL || to_at_ns < pool->now_ns)
        return berth__lock_leave(pool, BERTH_EINVAL);
    if (berth__pool_failed(pool)) return berth__lock_leave(pool, BERTH_EBROKEN);
    /* One moment at a time: what ends at it lets others in at it, before the next one comes. */
    uint64_t next = berth__clock_next_due(pool);
    while (next != BERTH_FOREVER && next <= to_at_ns) {
        if (next > pool->now_ns) pool->now_ns = next;
        berth__core_expire(pool->core, pool->now_ns);
        berth__owner_expire(pool, pool->now_ns);
        berth__lock_settle(pool);
        next = berth__clock_next_due(pool);
    }
    pool->now_ns = to_at_ns;
    return berth__lock_leave(pool, BERTH_OK);
}
