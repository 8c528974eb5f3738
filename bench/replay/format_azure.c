/* SPDX-License-Identifier: MIT */
#include "format_azure.h"

#define SECOND_NS UINT64_C(1000000000)

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

/* One number of two digits. */
static int two(replay_reader *in, const char *what, uint32_t min, uint32_t max, uint32_t *out) {
    return replay_reader_fixed(in, what, 2, (replay_range){min, max}, out);
}

/* "Z" or "+HH:MM" as later traces of the family write it; none is as good as UTC. */
static int offset_of_utc(replay_reader *in, int64_t *out_seconds) {
    uint32_t hours = 0, minutes = 0;
    const int west = in->at < in->end && *in->at == '-';
    *out_seconds = 0;
    if (replay_reader_skip(in, 'Z') ||
        !(replay_reader_skip(in, '+') || replay_reader_skip(in, '-')))
        return 0;
    if (two(in, "two digits of the offset's hour", 0, 23, &hours) != 0) return -1;
    if (replay_reader_separator(in, ':') != 0) return -1;
    if (two(in, "two digits of the offset's minute", 0, 59, &minutes) != 0) return -1;
    *out_seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    if (west) *out_seconds = -*out_seconds;
    return 0;
}

static int date(replay_reader *in, uint64_t *out_days) {
    uint32_t year = 0, month = 0, day = 0;
    /* Nanoseconds since 1601 leave 64 bits in 2185. */
    if (replay_reader_fixed(in, "a year of four digits", 4, (replay_range){1970, 2180}, &year) != 0)
        return -1;
    if (replay_reader_separator(in, '-') != 0) return -1;
    if (two(in, "a month of two digits", 1, 12, &month) != 0) return -1;
    if (replay_reader_separator(in, '-') != 0) return -1;
    if (two(in, "a day of two digits", 1, days_of_month(year, month), &day) != 0) return -1;
    *out_days = days_since_1601(year, month, day);
    return 0;
}

/* YYYY-MM-DD HH:MM:SS[.fraction][offset] */
static int timestamp(replay_reader *in, uint64_t *out_ns) {
    uint32_t hour = 0, minute = 0, second = 0;
    uint64_t days = 0, fraction_ns = 0;
    int64_t offset = 0;
    if (date(in, &days) != 0 || replay_reader_separator(in, ' ') != 0) return -1;
    if (two(in, "an hour of two digits", 0, 23, &hour) != 0) return -1;
    if (replay_reader_separator(in, ':') != 0) return -1;
    if (two(in, "a minute of two digits", 0, 59, &minute) != 0) return -1;
    if (replay_reader_separator(in, ':') != 0) return -1;
    if (two(in, "a second of two digits", 0, 59, &second) != 0) return -1;
    if (replay_reader_skip(in, '.') && replay_reader_fraction(in, &fraction_ns) != 0) return -1;
    if (offset_of_utc(in, &offset) != 0) return -1;
    const uint64_t seconds = days * 86400 + hour * 3600u + minute * 60u + second;
    *out_ns = (seconds - (uint64_t)offset) * SECOND_NS + fraction_ns;
    return 0;
}

static int row(replay_reader *in, replay_row *out) {
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r'))
        return replay_reader_wrong(in, in->at, "an empty line");
    if (timestamp(in, &out->arrive_at_ns) != 0 || replay_reader_separator(in, ',') != 0) return -1;
    if (replay_reader_tokens(in, "a whole number of ContextTokens", &out->prompt_tokens) != 0)
        return -1;
    if (replay_reader_separator(in, ',') != 0) return -1;
    if (replay_reader_tokens(in, "a whole number of GeneratedTokens", &out->output_tokens) != 0)
        return -1;
    return replay_reader_end_of_line(in);
}

int replay_format_azure(replay_reader *in, replay_trace *out) {
    if (replay_reader_header(in, REPLAY_AZURE_HEADER) != 0) return -1;
    while (replay_reader_has_row(in, out)) {
        const replay_reader before = *in;
        replay_row next = {0};
        if (row(in, &next) != 0) return -1;
        if (replay_reader_add(in, &before, next, out) != 0) return -1;
    }
    return 0;
}
