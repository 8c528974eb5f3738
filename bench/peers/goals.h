/* SPDX-License-Identifier: MIT */
/* What: what the figures have to show.
 * Why: a table of goals that a board either meets or misses, or does not have the figures for.
 * Rules: a goal against several workloads or peers is missed where one of them misses it.
 * Threads: any. */
#ifndef PEER_GOALS_H
#define PEER_GOALS_H

#include "support/board.h"

#include <stddef.h>

typedef enum goal_verdict { GOAL_MET, GOAL_MISSED, GOAL_NOT_MEASURED } goal_verdict;

typedef struct goal_result {
    goal_verdict verdict;
    double figure;
    double limit;
    char text[128];
} goal_result;

extern const size_t goal_count;

/* How the board stands to goal `index`. */
void goal_judge(const bench_board *board, size_t index, goal_result *out);

/* All of them as a table. Returns how many are missed; `judged` counts those with figures. */
size_t goals_print(const bench_board *board, FILE *to, size_t *judged);

#endif
