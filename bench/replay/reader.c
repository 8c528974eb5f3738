/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

int replay_reader_wrong(const replay_reader *in, const char *where, const char *format, ...) {
    va_list arguments;
    in->error->line = in->line;
    in->error->column = (uint64_t)(where - in->line_start) + 1;
    va_start(arguments, format);
    vsnprintf(in->error->message, sizeof in->error->message, format, arguments);
    va_end(arguments);
    return -1;
}

/* Name what stands at `at` in a way that a terminal survives. */
static const char *found(const replay_reader *in, char *buffer, size_t size) {
    if (in->at == in->end) return "the end of the file";
    if (*in->at == '\n' || *in->at == '\r') return "the end of the line";
    if (*in->at == '"') return "a quote: quoted fields are not part of this format";
    if (*in->at > ' ' && *in->at < 127)
        snprintf(buffer, size, "'%c'", *in->at);
    else
        snprintf(buffer, size, "byte 0x%02x", (unsigned)(unsigned char)*in->at);
    return buffer;
}

int replay_reader_expected(const replay_reader *in, const char *what) {
    char buffer[16];
    return replay_reader_wrong(in, in->at, "expected %s, found %s", what,
                               found(in, buffer, sizeof buffer));
}

int replay_reader_has_row(const replay_reader *in, const replay_trace *out) {
    return in->at < in->end && (in->limit == 0 || out->count < in->limit);
}

int replay_reader_is_digit(const replay_reader *in) {
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

int replay_reader_skip(replay_reader *in, char character) {
    if (in->at == in->end || *in->at != character) return 0;
    in->at++;
    return 1;
}

int replay_reader_separator(replay_reader *in, char character) {
    const char what[] = {'\'', character, '\'', '\0'};
    return replay_reader_skip(in, character) ? 0 : replay_reader_expected(in, what);
}

int replay_reader_fixed(replay_reader *in, const char *what, int width, replay_range range,
                        uint32_t *out) {
    const char *from = in->at;
    uint32_t value = 0;
    for (int i = 0; i < width; i++) {
        if (!replay_reader_is_digit(in)) return replay_reader_expected(in, what);
        value = value * 10 + (uint32_t)(*in->at++ - '0');
    }
    if (value < range.min || value > range.max)
        return replay_reader_wrong(in, from, "%s is %u, expected %u to %u", what, (unsigned)value,
                                   (unsigned)range.min, (unsigned)range.max);
    *out = value;
    return 0;
}

int replay_reader_whole(replay_reader *in, const char *what, uint64_t max, const char *unit,
                        uint64_t *out) {
    const char *from = in->at;
    uint64_t value = 0;
    if (!replay_reader_is_digit(in)) return replay_reader_expected(in, what);
    for (; replay_reader_is_digit(in); in->at++) {
        const uint64_t digit = (uint64_t)(*in->at - '0');
        if (value > (max - digit) / 10)
            return replay_reader_wrong(in, from, "more than %llu %s", (unsigned long long)max,
                                       unit);
        value = value * 10 + digit;
    }
    *out = value;
    return 0;
}

int replay_reader_fraction(replay_reader *in, uint64_t *out_ns) {
    const char *from = in->at;
    uint64_t unit = SECOND_NS;
    *out_ns = 0;
    if (!replay_reader_is_digit(in))
        return replay_reader_expected(in, "a digit of the second's fraction");
    for (; replay_reader_is_digit(in); in->at++) {
        unit /= 10;
        if (unit == 0)
            return replay_reader_wrong(in, from, "more than 9 digits after the second's point");
        *out_ns += (uint64_t)(*in->at - '0') * unit;
    }
    return 0;
}

int replay_reader_tokens(replay_reader *in, const char *what, uint32_t *out) {
    uint64_t value = 0;
    if (replay_reader_whole(in, what, REPLAY_TOKENS_MAX, "tokens", &value) != 0) return -1;
    *out = (uint32_t)value;
    return 0;
}

int replay_reader_end_of_line(replay_reader *in) {
    if (in->at == in->end) return 0;
    if (*in->at == '\r' && in->at + 1 < in->end && in->at[1] == '\n') in->at++;
    if (*in->at != '\n') return replay_reader_expected(in, "the end of the line");
    in->at++;
    in->line++;
    in->line_start = in->at;
    return 0;
}

int replay_reader_header(replay_reader *in, const char *header) {
    char what[96];
    snprintf(what, sizeof what, "the header %s", header);
    for (const char *want = header; *want != '\0'; want++)
        if (!replay_reader_skip(in, *want)) return replay_reader_expected(in, what);
    return replay_reader_end_of_line(in);
}

int replay_reader_add(replay_reader *in, const replay_reader *before, replay_row row,
                      replay_trace *out) {
    if (out->count == 0) in->start_ns = row.arrive_at_ns;
    const uint64_t last_ns = out->count == 0 ? 0 : out->rows[out->count - 1].arrive_at_ns;
    if (row.arrive_at_ns < in->start_ns || row.arrive_at_ns - in->start_ns < last_ns)
        return replay_reader_wrong(before, before->at,
                                   "earlier than the row before it: rows go by time");
    row.arrive_at_ns -= in->start_ns;
    if (replay_trace_add(out, &row) == 0) return 0;
    return replay_reader_wrong(before, before->at, "no memory for this row, or more than %u rows",
                               (unsigned)REPLAY_ROWS_MAX);
}
