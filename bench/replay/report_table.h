/* SPDX-License-Identifier: MIT */
/*
 * What:    the summary of one replay as a table for people.
 * Why:     a figure is read in place, with the settings that it came from.
 * Rules:   durations in seconds; what was not measured is "-", never 0.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_REPORT_TABLE_H
#define REPLAY_REPORT_TABLE_H

#include "report.h"
#include "settings.h"

/* 0, or -1 where stdout fails. */
int replay_report_table(const replay_settings *settings, uint32_t rows,
                        const replay_report *report);

#endif
