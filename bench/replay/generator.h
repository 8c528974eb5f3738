/* SPDX-License-Identifier: MIT */
/*
 * What:    a trace out of nothing: lognormal lengths, gamma gaps.
 * Why:     a replay without a file, and loads that no file at hand has.
 * Rules:   the same parameters and seed give the same rows on one machine (it uses libm).
 * Threads: none.
 */
#ifndef REPLAY_GENERATOR_H
#define REPLAY_GENERATOR_H

#include "trace.h"

typedef struct replay_generator {
    uint32_t requests;
    double rate;   /* requests per second */
    double gap_cv; /* deviation / mean of the gaps: 1 is Poisson, more is bursty */
    double prompt_median;
    double prompt_sigma;
    double output_median;
    double output_sigma;
    uint32_t prompt_max; /* lengths are cut to 1..max */
    uint32_t output_max;
} replay_generator;

/* Close to an hour of a chat service. */
extern const replay_generator replay_generator_default;

/* 0, or -1 where memory is short or time leaves 64 bits. */
int replay_generator_run(const replay_generator *generator, uint64_t seed, replay_trace *out);

#endif
