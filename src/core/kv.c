/* SPDX-License-Identifier: MIT */
#include "core/kv.h"
#include "base/checked.h"

static uint64_t ceil_of(uint64_t tokens, uint32_t block_tokens) {
    return tokens / block_tokens + (tokens % block_tokens != 0);
}

berth_status berth__kv_cost(uint64_t prompt_tokens, uint64_t max_new_tokens, berth__kv_block block,
                            uint64_t *out_blocks, uint64_t *out_units) {
    uint64_t tokens;
    uint64_t units;
    if (block.tokens == 0) return BERTH_EINVAL;
    if (!berth__add(prompt_tokens, max_new_tokens, &tokens)) return BERTH_EOVERFLOW;
    const uint64_t blocks = ceil_of(tokens, block.tokens);
    if (!berth__mul(blocks, block.units, &units)) return BERTH_EOVERFLOW;
    if (out_blocks != NULL) *out_blocks = blocks;
    if (out_units != NULL) *out_units = units;
    return BERTH_OK;
}

int berth__kv_grows(const berth_options *options) {
    return options->kv_mode != BERTH_KV_WORST_CASE;
}

berth_status berth__kv_tokens_max(const berth__kv_shape *shape, uint64_t *out) {
    uint64_t tokens;
    if (!berth__mul(shape->max_new_tokens, shape->samples, &tokens)) return BERTH_EOVERFLOW;
    if (!berth__add(tokens, shape->prompt_tokens, &tokens)) return BERTH_EOVERFLOW;
    *out = tokens;
    return BERTH_OK;
}

/* The most blocks that so many new tokens open, where each sample has a part of a block: a new one
 * costs as many tokens as fill what its sample has, and one; every further one a whole block. */
static uint64_t opened_at_most(uint64_t tokens, uint64_t part, uint32_t block, uint64_t samples) {
    const uint64_t first = part == 0 ? 1 : block - part + 1;
    if (tokens / first < samples) return tokens / first;
    return samples + (tokens - samples * first) / block;
}

uint64_t berth__kv_blocks_of(const berth__kv_shape *shape, uint32_t block_tokens, uint64_t tokens) {
    const uint64_t prompt = shape->prompt_tokens < tokens ? shape->prompt_tokens : tokens;
    const uint64_t part = prompt % block_tokens;
    const uint64_t samples = shape->samples;
    const uint64_t spread = tokens - prompt;
    uint64_t own = opened_at_most(spread, part, block_tokens, samples);
    if (part > 0) own += samples;
    if (spread / samples + (spread % samples != 0) <= shape->max_new_tokens) {
        const uint64_t max = shape->max_new_tokens;
        const uint64_t each = max / block_tokens + ceil_of(max % block_tokens + part, block_tokens);
        const uint64_t most = berth__mul_saturating(each, samples);
        if (most < own) own = most;
    }
    return prompt / block_tokens + own;
}

berth_status berth__kv_units_max(const berth_options *options, const berth__kv_shape *shape,
                                 uint64_t *out) {
    uint64_t tokens;
    const berth_status status = berth__kv_tokens_max(shape, &tokens);
    if (status != BERTH_OK) return status;
    const uint64_t blocks = berth__kv_blocks_of(shape, options->kv_block_tokens, tokens);
    return berth__mul(blocks, options->kv_block_units, out) ? BERTH_OK : BERTH_EOVERFLOW;
}

uint64_t berth__kv_units(const berth_options *options, const berth__kv_shape *shape,
                         uint64_t tokens) {
    uint64_t blocks = berth__kv_blocks_of(shape, options->kv_block_tokens, tokens);
    uint64_t units;
    if (blocks == 0) blocks = shape->samples;
    return berth__mul(blocks, options->kv_block_units, &units) ? units : UINT64_MAX;
}

uint64_t berth__kv_blocks(const berth_options *options, uint64_t units) {
    return units / options->kv_block_units;
}

int berth__kv_is_named(const berth_options *options, const uint64_t *held, uint32_t held_count) {
    return berth__kv_grows(options) && options->kv_resource < held_count &&
           held[options->kv_resource] != 0;
}
