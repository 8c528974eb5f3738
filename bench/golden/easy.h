/* SPDX-License-Identifier: MIT */
/*
 * What:    jobs on the gate face, strict, first fit and EASY, at loads that fill the machine.
 * Why:     how full it gets, and how long the large jobs wait for it.
 * Rules:   the estimate that EASY uses is an upper bound, as the workload says.
 * Threads: one.
 */
#ifndef GOLDEN_EASY_H
#define GOLDEN_EASY_H

#include "board.h"

void golden_easy(golden_board *board);

#endif
