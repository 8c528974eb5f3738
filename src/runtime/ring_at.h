/* SPDX-License-Identifier: MIT */
/*
 * What:    which ring a request, or a key, has: one word for each, read without the lock.
 * Why:     a producer or a reader finds the ring first, and whether it is still his there.
 * Rules:   the word of a place is the ring's index and one, or a seal (seal.h: a request without a
 *          ring), or 0; those of keys come behind those of places. What is found may be out of
 *          date: the ring's own hatch and gate say whose it is.
 * Threads: written under the lock (a seal also by who claims or takes it), read by any.
 */
#ifndef BERTH__RUNTIME_RING_AT_H
#define BERTH__RUNTIME_RING_AT_H

#include "runtime/pool.h"

/* The ring, or NULL. */
static inline berth__ring *berth__ring_at(const berth_pool *pool, uint32_t at) {
    const uint64_t word = atomic_load_explicit(&pool->ring_at[at], memory_order_relaxed);
    return word - 1 < pool->options.mailboxes_max ? &pool->rings[word - 1] : NULL;
}

static inline void berth__ring_at_set(berth_pool *pool, uint32_t at, uint32_t ring) {
    atomic_store_explicit(&pool->ring_at[at], (uint64_t)ring + 1, memory_order_relaxed);
}

static inline void berth__ring_at_clear(berth_pool *pool, uint32_t at) {
    atomic_store_explicit(&pool->ring_at[at], 0, memory_order_relaxed);
}

#endif
