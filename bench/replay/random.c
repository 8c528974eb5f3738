/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <math.h>

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t replay_random_next(uint64_t *state) {
    *state += GOLDEN;
    return mix(*state);
}

uint64_t replay_random_at(uint64_t seed, uint64_t index) {
    return mix(seed + (index + 1) * GOLDEN);
}

double replay_random_unit(uint64_t *state) {
    return (double)((replay_random_next(state) >> 11) + 1) * 0x1p-53;
}

double replay_random_normal(uint64_t *state) {
    static const double turn = 6.283185307179586;
    const double radius = sqrt(-2.0 * log(replay_random_unit(state)));
    return radius * cos(turn * replay_random_unit(state));
}

double replay_random_gamma(uint64_t *state, double shape) {
    /* Below 1 the method draws from shape + 1 and scales down. */
    if (shape < 1.0) {
        const double scale = pow(replay_random_unit(state), 1.0 / shape);
        return scale * replay_random_gamma(state, shape + 1.0);
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        const double x = replay_random_normal(state);
        const double v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
        if (v <= 0.0) continue;
        if (log(replay_random_unit(state)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}
