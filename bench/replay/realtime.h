/* SPDX-License-Identifier: MIT */
/*
 * What:    the replay on the system's clock: worker threads that sleep as long as work would take.
 * Why:     threads, locks and wake-ups only show what they cost while they really run.
 * Rules:   everything is X times faster; figures are given back in the trace's own time.
 * Threads: the caller's submits and harvests; one worker per sequence executes.
 */
#ifndef REPLAY_REALTIME_H
#define REPLAY_REALTIME_H

#include "host.h"

/* Make the host with workers, and run all rows. 0, or -1 with the reason on stderr. */
int replay_realtime_run(replay_host *host, const replay_settings *settings, replay_trace *trace);

#endif
