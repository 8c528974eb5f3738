/* SPDX-License-Identifier: MIT */
/*
 * What:    what engine and prefix index tell each other about evicted blocks.
 * Why:     one of them owns the cache, the other has to hear what left it.
 * Rules:   arguments are checked by the caller.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_PREFIX_H
#define BERTH__RUNTIME_PREFIX_H

#include "berth.h"

berth_status berth__prefix_evictions(berth_pool *pool, berth_block_hash *out, uint32_t out_max,
                                     uint32_t *out_count);
berth_status berth__prefix_lost_by_engine(berth_pool *pool, const berth_block_hash *hashes,
                                          uint32_t hash_count, uint32_t *out_count);

#endif
