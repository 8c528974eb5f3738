/* SPDX-License-Identifier: MIT */
/*
 * What:    two tenants that ask for more than there is, with and without virtual token counters.
 * Why:     the published bound on the difference of their service must hold, and FCFS must break
 *          it.
 * Rules:   360 s of arrivals; the difference is looked at after the first 30 s.
 * Threads: one.
 */
#ifndef GOLDEN_FAIRNESS_H
#define GOLDEN_FAIRNESS_H

#include "board.h"

void golden_fairness(golden_board *board);

#endif
