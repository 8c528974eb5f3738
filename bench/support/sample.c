/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static int by_number(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, size_t count) {
    if (count == 0) return (double)NAN;
    qsort(values, count, sizeof *values, by_value);
    if (count % 2 == 1) return values[count / 2];
    return (values[count / 2 - 1] + values[count / 2]) / 2;
}

uint64_t bench_percentile(uint64_t *values, size_t count, uint32_t permille) {
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, by_number);
    size_t rank = (count * permille + 999) / 1000;
    return values[rank == 0 ? 0 : rank - 1];
}
