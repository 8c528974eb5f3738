/* SPDX-License-Identifier: MIT */
#include "runtime/ring.h"

#include <string.h>

void berth__ring_init(berth__ring *ring, unsigned char *bytes, uint64_t size) {
    ring->bytes = bytes;
    ring->size = size;
    berth__ring_clear(ring);
}

void berth__ring_clear(berth__ring *ring) {
    ring->read_offset = 0;
    ring->write_offset = 0;
}

uint32_t berth__ring_is_empty(const berth__ring *ring) {
    return ring->read_offset == ring->write_offset;
}

uint32_t berth__ring_fits(const berth__ring *ring, uint64_t size) {
    const uint64_t room = ring->size - (ring->write_offset - ring->read_offset);
    return room >= sizeof(berth__chunk) && size <= room - sizeof(berth__chunk);
}

/* Bytes from an offset to the end of the memory, at most `size`: the part before the wrap. */
static size_t before_wrap(const berth__ring *ring, uint64_t offset, uint64_t size) {
    const uint64_t left = ring->size - (offset & (ring->size - 1));
    return (size_t)(size < left ? size : left);
}

static void copy_in(berth__ring *ring, uint64_t offset, const void *from, uint64_t size) {
    const size_t first = before_wrap(ring, offset, size);
    if (size == 0) return;
    memcpy(ring->bytes + (offset & (ring->size - 1)), from, first);
    memcpy(ring->bytes, (const unsigned char *)from + first, (size_t)size - first);
}

static void copy_out(const berth__ring *ring, uint64_t offset, void *to, uint64_t size) {
    const size_t first = before_wrap(ring, offset, size);
    if (size == 0) return;
    memcpy(to, ring->bytes + (offset & (ring->size - 1)), first);
    memcpy((unsigned char *)to + first, ring->bytes, (size_t)size - first);
}

uint32_t berth__ring_push(berth__ring *ring, const berth__chunk *chunk, const void *bytes) {
    if (!berth__ring_fits(ring, chunk->size)) return 0;
    copy_in(ring, ring->write_offset, chunk, sizeof *chunk);
    copy_in(ring, ring->write_offset + sizeof *chunk, bytes, chunk->size);
    ring->write_offset += sizeof *chunk + chunk->size;
    return 1;
}

uint32_t berth__ring_peek(const berth__ring *ring, berth__chunk *out) {
    if (berth__ring_is_empty(ring)) return 0;
    copy_out(ring, ring->read_offset, out, sizeof *out);
    return 1;
}

void berth__ring_pop(berth__ring *ring, void *bytes) {
    berth__chunk chunk;
    copy_out(ring, ring->read_offset, &chunk, sizeof chunk);
    copy_out(ring, ring->read_offset + sizeof chunk, bytes, chunk.size);
    ring->read_offset += sizeof chunk + chunk.size;
}
