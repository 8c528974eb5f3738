/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   Chunks are read whole, in order, each once until the reader is put back.
 *   A push fits or changes nothing; it waits for nobody, and takes no room from what is unread.
 *   kept <= read <= head, and head - kept <= size.
 *
 * Operation
 *   The producer writes a chunk (chunk.h) behind `head` and then moves `head`, which is the offset
 *   of the hatch: by a store under the pool lock, by publish without it. It looks at `read` only
 *   when its own idea of the room, which ends at `kept`, is used up. A merge writes behind the last
 *   chunk's bytes, then enlarges its word 0 by compare-and-swap, then moves `head`. The reader of a
 *   ring that merges takes the last chunk by setting bit 63 first: from then on the swap fails.
 *
 * Safety
 *   head: moved with release by push, merge and publish, loaded with acquire by the reader: the
 *     bytes and headers before it are written.
 *   read: stored with release by skip, loaded with acquire by the producer: the reader is
 *     done with the bytes before it.
 *   word 0: a merge's swap releases, the reader's taking acquires: the bytes that it counts are
 *     written. The reader may see it before it sees the new head: then `read` passes the head that
 *     it saw, and for that moment the ring is empty to it.
 */
#include "runtime/ring.h"

#include <string.h>

#define HEADER_SIZE BERTH__CHUNK_HEADER_SIZE
#define TAKEN BERTH__CHUNK_TAKEN
#define TOKENS_MAX BERTH__CHUNK_TOKENS_MAX

typedef berth__chunk_header header;

static uint64_t position(const berth__ring *ring, uint64_t offset) {
    return offset & (ring->size - 1);
}

static header *header_at(const berth__ring *ring, uint64_t offset) {
    return (header *)(void *)(ring->bytes + position(ring, offset));
}

static void set_kept(berth__ring *ring, uint64_t kept) {
    atomic_store_explicit(&ring->kept, kept, memory_order_relaxed);
}

void berth__ring_init(berth__ring *ring, unsigned char *bytes, uint64_t size) {
    ring->bytes = bytes;
    ring->size = size;
    ring->readers_bytes = bytes;
    ring->readers_size = size;
    ring->reserved = 0;
    ring->reserved2 = 0;
    berth__gate_assign(&ring->gate, 0);
    atomic_init(&ring->hatch.word, 0);
    berth__ring_clear(ring, 0, 0);
}

/* At the beginning of the memory again, and at an offset that was in use by nobody before: which is
 * not 0, either, and that is no offset to look. */
void berth__ring_clear(berth__ring *ring, uint32_t traits, berth_request_id id) {
    const uint64_t first = (berth__ring_head(ring) & ~(ring->size - 1)) + ring->size;
    atomic_store_explicit(&ring->read, first, memory_order_relaxed);
    set_kept(ring, first);
    ring->last = first;
    ring->sequence = 0;
    ring->traits = traits;
    ring->readers_traits = traits;
    berth__hatch_assign(&ring->hatch, id, first);
}

/* Bytes from an offset to the end of the memory, at most `size`: the part before the wrap. */
static size_t before_wrap(const berth__ring *ring, uint64_t offset, uint64_t size) {
    const uint64_t left = ring->size - position(ring, offset);
    return (size_t)(size < left ? size : left);
}

void berth__ring_copy_in(berth__ring *ring, uint64_t offset, const void *bytes, uint64_t size) {
    const size_t first = before_wrap(ring, offset, size);
    if (size == 0) return;
    memcpy(ring->bytes + position(ring, offset), bytes, first);
    if (first < size) memcpy(ring->bytes, (const unsigned char *)bytes + first, size - first);
}

/* ---- The producer ---- */

/* The word of a chunk that nobody changes any more. */
static uint64_t settled_word(const berth__ring *ring, uint64_t offset) {
    return atomic_load_explicit(&header_at(ring, offset)->word, memory_order_relaxed);
}

uint32_t berth__ring_make_room(berth__ring *ring, uint64_t end) {
    const uint64_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    if (end - read > ring->size) return 0;
    if ((ring->traits & BERTH__RING_KEEPS) == 0) {
        set_kept(ring, read);
        return 1;
    }
    for (uint64_t kept = berth__ring_kept(ring); end - kept > ring->size;) {
        kept = berth__chunk_after(kept, berth__chunk_size(settled_word(ring, kept)));
        set_kept(ring, kept);
    }
    return 1;
}

uint32_t berth__ring_is_high(berth__ring *ring) {
    const uint64_t head = berth__ring_head(ring);
    if (!berth__ring_may_be_high(ring, head)) return 0;
    const uint64_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    if ((ring->traits & BERTH__RING_KEEPS) == 0) set_kept(ring, read);
    return head - read > ring->size / 2;
}

static uint32_t has_room(berth__ring *ring, uint64_t end) {
    return berth__ring_has_room(ring, end) || berth__ring_make_room(ring, end);
}

uint32_t berth__ring_push(berth__ring *ring, const berth__chunk *chunk, const void *bytes) {
    const uint64_t head = berth__ring_head(ring);
    if (!berth__ring_fits(ring, chunk->size)) return 0;
    berth__ring_write(ring, head, chunk, bytes);
    berth__ring_pushed(ring, head, berth__chunk_after(head, chunk->size), chunk->sequence);
    return 1;
}

static uint64_t sum_of_tokens(uint64_t word, uint64_t tokens) {
    const uint64_t have = word & TOKENS_MAX;
    return tokens > TOKENS_MAX - have ? TOKENS_MAX : have + tokens;
}

uint32_t berth__ring_merge(berth__ring *ring, const berth__chunk *chunk, const void *bytes) {
    if (ring->last == berth__ring_head(ring) || (ring->traits & BERTH__RING_MERGES) == 0) return 0;
    header *at = header_at(ring, ring->last);
    uint64_t word = atomic_load_explicit(&at->word, memory_order_relaxed);
    const uint64_t size = berth__chunk_size(word);
    if ((word & TAKEN) != 0 || chunk->size > ring->size - HEADER_SIZE - size) return 0;
    if (!has_room(ring, berth__chunk_after(ring->last, size + chunk->size))) return 0;
    berth__ring_copy_in(ring, ring->last + HEADER_SIZE + size, bytes, chunk->size);
    const uint64_t merged =
        berth__chunk_word(size + chunk->size, sum_of_tokens(word, chunk->tokens));
    if (!atomic_compare_exchange_strong_explicit(&at->word, &word, merged, memory_order_release,
                                                 memory_order_relaxed))
        return 0;
    berth__ring_set_head(ring, berth__chunk_after(ring->last, size + chunk->size));
    return 1;
}

/* ---- The reader ---- */

static uint64_t read_of(const berth__ring *ring) {
    return atomic_load_explicit(&ring->read, memory_order_relaxed);
}

static uint64_t head_seen(const berth__ring *ring) {
    return berth__hatch_offset(atomic_load_explicit(&ring->hatch.word, memory_order_acquire));
}

uint64_t berth__ring_unread(const berth__ring *ring) {
    const uint64_t read = read_of(ring);
    const uint64_t head = head_seen(ring);
    return read < head ? head - read : 0;
}

uint32_t berth__ring_is_empty(const berth__ring *ring) {
    return berth__ring_unread(ring) == 0;
}

/* ---- Nobody inside ---- */

uint64_t berth__ring_oldest(const berth__ring *ring) {
    const uint64_t kept = berth__ring_kept(ring);
    return kept < berth__ring_head(ring) ? header_at(ring, kept)->sequence : ring->sequence;
}

uint32_t berth__ring_rewind(berth__ring *ring, uint64_t sequence) {
    const uint64_t head = berth__ring_head(ring);
    uint64_t offset = berth__ring_kept(ring);
    while (offset < head && header_at(ring, offset)->sequence != sequence)
        offset = berth__chunk_after(offset, berth__chunk_size(settled_word(ring, offset)));
    if (offset >= head && sequence != ring->sequence) return 0;
    berth__ring_skip(ring, offset);
    return 1;
}
