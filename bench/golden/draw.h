/* SPDX-License-Identifier: MIT */
/*
 * What:    the shapes that the golden workloads draw from, over replay/random.h.
 * Why:     the same seed must give the same workload.
 * Rules:   the state is the caller's.
 * Threads: none; pure functions.
 */
#ifndef GOLDEN_DRAW_H
#define GOLDEN_DRAW_H

#include <stdint.h>

/* Uniform from min to max, both included; the remainder's bias is below 2^-40. */
uint64_t golden_draw_whole(uint64_t *state, uint64_t min, uint64_t max);

double golden_draw_real(uint64_t *state, double min, double max);

/* exp(normal(mu, sigma)), cut to min..max. */
double golden_draw_lognormal(uint64_t *state, double mu, double sigma, double min, double max);

/* Time to the next arrival of a Poisson stream. */
uint64_t golden_draw_gap_ns(uint64_t *state, double per_second);

double golden_median3(const double values[3]);

#endif
