/* SPDX-License-Identifier: MIT */
/*
 * What:    how fast the queue drains, and from it when a refused request should come back.
 * Why:     a computed retry-after spreads clients over time; a guess sends them back in a herd.
 * Rules:   time counts only while somebody is parked; integers only; moved only by events.
 * Threads: none of its own.
 *
 * The rate is the mean over the last 64 to 128 admissions (both sums are halved at 128), so that
 * it follows the load and cannot overflow. While nothing is admitted the time that passes counts
 * too: a stalled queue shows longer hints, not the memory of better days.
 */
#ifndef BERTH__CORE_RATE_H
#define BERTH__CORE_RATE_H

#include "berth.h"

typedef struct berth__rate {
    uint64_t busy_ns;                    /* time in which somebody was parked */
    uint64_t admitted;                   /* admissions in that time */
    uint64_t units[BERTH_RESOURCES_MAX]; /* that they asked for */
    uint64_t since_at_ns;                /* when busy_ns was last brought up to date */
    uint64_t busy_at_ns;                 /* until when somebody was parked last */
    uint64_t refused;                    /* since the last admission: they come back first */
    uint64_t ordinal;                    /* of refusals, for the jitter */
    uint64_t seed;
} berth__rate;

void berth__rate_init(berth__rate *rate, uint64_t seed);

/* Somebody was parked until now (1) or nobody was (0); call before the queue changes. */
void berth__rate_touch(berth__rate *rate, uint64_t now, int parked);

/* One was admitted; units may be NULL with a count of 0. */
void berth__rate_admitted(berth__rate *rate, const uint64_t *units, uint32_t unit_count);

/* Mean time between two admissions; 0 while none was measured. */
uint64_t berth__rate_interval(const berth__rate *rate);

/* 1 if nobody was parked for so long that the rate may have changed. */
int berth__rate_is_stale(const berth__rate *rate, uint64_t now);

/* One refusal, at the moment of the last touch: when to try again, jitter included, and not before
 * at_least_ns. */
uint64_t berth__rate_retry_after(berth__rate *rate, uint64_t at_least_ns);

#endif
