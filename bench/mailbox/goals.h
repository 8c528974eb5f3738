/* SPDX-License-Identifier: MIT */
/* What: what the mailbox bench must show.
 * Why: a missed goal has a name and fails a --check, instead of hiding in a table.
 * Rules: a goal without figures is told as not measured, and is no pass.
 * Threads: any. */
#ifndef BENCH_MAILBOX_GOALS_H
#define BENCH_MAILBOX_GOALS_H

#include "support/board.h"

#include <stddef.h>

typedef enum verdict { MET, MISSED, NOT_MEASURED } verdict;

typedef struct judgement {
    char text[160];
    double figure;
    double limit;
    verdict verdict;
} judgement;

extern const size_t goal_count;
void goal_judge(const bench_board *board, size_t index, judgement *out);

/* One line each. Returns how many were missed. */
size_t goals_print(const bench_board *board, FILE *to, size_t *judged);

#endif
