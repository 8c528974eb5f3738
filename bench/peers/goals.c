/* SPDX-License-Identifier: MIT */
#include "goals.h"

#include "peer.h"
#include "roster.h"
#include "support/sample.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What the figure of ours is set against. */
typedef enum against {
    A_NUMBER,        /* the limit itself */
    A_PEER,          /* one peer, round by round */
    BEST_PRIORITY,   /* the peer with priorities whose median is lowest */
    FASTEST_PEER,    /* the peer whose median is lowest */
    THE_MEDIAN_PEER, /* the median of the peers' medians */
    A_WORKLOAD       /* ours in another workload, round by round */
} against;

typedef struct goal {
    const char *workload;
    against to;
    const char *other; /* of A_PEER and A_WORKLOAD */
    double limit;      /* the figure is at most this */
} goal;

/* 1.36 times the throughput is 1/1.36 of the time. */
#define OVER_MUTEX (1 / 1.36)

static const goal goals[] = {
    {"a/1x1", A_PEER, "libuv", 0.4},
    {"a/1x1", BEST_PRIORITY, NULL, 0.4},
    {"a/1x1", A_PEER, "replaced", 0.08},
    {"a/1x1", A_PEER, "mutex-ring", 1},
    {"a/2x2", A_PEER, "libuv", 0.4},
    {"a/2x2", BEST_PRIORITY, NULL, 0.4},
    {"a/2x2", A_PEER, "replaced", 0.08},
    {"a/2x2", A_PEER, "mutex-ring", 1},
    {"b", A_PEER, "libuv", 0.5},
    {"b", BEST_PRIORITY, NULL, 0.5},
    {"c/5us/start/p50", FASTEST_PEER, NULL, 1.1},
    {"c/300us/start/p50", FASTEST_PEER, NULL, 1.1},
    {"c/5ms/start/p50", FASTEST_PEER, NULL, 1.1},
    {"c/5us/start/p99", THE_MEDIAN_PEER, NULL, 1},
    {"c/300us/start/p99", THE_MEDIAN_PEER, NULL, 1},
    {"c/5ms/start/p99", THE_MEDIAN_PEER, NULL, 1},
    {"d/256/10000", A_NUMBER, NULL, 15000},
    {"d/256/1000000", A_WORKLOAD, "d/256/1000", 1.5},
    {"e/1000", A_NUMBER, NULL, 150},
    {"e/10000", A_NUMBER, NULL, 150},
    {"e/100000", A_NUMBER, NULL, 150},
    {"e/1000000", A_NUMBER, NULL, 150},
    {"e/1000/many", A_NUMBER, NULL, 150},
    {"e/10000/many", A_NUMBER, NULL, 150},
    {"e/100000/many", A_NUMBER, NULL, 150},
    {"e/1000000/many", A_NUMBER, NULL, 150},
    {"f/1000", A_NUMBER, NULL, 150},
    {"f/10000", A_NUMBER, NULL, 150},
    {"f/100000", A_NUMBER, NULL, 150},
    {"f/1000000", A_NUMBER, NULL, 150},
    {"g/10000", A_WORKLOAD, "g/1", 2},
    {"h/parked", A_NUMBER, NULL, 256},
    {"h/empty", A_NUMBER, NULL, 1000000},
    {"h/library", A_NUMBER, NULL, 256000},
    {"i/32", A_PEER, "mutex-ring", OVER_MUTEX},
    {"i/32/submit/p99", A_PEER, "mutex-ring", 1},
    {"j/enqueue_dequeue/100", A_PEER, "replaced", 0.2},
    {"j/enqueue_dequeue/1000", A_PEER, "replaced", 0.2},
    {"j/enqueue_dequeue/10000", A_PEER, "replaced", 0.2},
    {"j/priority_sorting", A_PEER, "replaced", 0.2},
    {"j/prune_expired", A_PEER, "replaced", 0.2},
    {"j/mailbox_deliver", A_PEER, "replaced", 0.2},
    {"j/mailbox_fetch", A_PEER, "replaced", 0.2},
    {"j/submit_immediate", A_PEER, "replaced", 0.2},
    {"j/with_queueing", A_PEER, "replaced", 0.2},
    {"j/mixed_priorities", A_PEER, "replaced", 0.2},
    {"j/deadline_checking", A_PEER, "replaced", 0.2},
    {"j/end_to_end", A_PEER, "replaced", 0.2},
};
const size_t goal_count = sizeof goals / sizeof goals[0];

/* The lowest median among the peers that have these features; NULL where none was measured. */
static const char *lowest(const bench_board *board, const char *workload, uint32_t features) {
    const char *name = NULL;
    double best = 0;
    for (size_t i = 1; i < roster_count; i++) {
        bench_summary sum;
        if ((roster[i].features & features) != features) continue;
        if (!bench_board_summary(board, workload, roster[i].name, &sum)) continue;
        if (name != NULL && sum.median >= best) continue;
        best = sum.median;
        name = roster[i].name;
    }
    return name;
}

static double median_peer(const bench_board *board, const char *workload) {
    double medians[64];
    size_t count = 0;
    for (size_t i = 1; i < roster_count && count < 64; i++) {
        bench_summary sum;
        if (bench_board_summary(board, workload, roster[i].name, &sum))
            medians[count++] = sum.median;
    }
    return bench_median(medians, count);
}

static double ours_over(const bench_board *board, const char *workload, const char *peer) {
    if (peer == NULL) return (double)NAN;
    return bench_board_ratio(board, workload, roster[0].name, workload, peer);
}

void goal_judge(const bench_board *board, size_t index, goal_result *out) {
    const goal *at = &goals[index];
    const char *ours = roster[0].name, *peer = at->other;
    bench_summary sum;
    bool measured = bench_board_summary(board, at->workload, ours, &sum);
    double figure = (double)NAN;
    switch (at->to) {
    case A_NUMBER: figure = measured ? sum.median : (double)NAN; break;
    case A_PEER: figure = ours_over(board, at->workload, peer); break;
    case BEST_PRIORITY:
        peer = lowest(board, at->workload, PEER_PRIORITY);
        figure = ours_over(board, at->workload, peer);
        break;
    case FASTEST_PEER:
        peer = lowest(board, at->workload, 0);
        figure = ours_over(board, at->workload, peer);
        break;
    case THE_MEDIAN_PEER:
        peer = "the median peer";
        figure = measured ? sum.median / median_peer(board, at->workload) : (double)NAN;
        break;
    case A_WORKLOAD: figure = bench_board_ratio(board, at->workload, ours, at->other, ours); break;
    }
    out->figure = figure;
    out->limit = at->limit;
    out->verdict = isnan(figure) ? GOAL_NOT_MEASURED : figure <= at->limit ? GOAL_MET : GOAL_MISSED;
    snprintf(out->text, sizeof out->text, "%s%s%s%s", at->workload, at->to == A_NUMBER ? "" : " / ",
             peer == NULL ? "" : peer,
             at->to == BEST_PRIORITY  ? " (best with priorities)"
             : at->to == FASTEST_PEER ? " (fastest)"
                                      : "");
}

size_t goals_print(const bench_board *board, FILE *to, size_t *judged) {
    size_t missed = 0;
    *judged = 0;
    fprintf(to, "%-64s %12s %12s\n", "goal", "figure", "at most");
    for (size_t i = 0; i < goal_count; i++) {
        goal_result result;
        goal_judge(board, i, &result);
        if (result.verdict == GOAL_NOT_MEASURED) continue;
        ++*judged;
        missed += result.verdict == GOAL_MISSED;
        fprintf(to, "%-64s %12.4g %12.4g  %s\n", result.text, result.figure, result.limit,
                result.verdict == GOAL_MISSED ? "MISSED" : "met");
    }
    fputs("not measured:", to);
    for (size_t i = 0; i < goal_count; i++) {
        goal_result result;
        goal_judge(board, i, &result);
        if (result.verdict == GOAL_NOT_MEASURED) fprintf(to, " [%s]", result.text);
    }
    fprintf(to, "%s\n", *judged == goal_count ? " none" : "");
    return missed;
}
