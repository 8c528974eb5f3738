/* SPDX-License-Identifier: MIT */
/*
 * What:    a small simulated LLM engine: one thread that plans, sleeps as long as a step would
 *          take, and commits words.
 * Why:     a real engine's loop looks like this one; only the computing is left out.
 * Rules:   it counts the KV blocks that its slots really occupy, without asking the pool.
 * Threads: engine_run is the engine thread; the counters are read after it has been joined.
 */
#ifndef QUICKSTART_ENGINE_H
#define QUICKSTART_ENGINE_H

#include <berth.h>
#include <stdatomic.h>
#include <stdint.h>

#define ENGINE_SLOTS 16u
#define ENGINE_KV_BLOCKS 160u
#define ENGINE_KV_BLOCK_TOKENS 16u

typedef struct quick_engine {
    berth_pool *pool;
    uint64_t slot_tokens[ENGINE_SLOTS]; /* KV entries that each slot occupies */
    uint64_t steps;
    uint64_t steps_over;   /* steps in which the slots occupied more KV than there is */
    uint64_t blocks_peak;  /* most KV blocks occupied in a step */
    uint64_t tokens;       /* generated and delivered */
    uint64_t busy_ns;      /* spent in steps */
    const char *failed_in; /* which call said what it must not say; read after the join */
    atomic_int failed;     /* its status; BERTH_OK if none did */
} quick_engine;

/* The body of the engine thread; `context` is an engine whose pool is set. Returns NULL. */
void *engine_run(void *context);

/* Sleep on the monotonic clock. */
void engine_sleep(uint64_t duration_ns);

#endif
