/* SPDX-License-Identifier: MIT */
/*
 * What:    KV blocks and units from tokens.
 * Why:     the engine's blocks are the scarce resource, and every mode of admission counts them by
 *          this one arithmetic.
 * Rules:   64-bit; blocks = ceil(tokens / block_tokens), where samples share the prompt's full
 *          ones. What is priced is checked for overflow; what grows stays at UINT64_MAX instead.
 * Threads: none; pure functions.
 */
#ifndef BERTH__CORE_KV_H
#define BERTH__CORE_KV_H

#include "berth.h"

typedef struct berth__kv_block {
    uint32_t tokens; /* per block */
    uint32_t reserved;
    uint64_t units; /* per block: 1 to count blocks, bytes to count bytes */
} berth__kv_block;

/* units = blocks * block.units. EINVAL if block.tokens is 0, EOVERFLOW if it does not fit; either
 * output may be NULL, and both are left alone on failure. */
berth_status berth__kv_cost(uint64_t prompt_tokens, uint64_t max_new_tokens, berth__kv_block block,
                            uint64_t *out_blocks, uint64_t *out_units);

/* What the blocks of a request follow from, beside its tokens. */
typedef struct berth__kv_shape {
    uint64_t prompt_tokens;
    uint64_t max_new_tokens; /* of each sample; 0 = not known */
    uint32_t samples;        /* at least 1 */
    uint32_t reserved;
} berth__kv_shape;

/* All tokens that its samples may come to, the prompt once; EOVERFLOW. */
berth_status berth__kv_tokens_max(const berth__kv_shape *shape, uint64_t *out);

/* Blocks of so many tokens in all: the prompt's full ones once, and for each sample those of what
 * lies behind them, however the tokens behind the prompt are spread over the samples; a sample
 * counts no more than max_new_tokens as long as all of them together have no more. One sample:
 * ceil(tokens / block_tokens). */
uint64_t berth__kv_blocks_of(const berth__kv_shape *shape, uint32_t block_tokens, uint64_t tokens);

/* 1 if one sample holds the same blocks with `after` tokens as with `before`, which are not more; 0
 * if that is not seen at a glance. */
static inline int berth__kv_in_one_block(uint32_t block_tokens, uint64_t before, uint64_t after) {
    return (block_tokens & (block_tokens - 1)) == 0 && before > 0 &&
           ((before - 1) ^ (after - 1)) < block_tokens;
}

/* ---- With normalised options ---- */

/* The most that it may hold. EOVERFLOW. */
berth_status berth__kv_units_max(const berth_options *options, const berth__kv_shape *shape,
                                 uint64_t *out);

/* 1 if requests hold KV for the tokens they have, and more as they go on. */
int berth__kv_grows(const berth_options *options);

/* What a request holds with so many tokens, at least one block for each sample. */
uint64_t berth__kv_units(const berth_options *options, const berth__kv_shape *shape,
                         uint64_t tokens);

/* Whole blocks in so many units. */
uint64_t berth__kv_blocks(const berth_options *options, uint64_t units);

/* 1 if a report of what is held names KV, which the pool counts by itself. */
int berth__kv_is_named(const berth_options *options, const uint64_t *held, uint32_t held_count);

#endif
