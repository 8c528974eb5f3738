/* SPDX-License-Identifier: MIT */
/* What: the check of the instrument itself.
 * Why: a bench that measures the wrong thing is worse than none.
 * Rules: takes seconds; looks at no time but that there is one.
 * Threads: one at a time. */
#ifndef PEER_SELFTEST_H
#define PEER_SELFTEST_H

/* 0 when all holds; what does not is said on stderr. */
int selftest(const char *directory);

#endif
