/* SPDX-License-Identifier: MIT */
/*
 * What:    the decision log as a running XXH3 hash.
 * Why:     two replays decided the same if and only if their hashes are the same.
 * Rules:   fixed-width little-endian numbers, so that the hash is the same on every machine.
 * Threads: one at a time.
 */
#ifndef REPLAY_DECISIONS_H
#define REPLAY_DECISIONS_H

#include <stdint.h>

typedef struct replay_decisions replay_decisions;

enum replay_decision {
    REPLAY_DECISION_ACCEPTED = 1, /* row, id, band */
    REPLAY_DECISION_REFUSED = 2,  /* row, reason, retry_after_ns */
    REPLAY_DECISION_ADMITTED = 3, /* row, slot, step */
    REPLAY_DECISION_LEAVE = 4,    /* id, slot, 0 */
    REPLAY_DECISION_OUTCOME = 5   /* row, kind * 2^32 + detail, tokens generated */
};

/* One entry of the log: what was decided when, and three numbers that the kind explains. */
typedef struct replay_decision_entry {
    enum replay_decision kind;
    uint64_t at_ns;
    uint64_t what[3];
} replay_decision_entry;

/* NULL without memory. */
replay_decisions *replay_decisions_create(void);
void replay_decisions_destroy(replay_decisions *decisions);
void replay_decisions_add(replay_decisions *decisions, const replay_decision_entry *entry);
uint64_t replay_decisions_hash(const replay_decisions *decisions);

#endif
