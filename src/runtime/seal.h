/* SPDX-License-Identifier: MIT */
/*
 * What:    whether the outcome of a request that came by the lane can be taken without the lock.
 * Why:     who takes an outcome then touches nothing that a worker writes, but the outcome.
 * Rules:   one word per place, beside its ring, in ring_at.h. A request is PENDING from its submit,
 *          READY once it has ended, and TAKEN by the one who changes it from READY; what he reads
 *          is left alone until the lane has told that he is done. There is no seal any more as soon
 *          as something happens that only the lock can tell: for a stream, that somebody reads it.
 *          Its gate stays shut until then.
 * Threads: PENDING is written by who claimed the id, the rest under the lock; READY to TAKEN by
 *          any.
 */
#ifndef BERTH__RUNTIME_SEAL_H
#define BERTH__RUNTIME_SEAL_H

#include "base/ids.h"
#include "runtime/ring_at.h"

enum berth__seal {
    BERTH__SEAL_PENDING = 0,
    BERTH__SEAL_READY = 1,
    BERTH__SEAL_TAKEN = 2,
    BERTH__SEAL_NONE = 3 /* of another id, or none */
};

/* Beside a seal there is no room for more rings: streams of a pool with more have none. */
#define BERTH__SEAL_RINGS_MAX BERTH__RING_AT_MASK

#define BERTH__SEAL_SHIFT (BERTH__RING_AT_BITS + 2)

static inline uint64_t berth__seal_word(berth_request_id id, uint32_t state) {
    return BERTH__RING_AT_SEALED | id >> BERTH__PLACE_BITS << BERTH__SEAL_SHIFT |
           (uint64_t)state << BERTH__RING_AT_BITS;
}

static inline _Atomic uint64_t *berth__seal_at(const berth_pool *pool, berth_request_id id) {
    return &pool->ring_at[berth__id_place(id)];
}

/* What a word says of an id. */
static inline uint32_t berth__seal_in(uint64_t word, berth_request_id id) {
    const uint64_t others = (UINT64_C(1) << BERTH__SEAL_SHIFT) - 1;
    if ((word | others) != (berth__seal_word(id, 0) | others)) return BERTH__SEAL_NONE;
    return (uint32_t)(word >> BERTH__RING_AT_BITS) & 3u;
}

static inline uint64_t berth__seal_changed(uint64_t word, berth_request_id id, uint32_t state) {
    const uint64_t seal = state == BERTH__SEAL_NONE ? 0 : berth__seal_word(id, state);
    return seal | (word & BERTH__RING_AT_MASK);
}

static inline uint32_t berth__seal_of(const berth_pool *pool, berth_request_id id) {
    if (berth__id_place(id) >= pool->row_count) return BERTH__SEAL_NONE;
    return berth__seal_in(atomic_load_explicit(berth__seal_at(pool, id), memory_order_acquire), id);
}

/* Whoever claimed the id: it is PENDING, and has no ring. */
static inline void berth__seal_begin(berth_pool *pool, berth_request_id id) {
    atomic_store_explicit(berth__seal_at(pool, id), berth__seal_word(id, BERTH__SEAL_PENDING),
                          memory_order_release);
}

/* Under the lock, where it is not READY. */
static inline void berth__seal_set(berth_pool *pool, berth_request_id id, uint32_t state) {
    const uint64_t word = atomic_load_explicit(berth__seal_at(pool, id), memory_order_relaxed);
    atomic_store_explicit(berth__seal_at(pool, id), berth__seal_changed(word, id, state),
                          memory_order_release);
}

/* From READY, as berth__seal_of has said, to `state`; 0 if it is not READY any more. */
static inline uint32_t berth__seal_take(berth_pool *pool, berth_request_id id, uint32_t state) {
    uint64_t word = atomic_load_explicit(berth__seal_at(pool, id), memory_order_relaxed);
    return berth__seal_in(word, id) == BERTH__SEAL_READY &&
           atomic_compare_exchange_strong_explicit(berth__seal_at(pool, id), &word,
                                                   berth__seal_changed(word, id, state),
                                                   memory_order_acq_rel, memory_order_acquire);
}

/* Under the lock: the outcome is about to be taken there. 0 if somebody has taken it without. */
static inline uint32_t berth__seal_break(berth_pool *pool, berth_request_id id) {
    const uint32_t seal = berth__seal_of(pool, id);
    if (seal == BERTH__SEAL_READY) return berth__seal_take(pool, id, BERTH__SEAL_NONE);
    if (seal == BERTH__SEAL_PENDING) berth__seal_set(pool, id, BERTH__SEAL_NONE);
    return seal != BERTH__SEAL_TAKEN;
}

#endif
