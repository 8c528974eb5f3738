/* SPDX-License-Identifier: MIT */
/*
 * What:    a chunk, as it is told, and as it lies in a ring.
 * Why:     who writes one and who reads it do so in line, and agree on what lies there.
 * Rules:   two words and its bytes, begun at a multiple of 16.
 * Threads: none of its own; ring.c says who writes a word when.
 *
 *     word 0   bit 63: the reader took it    bits 32 to 62: size    bits 0 to 31: tokens
 *     word 1   sequence
 */
#ifndef BERTH__RUNTIME_CHUNK_H
#define BERTH__RUNTIME_CHUNK_H

#include <stdatomic.h>
#include <stdint.h>

/* A chunk, as it is told; its bytes are elsewhere. Its overhead in the ring is part of the public
 * promise that a chunk of mailbox_size - 64 bytes fits into a ring that was read to its end. */
typedef struct berth__chunk {
    uint64_t size;
    uint64_t tokens; /* above 32 bits it is told as the largest 32-bit number */
    uint64_t sequence;
} berth__chunk;

typedef struct berth__chunk_header {
    _Atomic uint64_t word;
    uint64_t sequence;
} berth__chunk_header;

#define BERTH__CHUNK_OVERHEAD_MAX 64u
#define BERTH__CHUNK_HEADER_SIZE UINT64_C(16)
#define BERTH__CHUNK_TAKEN (UINT64_C(1) << 63)
#define BERTH__CHUNK_TOKENS_MAX UINT64_C(0xFFFFFFFF)

_Static_assert(sizeof(berth__chunk_header) == BERTH__CHUNK_HEADER_SIZE,
               "a header is a multiple of its alignment");

/* ---- Word 0 ---- */

static inline uint64_t berth__chunk_word(uint64_t size, uint64_t tokens) {
    return size << 32 | (tokens < BERTH__CHUNK_TOKENS_MAX ? tokens : BERTH__CHUNK_TOKENS_MAX);
}

static inline uint64_t berth__chunk_size(uint64_t word) {
    return (word & ~BERTH__CHUNK_TAKEN) >> 32;
}

static inline uint64_t berth__chunk_tokens(uint64_t word) {
    return word & BERTH__CHUNK_TOKENS_MAX;
}

/* ---- Where it ends ---- */

/* Where a chunk of this many bytes would end if it began at an offset: a multiple of 16. */
static inline uint64_t berth__chunk_after(uint64_t offset, uint64_t size) {
    return (offset + BERTH__CHUNK_HEADER_SIZE + size + (BERTH__CHUNK_HEADER_SIZE - 1)) &
           ~(BERTH__CHUNK_HEADER_SIZE - 1);
}

#endif
