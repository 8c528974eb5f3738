/* SPDX-License-Identifier: MIT */
/* What: the figures of a comparison: one value per workload, peer and round.
 * Why: every bench says median, min, max and ratio in the same words, as text and as JSON.
 * Rules: a ratio is ours / peer within one round, and then the median over the rounds; a value
 *        that was not measured is left out, never guessed; nothing is dropped in silence.
 * Threads: one at a time.
 *
 * How to use it:
 *
 *     bench_board *board = bench_board_create("mailbox", "berth", rounds);
 *     for (uint32_t round = 0; round < rounds; round++) {   // interleaved: A B C, A B C
 *         bench_board_calibrate(board, "tokens", round);
 *         bench_board_put(board, "tokens", "berth", "ns", "", round, measure_ours());
 *         bench_board_put(board, "tokens", "pipe", "ns", "bound", round, measure_pipe());
 *     }
 *     bench_board_skip(board, "tokens", "zeromq", "libzmq3-dev is not installed");
 *     bench_board_print(board, stdout);                     // or bench_board_json()
 *     bench_board_destroy(board);
 *
 * Warm up inside measure_x(); seven rounds or more. The text of peers and reasons is copied. */
#ifndef BENCH_BOARD_H
#define BENCH_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_ROUNDS_MAX 99u

typedef struct bench_board bench_board;

typedef struct bench_summary {
    double median;
    double min;
    double max;
    double ratio; /* ours / this one; NaN where ours was not measured */
    uint32_t rounds;
} bench_summary;

/* `ours` is the peer that ratios are taken against; NULL where memory ran out. */
bench_board *bench_board_create(const char *bench, const char *ours, uint32_t rounds);
void bench_board_destroy(bench_board *board);

/* One value; `unit` is "ns", "bytes" or what else it is counted in, `lacks` what the peer does not
 * do that ours does. Workloads appear in the order of their first value, peers within them. */
void bench_board_put(bench_board *board, const char *workload, const char *peer, const char *unit,
                     const char *lacks, uint32_t round, double value);

/* This peer did not run in this workload, and why. Said once, however often it is told. */
void bench_board_skip(bench_board *board, const char *workload, const char *peer,
                      const char *reason);

/* Measure the machine before this round of this workload, and keep it. */
void bench_board_calibrate(bench_board *board, const char *workload, uint32_t round);

/* False where nothing was measured. */
bool bench_board_summary(const bench_board *board, const char *workload, const char *peer,
                         bench_summary *out);

/* Median over rounds of one row's value over another's; NaN where one was not measured. */
double bench_board_ratio(const bench_board *board, const char *workload, const char *peer,
                         const char *to_workload, const char *to_peer);

/* Rows one by one, in order; false past the last. */
bool bench_board_row(const bench_board *board, uint32_t index, const char **workload,
                     const char **peer, const char **unit);

void bench_board_print(const bench_board *board, FILE *to);

/* One object: bench, rounds, rows, skipped, calibration. Extra keys may be added by `more`, which
 * gets the json_t object as a void pointer; it may be NULL. False where memory ran out. */
bool bench_board_json(const bench_board *board, FILE *to, void (*more)(void *, void *),
                      void *argument);

#endif
