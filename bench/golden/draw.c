/* SPDX-License-Identifier: MIT */
#include "draw.h"
#include "random.h"

#include <math.h>

uint64_t golden_draw_whole(uint64_t *state, uint64_t min, uint64_t max) {
    return min + replay_random_next(state) % (max - min + 1);
}

double golden_draw_real(uint64_t *state, double min, double max) {
    return min + (max - min) * replay_random_unit(state);
}

double golden_draw_lognormal(uint64_t *state, double mu, double sigma, double min, double max) {
    const double value = exp(mu + sigma * replay_random_normal(state));
    return value < min ? min : value > max ? max : value;
}

uint64_t golden_draw_gap_ns(uint64_t *state, double per_second) {
    return (uint64_t)(-log(replay_random_unit(state)) / per_second * 1e9);
}

double golden_median3(const double values[3]) {
    const double low = values[0] < values[1] ? values[0] : values[1];
    const double high = values[0] < values[1] ? values[1] : values[0];
    return values[2] < low ? low : values[2] > high ? high : values[2];
}
