/* SPDX-License-Identifier: MIT */
#include "core/sets.h"

uint32_t berth__sets_bucket_count(uint32_t set_max) {
    uint32_t count = 1;
    while (count < set_max) count *= 2;
    return count;
}

void berth__sets_init(berth__sets *sets, berth__set *entries, uint32_t *buckets, uint32_t set_max) {
    const uint32_t bucket_count = berth__sets_bucket_count(set_max);
    *sets = (berth__sets){.entries = entries,
                          .buckets = buckets,
                          .set_max = set_max,
                          .bucket_mask = bucket_count - 1,
                          .free = BERTH__NONE};
    for (uint32_t b = 0; b < bucket_count && set_max > 0; b++) buckets[b] = BERTH__NONE;
    for (uint32_t i = set_max; i-- > 0;) {
        entries[i] = (berth__set){.next = sets->free};
        sets->free = i;
    }
}

/* Ids come from the host and may be dense or far apart: Fibonacci hashing spreads both (Knuth, The
 * Art of Computer Programming, volume 3, 6.4). */
static uint32_t *bucket_of(const berth__sets *sets, uint64_t id) {
    return &sets->buckets[(uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 40) & sets->bucket_mask];
}

/* Where the number of this set's entry stands; BERTH__NONE stands there if nobody holds it. */
static uint32_t *find(const berth__sets *sets, uint64_t id) {
    uint32_t *at = bucket_of(sets, id);
    while (*at != BERTH__NONE && sets->entries[*at].id != id) at = &sets->entries[*at].next;
    return at;
}

uint64_t berth__sets_price(const berth__sets *sets, uint64_t id, uint64_t units) {
    const uint32_t i = *find(sets, id);
    if (i == BERTH__NONE) return units;
    return units > sets->entries[i].units ? units - sets->entries[i].units : 0;
}

int berth__sets_has_room(const berth__sets *sets, uint64_t id) {
    return sets->held_count < sets->set_max || *find(sets, id) != BERTH__NONE;
}

void berth__sets_hold(berth__sets *sets, uint64_t id, uint64_t units) {
    uint32_t *at = find(sets, id);
    if (*at == BERTH__NONE) {
        const uint32_t i = sets->free;
        sets->free = sets->entries[i].next;
        sets->entries[i] = (berth__set){.id = id, .next = BERTH__NONE};
        sets->held_count++;
        *at = i;
    }
    berth__set *set = &sets->entries[*at];
    set->holders++;
    if (units > set->units) set->units = units;
}

uint64_t berth__sets_let_go(berth__sets *sets, uint64_t id) {
    uint32_t *at = find(sets, id);
    const uint32_t i = *at;
    berth__set *set = &sets->entries[i];
    const uint64_t units = set->units;
    if (--set->holders > 0) return 0;
    *at = set->next;
    *set = (berth__set){.next = sets->free};
    sets->free = i;
    sets->held_count--;
    return units;
}

uint64_t berth__sets_units(const berth__sets *sets) {
    uint64_t units = 0;
    for (uint32_t i = 0; i < sets->set_max; i++)
        if (sets->entries[i].holders > 0) units += sets->entries[i].units;
    return units;
}
