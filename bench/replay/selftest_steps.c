/* SPDX-License-Identifier: MIT */
#include "selftest_steps.h"
#include "check.h"
#include "deal.h"
#include "run.h"

#include <stdio.h>

#define MILLISECOND_NS UINT64_C(1000000)

static const replay_settings plain = {
    .policy = {.name = "bands"},
    .slo = {.ttft_ns = 2000000000, .tpot_ns = 100000000, .plus_prompt = 1},
    .shares = {0, 60, 30, 10},
    .speed = 1.0,
    .kv_tokens = 4096,
    .seed = 3,
    .sequences = 8,
    .steps = 1,
};

/* Requests of 100 tokens each, so far apart, that generate so many. */
static int run_few(const replay_settings *settings, uint32_t count, uint64_t apart_ns,
                   uint32_t output_tokens, replay_report *out) {
    replay_settings with_model = *settings;
    replay_trace trace = {0};
    int result = -1;
    with_model.model = replay_model_at(0);
    for (uint32_t i = 0; i < count; i++) {
        const replay_row row = {
            .arrive_at_ns = i * apart_ns, .prompt_tokens = 100, .output_tokens = output_tokens};
        if (replay_trace_add(&trace, &row) != 0) return -1;
    }
    if (replay_deal(&with_model, &trace) == 0) result = replay_run(&with_model, &trace, out);
    replay_trace_fini(&trace);
    return result;
}

static uint64_t prefill_ns(uint64_t tokens) {
    replay_load load = {0};
    replay_load_prefill(&load, tokens);
    return replay_model_at(0)->step_ns(&load);
}

static uint64_t decode_ns(uint64_t context) {
    replay_load load = {0};
    replay_load_decode(&load, context);
    return replay_model_at(0)->step_ns(&load);
}

/* One request: its prompt's step and two decodes. */
static void check_alone(void) {
    const uint64_t work_ns = prefill_ns(100) + decode_ns(101) + decode_ns(102);
    for (uint32_t steps = 1; steps <= REPLAY_STEPS_MAX; steps++) {
        replay_settings settings = plain;
        replay_report report;
        settings.steps = steps;
        settings.host_ns = 5 * MILLISECOND_NS;
        const uint64_t waits = steps == 1 ? 3 : 1;
        replay_check(run_few(&settings, 1, 0, 3, &report) == 0 && report.steps == 3 &&
                         report.duration_ns == work_ns + waits * settings.host_ns,
                     "the device waits for the host after each step, or once if steps overlap");
    }
}

/* Who comes 1 ms after the first: alone with the step that runs, or behind one planned already. */
static void check_newcomer(void) {
    replay_settings settings = plain;
    replay_report one, two;
    settings.steps = 2;
    const int ran = run_few(&plain, 2, MILLISECOND_NS, 3, &one) == 0 &&
                    run_few(&settings, 2, MILLISECOND_NS, 3, &two) == 0;
    /* Both prompts' parts, and the first one's decode beside the second's prompt. */
    const uint64_t first_ns = prefill_ns(100) + decode_ns(101) + prefill_ns(100) - MILLISECOND_NS;
    replay_check(ran && one.all.ttft.max_ns == first_ns, "who comes is in the next plan");
    replay_check(ran && two.all.ttft.max_ns == first_ns + decode_ns(102),
                 "who comes is behind the steps that are planned");
}

/* Without output nobody knows beforehand that the prompt's step was the last. */
static void check_no_output(void) {
    replay_settings settings = plain;
    replay_report report;
    for (uint32_t grows = 0; grows < 2; grows++) {
        settings.steps = 3;
        settings.policy.kv_mode = grows ? BERTH_KV_OPTIMISTIC : BERTH_KV_WORST_CASE;
        replay_check(run_few(&settings, 20, 10 * MILLISECOND_NS, 0, &report) == 0 &&
                         report.all.completed == 20,
                     "who ended in an earlier step holds what it has until its last");
    }
}

/* Every way to admit, where KV runs out while steps are in flight. */
static void check_modes(void) {
    static const char *const modes[] = {"worst_case", "optimistic",  "optimistic:0.1",
                                        "ratio:0.5",  "future_peak", "predicted:0.5"};
    replay_settings settings = plain;
    char what[96];
    settings.model = replay_model_at(0);
    settings.tenants = 3;
    settings.generator = (replay_generator){.requests = 120,
                                            .rate = 20.0,
                                            .gap_cv = 1.5,
                                            .prompt_median = 200.0,
                                            .prompt_sigma = 1.5,
                                            .output_median = 200.0,
                                            .output_sigma = 1.0,
                                            .prompt_max = 3000,
                                            .output_max = 2000};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0] * 3; i++) {
        replay_trace trace;
        replay_report report, again;
        replay_policy_set("kv", modes[i / 3], &settings.policy);
        replay_policy_set("step", i % 2 == 0 ? "300" : "5000", &settings.policy);
        settings.steps = 2 + (uint32_t)(i % 3);
        snprintf(what, sizeof what, "kv %s keeps the laws with %u steps in flight, and repeats",
                 modes[i / 3], (unsigned)settings.steps);
        if (replay_generator_run(&settings.generator, settings.seed, &trace) != 0) return;
        replay_check(replay_deal(&settings, &trace) == 0 &&
                         replay_run(&settings, &trace, &report) == 0 &&
                         replay_run(&settings, &trace, &again) == 0 && report.hash == again.hash &&
                         report.all.completed + report.all.refused_total == report.all.submitted,
                     what);
        snprintf(what, sizeof what, "kv %s preempts if and only if it may run out", modes[i / 3]);
        replay_check((report.preemptions > 0) ==
                         (i / 3 == 1 || i / 3 == 2 || i / 3 == 3 || i / 3 == 5),
                     what);
        replay_trace_fini(&trace);
    }
}

void replay_self_test_steps(void) {
    check_alone();
    check_newcomer();
    check_no_output();
    check_modes();
}
