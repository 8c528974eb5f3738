/* SPDX-License-Identifier: MIT */
/*
 * What:    a comparison drawn as bars, a panel a figure.
 * Why:     some differences are seen sooner than read.
 * Rules:   SVG, through gnuplot; nothing is drawn that the table does not say.
 * Threads: one; after the replay.
 */
#ifndef REPLAY_COMPARE_PLOT_H
#define REPLAY_COMPARE_PLOT_H

#include "report.h"

/* 0, or -1 after saying why not. */
int replay_compare_plot(const char *const *names, const replay_report *reports, uint32_t count,
                        const char *path);

#endif
