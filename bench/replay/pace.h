/* SPDX-License-Identifier: MIT */
/*
 * What:    lets nobody more in while those who are to be in time get their tokens too slowly.
 * Why:     how many can run in time follows from the load, which no fixed number knows.
 * Rules:   judged is what the target judges: the mean time per token of each request so far, over
 *          all that run, so that a slow step harms nobody who was ahead. The host's own part,
 *          through berth_capacity_set on the places for sequences: nobody who runs is stopped, and
 *          the room only shrinks to those who run. No floats.
 * Threads: the engine's.
 */
#ifndef REPLAY_PACE_H
#define REPLAY_PACE_H

#include <stdint.h>

typedef struct replay_pace {
    uint64_t token_ns_max; /* 0 = no pace is kept */
    uint64_t most;         /* sequences, where all is well */
    uint64_t room;         /* sequences that may run now */
    uint64_t tokens;       /* after the first, of those seen since the last step */
    uint64_t spent_ns;     /* by them, since their first */
} replay_pace;

void replay_pace_init(replay_pace *pace, uint64_t token_ns_max, uint64_t most);

/* One that runs and is to be in time: its tokens after the first, and how long they took. */
void replay_pace_see(replay_pace *pace, uint64_t tokens, uint64_t spent_ns);

/* After a step, when all were seen, while so many run: 1 where `room` has changed. */
int replay_pace_step(replay_pace *pace, uint64_t running);

#endif
