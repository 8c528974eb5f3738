/* SPDX-License-Identifier: MIT */
/*
 * What:    a bounded ring of bytes that holds whole chunks, each behind a small header.
 * Why:     output waits for its reader in memory that was paid for at create; a push never blocks
 *          and never allocates, it fits or it does not.
 * Rules:   the size is a power of two; one producer, one reader; the bytes of a chunk may wrap
 *          around the end, its header does not. ring.c says what may run beside what.
 * Threads: push, merge, write: one producer. begin, look, copy_out, skip: one reader, beside the
 *          producer. All else: with neither of them inside.
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

#include "base/copy.h"
#include "base/touch.h"
#include "runtime/chunk.h"
#include "runtime/gate.h"
#include "runtime/hatch.h"

#include <stdatomic.h>
#include <stdint.h>

/* How far ahead of what is written and read the next lines are asked for: four chunks of a token's
 * size take as long to write as a line takes that another core has. Looking takes less, so it has
 * to ask earlier; in a small ring, for an eighth of it. */
#define BERTH__RING_WRITE_AHEAD 256u
#define BERTH__RING_READ_AHEAD_MAX 512u

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

/* Make room for what ends there of what was read; 0 if there is not enough. */
uint32_t berth__ring_make_room(berth__ring *ring, uint64_t end);

static inline uint64_t berth__ring_kept(const berth__ring *ring) {
    return atomic_load_explicit(&ring->kept, memory_order_relaxed);
}

/* Is there room for what ends there, without making any? Once yes, it stays so until the chunks end
 * elsewhere: he who is not inside yet may ask. */
static inline uint32_t berth__ring_has_room(const berth__ring *ring, uint64_t end) {
    return end - berth__ring_kept(ring) <= ring->size;
}

/* Could berth__ring_make_room make it? It may be out of date. */
static inline uint32_t berth__ring_could_have_room(const berth__ring *ring, uint64_t end) {
    return end - atomic_load_explicit(&ring->read, memory_order_acquire) <= ring->size;
}

/* Where chunks end, to the producer and to the lock holder. */
static inline uint64_t berth__ring_head(const berth__ring *ring) {
    return berth__hatch_offset(atomic_load_explicit(&ring->hatch.word, memory_order_relaxed));
}

/* Where a chunk of this many bytes would end now. */
static inline uint64_t berth__ring_next_end(const berth__ring *ring, uint64_t size) {
    return berth__chunk_after(berth__ring_head(ring), size);
}

/* Does it fit? */
static inline uint32_t berth__ring_fits(berth__ring *ring, uint64_t size) {
    const uint64_t end = berth__ring_next_end(ring, size);
    if (size > ring->size - BERTH__CHUNK_HEADER_SIZE) return 0;
    return berth__ring_has_room(ring, end) || berth__ring_make_room(ring, end);
}

/* The same without making room, of a size that could fit. */
static inline uint32_t berth__ring_could_fit(const berth__ring *ring, uint64_t size) {
    const uint64_t end = berth__ring_next_end(ring, size);
    return berth__ring_has_room(ring, end) || berth__ring_could_have_room(ring, end);
}

/* Bytes into the memory at an offset, around its end if need be. */
void berth__ring_copy_in(berth__ring *ring, uint64_t offset, const void *bytes, uint64_t size);

/* A hint: chunks end at `end`, and more will be written soon. */
static inline void berth__ring_expect_more(const berth__ring *ring, uint64_t end) {
    berth__expect_write(ring->bytes + ((end + BERTH__RING_WRITE_AHEAD) & (ring->size - 1)));
}

/* Does what lies between two offsets not go around the end of the memory? */
static inline uint32_t berth__ring_is_straight(const berth__ring *ring, uint64_t from,
                                               uint64_t to) {
    return (from & (ring->size - 1)) + (to - from) <= ring->size;
}

/* Returns where its bytes go. */
static inline void *berth__ring_write_header(berth__ring *ring, uint64_t head,
                                             const berth__chunk *chunk) {
    berth__chunk_header *at =
        (berth__chunk_header *)(void *)(ring->bytes + (head & (ring->size - 1)));
    atomic_store_explicit(&at->word, berth__chunk_word(chunk->size, chunk->tokens),
                          memory_order_relaxed);
    at->sequence = chunk->sequence;
    return at + 1;
}

/* Write a chunk that fits behind `head`, without moving it: inside the hatch, before publish. */
static inline void berth__ring_write(berth__ring *ring, uint64_t head, const berth__chunk *chunk,
                                     const void *bytes) {
    void *to = berth__ring_write_header(ring, head, chunk);
    if (berth__ring_is_straight(ring, head, berth__chunk_after(head, chunk->size)))
        berth__copy(to, bytes, chunk->size);
    else
        berth__ring_copy_in(ring, head + BERTH__CHUNK_HEADER_SIZE, bytes, chunk->size);
}

/* The same of at most BERTH__COPY_FEW bytes that lie straight. */
static inline void berth__ring_write_few(berth__ring *ring, uint64_t head,
                                         const berth__chunk *chunk, const void *bytes) {
    berth__copy_few(berth__ring_write_header(ring, head, chunk), bytes, chunk->size);
}

/* Under the pool lock, the hatch shut and nobody inside: chunks end there now. */
static inline void berth__ring_set_head(berth__ring *ring, uint64_t head) {
    atomic_store_explicit(&ring->hatch.word, head | BERTH__HATCH_SHUT, memory_order_release);
}

/* The same, for one that was written behind `head`. */
static inline void berth__ring_pushed(berth__ring *ring, uint64_t head, uint64_t end,
                                      uint64_t sequence) {
    ring->last = head;
    ring->sequence = sequence + 1;
    berth__ring_set_head(ring, end);
}

/* With chunks up to there, could more than half of it be unread? Asked without the reader's line,
 * so it may say so where it is not. */
static inline uint32_t berth__ring_may_be_high(const berth__ring *ring, uint64_t end) {
    return end - berth__ring_kept(ring) > ring->size / 2;
}

/* Is more than half of it unread? Where nothing is kept that was read, it need not be asked again
 * before as much has come. */
uint32_t berth__ring_is_high(berth__ring *ring);

/* The hatch is shut: append a chunk; 0 and nothing changed if it does not fit. `bytes` may be NULL
 * with size 0. */
uint32_t berth__ring_push(berth__ring *ring, const berth__chunk *chunk, const void *bytes);

/* Where a chunk would end that has few bytes, lies straight, and has room that is known of; 0 if it
 * is not such a one. */
static inline uint64_t berth__ring_end_of_few(const berth__ring *ring, uint64_t size) {
    const uint64_t head = berth__ring_head(ring);
    const uint64_t end = berth__chunk_after(head, size);
    return size <= BERTH__COPY_FEW && berth__ring_has_room(ring, end) &&
                   berth__ring_is_straight(ring, head, end)
               ? end
               : 0;
}

/* The same as push for such a chunk, which ends there. */
static inline void berth__ring_push_few(berth__ring *ring, uint64_t end, const berth__chunk *chunk,
                                        const void *bytes) {
    const uint64_t head = berth__ring_head(ring);
    berth__ring_write_few(ring, head, chunk, bytes);
    berth__ring_pushed(ring, head, end, chunk->sequence);
}

/* The same: append the bytes and tokens to the last chunk, which keeps its sequence; 0 and nothing
 * changed if the reader has taken it, or they do not fit. */
uint32_t berth__ring_merge(berth__ring *ring, const berth__chunk *chunk, const void *bytes);

/* ---- The reader ---- */

uint32_t berth__ring_is_empty(const berth__ring *ring);

/* Bytes of ring that hold chunks which were not read yet, headers included. */
uint64_t berth__ring_unread(const berth__ring *ring);

/* Where the bytes of a chunk lie: one piece, or two where they wrap; size 0 where there is none. */
typedef struct berth__piece {
    const unsigned char *bytes;
    uint64_t size;
} berth__piece;

/* What is unread now: chunks from `at` to `head`. Asked once for many chunks: the line that tells
 * where they end is the producer's. */
typedef struct berth__unread {
    uint64_t at;
    uint64_t head; /* before `at` where the last chunk grew meanwhile: nothing is unread then */
} berth__unread;

static inline berth__unread berth__ring_begin(const berth__ring *ring) {
    const uint64_t word = atomic_load_explicit(&ring->hatch.word, memory_order_acquire);
    return (berth__unread){.at = atomic_load_explicit(&ring->read, memory_order_relaxed),
                           .head = berth__hatch_offset(word)};
}

static inline uint64_t berth__ring_read_ahead(const berth__ring *ring) {
    const uint64_t eighth = ring->readers_size / 8;
    return eighth < BERTH__RING_READ_AHEAD_MAX ? eighth : BERTH__RING_READ_AHEAD_MAX;
}

/* A hint: the chunk at an offset will be looked at, and more after it. The line that the producer
 * is writing is left to him. */
static inline void berth__ring_expect_looks(const berth__ring *ring, const berth__unread *unread,
                                            uint64_t at) {
    const uint64_t ahead = at + berth__ring_read_ahead(ring);
    if ((ahead | (BERTH__LINE_SIZE - 1)) < unread->head)
        berth__expect_read(ring->readers_bytes + (ahead & (ring->readers_size - 1)));
}

/* Where the bytes from an offset on lie. */
static inline void berth__ring_find(const berth__ring *ring, uint64_t offset, uint64_t size,
                                    berth__piece pieces[2]) {
    const uint64_t position = offset & (ring->readers_size - 1);
    const uint64_t left = ring->readers_size - position;
    pieces[0].bytes = ring->readers_bytes + position;
    pieces[0].size = size < left ? size : left;
    pieces[1].bytes = ring->readers_bytes;
    pieces[1].size = size - pieces[0].size;
}

static inline berth__chunk_header *berth__ring_header(const berth__ring *ring, uint64_t at) {
    return (berth__chunk_header *)(void *)(ring->readers_bytes + (at & (ring->readers_size - 1)));
}

/* The chunk at an offset that is unread, as it lies there, without going past it. It does not grow
 * any more. Returns the offset of the next one. */
static inline uint64_t berth__ring_look(const berth__ring *ring, uint64_t at, berth__chunk *out,
                                        berth__piece pieces[2]) {
    berth__chunk_header *header = berth__ring_header(ring, at);
    const uint64_t word =
        (ring->readers_traits & BERTH__RING_MERGES) == 0
            ? atomic_load_explicit(&header->word, memory_order_relaxed)
            : atomic_fetch_or_explicit(&header->word, BERTH__CHUNK_TAKEN, memory_order_acquire);
    out->size = berth__chunk_size(word);
    out->tokens = berth__chunk_tokens(word);
    out->sequence = header->sequence;
    berth__ring_find(ring, at + BERTH__CHUNK_HEADER_SIZE, out->size, pieces);
    return berth__chunk_after(at, out->size);
}

/* The chunk at an offset that is unread, if nothing is merged there and it has few bytes, `size` at
 * most, that lie straight; else NULL. They are behind its header. */
static inline const berth__chunk_header *berth__ring_find_few(const berth__ring *ring, uint64_t at,
                                                              uint64_t size) {
    const uint64_t position = at & (ring->readers_size - 1);
    const berth__chunk_header *header =
        (const berth__chunk_header *)(const void *)(ring->readers_bytes + position);
    const uint64_t has =
        berth__chunk_size(atomic_load_explicit(&header->word, memory_order_relaxed));
    return (ring->readers_traits & BERTH__RING_MERGES) == 0 && has <= size &&
                   has <= BERTH__COPY_FEW &&
                   position + BERTH__CHUNK_HEADER_SIZE + has <= ring->readers_size
               ? header
               : NULL;
}

/* Copy the bytes of a chunk out from where look found them. */
static inline void berth__ring_copy_out(const berth__piece pieces[2], void *to) {
    berth__copy(to, pieces[0].bytes, pieces[0].size);
    if (pieces[1].size > 0)
        memcpy((unsigned char *)to + pieces[0].size, pieces[1].bytes, (size_t)pieces[1].size);
}

/* Go past all chunks before an offset that look returned. */
static inline void berth__ring_skip(berth__ring *ring, uint64_t offset) {
    atomic_store_explicit(&ring->read, offset, memory_order_release);
}

/* ---- Nobody inside ---- */

/* The sequence of the oldest chunk that is still there, read or not; of the next one to be pushed
 * if there is none. */
uint64_t berth__ring_oldest(const berth__ring *ring);

/* Put the reader before the chunk of this sequence, or, for the next one to be pushed, behind all;
 * 0 and nothing changed if it is not there any more, or not yet. O(chunks). */
uint32_t berth__ring_rewind(berth__ring *ring, uint64_t sequence);

#endif
