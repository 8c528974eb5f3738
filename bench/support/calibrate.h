/* SPDX-License-Identifier: MIT */
/* What: three figures of the machine itself, taken before each round.
 * Why: a round in which the machine was busy with something else shows, and is not dropped.
 * Rules: bench_calibrate() takes a few milliseconds and starts a thread that it joins.
 * Threads: one at a time. */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include <stdbool.h>

typedef struct bench_calibration {
    double line_ns;    /* a cache line goes to another core and back */
    double wake_ns;    /* a sleeping thread is woken by a futex */
    double syscall_ns; /* the cheapest system call */
} bench_calibration;

/* False where no thread can be started. */
bool bench_calibrate(bench_calibration *out);

#endif
