/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#define CHILDREN 4u

static int before(const berth__heap *heap, const berth__heap_entry *a, const berth__heap_entry *b) {
    return a->at < b->at || (a->at == b->at && heap->order[a->place] < heap->order[b->place]);
}

static void put(berth__heap *heap, uint32_t index, berth__heap_entry entry) {
    heap->entries[index].at = entry.at;
    heap->entries[index].place = entry.place;
    heap->entries[entry.place].position = index;
}

static void sift_up(berth__heap *heap, uint32_t index, berth__heap_entry entry) {
    while (index > 0) {
        const uint32_t parent = (index - 1) / CHILDREN;
        if (!before(heap, &entry, &heap->entries[parent])) break;
        put(heap, index, heap->entries[parent]);
        index = parent;
    }
    put(heap, index, entry);
}

static uint32_t first_child(const berth__heap *heap, uint32_t index) {
    const uint32_t child = CHILDREN * index + 1;
    uint32_t best = child;
    for (uint32_t i = child + 1; i < child + CHILDREN && i < heap->count; i++)
        if (before(heap, &heap->entries[i], &heap->entries[best])) best = i;
    return best;
}

static void sift_down(berth__heap *heap, uint32_t index, berth__heap_entry entry) {
    while (CHILDREN * index + 1 < heap->count) {
        const uint32_t child = first_child(heap, index);
        if (!before(heap, &heap->entries[child], &entry)) break;
        put(heap, index, heap->entries[child]);
        index = child;
    }
    put(heap, index, entry);
}

/* Put an entry into a hole at `index`, wherever it belongs from there. */
static void settle(berth__heap *heap, uint32_t index, berth__heap_entry entry) {
    if (index > 0 && before(heap, &entry, &heap->entries[(index - 1) / CHILDREN]))
        sift_up(heap, index, entry);
    else
        sift_down(heap, index, entry);
}

void berth__heap_init(berth__heap *heap, berth__heap_entry *entries, const uint64_t *order,
                      uint32_t place_count) {
    heap->entries = entries;
    heap->order = order;
    heap->count = 0;
    heap->reserved = 0;
    for (uint32_t i = 0; i < place_count; i++) entries[i].position = BERTH__NONE;
}

void berth__heap_set(berth__heap *heap, uint32_t place, uint64_t at) {
    const berth__heap_entry entry = {.at = at, .place = place};
    if (heap->entries[place].position != BERTH__NONE)
        settle(heap, heap->entries[place].position, entry);
    else
        sift_up(heap, heap->count++, entry);
}

void berth__heap_remove(berth__heap *heap, uint32_t place) {
    const uint32_t index = heap->entries[place].position;
    if (index == BERTH__NONE) return;
    heap->entries[place].position = BERTH__NONE;
    heap->count--;
    if (index < heap->count) settle(heap, index, heap->entries[heap->count]);
}
