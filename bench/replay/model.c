/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stddef.h>
#include <string.h>

/*
 * DistServe's fit: prefill 18.10 ms + 0.1019 n + 7.12e-6 n^2; decode 19.93 ms + 0.000627 context
 * + 0.0385 batch below a batch of 95, 7.17 ms + 0.000580 context + 0.1583 batch from there on.
 * A step with both pays for both, the constant of the prefill once.
 */
static uint64_t a100_opt_13b(const replay_load *load) {
    uint64_t ns = 0;
    if (load->prompts > 0)
        ns += UINT64_C(18100000) + 101900 * load->prompt_tokens + load->prompt_squares * 712 / 100;
    if (load->decoding > 0 && load->decoding < 95)
        ns += UINT64_C(19930000) + 627 * load->context + 38500 * load->decoding;
    else if (load->decoding > 0)
        ns += UINT64_C(7170000) + 580 * load->context + 158300 * load->decoding;
    return ns;
}

static uint64_t at_least(uint64_t floor_ns, uint64_t ns) {
    return ns > floor_ns ? ns : floor_ns;
}

static uint64_t step_tokens(const replay_load *load) {
    return load->prompt_tokens + load->decoding;
}

/* Vidur's tables and KV read at 1.3 TB/s: max(9.8, 8.1 + 0.0665 T) + 0.00010 KV ms. */
static uint64_t a100_llama3_8b(const replay_load *load) {
    return at_least(9800000, UINT64_C(8100000) + 66500 * step_tokens(load)) + 100 * load->context;
}

/* max(5.6, 2.9 + 0.0204 T) + 0.00025 KV ms, the KV term extrapolated. */
static uint64_t h100_llama2_7b(const replay_load *load) {
    return at_least(5600000, UINT64_C(2900000) + 20400 * step_tokens(load)) + 250 * load->context;
}

static const replay_model models[] = {
    {"a100-opt-13b", "A100-80G, OPT-13B", 66144, a100_opt_13b},
    {"a100-llama3-8b", "A100-80G, Llama-3-8B", 400000, a100_llama3_8b},
    {"h100-llama2-7b", "H100, Llama-2-7B", 100000, h100_llama2_7b},
};

const replay_model *replay_model_at(uint32_t index) {
    return index < sizeof models / sizeof models[0] ? &models[index] : NULL;
}

const replay_model *replay_model_find(const char *name) {
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}

/* A step that decodes one request, and so many tokens of a prompt. */
static uint64_t beside_decode_ns(const replay_model *model, uint64_t prompt_tokens) {
    replay_load load = {0};
    if (prompt_tokens > 0) replay_load_prefill(&load, prompt_tokens);
    replay_load_decode(&load, 1);
    return model->step_ns(&load);
}

uint64_t replay_model_step_tokens(const replay_model *model, uint64_t least, uint32_t fixed_ppm) {
    const uint64_t without_ns = beside_decode_ns(model, 0);
    const uint64_t fixed_ns = beside_decode_ns(model, 1) - without_ns;
    uint64_t tokens = least;
    while (tokens < REPLAY_STEP_TOKENS_MAX &&
           (beside_decode_ns(model, tokens) - without_ns - fixed_ns) / 1000 * fixed_ppm / 1000 <
               fixed_ns)
        tokens += REPLAY_BLOCK_TOKENS;
    return tokens;
}

void replay_load_prefill(replay_load *load, uint64_t tokens) {
    load->prompts++;
    load->prompt_tokens += tokens;
    load->prompt_squares += tokens * tokens;
}

void replay_load_decode(replay_load *load, uint64_t context) {
    load->decoding++;
    load->context += context;
}
