/* SPDX-License-Identifier: MIT */
/*
 * What:    the names of a prompt's blocks: chained XXH3-128 of their tokens.
 * Why:     a block's content depends on all tokens before it, so its name does too; and on what
 *          else changes the computation (adapter, tenant's salt, an image), which starts the chain.
 * Rules:   the same on every machine: numbers are hashed as little-endian bytes.
 * Threads: none; pure functions.
 */
#ifndef BERTH__CORE_BLOCKHASH_H
#define BERTH__CORE_BLOCKHASH_H

#include "berth.h"

/* The parent of a prompt's first block. */
berth_block_hash berth__blockhash_root(uint64_t adapter, const void *salt, size_t salt_size);

/* The block of these tokens behind `parent`. */
berth_block_hash berth__blockhash_next(berth_block_hash parent, const uint32_t *tokens,
                                       uint32_t token_count);

#endif
