/* SPDX-License-Identifier: MIT */
/*
 * What:    counts checks, and names those that fail on stderr.
 * Why:     the parts of the self-test share one tally.
 * Rules:   a check that fails does not stop those after it.
 * Threads: one.
 */
#ifndef REPLAY_CHECK_H
#define REPLAY_CHECK_H

void replay_check(int holds, const char *what);

/* Say how many there were; 0, or -1 where one failed. */
int replay_check_sum(void);

#endif
