/* SPDX-License-Identifier: MIT */
/*
 * What:    walking over the text of a trace, and saying what is wrong with it and where.
 * Why:     all formats of traces name errors alike: line, column, what was expected and found.
 * Rules:   `at` never passes `end`; a function that fails has filled the error and returns -1.
 * Threads: none.
 */
#ifndef REPLAY_READER_H
#define REPLAY_READER_H

#include "trace.h"

typedef struct replay_reader {
    const char *at;
    const char *end;
    const char *line_start;
    uint64_t line;
    uint32_t limit;    /* rows to read at most; 0 = all */
    uint64_t start_ns; /* of the first row, by the file's own count */
    replay_trace_error *error;
} replay_reader;

typedef struct replay_range {
    uint32_t min;
    uint32_t max;
} replay_range;

/* Remember what is wrong at `where`. Always -1. */
int replay_reader_wrong(const replay_reader *in, const char *where, const char *format, ...);

/* Something else stands at `at`. Always -1. */
int replay_reader_expected(const replay_reader *in, const char *what);

/* Is there a row to read, and may it be? */
int replay_reader_has_row(const replay_reader *in, const replay_trace *out);

int replay_reader_is_digit(const replay_reader *in);

/* 1 and past it, if `character` stands here. */
int replay_reader_skip(replay_reader *in, char character);

int replay_reader_separator(replay_reader *in, char character);

/* Exactly `width` digits. */
int replay_reader_fixed(replay_reader *in, const char *what, int width, replay_range range,
                        uint32_t *out);

/* Digits of any number, up to `max`, which counts `unit`. */
int replay_reader_whole(replay_reader *in, const char *what, uint64_t max, const char *unit,
                        uint64_t *out);

/* Digits of a fraction of a second after its point, 9 at most. */
int replay_reader_fraction(replay_reader *in, uint64_t *out_ns);

/* A whole number of tokens, REPLAY_TOKENS_MAX at most. */
int replay_reader_tokens(replay_reader *in, const char *what, uint32_t *out);

/* "\n", "\r\n", or the end of the file. */
int replay_reader_end_of_line(replay_reader *in);

/* The first line is `header` and nothing else. */
int replay_reader_header(replay_reader *in, const char *header);

/* Add what was read of the line at whose begin the reader was `before`. Its arrival is by the
 * file's own count; the first row is moment 0, and rows go by time. */
int replay_reader_add(replay_reader *in, const replay_reader *before, replay_row row,
                      replay_trace *out);

#endif
