/* SPDX-License-Identifier: MIT */
/*
 * What:    the virtual engine's own account: who runs, what each has computed and holds.
 * Why:     a pool's counters are only worth something beside those of somebody who did the work.
 * Rules:   moved by plans and results alone; what the pool says is compared, never copied.
 * Threads: one.
 *
 *   a row's tokens:   | computed, by committed steps | in steps that are outstanding |
 *                     0 ..................... computed ....................... ahead
 */
#ifndef REPLAY_ACCOUNT_H
#define REPLAY_ACCOUNT_H

#include "host.h"

typedef struct replay_account {
    replay_host *host;
    uint64_t running;
    uint64_t held[REPLAY_RESOURCES]; /* what is shared aside, which the prefix cache counts */
} replay_account;

/* One that leaves: it was preempted, or it ended before its time. 0, or -1 and why on stderr. */
int replay_account_leave(replay_account *account, const berth_plan_entry *entry);

/* One that is in the step of this number. Is it where the engine knows it to be? Likewise. */
int replay_account_plan(replay_account *account, const berth_plan_entry *entry,
                        berth_step_id step_id);

/* What one committed result has made of its row. Likewise. */
int replay_account_settle(replay_account *account, const berth_result *result, replay_row *row);

/* Blocks that the pool gave up to make room: what is computed from now on may be where they were.
 * Likewise. */
int replay_account_forget(replay_account *account);

/* Against the pool's counters, and these against their laws. Likewise. */
int replay_account_check(const replay_account *account);

#endif
