/* SPDX-License-Identifier: MIT */
/*
 * What:    the table at the end: what priority, backpressure and cost accounting did.
 * Why:     figures of the two runs side by side, all measured, none computed in advance.
 * Rules:   reads finished runs; writes stdout.
 * Threads: one.
 */
#ifndef QUICKSTART_REPORT_H
#define QUICKSTART_REPORT_H

#include "run.h"

void report_write(const quick_run *berth, const quick_run *fifo);

#endif
