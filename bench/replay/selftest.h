/* SPDX-License-Identifier: MIT */
/*
 * What:    checks of the replay's own parts: reader, percentiles, models, deal, laws, hash.
 * Why:     a figure from a wrong instrument is worse than none.
 * Rules:   no files, no time limits; each line names what it checked.
 * Threads: one.
 */
#ifndef REPLAY_SELFTEST_H
#define REPLAY_SELFTEST_H

/* 0, or -1 after naming each check that failed. */
int replay_self_test(void);

#endif
