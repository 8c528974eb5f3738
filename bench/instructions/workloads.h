/* SPDX-License-Identifier: MIT */
/* What: the workloads whose instructions are counted.
 * Why: counts repeat where times do not, so a few percent are seen.
 * Rules: one thread, a virtual clock, every operation through measured(); a call that fails ends
 *        the process.
 * Threads: one at a time. */
#ifndef INSTRUCTIONS_WORKLOADS_H
#define INSTRUCTIONS_WORKLOADS_H

#include <stddef.h>
#include <stdint.h>

typedef struct counted {
    const char *name;
    uint64_t (*run)(uint32_t first, uint32_t second); /* returns how many operations it did */
    uint32_t first;                                   /* running, or depth */
    uint32_t second;                                  /* parked */
} counted;

extern const counted counted_all[];
extern const size_t counted_count;

#endif
