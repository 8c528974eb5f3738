/* SPDX-License-Identifier: MIT */
#include "selftest.h"
#include "deal.h"
#include "random.h"
#include "report.h"
#include "virtual.h"

#include <stdio.h>
#include <string.h>

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define DAY "2023-11-16 "

static unsigned checks, failures;

static void check(int holds, const char *what) {
    checks++;
    if (holds) return;
    failures++;
    fprintf(stderr, "self-test: failed: %s\n", what);
}

/* ---- Reader ---- */

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
    {"another header", "arrival_s,client_id\n1,2\n", 1, 1},
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
    {"a row cut off", HEADER DAY "00:00:01,1,2\n" DAY "00:0", 3, 16},
};

static void check_reader(void) {
    char what[96];
    replay_trace trace;
    replay_trace_error error;
    for (size_t i = 0; i < sizeof good_traces / sizeof good_traces[0]; i++) {
        const good_trace *of = &good_traces[i];
        snprintf(what, sizeof what, "the reader takes %s", of->what);
        check(replay_trace_parse(of->text, strlen(of->text), 0, &trace, &error) == 0 &&
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
        check(result != 0 && error.line == of->line && error.column == of->column &&
                  error.message[0] != '\0' && trace.rows == NULL,
              what);
        if (result == 0) replay_trace_fini(&trace);
    }
    const char nul[] = HEADER DAY "00:00:00,1\0,2\n";
    check(replay_trace_parse(nul, sizeof nul - 1, 0, &trace, &error) != 0 && error.line == 2 &&
              error.column == 22,
          "the reader stops at a NUL");
    check(replay_trace_parse(good_traces[0].text, strlen(good_traces[0].text), 1, &trace, &error) ==
                  0 &&
              trace.count == 1,
          "the reader keeps to its limit");
    replay_trace_fini(&trace);
    check(replay_trace_read("/", 0, &trace, &error) != 0 && error.line == 0,
          "a folder is not a trace");
}

/* ---- Figures ---- */

/* Nearest rank by its definition: the smallest value that at least p % do not exceed. */
static uint64_t by_definition(const uint64_t *values, size_t count, size_t percent) {
    uint64_t best = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t not_above = 0;
        for (size_t j = 0; j < count; j++) not_above += values[j] <= values[i];
        if (not_above * 100 >= percent * count && values[i] < best) best = values[i];
    }
    return best;
}

static void check_percentiles(void) {
    uint64_t values[211], copy[211], state = 7;
    int holds = 1;
    for (size_t count = 1; count <= sizeof values / sizeof values[0]; count++) {
        for (size_t i = 0; i < count; i++) values[i] = replay_random_next(&state) % 97;
        memcpy(copy, values, count * sizeof *values);
        const replay_spread spread = replay_spread_of(copy, count);
        holds = holds && spread.p50_ns == by_definition(values, count, 50) &&
                spread.p90_ns == by_definition(values, count, 90) &&
                spread.p99_ns == by_definition(values, count, 99) &&
                spread.max_ns == copy[count - 1] && spread.count == count;
    }
    check(holds, "percentiles are those of the definition");
    check(replay_spread_of(values, 0).count == 0, "nothing has no percentiles");
}

static uint64_t model_ns(const char *name, uint64_t prompt, uint64_t decoding, uint64_t context) {
    replay_load load = {0};
    if (prompt > 0) replay_load_prefill(&load, prompt);
    load.decoding = decoding;
    load.context = context;
    return replay_model_find(name)->step_ns(&load);
}

/* Worked out by hand from the formulas in ../README.md. */
static void check_models(void) {
    check(model_ns("a100-opt-13b", 1000, 0, 0) == 127120000, "opt-13b: a prompt of 1000");
    check(model_ns("a100-opt-13b", 0, 10, 10000) == 26585000, "opt-13b: a batch of 10");
    check(model_ns("a100-opt-13b", 0, 94, 10000) == 29819000, "opt-13b: a batch of 94");
    check(model_ns("a100-opt-13b", 0, 95, 10000) == 28008500, "opt-13b: a batch of 95");
    check(model_ns("a100-opt-13b", 1000, 10, 10000) == 153705000, "opt-13b: both in one step");
    check(model_ns("a100-llama3-8b", 0, 10, 10000) == 10800000, "llama3-8b: the floor");
    check(model_ns("a100-llama3-8b", 1000, 10, 10000) == 76265000, "llama3-8b: a prompt");
    check(model_ns("h100-llama2-7b", 0, 10, 10000) == 8100000, "llama2-7b: the floor");
    check(model_ns("h100-llama2-7b", 1000, 10, 10000) == 26004000, "llama2-7b: a prompt");
    check(replay_model_find("h100") == NULL, "no model has half a name");
}

static void check_random(void) {
    uint64_t state = 1234567, draws = 5;
    /* The published sequence of splitmix64 for this seed. */
    static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                     UINT64_C(16408922859458223821)};
    for (uint64_t i = 0; i < draws; i++) {
        check(replay_random_next(&state) == known[i], "splitmix64 gives its known sequence");
        check(replay_random_at(1234567, i) == known[i], "and gives it by index");
    }
}

/* ---- Whole replays of a small engine ---- */

static const replay_settings small = {
    .policy = REPLAY_POLICY_BANDS,
    .generator = {.requests = 400,
                  .rate = 20.0,
                  .gap_cv = 1.5,
                  .prompt_median = 200.0,
                  .prompt_sigma = 1.5,
                  .output_median = 20.0,
                  .output_sigma = 1.0,
                  .prompt_max = 6000,
                  .output_max = 100},
    .shares = {0, 60, 30, 10},
    .speed = 1.0,
    .kv_tokens = 4096,
    .seed = 3,
    .parked_max = 60,
    .sequences = 8,
};

typedef struct small_result {
    uint64_t hash;
    uint32_t broken;
    replay_report report;
} small_result;

static small_result run_small(const replay_settings *settings) {
    small_result result = {.broken = 1};
    replay_trace trace;
    replay_host host;
    replay_settings with_model = *settings;
    with_model.model = replay_model_at(0);
    if (replay_generator_run(&settings->generator, settings->seed, &trace) != 0) return result;
    replay_deal(&with_model, &trace);
    if (replay_host_init(&host, &with_model, &trace, NULL) == 0 && replay_virtual_run(&host) == 0 &&
        replay_report_make(&host, &result.report) == 0) {
        result.hash = replay_decisions_hash(host.decisions);
        result.broken = replay_host_fini(&host) != 0;
    }
    replay_trace_fini(&trace);
    return result;
}

static void check_replays(void) {
    replay_settings other = small;
    const small_result first = run_small(&small), again = run_small(&small);
    check(!first.broken && !again.broken, "a small replay keeps the laws");
    check(first.hash == again.hash, "the same input gives the same hash");
    check(first.report.all.refused[BERTH_REFUSAL_NEVER_FITS] > 0 &&
              first.report.all.refused[BERTH_REFUSAL_PARKED] > 0,
          "what never fits and what finds no room is refused, each by its reason");
    check(first.report.all.submitted == first.report.all.completed + first.report.all.refused_total,
          "every request completed or was refused");
    other.policy = REPLAY_POLICY_FIFO;
    const small_result fifo = run_small(&other);
    check(!fifo.broken && fifo.hash != first.hash, "another policy decides otherwise");
    check(fifo.report.bands[BERTH_BAND_HIGH].submitted ==
              first.report.bands[BERTH_BAND_HIGH].submitted,
          "both policies see the same deal");
    check(first.report.bands[BERTH_BAND_HIGH].ttft.p99_ns <
              fifo.report.bands[BERTH_BAND_HIGH].ttft.p99_ns / 2,
          "bands serve the high band sooner than fifo does");
    other = small;
    other.queue_timeout_ns = 1000000000;
    const small_result hasty = run_small(&other);
    check(!hasty.broken && hasty.report.all.expired > 0, "who waits too long expires");
    check(hasty.report.all.queue_wait.max_ns <= other.queue_timeout_ns,
          "nobody is admitted after the deadline");
}

/* A snapshot that keeps the laws, and each way to break one. */
static void check_laws(void) {
    berth_stats good = {.submitted_total = 10,
                        .refused_total = 2,
                        .parked = 1,
                        .running = 2,
                        .stopping = 1,
                        .ended_total = 4,
                        .band_count = 1,
                        .resource_count = 1};
    good.outcome_total[BERTH_OUTCOME_COMPLETED] = 4;
    good.refusal_total[BERTH_REFUSAL_PARKED] = 2;
    good.bands[0] = (berth_band_stats){.submitted_total = 10,
                                       .refused_total = 2,
                                       .parked = 1,
                                       .running = 2,
                                       .stopping = 1,
                                       .ended_total = 4};
    good.resources[0].capacity_units = 8;
    good.resources[0].used_units = 8;
    berth_stats bad[7];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) bad[i] = good;
    bad[0].running++;
    bad[1].broken = 1;
    bad[2].outcome_total[BERTH_OUTCOME_FAILED]++;
    bad[3].refusal_total[BERTH_REFUSAL_BAND]++;
    bad[4].bands[0].parked++;
    bad[5].bands[0].submitted_total++;
    bad[5].bands[0].parked++; /* the band adds up, the pool does not */
    bad[6].resources[0].used_units++;
    check(replay_host_check_stats(&good) == 0, "a snapshot that adds up passes");
    fputs("self-test: seven broken snapshots, each of which must be told:\n", stderr);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check(replay_host_check_stats(&bad[i]) != 0, "a snapshot that does not add up is told");
}

int replay_self_test(void) {
    check_reader();
    check_percentiles();
    check_models();
    check_random();
    check_laws();
    check_replays();
    printf("self-test: %u checks, %u failed\n", checks, failures);
    return failures == 0 ? 0 : -1;
}
