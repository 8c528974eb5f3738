/* SPDX-License-Identifier: MIT */
/*
 * What:    whether the outcome of a request that came by the lane can be taken without the lock.
 * Why:     who takes an outcome then touches nothing that a worker writes, but the outcome.
 * Rules:   one word per place, in ring_at: such a request has no ring. It is PENDING from its
 *          submit, READY once it has ended, and TAKEN by the one who changes it from READY; what he
 *          reads is left alone until the lane has told that he is done. Nobody's (BERTH__NONE) as
 *          soon as something happens to it that only the lock can tell.
 * Threads: PENDING is written by who claimed the id, the rest under the lock; READY to TAKEN by
 * any.
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

#define BERTH__SEAL_BIT UINT32_C(0x80000000)

/* A seal has room for so much of a generation, and is nobody's for an id beyond that: whoever asks
 * is sent to the lock. So an id that only looks like another finds nothing. */
#define BERTH__SEAL_GENERATION_BITS 29u

static inline uint32_t berth__seal_can_name(berth_request_id id) {
    return id >> (BERTH__PLACE_BITS + BERTH__SEAL_GENERATION_BITS) == 0;
}

static inline uint32_t berth__seal_word(berth_request_id id, uint32_t state) {
    return BERTH__SEAL_BIT | ((uint32_t)(id >> BERTH__PLACE_BITS) << 2 & ~BERTH__SEAL_BIT) | state;
}

static inline _Atomic uint32_t *berth__seal_at(const berth_pool *pool, berth_request_id id) {
    return &pool->ring_at[berth__id_place(id)];
}

static inline uint32_t berth__seal_of(const berth_pool *pool, berth_request_id id) {
    if (berth__id_place(id) >= pool->row_count || !berth__seal_can_name(id))
        return BERTH__SEAL_NONE;
    const uint32_t word = atomic_load_explicit(berth__seal_at(pool, id), memory_order_acquire);
    if (word == BERTH__NONE || (word | 3u) != berth__seal_word(id, 3)) return BERTH__SEAL_NONE;
    return word & 3u;
}

static inline void berth__seal_set(berth_pool *pool, berth_request_id id, uint32_t state) {
    const uint32_t is_none = state == BERTH__SEAL_NONE || !berth__seal_can_name(id);
    const uint32_t word = is_none ? BERTH__NONE : berth__seal_word(id, state);
    atomic_store_explicit(berth__seal_at(pool, id), word, memory_order_release);
}

/* From READY, as berth__seal_of has said, to `state`; 0 if it is not READY any more. */
static inline uint32_t berth__seal_take(berth_pool *pool, berth_request_id id, uint32_t state) {
    uint32_t ready = berth__seal_word(id, BERTH__SEAL_READY);
    const uint32_t to = state == BERTH__SEAL_NONE ? BERTH__NONE : berth__seal_word(id, state);
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
