/* SPDX-License-Identifier: MIT */
#include "core/kv.h"
#include "base/checked.h"

berth_status berth__kv_cost(uint64_t prompt_tokens, uint64_t max_new_tokens, berth__kv_block block,
                            uint64_t *out_blocks, uint64_t *out_units) {
    uint64_t tokens;
    uint64_t units;
    if (block.tokens == 0) return BERTH_EINVAL;
    if (!berth__add(prompt_tokens, max_new_tokens, &tokens)) return BERTH_EOVERFLOW;
    const uint64_t blocks = tokens / block.tokens + (tokens % block.tokens != 0);
    if (!berth__mul(blocks, block.units, &units)) return BERTH_EOVERFLOW;
    if (out_blocks != NULL) *out_blocks = blocks;
    if (out_units != NULL) *out_units = units;
    return BERTH_OK;
}
