/* SPDX-License-Identifier: MIT */
/* berth-mailbox: what it costs to carry tokens from an engine to its readers. */
#include "goals.h"
#include "workloads.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: sh bench/run.sh mailbox [options]\n"
    "\n"
    "  --json           one JSON object on stdout instead of the table\n"
    "  --check          exit with 1 where a goal is missed, and say which\n"
    "  --rounds N       interleaved rounds, 1 to 99; default 7\n"
    "  --only a,b       of pair, fan, vanish, stalled, memory; default all\n"
    "  --quick          tiny counts: to try the instrument, not for figures\n";

typedef struct settings {
    uint32_t rounds;
    const char *only;
    const char *child;
    bool json;
    bool check;
    bool quick;
} settings;

static void wrong(const char *what, const char *value) {
    fprintf(stderr, "%s %s\n%s", what, value, usage);
    exit(2);
}

static uint32_t rounds_of(const char *text) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < 1 || value > BENCH_ROUNDS_MAX) wrong("--rounds is not", text);
    return (uint32_t)value;
}

static void read_settings(int argc, char **argv, settings *out) {
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},         {"check", no_argument, NULL, 'c'},
        {"rounds", required_argument, NULL, 'r'}, {"only", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'q'},        {"stall-child", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int name;
    while ((name = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        switch (name) {
        case 'j': out->json = true; break;
        case 'c': out->check = true; break;
        case 'r': out->rounds = rounds_of(optarg); break;
        case 'o': out->only = optarg; break;
        case 'q': out->quick = true; break;
        case 's': out->child = optarg; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (optind < argc) wrong("unknown argument", argv[optind]);
}

static bool wants(const settings *from, const char *group) {
    if (from->only == NULL) return true;
    const char *at = strstr(from->only, group);
    const size_t size = strlen(group);
    return at != NULL && (at == from->only || at[-1] == ',') &&
           (at[size] == '\0' || at[size] == ',');
}

static bool run_round(const settings *from, workload *at, const char *program) {
    static const uint32_t streams[] = {1, 100, 256, 1000, 10000};
    bool good = true;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "round %u\n", at->round + 1);
    if (wants(from, "pair")) {
        bench_board_calibrate(at->board, "pair", at->round);
        good = pair_run(at) && good;
    }
    for (size_t i = 0; wants(from, "fan") && i < sizeof streams / sizeof streams[0]; i++) {
        bench_board_calibrate(at->board, "fan", at->round);
        good = fan_run(at, streams[i]) && good;
    }
    if (wants(from, "vanish")) {
        bench_board_calibrate(at->board, "vanish", at->round);
        good = vanish_run(at) && good;
    }
    /* These are counts, alike in every round. */
    if (at->round > 0) return good;
    if (wants(from, "stalled")) stall_run(at, program);
    if (wants(from, "memory")) good = memory_run(at) && good;
    return good;
}

static void add_goals(void *object, void *argument) {
    static const char *const words[] = {"met", "missed", "not measured"};
    const bench_board *board = argument;
    json_t *list = json_array();
    for (size_t i = 0; i < goal_count; i++) {
        judgement at;
        goal_judge(board, i, &at);
        json_array_append_new(list, json_pack("{ss so sf ss}", "goal", at.text, "figure",
                                              isnan(at.figure) ? json_null() : json_real(at.figure),
                                              "at_most", at.limit, "verdict", words[at.verdict]));
    }
    json_object_set_new(object, "goals", list);
}

static int report(bench_board *board, const settings *from) {
    size_t judged = 0, missed = 0;
    if (from->json) {
        if (!bench_board_json(board, stdout, add_goals, board)) return 1;
        if (from->check) missed = goals_print(board, stderr, &judged);
    } else {
        bench_board_print(board, stdout);
        fputc('\n', stdout);
        missed = goals_print(board, stdout, &judged);
    }
    if (!from->check) return 0;
    fprintf(stderr, "%zu of %zu goals missed\n", missed, judged);
    return missed > 0 || judged == 0;
}

int main(int argc, char **argv) {
    char program[1024];
    settings from = {.rounds = 7};
    read_settings(argc, argv, &from);
    if (from.child != NULL) return stall_child(strcmp(from.child, "readers") == 0);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    bench_board *board = bench_board_create("mailbox", "berth", from.rounds);
    if (board == NULL) return 1;
    bool good = true;
    for (uint32_t round = 0; round < from.rounds; round++) {
        workload at = {.board = board, .round = round, .quick = from.quick};
        good = run_round(&from, &at, program) && good;
    }
    const int status = report(board, &from);
    bench_board_destroy(board);
    return good ? status : 1;
}
