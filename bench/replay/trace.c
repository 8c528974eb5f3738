/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"
#define SECOND_NS UINT64_C(1000000000)

/* Where reading is. `at` never passes `end`. */
typedef struct reader {
    const char *at;
    const char *end;
    const char *line_start;
    uint64_t line;
    replay_trace_error *error;
} reader;

typedef struct numbers {
    uint64_t at_ns; /* since year 0, exact */
    uint32_t prompt_tokens;
    uint32_t output_tokens;
} numbers;

/* Remember what is wrong at `where`. Always -1. */
static int wrong(const reader *in, const char *where, const char *format, ...) {
    va_list arguments;
    in->error->line = in->line;
    in->error->column = (uint64_t)(where - in->line_start) + 1;
    va_start(arguments, format);
    vsnprintf(in->error->message, sizeof in->error->message, format, arguments);
    va_end(arguments);
    return -1;
}

static int wrong_file(replay_trace_error *error, const char *what, const char *why) {
    error->line = 0;
    error->column = 0;
    snprintf(error->message, sizeof error->message, "%s: %s", what, why);
    return -1;
}

/* Name what stands at `at` in a way that a terminal survives. */
static const char *found(const reader *in, char *buffer, size_t size) {
    if (in->at == in->end) return "the end of the file";
    if (*in->at == '\n' || *in->at == '\r') return "the end of the line";
    if (*in->at == '"') return "a quote: quoted fields are not part of this format";
    if (*in->at > ' ' && *in->at < 127)
        snprintf(buffer, size, "'%c'", *in->at);
    else
        snprintf(buffer, size, "byte 0x%02x", (unsigned)(unsigned char)*in->at);
    return buffer;
}

static int expected(const reader *in, const char *what) {
    char buffer[16];
    return wrong(in, in->at, "expected %s, found %s", what, found(in, buffer, sizeof buffer));
}

static int is_digit(const reader *in) {
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

static int skip(reader *in, char character) {
    if (in->at == in->end || *in->at != character) return 0;
    in->at++;
    return 1;
}

/* Exactly `width` digits with a value from min to max. */
static int fixed(reader *in, const char *what, int width, uint32_t range[2], uint32_t *out) {
    const char *from = in->at;
    uint32_t value = 0;
    for (int i = 0; i < width; i++) {
        if (!is_digit(in)) return expected(in, what);
        value = value * 10 + (uint32_t)(*in->at++ - '0');
    }
    if (value < range[0] || value > range[1])
        return wrong(in, from, "%s is %u, expected %u to %u", what, (unsigned)value,
                     (unsigned)range[0], (unsigned)range[1]);
    *out = value;
    return 0;
}

static int separator(reader *in, char character) {
    const char what[] = {'\'', character, '\'', '\0'};
    return skip(in, character) ? 0 : expected(in, what);
}

static int is_leap(uint32_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_of_month(uint32_t year, uint32_t month) {
    static const uint32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1 January 1601, the first year of a 400-year cycle. */
static uint64_t days_since_1601(uint32_t year, uint32_t month, uint32_t day) {
    const uint64_t years = year - 1601;
    uint64_t days = years * 365 + years / 4 - years / 100 + years / 400 + day - 1;
    for (uint32_t m = 1; m < month; m++) days += days_of_month(year, m);
    return days;
}

/* Up to 9 digits after the point; the trace at hand has 7. */
static int fraction(reader *in, uint64_t *out_ns) {
    const char *from = in->at;
    uint64_t unit = SECOND_NS;
    *out_ns = 0;
    if (!is_digit(in)) return expected(in, "a digit of the second's fraction");
    for (; is_digit(in); in->at++) {
        unit /= 10;
        if (unit == 0) return wrong(in, from, "more than 9 digits after the second's point");
        *out_ns += (uint64_t)(*in->at - '0') * unit;
    }
    return 0;
}

/* "Z" or "+HH:MM" as later traces of the family write it; none is as good as UTC. */
static int offset_of_utc(reader *in, int64_t *out_seconds) {
    uint32_t hours, minutes, hour_range[2] = {0, 23}, minute_range[2] = {0, 59};
    const int west = in->at < in->end && *in->at == '-';
    *out_seconds = 0;
    if (skip(in, 'Z') || !(skip(in, '+') || skip(in, '-'))) return 0;
    if (fixed(in, "two digits of the offset's hour", 2, hour_range, &hours) != 0) return -1;
    if (separator(in, ':') != 0) return -1;
    if (fixed(in, "two digits of the offset's minute", 2, minute_range, &minutes) != 0) return -1;
    *out_seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    if (west) *out_seconds = -*out_seconds;
    return 0;
}

static int date(reader *in, uint64_t *out_days) {
    uint32_t year = 0, month = 0, day = 0;
    /* Nanoseconds since 1601 leave 64 bits in 2185. */
    uint32_t year_range[2] = {1970, 2180}, month_range[2] = {1, 12}, day_range[2] = {1, 31};
    if (fixed(in, "a year of four digits", 4, year_range, &year) != 0) return -1;
    if (separator(in, '-') != 0) return -1;
    if (fixed(in, "a month of two digits", 2, month_range, &month) != 0) return -1;
    if (separator(in, '-') != 0) return -1;
    day_range[1] = days_of_month(year, month);
    if (fixed(in, "a day of two digits", 2, day_range, &day) != 0) return -1;
    *out_days = days_since_1601(year, month, day);
    return 0;
}

/* YYYY-MM-DD HH:MM:SS[.fraction][offset] */
static int timestamp(reader *in, uint64_t *out_ns) {
    uint32_t hour = 0, minute = 0, second = 0, hour_range[2] = {0, 23}, range[2] = {0, 59};
    uint64_t days = 0, fraction_ns = 0;
    int64_t offset = 0;
    if (date(in, &days) != 0 || separator(in, ' ') != 0) return -1;
    if (fixed(in, "an hour of two digits", 2, hour_range, &hour) != 0) return -1;
    if (separator(in, ':') != 0) return -1;
    if (fixed(in, "a minute of two digits", 2, range, &minute) != 0) return -1;
    if (separator(in, ':') != 0) return -1;
    if (fixed(in, "a second of two digits", 2, range, &second) != 0) return -1;
    if (skip(in, '.') && fraction(in, &fraction_ns) != 0) return -1;
    if (offset_of_utc(in, &offset) != 0) return -1;
    const uint64_t seconds = days * 86400 + hour * 3600u + minute * 60u + second;
    *out_ns = (seconds - (uint64_t)offset) * SECOND_NS + fraction_ns;
    return 0;
}

static int tokens(reader *in, const char *what, uint32_t *out) {
    const char *from = in->at;
    uint64_t value = 0;
    if (!is_digit(in)) return expected(in, what);
    for (; is_digit(in); in->at++) {
        value = value * 10 + (uint64_t)(*in->at - '0');
        if (value > REPLAY_TOKENS_MAX)
            return wrong(in, from, "more than %u tokens", (unsigned)REPLAY_TOKENS_MAX);
    }
    *out = (uint32_t)value;
    return 0;
}

/* "\n", "\r\n", or the end of the file. */
static int end_of_line(reader *in) {
    if (in->at == in->end) return 0;
    if (*in->at == '\r' && in->at + 1 < in->end && in->at[1] == '\n') in->at++;
    if (*in->at != '\n') return expected(in, "the end of the line");
    in->at++;
    in->line++;
    in->line_start = in->at;
    return 0;
}

static int header(reader *in) {
    static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, which some editors leave */
    const char *want = HEADER;
    if (in->at == in->end) return wrong(in, in->at, "the file is empty");
    if (in->end - in->at >= 3 && memcmp(in->at, mark, 3) == 0) in->at += 3;
    for (; *want != '\0'; want++)
        if (!skip(in, *want)) return expected(in, "the header " HEADER);
    return end_of_line(in);
}

static int row(reader *in, numbers *out) {
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r'))
        return wrong(in, in->at, "an empty line");
    if (timestamp(in, &out->at_ns) != 0 || separator(in, ',') != 0) return -1;
    if (tokens(in, "a whole number of ContextTokens", &out->prompt_tokens) != 0) return -1;
    if (separator(in, ',') != 0) return -1;
    if (tokens(in, "a whole number of GeneratedTokens", &out->output_tokens) != 0) return -1;
    return end_of_line(in);
}

static int rows(reader *in, uint32_t limit, replay_trace *out) {
    uint64_t start_ns = 0, last_ns = 0;
    while (in->at < in->end && (limit == 0 || out->count < limit)) {
        const reader before = *in;
        numbers next = {0};
        if (row(in, &next) != 0) return -1;
        if (out->count == 0) start_ns = next.at_ns;
        if (out->count > 0 && next.at_ns < last_ns)
            return wrong(&before, before.at, "earlier than the row before it: rows go by time");
        last_ns = next.at_ns;
        if (replay_trace_add(out, next.at_ns - start_ns, next.prompt_tokens, next.output_tokens) !=
            0)
            return wrong(&before, before.at, "no memory for this row, or more than %u rows",
                         (unsigned)REPLAY_ROWS_MAX);
    }
    if (out->count == 0) return wrong(in, in->at, "no row after the header");
    return 0;
}

int replay_trace_add(replay_trace *trace, uint64_t arrive_at_ns, uint32_t prompt_tokens,
                     uint32_t output_tokens) {
    const uint32_t index = trace->count;
    if (index >= REPLAY_ROWS_MAX) return -1;
    if ((index & (index - 1)) == 0) { /* full at every power of two: double it */
        const size_t room = index == 0 ? 1 : (size_t)index * 2;
        replay_row *larger = realloc(trace->rows, room * sizeof *larger);
        if (larger == NULL) return -1;
        trace->rows = larger;
    }
    trace->rows[index] = (replay_row){.arrive_at_ns = arrive_at_ns,
                                      .admitted_at_ns = REPLAY_NEVER,
                                      .first_at_ns = REPLAY_NEVER,
                                      .prompt_tokens = prompt_tokens,
                                      .output_tokens = output_tokens,
                                      .index = index};
    trace->count++;
    return 0;
}

int replay_trace_parse(const char *text, size_t size, uint32_t limit, replay_trace *out,
                       replay_trace_error *error) {
    reader in = {.at = text, .end = text + size, .line_start = text, .line = 1, .error = error};
    *out = (replay_trace){0};
    if (header(&in) == 0 && rows(&in, limit, out) == 0) return 0;
    replay_trace_fini(out);
    return -1;
}

/* The whole file; NULL with error filled. The caller frees it. */
static char *whole(const char *path, size_t *out_size, replay_trace_error *error) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, room = 0;
    if (file == NULL) {
        wrong_file(error, "cannot open", strerror(errno));
        return NULL;
    }
    for (;;) {
        if (size == room) {
            char *larger = realloc(text, room = room == 0 ? 65536 : room * 2);
            if (larger == NULL) break;
            text = larger;
        }
        const size_t got = fread(text + size, 1, room - size, file);
        size += got;
        if (got == 0) break;
    }
    const int complete = feof(file) && !ferror(file);
    if (!complete) wrong_file(error, "cannot read", strerror(errno));
    fclose(file);
    if (complete) {
        *out_size = size;
        return text;
    }
    free(text);
    return NULL;
}

int replay_trace_read(const char *path, uint32_t limit, replay_trace *out,
                      replay_trace_error *error) {
    size_t size = 0;
    char *text = whole(path, &size, error);
    *out = (replay_trace){0};
    if (text == NULL) return -1;
    const int result = replay_trace_parse(text, size, limit, out, error);
    free(text);
    return result;
}

void replay_trace_fini(replay_trace *trace) {
    free(trace->rows);
    *trace = (replay_trace){0};
}
