/* SPDX-License-Identifier: MIT */
/* What: who is compared, and in what.
 * Why: two tables that say all of it; the conductor only walks them.
 * Rules: an entrant's features are those of its pool as a user gets it, not what could be built on
 *        top; the first entrant is ours.
 * Threads: any. */
#ifndef PEER_ROSTER_H
#define PEER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct roster_entrant {
    const char *name;
    const char *program; /* beside the conductor */
    const char *needs;   /* what brings it, where it cannot be built */
    uint32_t features;   /* peer_feature */
} roster_entrant;

typedef struct roster_workload {
    const char *name;  /* first letter: its group, which is measured together */
    const char *args;  /* of the entrant's program */
    const char *quick; /* the same in a fraction of a second */
    const char *who;   /* names in commas; NULL = every entrant that has it */
} roster_workload;

extern const roster_entrant roster[];
extern const size_t roster_count;
extern const roster_workload workloads[];
extern const size_t workload_count;

/* "no priority, cost, ..."; empty where it does all that ours does. */
void roster_lacks(const roster_entrant *of, char *text, size_t size);

/* Is this name among the names in commas? */
bool roster_named(const char *names, const char *name);

#endif
