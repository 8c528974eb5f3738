/* SPDX-License-Identifier: MIT */
/*
 * What:    a 4-ary min-heap of places, ordered by moment and then by order of arrival.
 * Why:     deadlines end when they are due, in a fixed order, and can be removed at any time.
 * Rules:   a place is in the heap at most once; its position says where, BERTH__NONE if not.
 *          Its order is the caller's, and changes only just before it is set anew.
 * Threads: none of its own.
 *
 * Four children per node keep the tree half as deep as two, and a node's children share cache
 * lines (LaMarca and Ladner, "The influence of caches on the performance of heaps", 1996).
 */
#ifndef BERTH__BASE_HEAP_H
#define BERTH__BASE_HEAP_H

#include "base/list.h"

typedef struct berth__heap_entry {
    uint64_t at;
    uint32_t place;
    uint32_t position; /* not of this one: of the place that is this one's index */
} berth__heap_entry;

typedef struct berth__heap {
    berth__heap_entry *entries;
    const uint64_t *order; /* by place, of arrival; looked at where moments are equal */
    uint32_t count;
    uint32_t reserved;
} berth__heap;

void berth__heap_init(berth__heap *heap, berth__heap_entry *entries, const uint64_t *order,
                      uint32_t place_count);

static inline uint32_t berth__heap_position(const berth__heap *heap, uint32_t place) {
    return heap->entries[place].position;
}

/* Insert a place, or move it where it is in already. O(log n). */
void berth__heap_set(berth__heap *heap, uint32_t place, uint64_t at);

/* Remove a place; nothing happens if it is not in. O(log n). */
void berth__heap_remove(berth__heap *heap, uint32_t place);

#endif
