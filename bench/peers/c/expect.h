/* SPDX-License-Identifier: MIT */
/* What: a call of Berth that has to work.
 * Why: a workload that goes on after a failure measures something else.
 * Rules: says which call and ends the process.
 * Threads: any. */
#ifndef PEER_EXPECT_H
#define PEER_EXPECT_H

#include <berth.h>

#include <stdio.h>
#include <stdlib.h>

static inline void expect(berth_status status, const char *call) {
    if (status == BERTH_OK) return;
    fprintf(stderr, "%s: %s\n", call, berth_status_name(status));
    exit(1);
}

#endif
