/* SPDX-License-Identifier: MIT */
/*
 * What:    the summary of one replay as a JSON object.
 * Why:     another program reads it.
 * Rules:   durations in seconds; what was not measured is null, never 0.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_REPORT_JSON_H
#define REPLAY_REPORT_JSON_H

#include "report.h"
#include "settings.h"

typedef struct json_t json_t;

/* The caller gives it back with json_decref; NULL without memory. */
json_t *replay_report_object(const replay_settings *settings, const replay_report *report);

/* On stdout. 0, or -1. */
int replay_report_json(const replay_settings *settings, const replay_report *report);

/* Any object on stdout, and gives it back. 0, or -1. */
int replay_json_write(json_t *object);

#endif
