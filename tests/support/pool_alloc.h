/* SPDX-License-Identifier: MIT */
/*
 * What:    malloc and its kin under the test's hand: counted, and failed at a chosen point.
 * Why:     every allocation that the library makes has to be able to fail.
 * Rules:   works in tests/fault only, which is linked with --wrap; in other tiers it counts none.
 * Threads: any; counters are atomic.
 */
#ifndef BERTH_TESTS_POOL_ALLOC_H
#define BERTH_TESTS_POOL_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Let the JSON library allocate through the wrapped functions too. */
void pool_alloc_start(void);

/* From now on the at-th allocation fails (counted from 1; 0 = none does), and with `all_after`
 * every one that follows. Sets the count to 0. */
void pool_alloc_fail(uint64_t at, int all_after);

/* Allocations asked for since pool_alloc_fail; allocated and not freed. */
uint64_t pool_alloc_count(void);
int64_t pool_alloc_live(void);

#endif
