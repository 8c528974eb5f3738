/* SPDX-License-Identifier: MIT */
/* What: the rounds: every workload, every entrant, in turn.
 * Why: what is compared is measured within the same seconds.
 * Rules: the workloads of one group (the first letter) are measured together: in each round the
 *        machine is calibrated, then every entrant runs once in each of them.
 * Threads: one at a time. */
#ifndef PEER_CONDUCT_H
#define PEER_CONDUCT_H

#include "support/board.h"

#include <stdbool.h>

typedef struct conduct_options {
    const char *directory; /* of the entrants' programs */
    const char *groups;    /* letters in commas; NULL = all */
    const char *peers;     /* names in commas, ours is always there; NULL = all */
    uint32_t rounds;
    bool quick;    /* tiny counts: for a test of the instrument, not for figures */
    bool progress; /* a line on stderr for each group */
} conduct_options;

/* False where an entrant failed in the middle; said on stderr. */
bool conduct(bench_board *board, const conduct_options *options);

#endif
