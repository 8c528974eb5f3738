/* SPDX-License-Identifier: MIT */
/*
 * What:    the most that running requests will hold at once, if each goes on to its end and is
 *          gone.
 * Why:     a newcomer that keeps this peak below the capacity preempts nobody, though far more go
 *          in than their worst cases would let.
 * Rules:   with (current, left) sorted by left, the longest first, the peak is the largest of
 *          sum(current of the first k) + k * left of the k-th: when the k-th ends, the first k are
 *          there. Sums stay at UINT64_MAX. The order is kept from plan to plan and only mended.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_KV_PEAK_H
#define BERTH__CORE_KV_PEAK_H

#include <stdint.h>

typedef struct berth__peak_item {
    uint64_t current; /* tokens that it holds */
    uint64_t left;    /* tokens still to come */
    uint64_t admission;
    uint32_t place;
    uint32_t reserved;
} berth__peak_item;

/* Arrays of running_max. */
typedef struct berth__peak {
    berth__peak_item *items;   /* by left, largest first; then by admission */
    berth__peak_item *scratch; /* for merging */
    uint64_t *sums;            /* of current, up to and with each */
    uint64_t *before;          /* the peak of those up to and with each */
    uint64_t *after;           /* of each and those behind it, one more being among the first */
    uint32_t count;
    uint32_t reserved;
} berth__peak;

/* Mend the order after `current` and `left` have changed. O(count * log runs) for as many runs as
 * there are in order already; then the sums. */
void berth__peak_sort(berth__peak *peak);

/* One more, with the order as it is. O(count). */
void berth__peak_insert(berth__peak *peak, const berth__peak_item *item);

/* The peak if one more were there. O(log count). */
uint64_t berth__peak_with(const berth__peak *peak, uint64_t current, uint64_t left);

#endif
