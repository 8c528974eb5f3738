/* SPDX-License-Identifier: MIT */
/*
 * What:    which ring a request, or a key, has: one word for each, read without the lock.
 * Why:     a producer or a reader finds the ring first, and whether it is still his there.
 * Rules:   the word of a place is the ring's index and one, or 0; beside that it may have a seal
 *          (seal.h), and then the ring has the low bits only. Words of keys come behind those of
 *          places. What is found may be out of date: the ring's own hatch and gate say whose it is.
 * Threads: written under the lock (a seal also by who claims or takes it), read by any.
 */
#ifndef BERTH__RUNTIME_RING_AT_H
#define BERTH__RUNTIME_RING_AT_H

#include "runtime/pool.h"

/*
 *     bit 63          there is a seal
 *     bits 23 to 62   the seal's generation of the id
 *     bits 21 and 22  its state
 *     bits 0 to 20    the ring's index and one, or 0; all bits where there is no seal
 */
#define BERTH__RING_AT_SEALED (UINT64_C(1) << 63)
#define BERTH__RING_AT_BITS 21u
#define BERTH__RING_AT_MASK ((UINT64_C(1) << BERTH__RING_AT_BITS) - 1)

static inline berth__ring *berth__ring_numbered(const berth_pool *pool, uint64_t number) {
    return number - 1 < pool->options.mailboxes_max ? &pool->rings[number - 1] : NULL;
}

/* The ring, or NULL. What the caller does next waits for it, so it is looked at first as if there
 * were no seal: with one the word is no ring's number. */
static inline berth__ring *berth__ring_at(const berth_pool *pool, uint32_t at) {
    const uint64_t word = atomic_load_explicit(&pool->ring_at[at], memory_order_relaxed);
    berth__ring *ring = berth__ring_numbered(pool, word);
    if (ring != NULL || (word & BERTH__RING_AT_SEALED) == 0) return ring;
    return berth__ring_numbered(pool, word & BERTH__RING_AT_MASK);
}

/* It had none. No outcome can be taken by its seal yet; where it has none, the word may still have
 * that of who was in this place before. */
static inline void berth__ring_at_set(berth_pool *pool, uint32_t at, uint32_t ring,
                                      uint32_t is_sealed) {
    const uint64_t word =
        is_sealed ? atomic_load_explicit(&pool->ring_at[at], memory_order_relaxed) : 0;
    atomic_store_explicit(&pool->ring_at[at], word | ((uint64_t)ring + 1), memory_order_relaxed);
}

/* An outcome may be taken by its seal at the same time. */
static inline void berth__ring_at_clear(berth_pool *pool, uint32_t at) {
    const uint64_t word = atomic_load_explicit(&pool->ring_at[at], memory_order_relaxed);
    if ((word & BERTH__RING_AT_SEALED) != 0)
        atomic_fetch_and_explicit(&pool->ring_at[at], ~BERTH__RING_AT_MASK, memory_order_relaxed);
    else
        atomic_store_explicit(&pool->ring_at[at], 0, memory_order_relaxed);
}

#endif
