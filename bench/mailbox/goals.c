/* SPDX-License-Identifier: MIT */
#include "goals.h"

#include <math.h>
#include <stdio.h>

/* A figure of Berth's, over another where there is one, round by round, is at most the limit. */
typedef struct goal {
    const char *workload;
    const char *to_workload; /* NULL: the figure itself */
    const char *to_peer;
    double limit;
} goal;

#define BELOW_ALL(workload)                                                                        \
    {workload, workload, "broadcast", 1}, {                                                        \
        workload, workload, "queue-per-stream", 1                                                  \
    }
#define BELOW_DESCRIPTORS(workload)                                                                \
    {workload, workload, "pipe-per-stream", 1}, {                                                  \
        workload, workload, "eventfd-per-stream", 1                                                \
    }

static const goal goals[] = {
    {"pair", "pair", "bare-ring", 1.5},
    BELOW_ALL("fan/1/cpu"),
    BELOW_DESCRIPTORS("fan/1/cpu"),
    BELOW_ALL("fan/1/read"),
    BELOW_DESCRIPTORS("fan/1/read"),
    BELOW_ALL("fan/100/cpu"),
    BELOW_DESCRIPTORS("fan/100/cpu"),
    BELOW_ALL("fan/100/read"),
    BELOW_DESCRIPTORS("fan/100/read"),
    BELOW_ALL("fan/256/cpu"),
    BELOW_DESCRIPTORS("fan/256/cpu"),
    BELOW_ALL("fan/256/read"),
    BELOW_DESCRIPTORS("fan/256/read"),
    BELOW_ALL("fan/1000/cpu"),
    BELOW_DESCRIPTORS("fan/1000/cpu"),
    BELOW_ALL("fan/1000/read"),
    BELOW_DESCRIPTORS("fan/1000/read"),
    BELOW_ALL("fan/10000/cpu"),
    BELOW_ALL("fan/10000/read"),
    {"fan/10000/cpu", "fan/100/cpu", "berth", 3},
    {"fan/256/cpu", NULL, NULL, 80},
    {"fan/1/wakes-per-step", NULL, NULL, 1},
    {"fan/100/wakes-per-step", NULL, NULL, 1},
    {"fan/256/wakes-per-step", NULL, NULL, 1},
    {"fan/1000/wakes-per-step", NULL, NULL, 1},
    {"fan/10000/wakes-per-step", NULL, NULL, 1},
    {"vanish/10000/wrong-tokens", NULL, NULL, 0},
    {"readers-stalled", "readers-keep-up", "berth", 1.1},
    {"memory/100000-live-1KiB", NULL, NULL, 200e6},
};
const size_t goal_count = sizeof goals / sizeof goals[0];

void goal_judge(const bench_board *board, size_t index, judgement *out) {
    const goal *at = &goals[index];
    bench_summary sum;
    out->limit = at->limit;
    out->figure = (double)NAN;
    if (at->to_workload == NULL) {
        snprintf(out->text, sizeof out->text, "%s", at->workload);
        if (bench_board_summary(board, at->workload, "berth", &sum)) out->figure = sum.median;
    } else {
        snprintf(out->text, sizeof out->text, "%s / %s %s", at->workload, at->to_workload,
                 at->to_peer);
        out->figure = bench_board_ratio(board, at->workload, "berth", at->to_workload, at->to_peer);
    }
    out->verdict = isnan(out->figure) ? NOT_MEASURED : out->figure <= out->limit ? MET : MISSED;
}

size_t goals_print(const bench_board *board, FILE *to, size_t *judged) {
    static const char *const words[] = {"met", "MISSED", "not measured"};
    size_t missed = 0;
    *judged = 0;
    for (size_t i = 0; i < goal_count; i++) {
        judgement at;
        goal_judge(board, i, &at);
        *judged += at.verdict != NOT_MEASURED;
        missed += at.verdict == MISSED;
        fprintf(to, "%-54s %14.3f  at most %14.3f  %s\n", at.text, at.figure, at.limit,
                words[at.verdict]);
    }
    return missed;
}
