/* SPDX-License-Identifier: MIT */
/* What: the workloads of the mailbox bench, one value per entrant and round.
 * Why: main() only says in which order they run.
 * Rules: a workload puts what it measured on the board, or says there why it did not run.
 * Threads: one at a time. */
#ifndef BENCH_MAILBOX_WORKLOADS_H
#define BENCH_MAILBOX_WORKLOADS_H

#include "support/board.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct workload {
    bench_board *board;
    uint32_t round;
    bool quick; /* tiny counts: to try the instrument */
} workload;

/* Each of `streams` mailboxes gets one token per step; half have a reader who waits. False where a
 * token was lost, doubled or torn. */
bool fan_run(const workload *at, uint32_t streams);

/* One producer and one reader who never waits. */
bool pair_run(const workload *at);

/* Instructions per token of the producer, its readers stalled or not; needs valgrind. */
void stall_run(const workload *at, const char *program);

/* What stall_run starts: a fixed number of steps, with readers (1) or without (0). */
int stall_child(bool with_readers);

/* Clients who vanish at random and come back where they were. False where a token was lost,
 * doubled or torn. */
bool vanish_run(const workload *at);

/* Bytes per mailbox, per retained outcome, and of 100,000 mailboxes that live. */
bool memory_run(const workload *at);

#endif
