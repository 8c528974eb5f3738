/* SPDX-License-Identifier: MIT */
/*
 * What:    exact percentiles of a set of durations.
 * Why:     figures of a tail must not come from buckets.
 * Rules:   nearest rank: the value at ceil(p / 100 * count), so every figure was really measured.
 * Threads: none.
 */
#ifndef REPLAY_SPREAD_H
#define REPLAY_SPREAD_H

#include <stddef.h>
#include <stdint.h>

typedef struct replay_spread {
    size_t count; /* 0: the rest is 0 and means nothing */
    uint64_t p50_ns;
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t max_ns;
} replay_spread;

/* Sorts `values`. */
replay_spread replay_spread_of(uint64_t *values, size_t count);

#endif
