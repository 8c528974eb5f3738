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

int berth__kv_grows(const berth_options *options) {
    return options->kv_mode != BERTH_KV_WORST_CASE;
}

uint64_t berth__kv_units(const berth_options *options, uint64_t tokens) {
    const uint32_t block = options->kv_block_tokens;
    const uint64_t blocks = tokens == 0 ? 1 : tokens / block + (tokens % block != 0);
    uint64_t units;
    return berth__mul(blocks, options->kv_block_units, &units) ? units : UINT64_MAX;
}

uint64_t berth__kv_blocks(const berth_options *options, uint64_t units) {
    return units / options->kv_block_units;
}

int berth__kv_is_named(const berth_options *options, const uint64_t *held, uint32_t held_count) {
    return berth__kv_grows(options) && options->kv_resource < held_count &&
           held[options->kv_resource] != 0;
}
