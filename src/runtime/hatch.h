/* SPDX-License-Identifier: MIT */
/*
 * What:    the hatch of one ring: where its chunks end, whether its producer may add one without
 *          the pool lock, and whether one is inside.
 * Why:     a token of a request that runs costs its way into the ring, and no turn at the lock; yet
 *          whoever holds the lock decides in one step which chunk was still in time.
 * Rules:   one producer inside at most. The lock holder opens, shuts and takes; it never waits for
 *          the producer: a chunk that finds the hatch shut is not in, and its producer takes the
 *          lock; a ring that is taken while one is inside is brought back by him.
 * Threads: enter, publish and leave: any, without the lock. All else: under the pool lock.
 */
#ifndef BERTH__RUNTIME_HATCH_H
#define BERTH__RUNTIME_HATCH_H

#include "berth.h"

#include <stdatomic.h>

/* Beside the offset where the chunks end, which is a multiple of 16. */
enum berth__hatch_flag {
    BERTH__HATCH_SHUT = 1,   /* the lock is needed */
    BERTH__HATCH_INSIDE = 2, /* a producer is inside */
    BERTH__HATCH_WANTED = 4, /* the ring was taken meanwhile: bring it back */
    BERTH__HATCH_TURN = 8    /* which of its two tallies holds; see emit.c */
};
#define BERTH__HATCH_FLAGS UINT64_C(15)

typedef struct berth__hatch {
    _Atomic uint64_t word;       /* the offset and the flags; loaded by the reader for the offset */
    _Atomic berth_request_id id; /* whose ring it is; 0 = nobody's */
} berth__hatch;

static inline uint64_t berth__hatch_offset(uint64_t word) {
    return word & ~BERTH__HATCH_FLAGS;
}

static inline uint32_t berth__hatch_turn(uint64_t word) {
    return word / BERTH__HATCH_TURN & 1;
}

/* ---- The producer ---- */

static inline uint64_t berth__hatch_look(const berth__hatch *hatch) {
    return atomic_load_explicit(&hatch->word, memory_order_acquire);
}

/* Was it open to the producer of this request when that was looked at? */
static inline uint32_t berth__hatch_is_open(const berth__hatch *hatch, uint64_t word,
                                            berth_request_id id) {
    return (word & (BERTH__HATCH_SHUT | BERTH__HATCH_INSIDE)) == 0 &&
           atomic_load_explicit(&hatch->id, memory_order_relaxed) == id;
}

/* 1 if the word is still the one that was looked at, and the caller is inside now. */
static inline uint32_t berth__hatch_enter(berth__hatch *hatch, uint64_t word) {
    return atomic_compare_exchange_strong_explicit(&hatch->word, &word, word | BERTH__HATCH_INSIDE,
                                                   memory_order_acquire, memory_order_relaxed) != 0;
}

/* From inside, with the word that was looked at: the chunks end at `offset` now, the other tally
 * holds, and the caller is outside. 0, and he is inside still, if the hatch was shut meanwhile. */
uint32_t berth__hatch_publish(berth__hatch *hatch, uint64_t word, uint64_t offset);

/* Without a chunk. Returns the flags as he left them. */
uint32_t berth__hatch_leave(berth__hatch *hatch);

/* ---- The lock holder ---- */

/* A ring that was taken is another request's, or (id 0) nobody's: shut, nobody inside. `offset` is
 * larger than all that were in use before. */
void berth__hatch_assign(berth__hatch *hatch, berth_request_id id, uint64_t offset);

/* Nothing is published from here on. Returns the word as it stays. */
uint64_t berth__hatch_shut(berth__hatch *hatch);

/* It is shut, and nobody is inside: let the producer in; the first tally holds. */
void berth__hatch_open(berth__hatch *hatch);

/* The ring is to go to another: 1 if nobody is inside; 0 if he who is will bring it. Shut. */
uint32_t berth__hatch_take(berth__hatch *hatch);

/* He has brought it. */
void berth__hatch_return(berth__hatch *hatch);

uint32_t berth__hatch_is_inside(const berth__hatch *hatch);

/* It was taken, and has not been brought back. */
uint32_t berth__hatch_is_awaited(const berth__hatch *hatch);

#endif
