/* SPDX-License-Identifier: MIT */
/*
 * What:    the system's random numbers under the test's hand.
 * Why:     a source that fails, or repeats itself, has to be survived.
 * Rules:   works in tests/fault only, which is linked with --wrap.
 * Threads: any; the mode is atomic.
 */
#ifndef BERTH_TESTS_POOL_RANDOM_H
#define BERTH_TESTS_POOL_RANDOM_H

enum pool_random_mode {
    POOL_RANDOM_SYSTEM = 0,
    POOL_RANDOM_FAILS = 1,
    POOL_RANDOM_REPEATS = 2 /* the same bytes each time */
};

void pool_random_set(int mode);

#endif
