/* SPDX-License-Identifier: MIT */
/*
 * What:    how long one step of an engine takes, from published measurements.
 * Why:     a replay needs time to pass as it does on hardware that is not here.
 * Rules:   whole nanoseconds, no floats: the same on every compiler. Sources: ../README.md.
 * Threads: none; pure functions.
 */
#ifndef REPLAY_MODEL_H
#define REPLAY_MODEL_H

#include <stdint.h>

#define REPLAY_BLOCK_TOKENS 16u

/* Where steps that grow stop growing: what engines in use take as their largest. */
#define REPLAY_STEP_TOKENS_MAX 8192u

/* More than any card's; keeps the sums below inside 64 bits. */
#define REPLAY_KV_TOKENS_MAX UINT64_C(1000000000)

/* What a step computes. */
typedef struct replay_load {
    uint64_t prompts;        /* requests in prefill */
    uint64_t prompt_tokens;  /* of them, computed in this step */
    uint64_t prompt_squares; /* sum of the squares of each one's tokens */
    uint64_t decoding;       /* requests in decode: one token each */
    uint64_t context;        /* tokens that these attend to, the new one included */
} replay_load;

typedef struct replay_model {
    const char *name;
    const char *what;   /* hardware and network, for people */
    uint64_t kv_tokens; /* KV cache, in tokens */
    uint64_t (*step_ns)(const replay_load *load);
} replay_model;

/* NULL if no model has this name. */
const replay_model *replay_model_find(const char *name);

/* The index-th model; NULL past the last. The first is the default. */
const replay_model *replay_model_at(uint32_t index);

/* The fewest tokens of a step, `least` or more, with which what a prefill costs however short it is
 * is at most this part of what its tokens cost; REPLAY_STEP_TOKENS_MAX at most. */
uint64_t replay_model_step_tokens(const replay_model *model, uint64_t least, uint32_t fixed_ppm);

void replay_load_prefill(replay_load *load, uint64_t tokens);
void replay_load_decode(replay_load *load, uint64_t context);

#endif
