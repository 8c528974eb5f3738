/* SPDX-License-Identifier: MIT */
/*
 * What:    how far apart the service of two tenants gets while both of them wait for more.
 * Why:     that is what fairness promises to bound; while one has nothing waiting it says nothing.
 * Rules:   service is 1 per prompt token at first admission and 2 per generated token. A tenant is
 *          backlogged while a request of it is parked. The gap of a pair is the largest difference
 *          of what both were served over any stretch in which both are backlogged throughout.
 * Threads: none.
 */
#ifndef REPLAY_FAIRNESS_H
#define REPLAY_FAIRNESS_H

#include <stdint.h>

/* Tenants whose pairs are watched: those with most requests come first (deal.h). */
#define REPLAY_FAIRNESS_TENANTS 64u

typedef struct replay_fairness {
    uint32_t tenants; /* watched; less than two: nothing to compare */
    uint32_t reserved;
    double gap;       /* the largest so far, in weighted tokens */
    uint32_t pair[2]; /* whose it is */
    uint64_t parked[REPLAY_FAIRNESS_TENANTS];
    double service[REPLAY_FAIRNESS_TENANTS];
    /* Of each pair's stretch: the least and most of service[i] - service[j], for i < j. */
    double low[REPLAY_FAIRNESS_TENANTS][REPLAY_FAIRNESS_TENANTS];
    double high[REPLAY_FAIRNESS_TENANTS][REPLAY_FAIRNESS_TENANTS];
} replay_fairness;

void replay_fairness_init(replay_fairness *fairness, uint32_t tenants);

/* A request of it is parked (1) or is no longer (-1). Tenants that are not watched do nothing. */
void replay_fairness_parked(replay_fairness *fairness, uint32_t tenant, int by);

void replay_fairness_served(replay_fairness *fairness, uint32_t tenant, uint64_t prompt_tokens,
                            uint64_t output_tokens);

/* Look at all pairs; after each step, when all of it was told. */
void replay_fairness_look(replay_fairness *fairness);

#endif
