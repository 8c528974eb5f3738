/* SPDX-License-Identifier: MIT */
#include "selftest_reader.h"
#include "check.h"
#include "trace.h"

#include <stdio.h>
#include <string.h>

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define DAY "2023-11-16 "
#define SERVEGEN "arrival_s,client_id,input_tokens,output_tokens\n"
#define MOON(at, in, out)                                                                          \
    "{\"timestamp\": " #at ", \"input_length\": " #in ", \"output_length\": " #out "}\n"
#define NAMED(in, ids)                                                                             \
    "{\"timestamp\": 3, \"input_length\": " #in ", \"output_length\": 9, \"hash_ids\": " ids       \
    ", \"kind\": \"x\"}\n"

typedef struct good_trace {
    const char *what;
    const char *text;
    uint32_t rows;
    uint64_t last_at_ns; /* arrival of the last row */
} good_trace;

static const good_trace good_traces[] = {
    {"seven digits", HEADER DAY "18:15:46.6805900,374,44\n" DAY "18:15:50.9951690,396,109\n", 2,
     4314579000},
    {"carriage returns", "TIMESTAMP,ContextTokens,GeneratedTokens\r\n" DAY "00:00:00.5,1,2\r\n", 1,
     0},
    {"no newline at the end", HEADER DAY "00:00:00,1,2\n" DAY "00:00:01,1,2", 2, 1000000000},
    {"midnight", HEADER DAY "23:59:59.9,1,2\n2023-11-17 00:00:00.1,1,2\n", 2, 200000000},
    {"end of a month", HEADER "2023-04-30 23:59:59,1,2\n2023-05-01 00:00:00,1,2\n", 2, 1000000000},
    {"a leap day", HEADER "2024-02-28 00:00:00,1,2\n2024-03-01 00:00:00,1,2\n", 2,
     UINT64_C(172800000000000)},
    {"no leap day", HEADER "2023-02-28 00:00:00,1,2\n2023-03-01 00:00:00,1,2\n", 2,
     UINT64_C(86400000000000)},
    {"a leap century", HEADER "2000-02-28 00:00:00,1,2\n2000-03-01 00:00:00,1,2\n", 2,
     UINT64_C(172800000000000)},
    {"new year", HEADER "2023-12-31 23:59:59,1,2\n2024-01-01 00:00:01,1,2\n", 2, 2000000000},
    {"equal stamps", HEADER DAY "00:00:01,1,2\n" DAY "00:00:01,3,4\n", 2, 0},
    {"offsets", HEADER DAY "00:00:00.009930+00:00,1,2\n" DAY "01:00:01.009930+01:00,1,2\n", 2,
     1000000000},
    {"servegen", SERVEGEN "0.5,54,159,483\n2.026021,35,1346,439\n", 2, 1526021000},
    {"servegen whole seconds", SERVEGEN "1,54,159,483\r\n2,35,1346,439", 2, 1000000000},
    {"mooncake", MOON(27000, 1, 2) MOON(30000, 3, 4), 2, 3000000000},
    {"mooncake with names and what else it says", NAMED(513, "[0, 1]"), 1, 0},
    {"a byte order mark", "\xef\xbb\xbf" HEADER DAY "00:00:01,0,0\n", 1, 0},
};

typedef struct bad_trace {
    const char *what;
    const char *text;
    uint64_t line;
    uint64_t column;
} bad_trace;

static const bad_trace bad_traces[] = {
    {"an empty file", "", 1, 1},
    {"another header", "arrival,client\n1,2\n", 1, 1},
    {"half of a header", "arrival_s,client_id\n1,2\n", 1, 20},
    {"one column too many in the header", "TIMESTAMP,ContextTokens,GeneratedTokens,X\n", 1, 40},
    {"only a header", HEADER, 2, 1},
    {"an empty line", HEADER DAY "00:00:00,1,2\n\n" DAY "00:00:00,1,2\n", 3, 1},
    {"a missing column", HEADER DAY "00:00:00,1\n", 2, 22},
    {"a column too many", HEADER DAY "00:00:00,1,2,3\n", 2, 24},
    {"a quoted field", HEADER DAY "00:00:00,\"1\",2\n", 2, 21},
    {"a negative number", HEADER DAY "00:00:00,-1,2\n", 2, 21},
    {"a fraction of a token", HEADER DAY "00:00:00,1.5,2\n", 2, 22},
    {"a huge number", HEADER DAY "00:00:00,99999999999999999999999999,2\n", 2, 21},
    {"one token above the limit", HEADER DAY "00:00:00,1,10000001\n", 2, 23},
    {"text", HEADER "yesterday,1,2\n", 2, 1},
    {"a 13th month", HEADER "2023-13-16 00:00:00,1,2\n", 2, 6},
    {"a 31st of April", HEADER "2023-04-31 00:00:00,1,2\n", 2, 9},
    {"a 29th of February", HEADER "2023-02-29 00:00:00,1,2\n", 2, 9},
    {"a 24th hour", HEADER DAY "24:00:00,1,2\n", 2, 12},
    {"a leap second", HEADER DAY "00:00:60,1,2\n", 2, 18},
    {"ten digits of a fraction", HEADER DAY "00:00:00.0123456789,1,2\n", 2, 21},
    {"a point without digits", HEADER DAY "00:00:00.,1,2\n", 2, 21},
    {"time going back", HEADER DAY "00:00:01,1,2\n" DAY "00:00:00,1,2\n", 3, 1},
    {"servegen: only a header", SERVEGEN, 2, 1},
    {"servegen: a stamp of two points", SERVEGEN "1.5.1,2,3,4\n", 2, 4},
    {"servegen: a client without a number", SERVEGEN "1.5,x,3,4\n", 2, 5},
    {"servegen: a client beyond 64 bits", SERVEGEN "1.5,18446744073709551616,3,4\n", 2, 5},
    {"servegen: a negative stamp", SERVEGEN "-1,2,3,4\n", 2, 1},
    {"servegen: time going back", SERVEGEN "1.5,2,3,4\n1.4,2,3,4\n", 3, 1},
    {"servegen: a missing column", SERVEGEN "1.5,2,3\n", 2, 8},
    {"mooncake: not JSON", MOON(0, 1, 2) "{\"timestamp\": 1,}\n", 2, 17},
    {"mooncake: a line cut off", MOON(0, 1, 2) "{\"timestamp\": 1, \"inp", 2, 21},
    {"mooncake: not an object", MOON(0, 1, 2) "[1, 2]\n", 2, 1},
    {"mooncake: an empty line", MOON(0, 1, 2) "\n" MOON(0, 1, 2), 2, 1},
    {"mooncake: a missing key", "{\"timestamp\": 0, \"input_length\": 1}\n", 1, 1},
    {"mooncake: a repeated key", "{\"timestamp\": 0, \"timestamp\": 0}\n", 1, 28},
    {"mooncake: a string as number", MOON(0, "\"1\"", 2), 1, 34},
    {"mooncake: a real number of tokens", MOON(0, 1.5, 2), 1, 34},
    {"mooncake: a negative number", MOON(-1, 1, 2), 1, 15},
    {"mooncake: one token above the limit", MOON(0, 1, 10000001), 1, 54},
    {"mooncake: time going back", MOON(5, 1, 2) MOON(4, 1, 2), 2, 1},
    {"mooncake: names that are no array", NAMED(600, "7"), 1, 71},
    {"mooncake: a negative name", NAMED(600, "[1, -2]"), 1, 71},
    {"mooncake: more names than blocks", NAMED(512, "[1, 2]"), 1, 71},
    {"a row cut off", HEADER DAY "00:00:01,1,2\n" DAY "00:0", 3, 16},
};

/* What a format has beside arrival and lengths. */
static void check_extras(void) {
    static const char servegen[] = SERVEGEN "0,54,159,483\n1,35,1346,439\n";
    static const char named[] = NAMED(1024, "[7, 9]") NAMED(700, "[7]");
    replay_trace trace;
    replay_trace_error error;
    replay_check(replay_trace_parse(servegen, sizeof servegen - 1, 0, &trace, &error) == 0 &&
                     trace.has_tenants && trace.rows[0].tenant == 54 &&
                     trace.rows[1].tenant == 35 && trace.rows[1].prompt_tokens == 1346 &&
                     trace.rows[1].output_tokens == 439 && trace.hash_tokens == 0,
                 "servegen's clients are tenants");
    replay_trace_fini(&trace);
    replay_check(replay_trace_parse(named, sizeof named - 1, 0, &trace, &error) == 0 &&
                     !trace.has_tenants && trace.hash_tokens == 512 && trace.hash_count == 3 &&
                     trace.rows[0].hash_count == 2 && trace.rows[1].hash_at == 2 &&
                     trace.rows[1].hash_count == 1 && trace.hash_ids[1] == 9 &&
                     trace.hash_ids[2] == 7,
                 "mooncake's names are kept by row");
    replay_trace_fini(&trace);
    replay_check(replay_trace_parse("{\"input_length\": 1}\n", 20, 0, &trace, &error) != 0 &&
                     strstr(error.message, "'timestamp'") != NULL,
                 "an error in JSON names its key");
}

void replay_self_test_reader(void) {
    char what[96];
    replay_trace trace;
    replay_trace_error error;
    for (size_t i = 0; i < sizeof good_traces / sizeof good_traces[0]; i++) {
        const good_trace *of = &good_traces[i];
        snprintf(what, sizeof what, "the reader takes %s", of->what);
        replay_check(replay_trace_parse(of->text, strlen(of->text), 0, &trace, &error) == 0 &&
                         trace.count == of->rows &&
                         trace.rows[trace.count - 1].arrive_at_ns == of->last_at_ns,
                     what);
        replay_trace_fini(&trace);
    }
    for (size_t i = 0; i < sizeof bad_traces / sizeof bad_traces[0]; i++) {
        const bad_trace *of = &bad_traces[i];
        error = (replay_trace_error){0};
        const int result = replay_trace_parse(of->text, strlen(of->text), 0, &trace, &error);
        snprintf(what, sizeof what, "the reader stops at %s (%u:%u, not %u:%u)", of->what,
                 (unsigned)of->line, (unsigned)of->column, (unsigned)error.line,
                 (unsigned)error.column);
        replay_check(result != 0 && error.line == of->line && error.column == of->column &&
                         error.message[0] != '\0' && trace.rows == NULL,
                     what);
        if (result == 0) replay_trace_fini(&trace);
    }
    const char nul[] = HEADER DAY "00:00:00,1\0,2\n";
    replay_check(replay_trace_parse(nul, sizeof nul - 1, 0, &trace, &error) != 0 &&
                     error.line == 2 && error.column == 22,
                 "the reader stops at a NUL");
    replay_check(replay_trace_parse(good_traces[0].text, strlen(good_traces[0].text), 1, &trace,
                                    &error) == 0 &&
                     trace.count == 1,
                 "the reader keeps to its limit");
    replay_trace_fini(&trace);
    replay_check(replay_trace_read("/", 0, &trace, &error) != 0 && error.line == 0,
                 "a folder is not a trace");
    check_extras();
}
