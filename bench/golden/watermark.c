/* SPDX-License-Identifier: MIT */
#include "watermark.h"
#include "draw.h"
#include "engine.h"

#include <stdio.h>
#include <string.h>

#define JOBS 450u
#define LOOP 128u
#define KV_TOKENS (299584u - 16u) /* one block is the engine's own */
#define SEEDS 3u

/* Published counts; where only an independent model's are known, its three seeds' median. */
typedef struct policy {
    const char *preemptions_name;
    const char *running_name;
    uint32_t kv_mode;
    uint32_t watermark_ppm;
    const char *preemptions_text;
    const char *running_text;
    double preemptions;
    double running;
} policy;

static const policy policies[] = {
    {"optimistic, w = 0: preemptions", "average running", BERTH_KV_OPTIMISTIC, 0, "1065", "75",
     1065, 75},
    {"w = 0.02: preemptions", "average running", BERTH_KV_OPTIMISTIC, 20000, "400", "75", 400, 75},
    {"w = 0.05: preemptions", "average running", BERTH_KV_OPTIMISTIC, 50000, "187", "74", 187, 74},
    {"w = 0.10: preemptions", "average running", BERTH_KV_OPTIMISTIC, 100000, "168", "73", 168, 73},
    {"w = 0.15: preemptions", "average running", BERTH_KV_OPTIMISTIC, 150000, "168", "71", 168, 71},
    {"worst_case: preemptions", "average running", BERTH_KV_WORST_CASE, 0, "0", "46", 0, 46},
    {"future_peak: preemptions", "average running", BERTH_KV_FUTURE_PEAK, 0, "0", "61", 0, 61},
    {"ratio: preemptions", "average running", BERTH_KV_RATIO, 0, "155", "74", 155, 74},
};

/* A closed loop: whoever ends is followed by the next. */
static void next_one(golden_engine *e, golden_job *ended) {
    (void)ended;
    if (e->next < e->job_count) golden_engine_submit(e, &e->jobs[e->next++]);
}

static uint64_t one_ms(const golden_step *step) {
    (void)step;
    return 1000000;
}

typedef struct figures {
    double preemptions;
    double running;
} figures;

static figures run(const policy *p, uint64_t seed) {
    static golden_job jobs[JOBS];
    golden_engine e = {.jobs = jobs, .step_ns = one_ms, .ended = next_one};
    berth_options options = golden_options(256, JOBS, KV_TOKENS, 16);
    uint64_t state = seed;
    options.kv_mode = p->kv_mode;
    options.kv_watermark_ppm = p->watermark_ppm;
    memset(jobs, 0, sizeof jobs);
    for (uint32_t i = 0; i < JOBS; i++) {
        jobs[i].arrive_at_ns = GOLDEN_NEVER;
        jobs[i].prompt_tokens = (uint32_t)golden_draw_whole(&state, 800, 1200);
        jobs[i].output_tokens = (uint32_t)golden_draw_whole(&state, 4000, 6000);
    }
    golden_engine_init(&e, &options);
    for (e.next = 0; e.next < LOOP;) golden_engine_submit(&e, &jobs[e.next++]);
    e.job_count = JOBS;
    golden_engine_run(&e, GOLDEN_NEVER);
    const berth_stats stats = golden_stats(e.pool);
    if (stats.outcome_total[BERTH_OUTCOME_COMPLETED] != JOBS) golden_die("jobs are left behind");
    const figures out = {(double)stats.preemptions_total, (double)e.running_sum / (double)e.steps};
    golden_engine_fini(&e);
    return out;
}

void golden_watermark(golden_board *board) {
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        const policy *p = &policies[i];
        double preemptions[SEEDS], running[SEEDS];
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            const figures got = run(p, seed + 1);
            preemptions[seed] = got.preemptions;
            running[seed] = got.running;
        }
        golden_row count = {.suite = "watermark",
                            .name = p->preemptions_name,
                            .published = p->preemptions_text,
                            .unit = "preemptions",
                            .min = 0.7 * p->preemptions,
                            .max = 1.3 * p->preemptions};
        snprintf(count.note, sizeof count.note, "seeds 1, 2, 3: %.0f, %.0f, %.0f", preemptions[0],
                 preemptions[1], preemptions[2]);
        count.ours = golden_median3(preemptions);
        golden_board_add(board, &count);
        const golden_row average = {.suite = "watermark",
                                    .name = p->running_name,
                                    .published = p->running_text,
                                    .unit = "requests",
                                    .ours = golden_median3(running),
                                    .min = 0.95 * p->running,
                                    .max = 1.05 * p->running};
        golden_board_add(board, &average);
    }
}
