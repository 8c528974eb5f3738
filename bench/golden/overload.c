/* SPDX-License-Identifier: MIT */
#include "overload.h"
#include "draw.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 900u
#define PER_SECOND 12.0
#define KV_TOKENS 120000u
#define FIRST_NS (2 * GOLDEN_SECOND) /* the target: the first token within this */
#define TOKEN_NS UINT64_C(60000000)  /* and each further one, on average, within this */
#define RUNNING_MAX 48u              /* 18 + 0.6 * 48 ms leave a fifth of TOKEN_NS to prompts */
#define SEEDS 3u

/* What the engine is asked to do about it. */
typedef struct policy {
    uint64_t queue_ns; /* a request waits so long at most; 0 = any time */
    uint64_t first_ns; /* its first token comes by then, or it ends */
    uint64_t codel_target_ns;
    uint64_t codel_interval_ns;
    uint32_t wait_ppm;
} policy;

typedef struct figures {
    double in_time;    /* part of completions */
    double per_second; /* completions in time */
} figures;

/* 18 ms + 0.6 ms for each that runs + 0.02 ms for each token of the newcomers' prompts. */
static uint64_t step_ns(const golden_step *step) {
    return UINT64_C(18000000) + 600000 * step->running + 20000 * step->prompt_tokens;
}

static uint32_t make_jobs(uint64_t seed, golden_job *jobs, uint32_t max) {
    uint64_t state = seed, at_ns = 0;
    uint32_t count = 0;
    for (; count < max; count++) {
        at_ns += golden_draw_gap_ns(&state, PER_SECOND);
        if (at_ns >= SECONDS * GOLDEN_SECOND) break;
        jobs[count] = (golden_job){
            .arrive_at_ns = at_ns,
            .prompt_tokens = (uint32_t)golden_draw_lognormal(&state, 6.3, 0.9, 20, 8000),
            .output_tokens = (uint32_t)golden_draw_lognormal(&state, 5.0, 1.0, 4, 2000)};
    }
    return count;
}

static int in_time(const golden_job *job) {
    if (job->first_at_ns - job->arrive_at_ns > FIRST_NS) return 0;
    if (job->output_tokens < 2) return 1;
    return (job->last_at_ns - job->first_at_ns) / (job->output_tokens - 1) <= TOKEN_NS;
}

static figures run(const policy *p, uint64_t seed) {
    const uint32_t room = (uint32_t)(2 * PER_SECOND * SECONDS);
    golden_job *jobs = calloc(room, sizeof *jobs);
    if (jobs == NULL) golden_die("no memory for jobs");
    golden_engine e = {
        .jobs = jobs, .step_ns = step_ns, .queue_ns = p->queue_ns, .first_ns = p->first_ns};
    berth_options options = golden_options(RUNNING_MAX, room, KV_TOKENS, 16);
    options.wait_ppm = p->wait_ppm;
    for (uint32_t b = 0; b < options.band_count; b++) {
        options.bands[b].codel_target_ns = p->codel_target_ns;
        options.bands[b].codel_interval_ns = p->codel_interval_ns;
    }
    e.job_count = make_jobs(seed, jobs, room);
    golden_engine_init(&e, &options);
    golden_engine_run(&e, SECONDS * GOLDEN_SECOND);
    uint64_t completed = 0, good = 0;
    for (uint32_t i = 0; i < e.job_count; i++) {
        if (jobs[i].outcome != BERTH_OUTCOME_COMPLETED) continue;
        completed++;
        good += (uint64_t)in_time(&jobs[i]);
    }
    golden_engine_run(&e, GOLDEN_NEVER);
    golden_engine_fini(&e);
    free(jobs);
    return (figures){completed > 0 ? (double)good / (double)completed : 0,
                     (double)good / (double)SECONDS};
}

static figures median(const policy *p, char *note, size_t size) {
    double part[SEEDS], rate[SEEDS];
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        const figures got = run(p, seed + 1);
        part[seed] = got.in_time;
        rate[seed] = got.per_second;
    }
    snprintf(note, size, "seeds 1, 2, 3: %.3f, %.3f, %.3f; %.2f, %.2f, %.2f per s", part[0],
             part[1], part[2], rate[0], rate[1], rate[2]);
    return (figures){golden_median3(part), golden_median3(rate)};
}

void golden_overload(golden_board *board) {
    static const policy fifo = {.queue_ns = 20 * GOLDEN_SECOND};
    static const policy codel = {.codel_target_ns = GOLDEN_SECOND / 5,
                                 .codel_interval_ns = 2 * GOLDEN_SECOND};
    static const policy both = {.first_ns = FIRST_NS,
                                .codel_target_ns = GOLDEN_SECOND / 5,
                                .codel_interval_ns = 2 * GOLDEN_SECOND,
                                .wait_ppm = 800000};
    golden_row row = {.suite = "overload",
                      .name = "FIFO, 20 s timeout: completions in time",
                      .published = "0.01",
                      .unit = "part",
                      .min = 0.0,
                      .max = 0.03};
    row.ours = median(&fifo, row.note, sizeof row.note).in_time;
    golden_board_add(board, &row);
    row.name = "CoDel: completions in time";
    row.published = "0.91";
    row.min = 0.75; /* RFC 8289's ramp takes a minute here; what queued meanwhile is late */
    row.max = 1.0;
    row.ours = median(&codel, row.note, sizeof row.note).in_time;
    golden_board_add(board, &row);
    const figures ours = median(&both, row.note, sizeof row.note);
    row.name = "predicted wait 0.8 and CoDel: completions in time";
    row.published = "0.95";
    row.min = 0.93;
    row.ours = ours.in_time;
    golden_board_add(board, &row);
    golden_board_add(board, &(golden_row){.suite = "overload",
                                          .name = "the same: in time, per second",
                                          .published = "3.6",
                                          .unit = "requests/s",
                                          .ours = ours.per_second,
                                          .min = 3.6,
                                          .max = GOLDEN_ANY});
}
