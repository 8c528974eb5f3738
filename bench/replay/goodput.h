/* SPDX-License-Identifier: MIT */
/*
 * What:    every preset at 0.8, 1, 1.3 and 2 times the load that saturates the preset vllm.
 * Why:     policies differ where there is more to do than can be done.
 * Rules:   saturation is found on the trace at hand: the rate at which vllm completes its requests
 *          when all of them are there at once. Everything else is as --speed would have it.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_GOODPUT_H
#define REPLAY_GOODPUT_H

#include "report.h"
#include "settings.h"

/* 0, or -1 after saying what was broken. */
int replay_goodput(const replay_settings *settings, const replay_trace *trace);

#endif
