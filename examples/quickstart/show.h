/* SPDX-License-Identifier: MIT */
/*
 * What:    what the quickstart writes: lasting lines, the watched reply, a progress line.
 * Why:     a terminal gets two lines that are redrawn; a file or a pipe gets plain lines.
 * Rules:   stdout only; nothing else writes there while a run is shown.
 * Threads: any; one lock.
 */
#ifndef QUICKSTART_SHOW_H
#define QUICKSTART_SHOW_H

#include <stddef.h>
#include <stdint.h>

/* Begins and ends one run. */
void show_open(void);
void show_close(void);

/* A line that stays. printf-style; the newline is added. */
void show_line(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Where the run stands; on a pipe at most one line in 500 ms is written. */
void show_progress(uint64_t now_ns, const char *text);

/* More of the watched reply. */
void show_reply(const char *bytes, size_t size);

#endif
