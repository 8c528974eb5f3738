/* SPDX-License-Identifier: MIT */
/*
 * What:    arithmetic on u64 that says when it does not fit, or stops at the largest value.
 * Why:     costs, sizes and moments come from outside; a wrapped sum would admit the impossible.
 * Rules:   checked forms return 1 and write the result, or return 0 and leave it alone.
 * Threads: none; pure functions.
 */
#ifndef BERTH__BASE_CHECKED_H
#define BERTH__BASE_CHECKED_H

#include <stdint.h>

static inline int berth__add(uint64_t a, uint64_t b, uint64_t *out) {
    if (b > UINT64_MAX - a) return 0;
    *out = a + b;
    return 1;
}

static inline int berth__mul(uint64_t a, uint64_t b, uint64_t *out) {
    if (a != 0 && b > UINT64_MAX / a) return 0;
    *out = a * b;
    return 1;
}

static inline uint64_t berth__add_saturating(uint64_t a, uint64_t b) {
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static inline uint64_t berth__mul_saturating(uint64_t a, uint64_t b) {
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

#endif
