/* SPDX-License-Identifier: MIT */
#include "fairness.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

#define SECONDS 360u
#define SETTLED_NS (30 * GOLDEN_SECOND) /* looked at from here on */
#define KV_TOKENS 10000u                /* M of the paper */
#define TOKENS 256u                     /* of every prompt and of every output */
#define PROMPT_WEIGHT 1.0
#define OUTPUT_WEIGHT 2.0
#define DECODES_BETWEEN 8u                        /* prefills */
#define PREFILL_MAX (KV_TOKENS / 4 / TOKENS)      /* requests at once */
#define BOUND (2.0 * OUTPUT_WEIGHT * (KV_TOKENS)) /* 2 * max(w_p * L_input, w_q * M) */

typedef struct tenants {
    uint64_t decodes; /* since the last prefill */
    double service[2];
    uint64_t parked[2];
    double widest;            /* after SETTLED_NS */
    double widest_backlogged; /* of a stretch in which both wait */
    double low, high;
    int both;
} tenants;

/* A prefill alone takes 20 ms + 0.25 ms per token, a decode 30 ms + 0.7 ms per running request. */
static uint64_t step_ns(const golden_step *step) {
    if (step->prompts > 0) return UINT64_C(20000000) + 250000 * step->prompt_tokens;
    return UINT64_C(30000000) + 700000 * step->running;
}

/* Newcomers go in at most every 8 decode steps, and few at once: sequences are the host's to give.
 */
static void before_plan(golden_engine *e) {
    const tenants *t = e->workload;
    const uint64_t running = golden_stats(e->pool).running;
    const int open = running == 0 || t->decodes >= DECODES_BETWEEN;
    const uint64_t room = open ? running + PREFILL_MAX : running;
    if (berth_capacity_set(e->pool, 1, room) != BERTH_OK) golden_die("capacity of sequences");
}

static void stepped(golden_engine *e) {
    tenants *t = e->workload;
    t->decodes = e->last.prompts > 0 ? 0 : t->decodes + 1;
    t->service[0] = t->service[1] = 0.0;
    t->parked[0] = t->parked[1] = 0;
    for (uint32_t i = 0; i < e->next; i++) {
        const golden_job *job = &e->jobs[i];
        if (job->state == GOLDEN_PARKED) t->parked[job->tenant]++;
        if (job->state == GOLDEN_PARKED) continue;
        t->service[job->tenant] += PROMPT_WEIGHT * TOKENS + OUTPUT_WEIGHT * (double)job->generated;
    }
    const double difference = t->service[1] - t->service[0];
    const int both = t->parked[0] > 0 && t->parked[1] > 0;
    if (both && (!t->both || difference < t->low)) t->low = difference;
    if (both && (!t->both || difference > t->high)) t->high = difference;
    t->both = both;
    if (both && t->high - t->low > t->widest_backlogged) t->widest_backlogged = t->high - t->low;
    const double apart = difference < 0.0 ? -difference : difference;
    if (e->now_ns >= SETTLED_NS && apart > t->widest) t->widest = apart;
}

static int by_arrival(const void *left, const void *right) {
    const golden_job *a = left, *b = right;
    if (a->arrive_at_ns != b->arrive_at_ns) return a->arrive_at_ns < b->arrive_at_ns ? -1 : 1;
    return (a->tenant > b->tenant) - (a->tenant < b->tenant);
}

/* 1.5 and 3 requests a second, evenly spaced. */
static uint32_t make_jobs(golden_job *jobs) {
    static const uint64_t gap_ns[] = {2 * GOLDEN_SECOND / 3, GOLDEN_SECOND / 3};
    uint32_t count = 0;
    for (uint32_t tenant = 0; tenant < 2; tenant++)
        for (uint64_t at = 0; at < SECONDS * GOLDEN_SECOND; at += gap_ns[tenant])
            jobs[count++] = (golden_job){.arrive_at_ns = at,
                                         .prompt_tokens = TOKENS,
                                         .output_tokens = TOKENS,
                                         .tenant = tenant};
    qsort(jobs, count, sizeof *jobs, by_arrival);
    return count;
}

static tenants run(uint32_t fairness) {
    static golden_job jobs[5 * SECONDS];
    tenants t = {.decodes = DECODES_BETWEEN};
    golden_engine e = {.jobs = jobs,
                       .prefill_alone = 1,
                       .step_ns = step_ns,
                       .before_plan = before_plan,
                       .stepped = stepped,
                       .workload = &t};
    e.job_count = make_jobs(jobs);
    berth_options options = golden_options(256, e.job_count, KV_TOKENS, 1);
    options.kv_mode = BERTH_KV_FUTURE_PEAK;
    options.fairness = fairness;
    if (fairness != BERTH_FAIRNESS_NONE) {
        options.vtc_prompt_weight = (uint32_t)PROMPT_WEIGHT;
        options.vtc_output_weight = (uint32_t)OUTPUT_WEIGHT;
    }
    golden_engine_init(&e, &options);
    golden_engine_run(&e, SECONDS * GOLDEN_SECOND);
    const tenants out = t;
    golden_engine_run(&e, GOLDEN_NEVER);
    golden_engine_fini(&e);
    return out;
}

void golden_fairness(golden_board *board) {
    const tenants vtc = run(BERTH_FAIRNESS_VTC), fcfs = run(BERTH_FAIRNESS_NONE);
    golden_board_add(board, &(golden_row){.suite = "fairness",
                                          .name = "VTC: difference of service after 30 s",
                                          .published = "7934",
                                          .unit = "weighted tokens",
                                          .ours = vtc.widest,
                                          .min = -GOLDEN_ANY,
                                          .max = 9000});
    golden_board_add(board, &(golden_row){.suite = "fairness",
                                          .name = "VTC: the same while both are backlogged",
                                          .published = "bound 40000",
                                          .unit = "weighted tokens",
                                          .ours = vtc.widest_backlogged,
                                          .min = -GOLDEN_ANY,
                                          .max = BOUND});
    golden_board_add(board, &(golden_row){.suite = "fairness",
                                          .name = "FCFS: difference of service, 360 s",
                                          .published = "146694",
                                          .unit = "weighted tokens",
                                          .ours = fcfs.widest,
                                          .min = 120000,
                                          .max = GOLDEN_ANY});
}
