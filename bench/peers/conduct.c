/* SPDX-License-Identifier: MIT */
#include "conduct.h"

#include "launch.h"
#include "roster.h"

#include <stdio.h>
#include <string.h>

typedef struct turn {
    bench_board *board;
    const roster_workload *in;
    const roster_entrant *of;
    char lacks[128];
    uint32_t round;
} turn;

/* Rows are named by the workload, and where it has several figures by the figure. */
static void figure(void *context, const char *metric, const char *unit, double value) {
    turn *at = context;
    char name[128];
    if (strcmp(metric, "op") == 0)
        snprintf(name, sizeof name, "%s", at->in->name);
    else
        snprintf(name, sizeof name, "%s/%s", at->in->name, metric);
    bench_board_put(at->board, name, at->of->name, unit, at->lacks, at->round, value);
}

static bool take_turn(turn *at, const conduct_options *options) {
    char reason[128];
    roster_lacks(at->of, at->lacks, sizeof at->lacks);
    switch (launch(options->directory, at->of->program, at->of->name,
                   options->quick ? at->in->quick : at->in->args, figure, at)) {
    case LAUNCH_OK: return true;
    case LAUNCH_HAS_NONE:
        bench_board_skip(at->board, at->in->name, at->of->name, "does not do this");
        return true;
    case LAUNCH_NOT_BUILT:
        snprintf(reason, sizeof reason, "not built; needs %s", at->of->needs);
        bench_board_skip(at->board, "all", at->of->name, reason);
        return true;
    case LAUNCH_FAILED: break;
    }
    fprintf(stderr, "%s failed in %s\n", at->of->name, at->in->name);
    bench_board_skip(at->board, at->in->name, at->of->name, "failed");
    return false;
}

static bool takes_part(const roster_entrant *of, const roster_workload *in,
                       const conduct_options *options) {
    bool is_ours = of == &roster[0];
    if (in->who != NULL && !roster_named(in->who, of->name)) return false;
    return is_ours || options->peers == NULL || roster_named(options->peers, of->name);
}

static bool conduct_round(bench_board *board, const conduct_options *options, char group,
                          uint32_t round) {
    bool all = true;
    char name[2] = {group, '\0'};
    bench_board_calibrate(board, name, round);
    for (size_t w = 0; w < workload_count; w++) {
        if (workloads[w].name[0] != group) continue;
        for (size_t e = 0; e < roster_count; e++) {
            turn at = {.board = board, .in = &workloads[w], .of = &roster[e], .round = round};
            if (takes_part(at.of, at.in, options)) all = take_turn(&at, options) && all;
        }
    }
    return all;
}

bool conduct(bench_board *board, const conduct_options *options) {
    bool all = true;
    char last = '\0';
    for (size_t w = 0; w < workload_count; w++) {
        char group[2] = {workloads[w].name[0], '\0'};
        if (group[0] == last) continue;
        last = group[0];
        if (options->groups != NULL && !roster_named(options->groups, group)) continue;
        for (uint32_t round = 0; round < options->rounds; round++) {
            if (options->progress)
                fprintf(stderr, "\r%s: round %u of %u ", group, round + 1, options->rounds);
            all = conduct_round(board, options, group[0], round) && all;
        }
    }
    if (options->progress) fputc('\n', stderr);
    return all;
}
