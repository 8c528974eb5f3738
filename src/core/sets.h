/* SPDX-License-Identifier: MIT */
/*
 * What:    shared sets that running requests hold, such as an adapter's weights.
 * Why:     what several requests share is in memory once, so it is counted once.
 * Rules:   a set is held from its first holder to its last; its units are the most that any holder
 *          since the first has named. No more than set_max are held at once.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_SETS_H
#define BERTH__CORE_SETS_H

#include "base/list.h"
#include "berth.h"

typedef struct berth__set {
    uint64_t id;
    uint64_t units;
    uint32_t holders; /* 0: free */
    uint32_t next;    /* in its bucket, or in the free ones */
} berth__set;

typedef struct berth__sets {
    berth__set *entries;
    uint32_t *buckets; /* a power of two of them */
    uint32_t set_max;  /* 0 = there are none */
    uint32_t bucket_mask;
    uint32_t free; /* the first of the free entries */
    uint32_t held_count;
} berth__sets;

uint32_t berth__sets_bucket_count(uint32_t set_max);

/* The arrays are the caller's: set_max entries, bucket_count buckets. */
void berth__sets_init(berth__sets *sets, berth__set *entries, uint32_t *buckets, uint32_t set_max);

/* What one more holder of this set would add to what is held: all of it, nothing, or what it needs
 * above the others. O(1). */
uint64_t berth__sets_price(const berth__sets *sets, uint64_t id, uint64_t units);

/* Can one more set be held, or is this one held already? */
int berth__sets_has_room(const berth__sets *sets, uint64_t id);

/* One more holder. */
void berth__sets_hold(berth__sets *sets, uint64_t id, uint64_t units);

/* One less; the units that nobody holds any more. */
uint64_t berth__sets_let_go(berth__sets *sets, uint64_t id);

/* What all held sets together hold. O(set_max): tests and debug. */
uint64_t berth__sets_units(const berth__sets *sets);

#endif
