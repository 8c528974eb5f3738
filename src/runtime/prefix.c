/* SPDX-License-Identifier: MIT */
#include "runtime/prefix.h"
#include "runtime/lock.h"
#include "runtime/pool.h"

berth_status berth__prefix_evictions(berth_pool *pool, berth_block_hash *out, uint32_t out_max,
                                     uint32_t *out_count) {
    uint32_t count = 0;
    berth__lock_enter(pool);
    while (count < out_max && berth__core_prefix_tell(pool->core, &out[count])) count++;
    *out_count = count;
    return berth__lock_leave(pool, count > 0 ? BERTH_OK : BERTH_EAGAIN);
}

berth_status berth__prefix_lost_by_engine(berth_pool *pool, const berth_block_hash *hashes,
                                          uint32_t hash_count, uint32_t *out_count) {
    uint32_t count = 0;
    if (pool->options.prefix_owner != BERTH_PREFIX_ENGINE) return BERTH_EINVAL;
    berth__lock_enter(pool);
    if (berth__pool_failed(pool)) return berth__lock_leave(pool, BERTH_EBROKEN);
    for (uint32_t i = 0; i < hash_count; i++)
        count += berth__core_prefix_lost(pool->core, &hashes[i]);
    if (out_count != NULL) *out_count = count;
    berth__lock_settle(pool);
    return berth__lock_leave(pool, BERTH_OK);
}
