/* SPDX-License-Identifier: MIT */
/*
 * What:    a bounded ring of bytes that holds whole chunks, each behind a small header.
 * Why:     output waits for its reader in memory that was paid for at create; a push never blocks
 *          and never allocates, it fits or it does not.
 * Rules:   the size is a power of two; one producer, one reader; a chunk may wrap around the end.
 * Threads: none of its own; the pool lock guards it.
 */
#ifndef BERTH__RUNTIME_RING_H
#define BERTH__RUNTIME_RING_H

#include <stdint.h>

/* What stands before the bytes of a chunk. Its size is part of the public promise that a chunk of
 * mailbox_size - 64 bytes fits into an empty ring. */
typedef struct berth__chunk {
    uint64_t size; /* bytes that follow */
    uint64_t tokens;
    uint64_t sequence;
} berth__chunk;

#define BERTH__CHUNK_OVERHEAD_MAX 64u

/* Offsets count up for ever; the position in `bytes` is the offset modulo the size. */
typedef struct berth__ring {
    unsigned char *bytes;
    uint64_t size;
    uint64_t read_offset;
    uint64_t write_offset;
} berth__ring;

void berth__ring_init(berth__ring *ring, unsigned char *bytes, uint64_t size);

/* Forget what is in it. */
void berth__ring_clear(berth__ring *ring);

uint32_t berth__ring_is_empty(const berth__ring *ring);

/* Does a chunk of this many bytes fit now? */
uint32_t berth__ring_fits(const berth__ring *ring, uint64_t size);

/* Append a chunk; 0 and nothing changed if it does not fit. `bytes` may be NULL with size 0. */
uint32_t berth__ring_push(berth__ring *ring, const berth__chunk *chunk, const void *bytes);

/* Header of the oldest chunk; 0 if there is none. */
uint32_t berth__ring_peek(const berth__ring *ring, berth__chunk *out);

/* Remove the oldest chunk, which there is, and copy its bytes out. */
void berth__ring_pop(berth__ring *ring, void *bytes);

#endif
