/* SPDX-License-Identifier: MIT */
/*
 * What:    three times the load that an engine can do, with a target for each request.
 * Why:     what is refused early leaves room for what can still be in time.
 * Rules:   a completion counts where its first token and its mean token were in time.
 * Threads: one.
 */
#ifndef GOLDEN_OVERLOAD_H
#define GOLDEN_OVERLOAD_H

#include "board.h"

void golden_overload(golden_board *board);

#endif
