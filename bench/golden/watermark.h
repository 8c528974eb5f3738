/* SPDX-License-Identifier: MIT */
/*
 * What:    the table of preemptions under a watermark of free KV, and of other ways to admit.
 * Why:     counts need no model of time, so they must come out wherever the arithmetic is right.
 * Rules:   the median of three seeds against the published figure.
 * Threads: one.
 */
#ifndef GOLDEN_WATERMARK_H
#define GOLDEN_WATERMARK_H

#include "board.h"

void golden_watermark(golden_board *board);

#endif
