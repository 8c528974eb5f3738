/* SPDX-License-Identifier: MIT */
/*
 * What:    several presets on the same requests, side by side.
 * Why:     a policy is only good or bad beside another.
 * Rules:   presets are taken whole; each run begins from the same rows.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_COMPARE_H
#define REPLAY_COMPARE_H

#include "report.h"
#include "settings.h"

/* 0, or -1 after saying what was broken. */
int replay_compare(const replay_settings *settings, const replay_trace *trace);

#endif
