/* SPDX-License-Identifier: MIT */
#include "spread.h"

#include <stdlib.h>

static int by_value(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t ranked(const uint64_t *sorted, size_t count, size_t percent) {
    return sorted[(count * percent + 99) / 100 - 1];
}

replay_spread replay_spread_of(uint64_t *values, size_t count) {
    replay_spread spread = {0};
    if (count == 0) return spread;
    qsort(values, count, sizeof *values, by_value);
    spread.count = count;
    spread.p50_ns = ranked(values, count, 50);
    spread.p90_ns = ranked(values, count, 90);
    spread.p99_ns = ranked(values, count, 99);
    spread.max_ns = values[count - 1];
    return spread;
}
