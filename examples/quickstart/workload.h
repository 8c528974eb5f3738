/* SPDX-License-Identifier: MIT */
/*
 * What:    the requests of one run: when each arrives, how large it is, how urgent, who gives up.
 * Why:     both runs of the quickstart must get exactly the same input.
 * Rules:   made once from a seed or a trace, read-only afterwards.
 * Threads: any, once made.
 */
#ifndef QUICKSTART_WORKLOAD_H
#define QUICKSTART_WORKLOAD_H

#include <stdint.h>

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

#define WORKLOAD_COUNT 260u
#define WORKLOAD_BURST_NS (1500 * MILLISECOND)

/* A trace is made small enough for the little engine: tokens divided and cut, time compressed. */
#define WORKLOAD_TRACE_PROMPT_DIVISOR 4u
#define WORKLOAD_TRACE_OUTPUT_DIVISOR 6u
#define WORKLOAD_TRACE_PROMPT_MAX 2000u
#define WORKLOAD_TRACE_OUTPUT_MAX 200u

typedef struct workload_item {
    uint64_t at_ns; /* arrives, from the start of the run */
    uint64_t prompt_tokens;
    uint64_t output_tokens;  /* what the model will say; the scheduler does not know it */
    uint64_t max_new_tokens; /* what the client allows; the scheduler plans with this */
    uint64_t cancel_ns;      /* the client gives up this long after its arrival; 0 = never */
    uint32_t band;           /* BERTH_BAND_LOW, NORMAL or HIGH */
    uint32_t index;
} workload_item;

typedef struct workload {
    workload_item item[WORKLOAD_COUNT];
    uint32_t count;
    uint32_t watched;    /* index of the high request whose reply is shown */
    uint32_t from_trace; /* 1 = lengths and gaps come from a file */
    uint64_t trace_ns;   /* what the trace's requests took to arrive, before scaling */
} workload;

/* The built-in burst; the same seed makes the same requests. */
void workload_generate(workload *work, uint64_t seed);

/*
 * The first requests of a trace in the Azure format (TIMESTAMP,ContextTokens,GeneratedTokens).
 * Returns 0, or -1 after saying on stderr what is wrong, as FILE:LINE:COLUMN.
 */
int workload_load(workload *work, const char *path, uint64_t seed);

/* Shared by both: deals bands and clients that give up, picks the request to watch. */
void workload_deal(workload *work, uint64_t seed);

/* A number below `bound` from a generator whose state is one number (splitmix64). */
uint64_t workload_random(uint64_t *state, uint64_t bound);

#endif
