/* SPDX-License-Identifier: MIT */
#include "board.h"

#include "calibrate.h"
#include "sample.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64u
#define TEXT_SIZE 128u
/* A figure of the machine this far above its median makes a round noisy. */
#define NOISY 1.5

typedef struct row {
    char workload[NAME_SIZE];
    char peer[NAME_SIZE];
    char unit[16];
    char lacks[TEXT_SIZE];
    double values[BENCH_ROUNDS_MAX]; /* NaN where not measured */
} row;

typedef struct skip {
    char workload[NAME_SIZE];
    char peer[NAME_SIZE];
    char reason[TEXT_SIZE];
} skip;

typedef struct machine {
    char workload[NAME_SIZE];
    uint32_t round;
    bench_calibration of;
} machine;

struct bench_board {
    char bench[NAME_SIZE];
    char ours[NAME_SIZE];
    uint32_t rounds;
    row *rows;
    size_t row_count;
    skip *skips;
    size_t skip_count;
    machine *machines;
    size_t machine_count;
};

static void copy(char *to, size_t size, const char *text) {
    snprintf(to, size, "%s", text);
}

/* One element more at the end of an array, all zero. A bench without memory has no figures. */
static void *grow(void *array, size_t *count, size_t size) {
    char *grown = realloc(array, (*count + 1) * size);
    if (grown == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    memset(grown + *count * size, 0, size);
    (*count)++;
    return grown;
}

bench_board *bench_board_create(const char *bench, const char *ours, uint32_t rounds) {
    bench_board *board = calloc(1, sizeof *board);
    if (board == NULL) return NULL;
    copy(board->bench, sizeof board->bench, bench);
    copy(board->ours, sizeof board->ours, ours);
    board->rounds = rounds < BENCH_ROUNDS_MAX ? rounds : BENCH_ROUNDS_MAX;
    return board;
}

void bench_board_destroy(bench_board *board) {
    if (board == NULL) return;
    free(board->rows);
    free(board->skips);
    free(board->machines);
    free(board);
}

static row *find(const bench_board *board, const char *workload, const char *peer) {
    for (size_t i = 0; i < board->row_count; i++)
        if (strcmp(board->rows[i].workload, workload) == 0 &&
            strcmp(board->rows[i].peer, peer) == 0)
            return &board->rows[i];
    return NULL;
}

/* Behind the last row of its workload, so that its peers stand together. */
static row *insert(bench_board *board, const char *workload) {
    board->rows = grow(board->rows, &board->row_count, sizeof *board->rows);
    size_t last = board->row_count - 1, at = last;
    while (at > 0 && strcmp(board->rows[at - 1].workload, workload) != 0) at--;
    if (at == 0) at = last;
    memmove(&board->rows[at + 1], &board->rows[at], (last - at) * sizeof *board->rows);
    return &board->rows[at];
}

void bench_board_put(bench_board *board, const char *workload, const char *peer, const char *unit,
                     const char *lacks, uint32_t round, double value) {
    row *at = find(board, workload, peer);
    if (at == NULL) {
        at = insert(board, workload);
        copy(at->workload, sizeof at->workload, workload);
        copy(at->peer, sizeof at->peer, peer);
        copy(at->unit, sizeof at->unit, unit);
        copy(at->lacks, sizeof at->lacks, lacks);
        for (uint32_t i = 0; i < BENCH_ROUNDS_MAX; i++) at->values[i] = (double)NAN;
    }
    if (round < board->rounds) at->values[round] = value;
}

void bench_board_skip(bench_board *board, const char *workload, const char *peer,
                      const char *reason) {
    for (size_t i = 0; i < board->skip_count; i++)
        if (strcmp(board->skips[i].workload, workload) == 0 &&
            strcmp(board->skips[i].peer, peer) == 0)
            return;
    board->skips = grow(board->skips, &board->skip_count, sizeof *board->skips);
    skip *at = &board->skips[board->skip_count - 1];
    copy(at->workload, sizeof at->workload, workload);
    copy(at->peer, sizeof at->peer, peer);
    copy(at->reason, sizeof at->reason, reason);
}

void bench_board_calibrate(bench_board *board, const char *workload, uint32_t round) {
    bench_calibration of;
    if (!bench_calibrate(&of)) return;
    board->machines = grow(board->machines, &board->machine_count, sizeof *board->machines);
    machine *at = &board->machines[board->machine_count - 1];
    copy(at->workload, sizeof at->workload, workload);
    at->round = round;
    at->of = of;
}

/* Median over the rounds that both have. */
static double ratio_of(const bench_board *board, const row *one, const row *other) {
    double ratios[BENCH_ROUNDS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < board->rounds; i++)
        if (!isnan(one->values[i]) && !isnan(other->values[i]) && other->values[i] > 0)
            ratios[count++] = one->values[i] / other->values[i];
    return bench_median(ratios, count);
}

double bench_board_ratio(const bench_board *board, const char *workload, const char *peer,
                         const char *to_workload, const char *to_peer) {
    const row *one = find(board, workload, peer);
    const row *other = find(board, to_workload, to_peer);
    if (one == NULL || other == NULL) return (double)NAN;
    return ratio_of(board, one, other);
}

static bool summarise(const bench_board *board, const row *of, bench_summary *out) {
    double values[BENCH_ROUNDS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < board->rounds; i++)
        if (!isnan(of->values[i])) values[count++] = of->values[i];
    if (count == 0) return false;
    out->rounds = (uint32_t)count;
    out->median = bench_median(values, count); /* sorts them */
    out->min = values[0];
    out->max = values[count - 1];
    const row *ours = find(board, of->workload, board->ours);
    out->ratio = ours == NULL ? (double)NAN : ratio_of(board, ours, of);
    return true;
}

bool bench_board_summary(const bench_board *board, const char *workload, const char *peer,
                         bench_summary *out) {
    const row *of = find(board, workload, peer);
    return of != NULL && summarise(board, of, out);
}

bool bench_board_row(const bench_board *board, uint32_t index, const char **workload,
                     const char **peer, const char **unit) {
    if (index >= board->row_count) return false;
    *workload = board->rows[index].workload;
    *peer = board->rows[index].peer;
    *unit = board->rows[index].unit;
    return true;
}

/* ---- The machine ---- */

/* Each figure's median over the rounds of one workload. */
static bench_calibration usual(const bench_board *board, const char *workload) {
    double line[BENCH_ROUNDS_MAX], wake[BENCH_ROUNDS_MAX], syscall[BENCH_ROUNDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < board->machine_count && count < BENCH_ROUNDS_MAX; i++) {
        const machine *at = &board->machines[i];
        if (strcmp(at->workload, workload) != 0) continue;
        line[count] = at->of.line_ns;
        wake[count] = at->of.wake_ns;
        syscall[count] = at->of.syscall_ns;
        count++;
    }
    return (bench_calibration){.line_ns = bench_median(line, count),
                               .wake_ns = bench_median(wake, count),
                               .syscall_ns = bench_median(syscall, count)};
}

static bool noisy(const bench_board *board, const machine *at) {
    bench_calibration middle = usual(board, at->workload);
    return at->of.line_ns > NOISY * middle.line_ns || at->of.wake_ns > NOISY * middle.wake_ns ||
           at->of.syscall_ns > NOISY * middle.syscall_ns;
}

/* ---- Text ---- */

static void print_rows(const bench_board *board, FILE *to) {
    const char *last = "";
    fprintf(to, "%-28s %-18s %12s %12s %12s %7s  %s\n", "workload", "peer", "median", "min", "max",
            "ratio", "does not do");
    for (size_t i = 0; i < board->row_count; i++) {
        const row *at = &board->rows[i];
        bench_summary sum;
        if (!summarise(board, at, &sum)) continue;
        char ratio[16] = "-";
        if (!isnan(sum.ratio)) snprintf(ratio, sizeof ratio, "%.3f", sum.ratio);
        int digits = sum.median < 100 ? 1 : 0;
        fprintf(to, "%-28s %-18s %12.*f %12.*f %12.*f %7s  %s%s\n",
                strcmp(last, at->workload) == 0 ? "" : at->workload, at->peer, digits, sum.median,
                digits, sum.min, digits, sum.max, ratio, at->lacks,
                strcmp(at->unit, "ns") == 0 ? "" : at->unit);
        last = at->workload;
    }
}

void bench_board_print(const bench_board *board, FILE *to) {
    fprintf(to, "%s: %u rounds, interleaved; ns unless said otherwise; ratio is %s / peer\n\n",
            board->bench, board->rounds, board->ours);
    print_rows(board, to);
    if (board->skip_count > 0) fprintf(to, "\nskipped\n");
    for (size_t i = 0; i < board->skip_count; i++)
        fprintf(to, "%-28s %-18s %s\n", board->skips[i].workload, board->skips[i].peer,
                board->skips[i].reason);
    if (board->machine_count == 0) return;
    fprintf(to, "\n%-28s %5s %12s %12s %12s\n", "machine, before a round", "round", "cache line",
            "futex wake", "syscall");
    for (size_t i = 0; i < board->machine_count; i++) {
        const machine *at = &board->machines[i];
        fprintf(to, "%-28s %5u %12.0f %12.0f %12.1f%s\n", at->workload, at->round + 1,
                at->of.line_ns, at->of.wake_ns, at->of.syscall_ns,
                noisy(board, at) ? "  noisy" : "");
    }
}

/* ---- JSON ---- */

static json_t *number(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

/* Figures in nanoseconds have the unit in the key; others have it beside them. */
static json_t *json_of_row(const bench_board *board, const row *at) {
    bench_summary sum;
    if (!summarise(board, at, &sum)) return NULL;
    bool ns = strcmp(at->unit, "ns") == 0;
    json_t *values = json_array();
    for (uint32_t i = 0; i < board->rounds; i++)
        json_array_append_new(values, number(at->values[i]));
    json_t *json = json_pack(
        "{ss ss ss ss so so so so si so}", "workload", at->workload, "peer", at->peer, "lacks",
        at->lacks, "unit", at->unit, "median_ns", number(ns ? sum.median : (double)NAN), "min_ns",
        number(ns ? sum.min : (double)NAN), "max_ns", number(ns ? sum.max : (double)NAN), "ratio",
        number(sum.ratio), "rounds", (int)sum.rounds, "values", values);
    if (!ns && json != NULL) {
        json_object_set_new(json, "median", number(sum.median));
        json_object_set_new(json, "min", number(sum.min));
        json_object_set_new(json, "max", number(sum.max));
    }
    return json;
}

static json_t *json_of_rows(const bench_board *board) {
    json_t *rows = json_array();
    for (size_t i = 0; i < board->row_count; i++) {
        json_t *one = json_of_row(board, &board->rows[i]);
        if (one != NULL) json_array_append_new(rows, one);
    }
    return rows;
}

static json_t *json_of_machines(const bench_board *board) {
    json_t *list = json_array();
    for (size_t i = 0; i < board->machine_count; i++) {
        const machine *at = &board->machines[i];
        json_array_append_new(list,
                              json_pack("{ss si sf sf sf sb}", "workload", at->workload, "round",
                                        (int)at->round + 1, "line_ns", at->of.line_ns, "wake_ns",
                                        at->of.wake_ns, "syscall_ns", at->of.syscall_ns, "noisy",
                                        (int)noisy(board, at)));
    }
    return list;
}

bool bench_board_json(const bench_board *board, FILE *to, void (*more)(void *, void *),
                      void *argument) {
    json_t *skipped = json_array();
    for (size_t i = 0; i < board->skip_count; i++)
        json_array_append_new(skipped,
                              json_pack("{ss ss ss}", "workload", board->skips[i].workload, "peer",
                                        board->skips[i].peer, "reason", board->skips[i].reason));
    json_t *root =
        json_pack("{ss si so so so}", "bench", board->bench, "rounds", (int)board->rounds, "rows",
                  json_of_rows(board), "skipped", skipped, "calibration", json_of_machines(board));
    if (root == NULL) return false;
    if (more != NULL) more(root, argument);
    bool done = json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(8)) == 0;
    fputc('\n', to);
    json_decref(root);
    return done;
}
