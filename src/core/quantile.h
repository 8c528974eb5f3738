/* SPDX-License-Identifier: MIT */
/*
 * What:    how long outputs were of late, and from it how long one goes on that has come so far.
 * Why:     a reservation for what is likely, not for the worst, lets more requests in.
 * Rules:   counts in buckets: exact below 16 tokens, then 8 per octave, so an answer is at most an
 *          eighth above the true one and never below it. All counts are halved at 4,096
 *          observations, so that the past fades. Integers only; moved only by events.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_QUANTILE_H
#define BERTH__CORE_QUANTILE_H

#include <stdint.h>

#define BERTH__QUANTILE_BUCKETS 144u /* up to 2^20 tokens; what is longer counts as that */

typedef struct berth__quantile {
    uint16_t counts[BERTH__QUANTILE_BUCKETS]; /* together below 4,096 */
    uint32_t total;
    uint32_t reserved;
} berth__quantile;

void berth__quantile_add(berth__quantile *quantile, uint64_t tokens);

/* Of those longer than `above`, the length that `ppm` millionths do not exceed; larger than
 * `above`. 0 if fewer than 8 have been seen in all, or none was longer. */
uint64_t berth__quantile_of(const berth__quantile *quantile, uint32_t ppm, uint64_t above);

#endif
