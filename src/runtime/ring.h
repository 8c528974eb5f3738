/* SPDX-License-Identifier: MIT */
/*
 * What:    a bounded ring of bytes that holds whole chunks, each behind a small header.
 * Why:     output waits for its reader in memory that was paid for at create; a push never blocks
 *          and never allocates, it fits or it does not.
 * Rules:   the size is a power of two; one producer, one reader; the bytes of a chunk may wrap
 *          around the end, its header does not. ring.c says what may run beside what.
 * Threads: push, merge, write: one producer. peek, look, pop, skip: one reader, beside the
 * producer. All else: with neither of them inside.
 *
 *   Offsets count up for ever; the position in the memory is the offset modulo the size.
 *
 *            oldest              next to read                     next to write
 *            v                   v                                v
 *      ------[ chunk ][ chunk ]--[ chunk ][ chunk ][ last chunk ]--------
 *            ^ kept                ^ read            ^ last         ^ head
 *
 *   Chunks behind `read` were read; they stay until a push needs their room, so that a reader can
 *   be put back. A ring that `keeps` gives way chunk by chunk, one that does not all at once.
 */
#ifndef BERTH__RUNTIME_RING_H
#define BERTH__RUNTIME_RING_H

#include "runtime/gate.h"
#include "runtime/hatch.h"

#include <stdatomic.h>
#include <stdint.h>

/* A chunk, as it is told; its bytes are elsewhere. Its overhead in the ring is part of the public
 * promise that a chunk of mailbox_size - 64 bytes fits into a ring that was read to its end. */
typedef struct berth__chunk {
    uint64_t size;
    uint64_t tokens; /* above 32 bits it is told as the largest 32-bit number */
    uint64_t sequence;
} berth__chunk;

#define BERTH__CHUNK_OVERHEAD_MAX 64u
#define BERTH__CHUNK_HEADER_SIZE UINT64_C(16)
#define BERTH__LINE_SIZE 64

/* What a ring is for, as bits. */
enum berth__ring_trait {
    BERTH__RING_KEEPS = 1, /* what was read stays as long as there is room */
    BERTH__RING_MERGES = 2 /* chunks may be appended to the last one while it is unread */
};

/* The producer's line, then the reader's: neither slows the other down. What is fixed is in both,
 * so that neither fetches the other's line for it. */
typedef struct berth__ring {
    _Alignas(BERTH__LINE_SIZE) unsigned char *bytes; /* fixed; aligned to 16 */
    uint64_t size;                                   /* fixed */
    berth__hatch hatch;    /* its offset is `head`: moved by the producer, loaded by the reader */
    _Atomic uint64_t kept; /* the producer's; at most `read`; a hint to one who is not inside */
    uint64_t last;     /* of push and merge: the chunk pushed last; `head` where there is none */
    uint64_t sequence; /* of push: of the next chunk, where oldest has none to tell */
    uint32_t traits;   /* fixed from clear to clear */
    uint32_t reserved;
    _Alignas(BERTH__LINE_SIZE) _Atomic uint64_t read; /* stored by the reader, loaded by both */
    unsigned char *readers_bytes;                     /* as bytes, size and traits */
    uint64_t readers_size;
    uint32_t readers_traits;
    uint32_t reserved2;
    berth__gate gate; /* who may read */
} berth__ring;

void berth__ring_init(berth__ring *ring, unsigned char *bytes, uint64_t size);

/* Forget what is in it, and begin anew with these traits, for the producer of this request. */
void berth__ring_clear(berth__ring *ring, uint32_t traits, berth_request_id id);

/* ---- The producer ---- */

/* Where a chunk of this many bytes would end if it began at an offset: a multiple of 16. */
static inline uint64_t berth__ring_after(uint64_t offset, uint64_t size) {
    return (offset + BERTH__CHUNK_HEADER_SIZE + size + (BERTH__CHUNK_HEADER_SIZE - 1)) &
           ~(BERTH__CHUNK_HEADER_SIZE - 1);
}

/* Make room for what ends there of what was read; 0 if there is not enough. */
uint32_t berth__ring_make_room(berth__ring *ring, uint64_t end);

static inline uint64_t berth__ring_kept(const berth__ring *ring) {
    return atomic_load_explicit(&ring->kept, memory_order_relaxed);
}

/* Does a chunk of this many bytes fit now, if it begins at `head`? */
static inline uint32_t berth__ring_fits_at(berth__ring *ring, uint64_t head, uint64_t size) {
    const uint64_t end = berth__ring_after(head, size);
    if (size > ring->size - BERTH__CHUNK_HEADER_SIZE) return 0;
    return end - berth__ring_kept(ring) <= ring->size || berth__ring_make_room(ring, end);
}

/* The same asked by who is not inside, of a size that could fit: it may be out of date. */
static inline uint32_t berth__ring_may_fit_at(const berth__ring *ring, uint64_t head,
                                              uint64_t size) {
    const uint64_t end = berth__ring_after(head, size);
    return end - berth__ring_kept(ring) <= ring->size ||
           end - atomic_load_explicit(&ring->read, memory_order_acquire) <= ring->size;
}

static inline uint32_t berth__ring_fits(berth__ring *ring, uint64_t size) {
    const uint64_t word = atomic_load_explicit(&ring->hatch.word, memory_order_relaxed);
    return berth__ring_fits_at(ring, berth__hatch_offset(word), size);
}

/* Write a chunk that fits behind `head`, without moving it: inside the hatch, before publish. */
void berth__ring_write(berth__ring *ring, uint64_t head, const berth__chunk *chunk,
                       const void *bytes);

/* The hatch is shut: append a chunk; 0 and nothing changed if it does not fit. `bytes` may be NULL
 * with size 0. */
uint32_t berth__ring_push(berth__ring *ring, const berth__chunk *chunk, const void *bytes);

/* The same: append the bytes and tokens to the last chunk, which keeps its sequence; 0 and nothing
 * changed if the reader has taken it, or they do not fit. */
uint32_t berth__ring_merge(berth__ring *ring, const berth__chunk *chunk, const void *bytes);

/* ---- The reader ---- */

uint32_t berth__ring_is_empty(const berth__ring *ring);

/* Bytes of ring that hold chunks which were not read yet, headers included. */
uint64_t berth__ring_unread(const berth__ring *ring);

/* The oldest unread chunk; 0 if there is none. It does not grow any more. */
uint32_t berth__ring_peek(berth__ring *ring, berth__chunk *out);

/* Go past the oldest unread chunk, which was peeked at, and copy its bytes out. */
void berth__ring_pop(berth__ring *ring, void *bytes);

/* Where the bytes of a chunk lie: one piece, or two where they wrap; size 0 where there is none. */
typedef struct berth__piece {
    const unsigned char *bytes;
    uint64_t size;
} berth__piece;

/* What is unread now: chunks from `at` to `head`. Asked once for many chunks: the line that tells
 * where they end is the producer's. */
typedef struct berth__unread {
    uint64_t at;
    uint64_t
        head; /* it may be before `at`, where the last chunk grew meanwhile: nothing is unread */
} berth__unread;

berth__unread berth__ring_begin(const berth__ring *ring);

/* The chunk at an offset that is unread, as it lies there, without going past it. Returns the
 * offset of the next one. */
uint64_t berth__ring_look(berth__ring *ring, uint64_t at, berth__chunk *out,
                          berth__piece pieces[2]);

/* Go past all chunks before an offset that look returned. */
void berth__ring_skip(berth__ring *ring, uint64_t offset);

/* ---- Nobody inside ---- */

/* The sequence of the oldest chunk that is still there, read or not; of the next one to be pushed
 * if there is none. */
uint64_t berth__ring_oldest(const berth__ring *ring);

/* Put the reader before the chunk of this sequence, or, for the next one to be pushed, behind all;
 * 0 and nothing changed if it is not there any more, or not yet. O(chunks). */
uint32_t berth__ring_rewind(berth__ring *ring, uint64_t sequence);

#endif
