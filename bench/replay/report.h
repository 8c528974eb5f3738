/* SPDX-License-Identifier: MIT */
/*
 * What:    what a replay says at its end: a table for people, or one JSON object.
 * Why:     both come from the same summary, so they cannot differ.
 * Rules:   durations in seconds; what was not measured is null or "-", never 0.
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
    uint64_t refused[BERTH_REFUSAL_COUNT]; /* by reason */
    uint64_t refused_total;
    replay_spread queue_wait; /* arrival to admission, of those admitted */
    replay_spread ttft;       /* arrival to first token, of those that got one */
} replay_band_report;

typedef struct replay_report {
    replay_band_report all;
    replay_band_report bands[REPLAY_BANDS + 1]; /* as dealt, by berth_band */
    double tokens_per_s;
    double mean[REPLAY_RESOURCES];
} replay_report;

/* 0, or -1 without memory. */
int replay_report_make(const replay_host *host, replay_report *out);

int replay_report_table(const replay_host *host, const replay_report *report);
int replay_report_json(const replay_host *host, const replay_report *report);

#endif
