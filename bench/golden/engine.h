/* SPDX-License-Identifier: MIT */
/*
 * What:    an engine of the golden runs: jobs with arrivals and lengths, and how long a step takes.
 * Why:     the published experiments differ in workload, step and options, not in their loop.
 * Rules:   only through berth.h, on the virtual clock. What must not happen ends the program with
 *          status 2 and a line on stderr: a figure from a broken run is worth nothing.
 * Threads: one.
 */
#ifndef GOLDEN_ENGINE_H
#define GOLDEN_ENGINE_H

#include <berth.h>

#include <stdint.h>

#define GOLDEN_NEVER UINT64_MAX
#define GOLDEN_SECOND UINT64_C(1000000000)

enum golden_state { GOLDEN_AHEAD = 0, GOLDEN_PARKED = 1, GOLDEN_RUNNING = 2, GOLDEN_OVER = 3 };

typedef struct golden_job {
    uint64_t arrive_at_ns; /* GOLDEN_NEVER: submitted by the workload's own hand */
    uint64_t admitted_at_ns;
    uint64_t first_at_ns;
    uint64_t last_at_ns;
    uint64_t generated;
    berth_request_id id;
    uint32_t prompt_tokens;
    uint32_t output_tokens;
    uint32_t tenant;
    uint32_t state;   /* golden_state */
    uint32_t outcome; /* berth_outcome_kind; NONE with state OVER: refused */
    uint32_t reserved;
    struct golden_job *released_next;
} golden_job;

/* What a step computes. */
typedef struct golden_step {
    uint64_t prompts;
    uint64_t prompt_tokens;
    uint64_t decoding;
    uint64_t running; /* in the plan, computed in this step or not */
} golden_step;

typedef struct golden_engine {
    /* Of the workload. */
    golden_job *jobs; /* those with an arrival by its order */
    uint32_t job_count;
    uint32_t prefill_alone; /* a step with a prompt computes prompts only */
    uint64_t queue_ns;      /* every job's own queue deadline; 0 = none */
    uint64_t first_ns;      /* and the one for its first token */
    uint64_t (*step_ns)(const golden_step *step);
    void (*before_plan)(struct golden_engine *engine);            /* may be NULL */
    void (*ended)(struct golden_engine *engine, golden_job *job); /* completed; may be NULL */
    void (*stepped)(struct golden_engine *engine);                /* may be NULL */
    void *workload;

    /* Of the run. */
    berth_pool *pool;
    berth_plan plan;
    berth_plan_entry *entries;
    berth_result *results;
    golden_job *released;
    uint64_t now_ns;
    uint64_t steps;
    uint64_t running_sum; /* over steps */
    golden_step last;
    uint32_t next; /* job to arrive */
    uint32_t reserved;
} golden_engine;

/* The program ends here: status 2. */
_Noreturn void golden_die(const char *format, ...);

/* Make the pool. The fields of the workload are set before. */
void golden_engine_init(golden_engine *engine, const berth_options *options);
void golden_engine_fini(golden_engine *engine);

/* Submit a job now. */
void golden_engine_submit(golden_engine *engine, golden_job *job);

/* Run until `until_ns`, or until nothing is left. */
void golden_engine_run(golden_engine *engine, uint64_t until_ns);

berth_stats golden_stats(berth_pool *pool);

/* The program ends here if no pool can be made of these options, and says why. */
void golden_options_check(const berth_options *options);

/* Options that all golden engines share: virtual clock, room for `jobs`; resource 0 is the KV, 1
 * the places for sequences, of which every request takes one. */
berth_options golden_options(uint32_t running_max, uint32_t jobs, uint64_t kv_tokens,
                             uint32_t block_tokens);

#endif
