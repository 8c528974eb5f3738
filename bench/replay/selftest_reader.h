/* SPDX-License-Identifier: MIT */
/*
 * What:    checks of the readers of traces: what they take, and where they stop.
 * Why:     a trace that is read wrong gives figures that look right.
 * Rules:   see selftest.h.
 * Threads: one.
 */
#ifndef REPLAY_SELFTEST_READER_H
#define REPLAY_SELFTEST_READER_H

void replay_self_test_reader(void);

#endif
