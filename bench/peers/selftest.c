/* SPDX-License-Identifier: MIT */
#include "selftest.h"

#include "support/board.h"
#include "support/calibrate.h"
#include "support/sample.h"
#include "conduct.h"
#include "goals.h"
#include "launch.h"
#include "roster.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static void order_statistics_are_exact(void) {
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};
    uint64_t hundred[100];
    for (uint64_t i = 0; i < 100; i++) hundred[i] = 100 - i;
    HOLDS(bench_median(odd, 3) >= 3 && bench_median(odd, 3) <= 3);
    HOLDS(bench_median(even, 4) >= 2.5 && bench_median(even, 4) <= 2.5);
    HOLDS(isnan(bench_median(odd, 0)));
    HOLDS(bench_percentile(hundred, 100, 500) == 50);
    HOLDS(bench_percentile(hundred, 100, 990) == 99);
    HOLDS(bench_percentile(hundred, 100, 999) == 100);
    HOLDS(bench_percentile(hundred, 1, 1) == 1);
    HOLDS(bench_percentile(hundred, 0, 500) == 0);
}

static bool near(double value, double wanted) {
    return fabs(value - wanted) < 1e-9;
}

/* The middle round is slow for both: the ratio of each round tells, not that of the medians. */
static void ratios_are_taken_within_a_round(void) {
    bench_board *board = bench_board_create("test", "berth", 3);
    const double ours[] = {10, 100, 12}, other[] = {20, 400, 20};
    bench_summary sum;
    for (uint32_t i = 0; i < 3; i++) {
        bench_board_put(board, "w", "berth", "ns", "", i, ours[i]);
        bench_board_put(board, "w", "other", "ns", "cost", i, other[i]);
    }
    bench_board_put(board, "w", "once", "ns", "", 1, 50);
    HOLDS(bench_board_summary(board, "w", "other", &sum));
    HOLDS(near(sum.median, 20) && near(sum.min, 20) && near(sum.max, 400));
    HOLDS(near(sum.ratio, 0.5) && sum.rounds == 3);
    bench_board_put(board, "v", "berth", "ns", "", 0, 1);
    bench_board_put(board, "w", "late", "ns", "", 0, 5);
    const char *workload, *peer, *unit;
    HOLDS(bench_board_row(board, 3, &workload, &peer, &unit) && strcmp(peer, "late") == 0);
    HOLDS(bench_board_row(board, 4, &workload, &peer, &unit) && strcmp(workload, "v") == 0);
    HOLDS(!bench_board_row(board, 5, &workload, &peer, &unit));
    HOLDS(bench_board_summary(board, "w", "once", &sum));
    HOLDS(near(sum.ratio, 2) && sum.rounds == 1);
    HOLDS(!bench_board_summary(board, "w", "nobody", &sum));
    HOLDS(isnan(bench_board_ratio(board, "w", "berth", "w", "nobody")));
    bench_board_destroy(board);
}

static size_t judge_by_name(const bench_board *board, const char *text, goal_verdict verdict) {
    size_t found = 0;
    for (size_t i = 0; i < goal_count; i++) {
        goal_result at;
        goal_judge(board, i, &at);
        found += strcmp(at.text, text) == 0 && at.verdict == verdict;
    }
    return found;
}

static void a_missed_goal_is_named(void) {
    bench_board *board = bench_board_create("test", "berth", 1);
    size_t judged = 0;
    FILE *nowhere = fopen("/dev/null", "w");
    bench_board_put(board, "a/1x1", "berth", "ns", "", 0, 100);
    bench_board_put(board, "a/1x1", "libuv", "ns", "", 0, 240);
    bench_board_put(board, "a/1x1", "mutex-ring", "ns", "", 0, 110);
    bench_board_put(board, "a/1x1", "glib-sorted", "ns", "", 0, 260);
    HOLDS(judge_by_name(board, "a/1x1 / libuv", GOAL_MISSED) == 1);
    HOLDS(judge_by_name(board, "a/1x1 / mutex-ring", GOAL_MET) == 1);
    HOLDS(judge_by_name(board, "a/1x1 / glib-sorted (best with priorities)", GOAL_MET) == 1);
    HOLDS(judge_by_name(board, "a/1x1 / replaced", GOAL_NOT_MEASURED) == 1);
    HOLDS(nowhere != NULL && goals_print(board, nowhere, &judged) == 1 && judged == 3);
    if (nowhere != NULL) fclose(nowhere);
    bench_board_destroy(board);
}

static void count_figure(void *context, const char *metric, const char *unit, double value) {
    (void)metric;
    (void)unit;
    if (value >= 0) ++*(int *)context;
}

static void what_is_not_there_is_said(const char *directory) {
    int figures = 0;
    HOLDS(launch(directory, "no-such-program", "x", "burst 1", count_figure, &figures) ==
          LAUNCH_NOT_BUILT);
    HOLDS(launch(directory, roster[0].program, "nobody", "burst 1", count_figure, &figures) ==
          LAUNCH_NOT_BUILT);
    HOLDS(launch(directory, roster[0].program, "berth", "nothing", count_figure, &figures) ==
          LAUNCH_HAS_NONE);
    HOLDS(launch(directory, roster[0].program, "berth", "saturated 0 1 1 1", count_figure,
                 &figures) == LAUNCH_FAILED);
    HOLDS(figures == 0);
}

/* Every workload with tiny counts, by ours and the two rings; and the JSON that comes of it. */
static void every_workload_runs(const char *directory) {
    conduct_options options = {
        .directory = directory, .peers = "mutex-ring,futex-ring,libuv", .rounds = 1, .quick = true};
    bench_board *board = bench_board_create("test", "berth", 1);
    HOLDS(conduct(board, &options));
    for (size_t i = 0; i < workload_count; i++) {
        const char *workload, *peer, *unit;
        size_t rows = 0, size = strlen(workloads[i].name);
        for (uint32_t k = 0; bench_board_row(board, k, &workload, &peer, &unit); k++)
            rows += strcmp(peer, "berth") == 0 && strncmp(workload, workloads[i].name, size) == 0;
        if (rows == 0) fprintf(stderr, "%s has no figures\n", workloads[i].name);
        HOLDS(rows > 0);
    }
    static const char *const lists[] = {"e/1000/many", "e/10000/many", "e/100000/many",
                                        "e/1000000/many"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        HOLDS(judge_by_name(board, lists[i], GOAL_NOT_MEASURED) == 0);
    char *text = NULL;
    size_t text_size = 0;
    FILE *to = open_memstream(&text, &text_size);
    HOLDS(to != NULL && bench_board_json(board, to, NULL, NULL));
    if (to != NULL) fclose(to);
    json_t *root = json_loads(text == NULL ? "" : text, 0, NULL);
    json_t *first = json_array_get(json_object_get(root, "rows"), 0);
    static const char *const keys[] = {"workload", "peer",  "median_ns", "min_ns",
                                       "max_ns",   "ratio", "rounds"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        HOLDS(json_object_get(first, keys[i]) != NULL);
    HOLDS(json_array_size(json_object_get(root, "calibration")) > 0);
    json_decref(root);
    free(text);
    bench_board_destroy(board);
}

int selftest(const char *directory) {
    bench_calibration machine;
    order_statistics_are_exact();
    ratios_are_taken_within_a_round();
    a_missed_goal_is_named();
    what_is_not_there_is_said(directory);
    every_workload_runs(directory);
    HOLDS(bench_calibrate(&machine));
    HOLDS(machine.line_ns > 0 && machine.wake_ns > 0 && machine.syscall_ns > 0);
    HOLDS(roster_named("a,b", "b") && !roster_named("ab", "a") && !roster_named(NULL, "a"));
    if (failures == 0) puts("peers: the instrument holds");
    return failures == 0 ? 0 : 1;
}
