/* SPDX-License-Identifier: MIT */
/*
 * What:    what a request asks of the KV cache, from its tokens.
 * Why:     the engine's blocks are the scarce resource; this is the arithmetic of admission that
 *          reserves the whole of what a request may grow to ("worst case").
 * Rules:   checked 64-bit; blocks = ceil((prompt + max_new) / block_tokens).
 * Threads: none; pure function.
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

#endif
