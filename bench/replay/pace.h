/* SPDX-License-Identifier: MIT */
/*
 * What:    lets fewer requests run at once while tokens come slower than they should.
 * Why:     how many can run in time follows from the load, which no fixed number knows.
 * Rules:   the host's own part, through berth_capacity_set on the places for sequences: nobody who
 *          runs is stopped, and the room only shrinks to those who run. No floats.
 * Threads: the engine's.
 */
#ifndef REPLAY_PACE_H
#define REPLAY_PACE_H

#include <stdint.h>

#define REPLAY_PACE_STEPS 16u /* looked at together */

typedef struct replay_pace {
    uint64_t token_ns_max; /* 0 = no pace is kept */
    uint64_t most;         /* sequences, where all is well */
    uint64_t room;         /* sequences that may run now */
    uint64_t spent_ns;     /* by all tokens of these steps */
    uint64_t tokens;
    uint32_t steps;
    uint32_t reserved;
} replay_pace;

void replay_pace_init(replay_pace *pace, uint64_t token_ns_max, uint64_t most);

/* After a step with so many decodes that are to be in time, while so many ran in all: 1 where
 * `room` has changed. */
int replay_pace_step(replay_pace *pace, uint64_t step_ns, uint64_t decoding, uint64_t running);

#endif
