/* SPDX-License-Identifier: MIT */
#include "selftest.h"
#include "check.h"
#include "deal.h"
#include "random.h"
#include "report.h"
#include "selftest_reader.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

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
    replay_check(holds, "percentiles are those of the definition");
    replay_check(replay_spread_of(values, 0).count == 0, "nothing has no percentiles");
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
    replay_check(model_ns("a100-opt-13b", 1000, 0, 0) == 127120000, "opt-13b: a prompt of 1000");
    replay_check(model_ns("a100-opt-13b", 0, 10, 10000) == 26585000, "opt-13b: a batch of 10");
    replay_check(model_ns("a100-opt-13b", 0, 94, 10000) == 29819000, "opt-13b: a batch of 94");
    replay_check(model_ns("a100-opt-13b", 0, 95, 10000) == 28008500, "opt-13b: a batch of 95");
    replay_check(model_ns("a100-opt-13b", 1000, 10, 10000) == 153705000,
                 "opt-13b: both in one step");
    replay_check(model_ns("a100-llama3-8b", 0, 10, 10000) == 10800000, "llama3-8b: the floor");
    replay_check(model_ns("a100-llama3-8b", 1000, 10, 10000) == 76265000, "llama3-8b: a prompt");
    replay_check(model_ns("h100-llama2-7b", 0, 10, 10000) == 8100000, "llama2-7b: the floor");
    replay_check(model_ns("h100-llama2-7b", 1000, 10, 10000) == 26004000, "llama2-7b: a prompt");
    replay_check(replay_model_find("h100") == NULL, "no model has half a name");
}

static void check_random(void) {
    uint64_t state = 1234567, draws = 5;
    /* The published sequence of splitmix64 for this seed. */
    static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                     UINT64_C(16408922859458223821)};
    for (uint64_t i = 0; i < draws; i++) {
        replay_check(replay_random_next(&state) == known[i], "splitmix64 gives its known sequence");
        replay_check(replay_random_at(1234567, i) == known[i], "and gives it by index");
    }
}

/* ---- Whole replays of a small engine ---- */

static const replay_settings small = {
    .policy = {.name = "bands"},
    .slo = {.ttft_ns = 2000000000, .tpot_ns = 100000000, .plus_prompt = 1},
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
    replay_settings with_model = *settings;
    with_model.model = replay_model_at(0);
    if (replay_generator_run(&settings->generator, settings->seed, &trace) != 0) return result;
    if (replay_deal(&with_model, &trace) == 0 &&
        replay_run(&with_model, &trace, &result.report) == 0) {
        result.hash = result.report.hash;
        result.broken = 0;
    }
    replay_trace_fini(&trace);
    return result;
}

static void check_replays(void) {
    replay_settings other = small;
    const small_result first = run_small(&small), again = run_small(&small);
    replay_check(!first.broken && !again.broken, "a small replay keeps the laws");
    replay_check(first.hash == again.hash, "the same input gives the same hash");
    replay_check(first.report.all.refused[BERTH_REFUSAL_NEVER_FITS] > 0 &&
                     first.report.all.refused[BERTH_REFUSAL_PARKED] > 0,
                 "what never fits and what finds no room is refused, each by its reason");
    replay_check(first.report.all.submitted ==
                     first.report.all.completed + first.report.all.refused_total,
                 "every request completed or was refused");
    other.policy.one_band = 1;
    const small_result fifo = run_small(&other);
    replay_check(!fifo.broken && fifo.hash != first.hash, "another policy decides otherwise");
    replay_check(fifo.report.bands[BERTH_BAND_HIGH].submitted ==
                     first.report.bands[BERTH_BAND_HIGH].submitted,
                 "both policies see the same deal");
    replay_check(first.report.bands[BERTH_BAND_HIGH].ttft.p99_ns <
                     fifo.report.bands[BERTH_BAND_HIGH].ttft.p99_ns / 2,
                 "bands serve the high band sooner than fifo does");
    other = small;
    other.queue_timeout_ns = 1000000000;
    const small_result hasty = run_small(&other);
    replay_check(!hasty.broken && hasty.report.all.expired > 0, "who waits too long expires");
    replay_check(hasty.report.all.queue_wait.max_ns <= other.queue_timeout_ns,
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
    replay_check(replay_host_check_stats(&good) == 0, "a snapshot that adds up passes");
    fputs("self-test: seven broken snapshots, each of which must be told:\n", stderr);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        replay_check(replay_host_check_stats(&bad[i]) != 0,
                     "a snapshot that does not add up is told");
}

int replay_self_test(void) {
    replay_self_test_reader();
    check_percentiles();
    check_models();
    check_random();
    check_laws();
    check_replays();
    return replay_check_sum();
}
