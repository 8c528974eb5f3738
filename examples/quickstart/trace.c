/* SPDX-License-Identifier: MIT */
/* Reads the Azure trace format; every complaint names file, line and column, from 1. */
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 256u
#define TOKENS_MAX UINT64_C(100000000)

static const char HEADER[] = "TIMESTAMP,ContextTokens,GeneratedTokens";

typedef struct trace_cursor {
    const char *path;
    const char *text; /* the line, ended by NUL */
    const char *at;   /* what is read next */
    uint32_t line;
} trace_cursor;

static int complain(const trace_cursor *cursor, const char *message) {
    fprintf(stderr, "%s:%u:%u: %s\n", cursor->path, cursor->line,
            (unsigned)(cursor->at - cursor->text) + 1, message);
    return -1;
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Exactly `digits` digits, then the character `after`, if it is not NUL. */
static int read_field(trace_cursor *cursor, int digits, char after, uint64_t *out) {
    *out = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(*cursor->at))
            return complain(cursor, "expected a digit of a timestamp (YYYY-MM-DD HH:MM:SS.f)");
        *out = *out * 10 + (uint64_t)(*cursor->at++ - '0');
    }
    if (!after) return 0;
    if (*cursor->at != after)
        return complain(cursor, "expected a timestamp like YYYY-MM-DD HH:MM:SS.fffffff");
    cursor->at++;
    return 0;
}

/* A number of at most `max`, digits only. */
static int read_count(trace_cursor *cursor, uint64_t max, uint64_t *out) {
    const char *start = cursor->at;
    *out = 0;
    if (!is_digit(*start)) return complain(cursor, "expected a whole number of tokens");
    for (; is_digit(*cursor->at); cursor->at++) {
        *out = *out * 10 + (uint64_t)(*cursor->at - '0');
        if (*out > max) {
            cursor->at = start;
            return complain(cursor, "more tokens than a request can have");
        }
    }
    return 0;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day) {
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t past = year - 1;
    uint64_t days = past * 365 + past / 4 - past / 100 + past / 400 + before[month - 1] + day - 1;
    uint64_t leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + (leap && month > 2 ? 1 : 0) - UINT64_C(719162);
}

/* Fraction of a second, up to nanoseconds; further digits are cut off. */
static uint64_t read_fraction(trace_cursor *cursor) {
    uint64_t unit = SECOND, value = 0;
    for (; is_digit(*cursor->at); cursor->at++) {
        unit /= 10;
        value += unit * (uint64_t)(*cursor->at - '0');
    }
    return value;
}

static int read_timestamp(trace_cursor *cursor, uint64_t *out) {
    uint64_t year, month, day, hour, minute, second;
    const char *start = cursor->at;
    if (read_field(cursor, 4, '-', &year) || read_field(cursor, 2, '-', &month) ||
        read_field(cursor, 2, ' ', &day) || read_field(cursor, 2, ':', &hour) ||
        read_field(cursor, 2, ':', &minute) || read_field(cursor, 2, 0, &second))
        return -1;
    if (year < 1970 || year > 2400 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
        minute > 59 || second > 60) {
        cursor->at = start;
        return complain(cursor, "no such date or time");
    }
    *out = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * SECOND;
    if (*cursor->at == '.') {
        cursor->at++;
        if (!is_digit(*cursor->at)) return complain(cursor, "expected a fraction of a second");
        *out += read_fraction(cursor);
    }
    return 0;
}

static int read_comma(trace_cursor *cursor) {
    if (*cursor->at != ',') return complain(cursor, "expected ','");
    cursor->at++;
    return 0;
}

static uint64_t scale(uint64_t tokens, uint64_t divisor, uint64_t max) {
    uint64_t scaled = tokens / divisor + 1;
    return scaled < max ? scaled : max;
}

static int read_request(trace_cursor *cursor, workload *work, uint64_t *latest) {
    uint64_t at = 0, prompt = 0, output = 0;
    if (read_timestamp(cursor, &at)) return -1;
    if (at < *latest) {
        cursor->at = cursor->text;
        return complain(cursor, "this request arrives before the one above it");
    }
    if (read_comma(cursor) || read_count(cursor, TOKENS_MAX, &prompt) || read_comma(cursor) ||
        read_count(cursor, TOKENS_MAX, &output))
        return -1;
    if (*cursor->at) return complain(cursor, "expected the end of the line");
    *latest = at;
    workload_item *item = &work->item[work->count++];
    item->at_ns = at;
    item->prompt_tokens = scale(prompt, WORKLOAD_TRACE_PROMPT_DIVISOR, WORKLOAD_TRACE_PROMPT_MAX);
    item->output_tokens = scale(output, WORKLOAD_TRACE_OUTPUT_DIVISOR, WORKLOAD_TRACE_OUTPUT_MAX);
    return 0;
}

/* The next line without its end; 0 at the end of the file, -1 after a complaint. */
static int next_line(FILE *file, char *buffer, trace_cursor *cursor) {
    cursor->line++;
    cursor->text = cursor->at = buffer;
    if (!fgets(buffer, LINE_SIZE, file)) {
        if (!ferror(file)) return 0;
        fprintf(stderr, "%s: %s\n", cursor->path, strerror(errno));
        return -1;
    }
    size_t size = strlen(buffer);
    if (size == LINE_SIZE - 1 && buffer[size - 1] != '\n') {
        cursor->at = buffer + size;
        return complain(cursor, "the line is too long for this format");
    }
    while (size > 0 && (buffer[size - 1] == '\n' || buffer[size - 1] == '\r'))
        buffer[--size] = '\0';
    return 1;
}

static int read_all(FILE *file, const char *path, workload *work) {
    char buffer[LINE_SIZE] = "";
    trace_cursor cursor = {.path = path};
    uint64_t latest = 0;
    int got = next_line(file, buffer, &cursor);
    if (got < 0) return -1;
    const char *text = buffer;
    for (const char *want = HEADER; *want && *text == *want; want++) text++;
    if (got == 0 || strcmp(buffer, HEADER) != 0) {
        cursor.at = text;
        return complain(&cursor, "expected the header TIMESTAMP,ContextTokens,GeneratedTokens");
    }
    while (work->count < WORKLOAD_COUNT) {
        got = next_line(file, buffer, &cursor);
        if (got < 0) return -1;
        if (got == 0) break;
        if (read_request(&cursor, work, &latest)) return -1;
    }
    if (work->count == 0) return complain(&cursor, "the trace has no request");
    return 0;
}

/* Arrivals keep their pattern, compressed into the burst. */
static void compress(workload *work) {
    uint64_t first = work->item[0].at_ns;
    uint64_t span = work->item[work->count - 1].at_ns - first;
    uint64_t unit = span / 1000000 + 1; /* keeps the product below within 64 bits */
    work->trace_ns = span;
    for (uint32_t i = 0; i < work->count; i++) {
        uint64_t since = work->item[i].at_ns - first;
        work->item[i].at_ns = since / unit * WORKLOAD_BURST_NS / (span / unit + 1);
    }
}

int workload_load(workload *work, const char *path, uint64_t seed) {
    memset(work, 0, sizeof *work);
    work->from_trace = 1;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    int status = read_all(file, path, work);
    fclose(file);
    if (status) return -1;
    compress(work);
    workload_deal(work, seed + 1);
    return 0;
}
