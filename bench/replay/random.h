/* SPDX-License-Identifier: MIT */
/*
 * What:    seeded numbers: splitmix64, and the shapes that the generator draws from it.
 * Why:     the same seed must give the same replay.
 * Rules:   the state is the caller's; nothing here reads time or the system.
 * Threads: none; pure functions.
 */
#ifndef REPLAY_RANDOM_H
#define REPLAY_RANDOM_H

#include <stdint.h>

/* The next of splitmix64 (Steele, Lea, Flood: OOPSLA 2014). */
uint64_t replay_random_next(uint64_t *state);

/* The index-th of the seed's sequence, without walking there. */
uint64_t replay_random_at(uint64_t seed, uint64_t index);

/* Above 0, up to 1. */
double replay_random_unit(uint64_t *state);

/* Mean 0, deviation 1 (Box and Muller). */
double replay_random_normal(uint64_t *state);

/* Gamma with this shape and scale 1 (Marsaglia and Tsang, 2000). */
double replay_random_gamma(uint64_t *state, double shape);

#endif
