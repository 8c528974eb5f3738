/* SPDX-License-Identifier: MIT */
#include "selftest.h"
#include "check.h"
#include "deal.h"
#include "pace.h"
#include "random.h"
#include "report.h"
#include "selftest_prefix.h"
#include "selftest_reader.h"
#include "selftest_steps.h"
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
    /* 18.1 ms and one token's 0.1 are a tenth of 0.1019 n + 7.12e-6 n^2 ms from n = 1,607 on. */
    replay_check(replay_model_step_tokens(replay_model_find("a100-opt-13b"), 1024, 100000) == 1616,
                 "a step grows until a prefill's fixed cost is small");
    replay_check(replay_model_step_tokens(replay_model_find("a100-llama3-8b"), 1024, 100000) ==
                     1024,
                 "without a fixed cost it stays");
    replay_check(replay_model_step_tokens(replay_model_find("a100-opt-13b"), 1024, 1) == 8192,
                 "there is a largest step");
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
    .steps = 1,
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

/* Every way to admit, on an engine whose KV runs out. */
static void check_growth(void) {
    static const char *const modes[] = {"worst_case", "optimistic",  "optimistic:0.1",
                                        "ratio:0.5",  "future_peak", "predicted:0.5"};
    uint64_t hashes[sizeof modes / sizeof modes[0]];
    char what[96];
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        replay_settings other = small;
        other.tenants = 3;
        other.parked_max = 0;
        other.generator.output_max = 3000;
        other.generator.output_median = 200;
        snprintf(what, sizeof what, "kv %s keeps the laws", modes[i]);
        replay_check(replay_policy_set("kv", modes[i], &other.policy) == NULL, what);
        const small_result got = run_small(&other);
        const replay_report *r = &got.report;
        hashes[i] = got.hash;
        replay_check(!got.broken && r->all.completed + r->all.refused_total == r->all.submitted,
                     what);
        snprintf(what, sizeof what, "kv %s preempts if and only if it may run out", modes[i]);
        replay_check((r->preemptions > 0) == (i == 1 || i == 2 || i == 3 || i == 5), what);
        replay_check((r->recomputed > 0) == (r->preemptions > 0), what);
        for (size_t k = 0; k < i; k++)
            replay_check(hashes[k] != hashes[i], "each way to admit decides otherwise");
    }
}

static void check_fairness(void) {
    replay_settings other = small;
    static replay_fairness f;
    other.tenants = 4;
    other.policy.one_band = 1;
    other.generator.rate = 100.0;
    other.parked_max = 0;
    const small_result without = run_small(&other);
    other.policy.fairness = BERTH_FAIRNESS_VTC;
    const small_result with = run_small(&other);
    replay_check(!without.broken && !with.broken &&
                     with.report.service_gap < without.report.service_gap / 2.0,
                 "tenants' counters keep tenants closer together");
    replay_fairness_init(&f, 2);
    replay_fairness_served(&f, 0, 1000, 0); /* before both wait: it does not count */
    replay_fairness_parked(&f, 0, 1);
    replay_fairness_parked(&f, 1, 1);
    replay_fairness_served(&f, 0, 10, 5);
    replay_fairness_look(&f);
    replay_check(f.gap == 20.0, "a gap counts prompts once and outputs twice");
    replay_fairness_served(&f, 1, 0, 15);
    replay_fairness_look(&f);
    replay_check(f.gap == 30.0, "a gap goes from the least to the most within a stretch");
    replay_fairness_parked(&f, 1, -1);
    replay_fairness_served(&f, 0, 500, 0);
    replay_fairness_look(&f);
    replay_fairness_parked(&f, 1, 1);
    replay_fairness_look(&f);
    replay_check(f.gap == 30.0, "who does not wait is not compared");
}

static void check_slo(void) {
    static const char *const bad[] = {"",
                                      "ttft=2s",
                                      "ttft=2s,tpot=",
                                      "ttft=2,tpot=1s",
                                      "tpot=1s,ttft=1s",
                                      "ttft=0s,tpot=1s",
                                      "ttft=1s,tpot=1s,",
                                      "ttft=1s+,tpot=1s",
                                      "ttft=-1s,tpot=1s",
                                      "ttft=nans,tpot=1s"};
    const replay_model *model = replay_model_find("a100-opt-13b");
    replay_row row = {.arrive_at_ns = 10, .outcome = BERTH_OUTCOME_COMPLETED};
    replay_slo slo;
    row.prompt_tokens = 1000; /* 127.12 ms alone, see check_models */
    row.output_tokens = 3;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        replay_check(replay_slo_read(bad[i], &slo) != 0, "a malformed target is told");
    replay_check(replay_slo_read("ttft=0.5s+prompt,tpot=60ms", &slo) == 0 &&
                     slo.ttft_ns == 500000000 && slo.tpot_ns == 60000000 && slo.plus_prompt,
                 "a target is read");
    row.first_at_ns = 10 + 627120000;
    row.last_at_ns = row.first_at_ns + 120000000;
    replay_check(replay_slo_met(&slo, model, &row), "the last moment is in time");
    row.last_at_ns += 2;
    replay_check(!replay_slo_met(&slo, model, &row), "a token too slow is late");
    row.last_at_ns -= 2;
    row.first_at_ns++;
    replay_check(!replay_slo_met(&slo, model, &row), "a first token too late is late");
    row.first_at_ns = 10;
    row.outcome = BERTH_OUTCOME_EXPIRED;
    replay_check(!replay_slo_met(&slo, model, &row), "who did not complete is a miss");
}

static void check_pace(void) {
    replay_pace pace;
    int changed = 0;
    replay_pace_init(&pace, 100, 32);
    replay_pace_see(&pace, 10, 900);
    replay_pace_see(&pace, 1, 211);
    changed += replay_pace_step(&pace, 20);
    replay_check(changed == 1 && pace.room == 20, "slow tokens leave room for those who run only");
    replay_pace_see(&pace, 10, 900);
    replay_pace_see(&pace, 1, 200);
    changed += replay_pace_step(&pace, 10);
    replay_check(changed == 2 && pace.room == 22,
                 "who is ahead makes up for who is behind, and room comes by sixteenths");
    for (uint32_t i = 0; i < 32; i++) replay_pace_step(&pace, 10);
    replay_check(pace.room == 32, "without tokens to be in time there is all the room");
    replay_pace_init(&pace, 0, 32);
    replay_pace_see(&pace, 1, 1000);
    replay_check(!replay_pace_step(&pace, 10) && pace.room == 32, "no pace, no change");
}

/* Every preset, where there is three times as much to do as can be done. */
static void check_presets(void) {
    char what[96];
    for (uint32_t i = 0; replay_preset_at(i) != NULL; i++) {
        replay_settings other = small;
        other.policy = *replay_preset_at(i);
        other.policy.step_tokens = other.policy.step_tokens != 0 ? 300 : 0;
        other.policy.sequences = 12;
        other.tenants = 3;
        other.parked_max = 0;
        const small_result got = run_small(&other), again = run_small(&other);
        const replay_band_report *all = &got.report.all;
        snprintf(what, sizeof what, "preset %s keeps the laws and repeats", other.policy.name);
        replay_check(!got.broken && got.hash == again.hash, what);
        const replay_tenant_report *tenants = got.report.tenants;
        replay_check(tenants[0].submitted >= tenants[1].submitted &&
                         tenants[0].submitted + tenants[1].submitted + tenants[2].submitted ==
                             all->submitted &&
                         tenants[0].good + tenants[1].good + tenants[2].good == all->good,
                     "tenants add up to all");
        snprintf(what, sizeof what, "preset %s brings everybody to an end", other.policy.name);
        replay_check(all->submitted ==
                         all->completed + all->refused_total + all->failed + all->expired,
                     what);
        snprintf(what, sizeof what, "preset %s fails or delays only if it says so",
                 other.policy.name);
        replay_check((all->failed > 0) == (other.policy.overcommit != 0) &&
                         (all->late > 0) == (other.policy.late_ppm != 0),
                     what);
    }
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
    check_growth();
    check_fairness();
    check_slo();
    check_pace();
    check_presets();
    replay_self_test_prefix();
    replay_self_test_steps();
    return replay_check_sum();
}
