/* SPDX-License-Identifier: MIT */
/* What: order statistics of measured values.
 * Why: medians and percentiles that mean the same in every bench.
 * Rules: percentiles are exact, by nearest rank; the median of an even count is the mean of the
 *        middle two; the array is sorted in place.
 * Threads: any, on arrays of their own. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

double bench_median(double *values, size_t count);

/* The smallest value that at least `permille` thousandths of all do not exceed; 0 without values.
 */
uint64_t bench_percentile(uint64_t *values, size_t count, uint32_t permille);

#endif
