/* SPDX-License-Identifier: MIT */
/*
 * What:    checks of the prefix cache: whose blocks are the same, what is found, what that spares.
 * Why:     a cache that credits too much gives figures that look good.
 * Rules:   see selftest.h.
 * Threads: one.
 */
#ifndef REPLAY_SELFTEST_PREFIX_H
#define REPLAY_SELFTEST_PREFIX_H

void replay_self_test_prefix(void);

#endif
