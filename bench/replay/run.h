/* SPDX-License-Identifier: MIT */
/*
 * What:    one replay from a dealt trace to its summary.
 * Why:     a comparison repeats it, and each must begin alike.
 * Rules:   the trace is not changed: each run has rows of its own.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "report.h"
#include "settings.h"

/* 0, or -1 after saying which rule was broken. */
int replay_run(const replay_settings *settings, const replay_trace *trace, replay_report *out);

#endif
