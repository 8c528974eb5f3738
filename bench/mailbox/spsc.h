/* SPDX-License-Identifier: MIT */
/* What: a bare ring for one producer and one consumer: tokens of a fixed size and nothing else.
 * Why: the least that carrying a token between two threads can cost.
 * Rules: the size is a power of two; each side keeps what it last saw of the other.
 * Threads: push on one, pop on another. */
#ifndef BENCH_MAILBOX_SPSC_H
#define BENCH_MAILBOX_SPSC_H

#include "carrier.h"

#include <string.h>

#define SPSC_SLOTS 64u

typedef struct spsc {
    _Alignas(64) _Atomic uint64_t head; /* the producer's */
    uint64_t seen_tail;
    _Alignas(64) _Atomic uint64_t tail; /* the consumer's */
    uint64_t seen_head;
    _Alignas(64) unsigned char slots[SPSC_SLOTS][TOKEN_SIZE];
} spsc;

static inline bool spsc_push(spsc *ring, const token *from) {
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->seen_tail == SPSC_SLOTS) {
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->seen_tail == SPSC_SLOTS) return false;
    }
    memcpy(ring->slots[head % SPSC_SLOTS], from, TOKEN_SIZE);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

static inline bool spsc_pop(spsc *ring, token *to) {
    const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->seen_head) {
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->seen_head) return false;
    }
    memcpy(to, ring->slots[tail % SPSC_SLOTS], TOKEN_SIZE);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

#endif
