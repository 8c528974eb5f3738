/* SPDX-License-Identifier: MIT */
/* What: the board as a picture.
 * Why: who is ahead of whom is seen faster than read.
 * Rules: drawn by gnuplot, which has to be there; a panel per workload, a bar per peer at its
 *        median, with min and max.
 * Threads: one at a time. */
#ifndef PEER_PLOT_H
#define PEER_PLOT_H

#include "support/board.h"

/* False where gnuplot is missing or fails; said on stderr. */
bool plot(const bench_board *board, const char *path);

#endif
