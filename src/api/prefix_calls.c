/* SPDX-License-Identifier: MIT */
/* Prompt blocks and the prefix index: arguments checked, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "core/blockhash.h"
#include "runtime/prefix.h"

berth_status berth_block_hashes(const berth_block_key *key, const uint32_t *tokens,
                                uint64_t token_count, berth_block_hash *out, uint64_t out_max) {
    berth_block_key ours;
    if (key == NULL || !berth__grow_in(&ours, sizeof ours, key, BERTH__FIRST_BLOCK_KEY))
        return BERTH_EINVAL;
    if (ours.block_tokens == 0 || (ours.salt == NULL && ours.salt_size != 0)) return BERTH_EINVAL;
    if ((tokens == NULL && token_count != 0) || (out == NULL && out_max != 0)) return BERTH_EINVAL;
    const uint64_t count = token_count / ours.block_tokens;
    if (count > out_max) return BERTH_ESPACE;
    berth_block_hash parent =
        berth__blockhash_root(ours.adapter, ours.salt, (size_t)ours.salt_size);
    for (uint64_t i = 0; i < count; i++) {
        parent = berth__blockhash_next(parent, tokens + i * ours.block_tokens, ours.block_tokens);
        out[i] = parent;
    }
    return BERTH_OK;
}

berth_status berth_prefix_evictions(berth_pool *pool, berth_block_hash *out, uint32_t out_max,
                                    uint32_t *out_count) {
    if (out_count != NULL) *out_count = 0;
    if (pool == NULL || out == NULL || out_max == 0 || out_count == NULL) return BERTH_EINVAL;
    return berth__prefix_evictions(pool, out, out_max, out_count);
}

berth_status berth_prefix_lost(berth_pool *pool, const berth_block_hash *hashes,
                               uint32_t hash_count, uint32_t *out_count) {
    if (out_count != NULL) *out_count = 0;
    if (pool == NULL || (hashes == NULL && hash_count != 0)) return BERTH_EINVAL;
    return berth__prefix_lost_by_engine(pool, hashes, hash_count, out_count);
}
