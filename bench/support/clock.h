/* SPDX-License-Identifier: MIT */
/* What: the clock that the benches time with.
 * Why: one call, the same for every side that is compared.
 * Rules: monotonic nanoseconds; needs _GNU_SOURCE.
 * Threads: any. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
