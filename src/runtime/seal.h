/* SPDX-License-Identifier: MIT */
/*
 * What:    whether the outcome of a request that came by the lane can be taken without the lock.
 * Why:     who takes an outcome then touches nothing that a worker writes, but the outcome.
 * Rules:   one word per place, in ring_at.h: such a request has no ring. It is PENDING from its
 *          submit, READY once it has ended, and TAKEN by the one who changes it from READY; what he
 *          reads is left alone until the lane has told that he is done. Nobody's (0) as soon as
 *          something happens to it that only the lock can tell.
 * Threads: PENDING is written by who claimed the id, the rest under the lock; READY to TAKEN by
 *          any.
 */
#ifndef BERTH__RUNTIME_SEAL_H
#define BERTH__RUNTIME_SEAL_H

#include "base/ids.h"
#include "runtime/pool.h"

enum berth__seal {
    BERTH__SEAL_PENDING = 0,
    BERTH__SEAL_READY = 1,
    BERTH__SEAL_TAKEN = 2,
    BERTH__SEAL_NONE = 3 /* of another id, or none */
};

#define BERTH__SEAL_BIT (UINT64_C(1) << 63)

static inline uint64_t berth__seal_word(berth_request_id id, uint32_t state) {
    return BERTH__SEAL_BIT | id >> BERTH__PLACE_BITS << 2 | state;
}

static inline _Atomic uint64_t *berth__seal_at(const berth_pool *pool, berth_request_id id) {
    return &pool->ring_at[berth__id_place(id)];
}

static inline uint32_t berth__seal_of(const berth_pool *pool, berth_request_id id) {
    if (berth__id_place(id) >= pool->row_count) return BERTH__SEAL_NONE;
    const uint64_t word = atomic_load_explicit(berth__seal_at(pool, id), memory_order_acquire);
    return (word | 3) == berth__seal_word(id, 3) ? (uint32_t)word & 3u : BERTH__SEAL_NONE;
}

static inline void berth__seal_set(berth_pool *pool, berth_request_id id, uint32_t state) {
    const uint64_t word = state == BERTH__SEAL_NONE ? 0 : berth__seal_word(id, state);
    atomic_store_explicit(berth__seal_at(pool, id), word, memory_order_release);
}

/* From READY, as berth__seal_of has said, to `state`; 0 if it is not READY any more. */
static inline uint32_t berth__seal_take(berth_pool *pool, berth_request_id id, uint32_t state) {
    uint64_t ready = berth__seal_word(id, BERTH__SEAL_READY);
    const uint64_t to = state == BERTH__SEAL_NONE ? 0 : berth__seal_word(id, state);
    return atomic_compare_exchange_strong_explicit(berth__seal_at(pool, id), &ready, to,
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
