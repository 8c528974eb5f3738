/* SPDX-License-Identifier: MIT */
/*
 * Three times the load that an engine can do, for a quarter of an hour: who gets his first token
 * within 2 s and the rest at 60 ms each? Workload: steps of 18 ms + 0.6 ms per running request +
 * 0.02 ms per prompt token of newcomers; 120,000 tokens of KV; prompts lognormal(6.3, 0.9) cut to
 * 20 to 8,000, outputs lognormal(5.0, 1.0) cut to 4 to 2,000; Poisson arrivals at 12/s for 900 s.
 * Published parts of completions in time: FIFO with a limit of 20 s in the queue 1 %, CoDel (0.2 s,
 * 2 s) 91 %, refusal by predicted wait at 0.8 of the target and CoDel 95 %.
 */
#include "support/core_kit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define RUNNING_MAX 48u
#define PARKED_MAX 4096u
#define PLACES (RUNNING_MAX + PARKED_MAX + 1024u)
#define TARGET_NS (2 * SECOND)
#define TOKEN_NS 60000000.0

typedef struct engine {
    core_kit kit;
    uint64_t random;
    double arrives;         /* the next one, in ns */
    uint64_t first[PLACES]; /* when its first token came, by place; 0 = not yet */
    uint64_t came[PLACES];
    uint64_t output[PLACES];
    uint64_t completed;
    uint64_t in_time;
    berth_plan_entry entries[2 * RUNNING_MAX];
} engine;

typedef struct figures {
    double in_time_part;
    double in_time_per_second;
    double completed_per_second;
    uint64_t refused;
    uint64_t dropped;
} figures;

static double uniform(engine *e) {
    return ((double)(core_random(&e->random) >> 11) + 0.5) / 9007199254740992.0;
}

static uint64_t lognormal(engine *e, double mu, double sigma, double low, double high) {
    const double radius = sqrt(-2 * log(uniform(e)));
    const double value = exp(mu + sigma * radius * cos(6.283185307179586 * uniform(e)));
    return (uint64_t)(value < low ? low : value > high ? high : value);
}

static void arrive(engine *e, double rate, const berth__submit *policy) {
    berth_request_id id;
    berth__submit ask = *policy;
    ask.terms.band = 1;
    ask.terms.prompt_tokens = lognormal(e, 6.3, 0.9, 20, 8000);
    const uint64_t output = lognormal(e, 5.0, 1.0, 4, 2000);
    ask.terms.max_new_tokens = output;
    const uint64_t now = (uint64_t)e->arrives;
    e->arrives += -log(uniform(e)) / rate * 1e9;
    if (berth__core_submit(e->kit.core, now, &ask, &id, NULL) != BERTH_OK) return;
    core_kit_accept(&e->kit, id);
    const uint32_t place = (uint32_t)(id & 0xffffffu);
    e->first[place] = 0;
    e->came[place] = now;
    e->output[place] = output;
}

/* How long a plan takes to compute. */
static uint64_t step_ns(const engine *e, const berth_plan *plan) {
    uint64_t prompt = 0;
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++)
        if (e->entries[i].kind == BERTH_ENTRY_PREFILL) prompt += e->entries[i].tokens;
    return 18000000 + 600000 * (uint64_t)(plan->entry_count - plan->leave_count) + 20000 * prompt;
}

static void complete(engine *e, uint32_t place, uint64_t now) {
    const uint64_t tokens = e->output[place];
    const double per_token =
        tokens > 1 ? (double)(now - e->first[place]) / (double)(tokens - 1) : 0;
    e->completed++;
    e->in_time += e->first[place] - e->came[place] <= TARGET_NS && per_token <= TOKEN_NS;
}

static void commit(engine *e, const berth_plan *plan, uint64_t now) {
    assert_int_equal(berth__core_commit_begin(e->kit.core, now, plan->step_id), BERTH_OK);
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++) {
        const berth_plan_entry *entry = &e->entries[i];
        const uint32_t place = (uint32_t)(entry->id & 0xffffffu);
        berth__progress p = {.tokens_computed = entry->tokens, .tokens_generated = 1};
        if (entry->tokens_generated + 1 >= e->output[place]) p.finish = BERTH_FINISH_LENGTH;
        if (berth__core_commit_entry(e->kit.core, entry->id, &p) != BERTH_OK) continue;
        if (e->first[place] == 0) e->first[place] = now;
        if (p.finish == BERTH_FINISH_NONE) continue;
        complete(e, place, now);
        assert_int_equal(berth__core_forget(e->kit.core, entry->id, 0), BERTH_OK);
    }
    berth__core_commit_end(e->kit.core);
}

static figures run(const berth_options *options, const berth__submit *policy, double rate,
                   double seconds, uint64_t seed) {
    static engine e;
    figures f;
    uint64_t now = 0;
    memset(&e, 0, sizeof e);
    e.random = seed;
    core_kit_init(&e.kit, options);
    e.arrives = 0;
    while (now < (uint64_t)(seconds * 1e9)) {
        berth_plan plan = {
            .struct_size = sizeof plan, .entries = e.entries, .entry_max = 2 * RUNNING_MAX};
        assert_int_equal(berth__core_plan(e.kit.core, now, &plan), BERTH_OK);
        core_kit_clear(&e.kit);
        uint64_t until = plan.step_id == 0 ? (uint64_t)e.arrives : now + step_ns(&e, &plan);
        while ((uint64_t)e.arrives <= until) arrive(&e, rate, policy);
        now = until;
        if (plan.step_id != 0) commit(&e, &plan, now);
        core_kit_clear(&e.kit);
    }
    core_kit_must_hold(&e.kit);
    f.in_time_part = (double)e.in_time / (double)e.completed;
    f.in_time_per_second = (double)e.in_time / seconds;
    f.completed_per_second = (double)e.completed / seconds;
    f.refused = core_kit_stats(&e.kit).refused_total;
    f.dropped = core_kit_stats(&e.kit).codel_dropped_total;
    core_kit_fini(&e.kit);
    return f;
}

static berth_options options_of(void) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, RUNNING_MAX, PARKED_MAX);
    core_kit_add_resource(&o, "kv", 120000);
    o.kv_block_tokens = 1;
    return o;
}

static figures report(const char *name, const berth_options *o, const berth__submit *policy,
                      double rate) {
    const figures f = run(o, policy, rate, 900, core_seed(1));
    printf("%s, %.0f/s: %.1f %% of completions in time, %.2f of %.2f a second, %lu refused, %lu "
           "dropped\n",
           name, rate, 100 * f.in_time_part, f.in_time_per_second, f.completed_per_second,
           (unsigned long)f.refused, (unsigned long)f.dropped);
    return f;
}

static berth_options with_codel(void) {
    berth_options o = options_of();
    o.bands[0].codel_target_ns = SECOND / 5;
    o.bands[0].codel_interval_ns = 2 * SECOND;
    return o;
}

static void a_long_queue_makes_everybody_late(void **state) {
    const berth_options o = options_of();
    const berth__submit patient = {.terms.queue_ns = 20 * SECOND};
    (void)state;
    assert_true(report("20 s to wait", &o, &patient, 12).in_time_part < 0.05);
}

static void codel_keeps_the_queue_short(void **state) {
    const berth_options o = with_codel();
    const berth__submit patient = {0};
    (void)state;
    assert_true(report("CoDel", &o, &patient, 12).in_time_part > 0.7);
}

static void who_cannot_be_in_time_learns_it_and_the_others_are(void **state) {
    berth_options o = with_codel();
    const berth__submit queued = {.terms.queue_ns = TARGET_NS};
    const berth__submit hurried = {.terms.first_output_ns = TARGET_NS};
    (void)state;
    o.wait_ppm = 800000;
    const figures a = report("predicted wait and CoDel, time in the queue", &o, &queued, 12);
    const figures b = report("predicted wait and CoDel, first output", &o, &hurried, 12);
    assert_true(a.in_time_part >= 0.93 && a.in_time_per_second >= 3.6);
    assert_true(b.in_time_part >= 0.93 && b.in_time_per_second >= 3.6);
}

static void without_overload_nobody_is_turned_away(void **state) {
    berth_options o = with_codel();
    const berth__submit hurried = {.terms.first_output_ns = TARGET_NS};
    (void)state;
    o.wait_ppm = 800000;
    const figures f = report("predicted wait and CoDel", &o, &hurried, 2);
    assert_int_equal(f.refused + f.dropped, 0);
    assert_true(f.in_time_part > 0.95);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_queue_makes_everybody_late),
        cmocka_unit_test(codel_keeps_the_queue_short),
        cmocka_unit_test(who_cannot_be_in_time_learns_it_and_the_others_are),
        cmocka_unit_test(without_overload_nobody_is_turned_away),
    };
    return cmocka_run_group_tests_name("sim/overload", tests, NULL, NULL);
}
