/* SPDX-License-Identifier: MIT */
/*
 * Several steps in flight: random programs against a model that keeps every outstanding plan as it
 * was given, and works out from those what each request has in flight (support/core_flight.h).
 */
#include "core/kv.h"
#include "support/core_flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SHORT_PROGRAMS 600u
#define LONG_PROGRAMS 20000u

typedef core_flights world;
typedef core_flight_request request;

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

static int by_chance(world *w, uint32_t index, const request *r, berth__progress *p) {
    (void)index;
    (void)r;
    if (below(w, 8) == 0) return 0;
    if (below(w, 8) == 0) p->tokens_computed = below(w, p->tokens_computed + 1);
    if (below(w, 20) == 0) p->finish = BERTH_FINISH_STOP;
    return 1;
}

static void commit(world *w) {
    const uint64_t nth = below(w, 4);
    if (nth > 0 && nth < w->flight_count)
        core_flights_commit_wrong(w, nth);
    else
        core_flights_commit(w, by_chance);
}

static void submit(world *w) {
    const int grows = berth__kv_grows(&w->kit.options);
    const uint64_t draft = w->kit.options.draft_tokens;
    berth__submit ask = {.terms.prompt_tokens = below(w, 10)};
    ask.terms.max_new_tokens = below(w, 8) + w->draining;
    ask.samples = 1 + (below(w, 4) == 0);
    ask.terms.band = 1 + (uint32_t)below(w, 4);
    ask.cost[0] = grows ? 0 : 1 + below(w, 4);
    ask.cost_count = !grows;
    const berth_status status = core_flights_submit(w, &ask);
    if (status == BERTH_EINVAL)
        assert_true(ask.samples * (1 + draft) > w->kit.options.step_tokens);
    else if (status != BERTH_OK)
        assert_int_equal(status, BERTH_EREFUSED);
}

static void disturb(world *w) {
    if (w->request_count == 0) return;
    const uint64_t latest = w->request_count < 12 ? w->request_count : 12;
    request *r = &w->requests[w->request_count - 1 - below(w, latest)];
    if (r->over) return;
    switch (below(w, 6)) {
    case 0: core_flights_cancel(w, r); break;
    case 1: core_flights_suspend(w, r, 1); break;
    case 2: core_flights_suspend(w, r, 0); break;
    case 3: core_flights_pause(w, r, (uint32_t)below(w, 2)); break;
    case 4: core_flights_unpause(w, r); break;
    default: core_flights_preempt(w, r); break;
    }
}

static void event(world *w) {
    switch (below(w, 12)) {
    case 0:
    case 1: submit(w); break;
    case 2: disturb(w); break;
    case 3:
        if (below(w, 6) == 0) core_flights_fail(w);
        break;
    case 4:
    case 5:
    case 6: commit(w); break;
    default: (void)core_flights_plan(w); break;
    }
    core_flights_settle(w);
}

/* ---- Programs ---- */

static void begin(world *w) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 1 + (uint32_t)below(w, 6), 16);
    core_kit_add_resource(&o, "kv_blocks", 12 + below(w, 30));
    o.steps_max = 1 + (uint32_t)below(w, 4);
    if (below(w, 3) != 0) {
        o.kv_block_tokens = 1 + (uint32_t)below(w, 3);
        o.kv_mode = BERTH_KV_OPTIMISTIC;
        o.victim = (uint32_t)below(w, BERTH_VICTIM_CHEAPEST + 1);
        o.preempt_max = (uint32_t)below(w, 2);
    }
    o.prefill_tokens_max = below(w, 2) == 0 ? 1 + below(w, 6) : 0;
    o.draft_tokens = below(w, 3) == 0 ? (uint32_t)below(w, 3) : 0;
    if (below(w, 3) == 0)
        o.step_tokens = o.running_max * (UINT64_C(1) + o.draft_tokens) + below(w, 8);
    core_kit_init(&w->kit, &o);
}

static void what_is_in_flight_is_as_the_plans_said(void **state) {
    static world w;
    const uint32_t programs = core_long_tier() ? LONG_PROGRAMS : SHORT_PROGRAMS;
    const uint64_t seed = core_seed(31);
    uint64_t seen[5] = {0};
    (void)state;
    for (uint32_t i = 0; i < programs; i++) {
        memset(&w, 0, sizeof w);
        w.random = seed + i;
        begin(&w);
        for (uint32_t e = 0; e < 200; e++) event(&w);
        core_flights_run_out(&w);
        seen[0] += w.together;
        seen[1] += w.late;
        seen[2] += w.full;
        seen[3] += w.short_of;
        seen[4] += w.drained;
        core_kit_fini(&w.kit);
    }
    for (int i = 0; i < 5; i++) assert_true(seen[i] > 0);
}

/* Who ends by his length, and is admitted by the peak, is never preempted, however many steps are
 * in flight, and nobody is left out for want of KV. */
static void the_peak_counts_what_is_in_flight(void **state) {
    static world w;
    const uint64_t seed = core_seed(77);
    (void)state;
    for (uint32_t i = 0; i < 120; i++) {
        memset(&w, 0, sizeof w);
        w.random = seed + i;
        w.draining = 1;
        berth_options o = core_kit_options(BERTH_FACE_ENGINE, 12, 100);
        core_kit_add_resource(&o, "kv_blocks", 24 + below(&w, 40));
        o.kv_block_tokens = 1 + (uint32_t)below(&w, 6);
        o.kv_mode = BERTH_KV_FUTURE_PEAK;
        o.steps_max = 1 + (uint32_t)below(&w, 4);
        core_kit_init(&w.kit, &o);
        for (uint32_t n = 0; n < 60; n++) submit(&w);
        core_flights_run_out(&w);
        assert_int_equal(core_kit_stats(&w.kit).preemptions_total, 0);
        assert_int_equal(w.short_of, 0);
        core_kit_fini(&w.kit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_flight_is_as_the_plans_said),
        cmocka_unit_test(the_peak_counts_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
