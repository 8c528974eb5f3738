/* SPDX-License-Identifier: MIT */
/*
 * What:    the replay on the virtual clock: an engine whose steps take what the model says.
 * Why:     hours of trace in seconds, and the same every time.
 * Rules:   every arrival is submitted at its own moment, also inside a step; checked each step.
 * Threads: one.
 */
#ifndef REPLAY_VIRTUAL_H
#define REPLAY_VIRTUAL_H

#include "host.h"

/* Run all rows through a host made without workers. 0, or -1 with the reason on stderr. */
int replay_virtual_run(replay_host *host);

#endif
