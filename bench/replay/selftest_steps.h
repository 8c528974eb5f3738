/* SPDX-License-Identifier: MIT */
/*
 * What:    checks of steps in flight: what they spare and cost in time, and that the laws hold.
 * Why:     an engine that plans ahead works with tokens that it has not got yet.
 * Rules:   see selftest.h.
 * Threads: one.
 */
#ifndef REPLAY_SELFTEST_STEPS_H
#define REPLAY_SELFTEST_STEPS_H

void replay_self_test_steps(void);

#endif
