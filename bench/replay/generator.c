/* SPDX-License-Identifier: MIT */
#include "generator.h"
#include "random.h"

#include <math.h>

/* Medians and deviations near those of the Azure chat trace of 2023, of which the quick look is
 * 5.5 requests/s, prompts p50 1020 and p90 2735, outputs p50 129 and p90 424. */
const replay_generator replay_generator_default = {
    .requests = 10000,
    .rate = 5.5,
    .gap_cv = 1.1,
    .prompt_median = 900.0,
    .prompt_sigma = 0.8,
    .output_median = 129.0,
    .output_sigma = 0.9,
    .prompt_max = 14000,
    .output_max = 1000,
};

static uint32_t length(uint64_t *state, double median, double sigma, uint32_t max) {
    const double value = median * exp(sigma * replay_random_normal(state));
    if (!(value < (double)max)) return max;
    return value < 1.0 ? 1 : (uint32_t)value;
}

int replay_generator_run(const replay_generator *generator, uint64_t seed, replay_trace *out) {
    uint64_t state = seed;
    const double shape = 1.0 / (generator->gap_cv * generator->gap_cv);
    const double scale_ns = 1e9 / (generator->rate * shape);
    double at_ns = 0.0;
    *out = (replay_trace){0};
    for (uint32_t i = 0; i < generator->requests; i++) {
        const uint32_t prompt = length(&state, generator->prompt_median, generator->prompt_sigma,
                                       generator->prompt_max);
        const uint32_t output = length(&state, generator->output_median, generator->output_sigma,
                                       generator->output_max);
        if (i > 0) at_ns += replay_random_gamma(&state, shape) * scale_ns;
        const replay_row row = {
            .arrive_at_ns = (uint64_t)at_ns, .prompt_tokens = prompt, .output_tokens = output};
        /* 2^62 ns are 146 years. */
        if (at_ns >= 0x1p62 || replay_trace_add(out, &row) != 0) {
            replay_trace_fini(out);
            return -1;
        }
    }
    return 0;
}
