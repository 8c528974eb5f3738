/* SPDX-License-Identifier: MIT */
/*
 * What:    what became of a replay, as one summary.
 * Why:     the table, the JSON and comparisons all come from it, so they cannot differ.
 * Rules:   it needs neither host nor trace any more once it is made.
 * Threads: none; after the replay.
 */
#ifndef REPLAY_REPORT_H
#define REPLAY_REPORT_H

#include "host.h"
#include "spread.h"

typedef struct replay_band_report {
    uint64_t submitted;
    uint64_t completed;
    uint64_t cancelled;
    uint64_t expired;
    uint64_t evicted;
    uint64_t failed;
    uint64_t late;                         /* waited in vain, and were served behind all others */
    uint64_t refused[BERTH_REFUSAL_COUNT]; /* by reason */
    uint64_t refused_total;
    replay_spread queue_wait; /* arrival to admission, of those admitted */
    replay_spread ttft;       /* arrival to first token, of those that got one */
    uint64_t good;            /* completed within the target */
    uint64_t wait_ns_max;     /* arrival to admission, or to the end of who was never admitted */
} replay_band_report;

/* Who waited longest. */
typedef struct replay_waiter {
    uint64_t wait_ns;
    uint64_t tenant;
} replay_waiter;

/* One tenant of those with most requests. */
typedef struct replay_tenant_report {
    uint64_t tenant;
    uint64_t submitted;
    uint64_t good;
    uint64_t wait_ns_max;
} replay_tenant_report;

typedef struct replay_report {
    replay_band_report all;
    replay_band_report bands[REPLAY_BANDS + 1];            /* as dealt, by berth_band */
    replay_waiter longest;                                 /* of all, and whose it was */
    replay_tenant_report tenants[REPLAY_FAIRNESS_TENANTS]; /* by number of requests */
    uint32_t tenant_count;                                 /* of all, listed or not */
    uint32_t parked_max;
    double tokens_per_s;
    double good_per_s; /* of the time in which requests arrive */
    double service_gap;
    uint64_t service_pair[2]; /* the tenants of the gap */
    double mean[REPLAY_RESOURCES];
    uint64_t peak[REPLAY_RESOURCES];
    uint64_t capacity[REPLAY_RESOURCES];
    uint64_t preemptions;
    uint64_t recomputed;          /* tokens */
    uint64_t prefix_asked_tokens; /* of prompts, at every admission */
    uint64_t prefix_hit_tokens;   /* of these, found in the cache */
    uint64_t prefix_evicted;      /* blocks that were given up for others */
    uint64_t generated;
    uint64_t duration_ns;
    uint64_t steps;
    uint64_t step_tokens; /* of each at most; 0 = no limit */
    uint64_t hash;
    uint32_t has_steps;  /* 0 in real time: neither steps nor a hash of decisions */
    uint32_t has_prefix; /* 0 = no prefix cache was kept */
    double wall_s;
} replay_report;

/* 0, or -1 without memory. */
int replay_report_make(const replay_host *host, replay_report *out);

#endif
