/* SPDX-License-Identifier: MIT */
/*
 * What:    request ids: which places of a table are free, and the generation of each.
 * Why:     a stale, wrong or repeated id must be an error, never somebody else's request.
 * Rules:   24 bits of place, 40 of generation, never 0; places are reused in FIFO order, so that a
 *          stale id stays stale for as long as can be, and retired before a generation wraps. One
 *          that was never used is taken where none is to be reused: a table is touched as far as it
 *          is needed.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_IDS_H
#define BERTH__BASE_IDS_H

#include "base/list.h"

#include <stddef.h>

#define BERTH__PLACE_BITS 24u
#define BERTH__PLACE_MASK ((UINT64_C(1) << BERTH__PLACE_BITS) - 1)
#define BERTH__GENERATION_MAX ((UINT64_C(1) << 40) - 1)
#define BERTH__TAKEN (UINT64_C(1) << 63)

typedef struct berth__ids {
    uint64_t *generations; /* of place 0: see berth__ids_generation */
    berth__link *links;    /* by place; shared with the lists of taken places */
    uint32_t free_head;    /* those that were given back, by `next` */
    uint32_t free_tail;
    uint32_t fresh;        /* the first place that was never taken */
    uint32_t free_count;   /* those given back, and those never taken */
    uint32_t place_count;
    uint32_t retired_count;
    uint32_t stride; /* in words, from one place's generation to the next one's */
    uint32_t reserved;
} berth__ids;

/* Of the id that is out, with TAKEN, or of the last one. */
static inline uint64_t *berth__ids_generation(const berth__ids *ids, uint32_t place) {
    return &ids->generations[(size_t)place * ids->stride];
}

static inline uint32_t berth__id_place(uint64_t id) {
    return (uint32_t)(id & BERTH__PLACE_MASK);
}

/* Of zeroed generations, which may lie with what else is known of their places: `stride` words from
 * one to the next. Touches no place: a large table costs nothing until it is used. */
void berth__ids_init(berth__ids *ids, uint64_t *generations, uint32_t stride, berth__link *links,
                     uint32_t place_count);

/* A new id, or 0 if no place is free. O(1). */
uint64_t berth__ids_take(berth__ids *ids);

/* Give a taken place back; its id is stale from here on. O(1). */
void berth__ids_give(berth__ids *ids, uint32_t place);

/* The place of an id that is out, or BERTH__NONE. O(1). */
static inline uint32_t berth__ids_find(const berth__ids *ids, uint64_t id) {
    const uint32_t place = berth__id_place(id);
    if (place >= ids->place_count) return BERTH__NONE;
    const uint64_t out = id >> BERTH__PLACE_BITS | BERTH__TAKEN;
    return *berth__ids_generation(ids, place) == out ? place : BERTH__NONE;
}

static inline int berth__ids_is_taken(const berth__ids *ids, uint32_t place) {
    return (*berth__ids_generation(ids, place) & BERTH__TAKEN) != 0;
}

/* The id that is out for a taken place. */
static inline uint64_t berth__ids_of(const berth__ids *ids, uint32_t place) {
    return *berth__ids_generation(ids, place) << BERTH__PLACE_BITS | place;
}

#endif
