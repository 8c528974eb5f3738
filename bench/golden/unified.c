/* SPDX-License-Identifier: MIT */
#include "unified.h"
#include "draw.h"
#include "engine.h"

#include <stdio.h>
#include <string.h>

/*
 * Published: four chats at a time, twelve in all; on a unified cache of 8,192 tokens six finish, on
 * one of 16,384 none. The chats' lengths were not published. Here they grow to between a quarter
 * and three quarters of the cache, so four of them never fit together and each fits alone.
 */
#define CHATS 12u
#define SLOTS 4u

static uint64_t one_ms(const golden_step *step) {
    (void)step;
    return 1000000;
}

static void make_jobs(uint32_t kv_tokens, golden_job *jobs) {
    uint64_t state = kv_tokens;
    memset(jobs, 0, CHATS * sizeof *jobs);
    for (uint32_t i = 0; i < CHATS; i++) {
        const uint64_t total = golden_draw_whole(&state, kv_tokens / 4, kv_tokens * 3 / 4);
        jobs[i].prompt_tokens = (uint32_t)(total / 4);
        jobs[i].output_tokens = (uint32_t)(total - total / 4);
    }
}

/* A free slot is all that it asks. When the cache is full, whoever runs fails: all of them. */
static uint32_t finished_without_admission(uint32_t kv_tokens, const golden_job *jobs) {
    uint64_t used[SLOTS] = {0}, left[SLOTS] = {0};
    uint32_t next = 0, finished = 0;
    for (;;) {
        uint64_t sum = 0;
        uint32_t busy = 0;
        for (uint32_t s = 0; s < SLOTS; s++) {
            if (left[s] == 0 && next < CHATS) {
                used[s] = jobs[next].prompt_tokens;
                left[s] = jobs[next++].output_tokens;
            } else if (left[s] > 0) {
                used[s]++;
                if (--left[s] == 0) {
                    used[s] = 0;
                    finished++;
                }
            }
            sum += used[s];
            busy += left[s] > 0;
        }
        if (busy == 0 && next == CHATS) return finished;
        if (sum <= kv_tokens) continue;
        for (uint32_t s = 0; s < SLOTS; s++) used[s] = left[s] = 0;
    }
}

static void with_admission(uint32_t kv_tokens, golden_board *board) {
    golden_job jobs[CHATS];
    golden_engine e = {.jobs = jobs, .job_count = CHATS, .step_ns = one_ms};
    const berth_options options = golden_options(SLOTS, CHATS, kv_tokens, 16);
    const int small = kv_tokens == 8192;
    make_jobs(kv_tokens, jobs);
    golden_row row = {.suite = "unified",
                      .name = small ? "8K, worst_case: chats that finish"
                                    : "16K, worst_case: chats that finish",
                      .published = "12",
                      .unit = "chats",
                      .min = CHATS,
                      .max = CHATS};
    snprintf(row.note, sizeof row.note, "a free slot alone: %u; published %s",
             (unsigned)finished_without_admission(kv_tokens, jobs), small ? "6" : "0");
    golden_engine_init(&e, &options);
    golden_engine_run(&e, GOLDEN_NEVER);
    const berth_stats stats = golden_stats(e.pool);
    row.ours = (double)stats.outcome_total[BERTH_OUTCOME_COMPLETED];
    golden_board_add(board, &row);
    golden_board_add(board, &(golden_row){.suite = "unified",
                                          .name = "preemptions",
                                          .published = "0",
                                          .unit = "preemptions",
                                          .ours = (double)stats.preemptions_total});
    golden_engine_fini(&e);
}

void golden_unified(golden_board *board) {
    with_admission(8192, board);
    with_admission(16384, board);
}
