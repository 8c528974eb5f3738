/* SPDX-License-Identifier: MIT */
/* berth-peers: what a user would take instead of Berth, side by side with it. */
#include "conduct.h"
#include "goals.h"
#include "plot.h"
#include "selftest.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: sh bench/run.sh peers [options]\n"
    "\n"
    "  --json           one JSON object on stdout instead of the table\n"
    "  --svg FILE       draw the figures too\n"
    "  --check          exit with 1 where a goal is missed, and say which\n"
    "  --rounds N       interleaved rounds, 1 to 99; default 7\n"
    "  --only a,b       groups of workloads; default all of a to j\n"
    "  --peers x,y      entrants beside berth; default all\n"
    "  --quick          tiny counts: to try the instrument, not for figures\n"
    "  --self-test      check the instrument\n";

typedef struct settings {
    conduct_options run;
    const char *svg;
    bool json;
    bool check;
    bool self_test;
} settings;

static void wrong(const char *what, const char *value) {
    fprintf(stderr, "%s %s\n%s", what, value, usage);
    exit(2);
}

static uint32_t rounds_of(const char *text) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < 1 || value > BENCH_ROUNDS_MAX) wrong("--rounds is not", text);
    return (uint32_t)value;
}

static void read_settings(int argc, char **argv, settings *out) {
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},       {"svg", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'c'},      {"rounds", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'}, {"peers", required_argument, NULL, 'p'},
        {"quick", no_argument, NULL, 'q'},      {"self-test", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    int name;
    while ((name = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        switch (name) {
        case 'j': out->json = true; break;
        case 's': out->svg = optarg; break;
        case 'c': out->check = true; break;
        case 'r': out->run.rounds = rounds_of(optarg); break;
        case 'o': out->run.groups = optarg; break;
        case 'p': out->run.peers = optarg; break;
        case 'q': out->run.quick = true; break;
        case 't': out->self_test = true; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    }
    if (optind < argc) wrong("unknown argument", argv[optind]);
}

/* The entrants' programs lie beside this one. */
static void own_directory(char *path, size_t size) {
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    path[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) *slash = '\0';
}

static void add_goals(void *object, void *argument) {
    static const char *const words[] = {"met", "missed", "not measured"};
    const bench_board *board = argument;
    json_t *list = json_array();
    for (size_t i = 0; i < goal_count; i++) {
        goal_result at;
        goal_judge(board, i, &at);
        json_array_append_new(list, json_pack("{ss so sf ss}", "goal", at.text, "figure",
                                              isnan(at.figure) ? json_null() : json_real(at.figure),
                                              "at_most", at.limit, "verdict", words[at.verdict]));
    }
    json_object_set_new(object, "goals", list);
}

/* With --json the goals are in the object, and the table goes to stderr where it is asked for. */
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
    if (from->svg != NULL && !plot(board, from->svg)) return 1;
    if (!from->check) return 0;
    if (judged == 0)
        fputs("no goal has its figures\n", stderr);
    else if (missed > 0)
        fprintf(stderr, "%zu of %zu goals missed\n", missed, judged);
    return missed > 0 || judged == 0;
}

int main(int argc, char **argv) {
    char directory[1024];
    settings from = {.run = {.rounds = 7, .progress = isatty(STDERR_FILENO)}};
    read_settings(argc, argv, &from);
    own_directory(directory, sizeof directory);
    from.run.directory = directory;
    if (from.self_test) return selftest(directory);
    bench_board *board = bench_board_create("peers", "berth", from.run.rounds);
    if (board == NULL) return 1;
    bool all = conduct(board, &from.run);
    int status = report(board, &from);
    bench_board_destroy(board);
    return all ? status : 1;
}
