/* SPDX-License-Identifier: MIT */
/*
 * The published experiment on fairness between two tenants (Sheng et al., "Fairness in serving
 * large language models", OSDI 2024, suite "overload"), repeated on the core: 1.5 and 3 requests a
 * second, 256 tokens in and 256 out, 10,000 tokens of KV, admission by the future peak, 360 s. A
 * prefill runs alone, at most every 8 decode steps, of at most a quarter of the KV, and takes
 * 20 ms + 0.25 ms per token; a decode step takes 30 ms + 0.7 ms per running request.
 *
 * Service is 1 per prompt token at admission and 2 per generated token. While both wait it may
 * differ by at most 2 * max(256, 2 * 10,000) = 40,000.
 */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define TOKENS 256u
#define TOKENS_MAX 512u
#define KV 10000u
#define RUNNING_MAX 64u
#define BOUND 40000

typedef struct engine {
    core_kit kit;
    uint64_t now;
    uint64_t due[2]; /* of each tenant's next request */
    uint64_t every[2];
    int64_t service[2];
    uint64_t parked[2];
    uint64_t random;    /* 0 = every request is the same */
    uint32_t decodes;   /* since the last prefill */
    int64_t worst_gap;  /* after the first 30 s */
    int64_t worst_both; /* the largest change of the difference while both wait */
    int64_t both_min, both_max;
    berth_plan_entry entries[2 * RUNNING_MAX];
} engine;

static int64_t absolute(int64_t x) {
    return x < 0 ? -x : x;
}

static void arrive(engine *e, uint32_t tenant) {
    berth_request_id id;
    berth__submit ask = {.terms.band = 1,
                         .terms.prompt_tokens = TOKENS,
                         .terms.max_new_tokens = TOKENS,
                         .terms.tenant = tenant};
    if (e->random != 0) {
        ask.terms.prompt_tokens = 1 + core_random_below(&e->random, TOKENS_MAX);
        ask.terms.max_new_tokens = 1 + core_random_below(&e->random, TOKENS_MAX);
    }
    assert_int_equal(berth__core_submit(e->kit.core, e->due[tenant], &ask, &id, NULL), BERTH_OK);
    core_kit_accept(&e->kit, id);
    e->parked[tenant]++;
    e->due[tenant] += e->every[tenant];
}

static void arrivals(engine *e) {
    for (;;) {
        const uint32_t first = e->due[1] < e->due[0];
        if (e->due[first] > e->now) return;
        arrive(e, first);
    }
}

static void commit(engine *e, const berth_plan_entry *entry, uint32_t kind) {
    const uint32_t tenant = (uint32_t)core_kit_view(&e->kit, entry->id).outcome.tenant;
    berth__progress p = {0};
    if ((entry->flags & BERTH_ENTRY_ADMITTED) != 0) {
        e->parked[tenant]--;
        e->service[tenant] += (int64_t)entry->prompt_tokens;
    }
    if (entry->kind != kind) return;
    p.tokens_computed = entry->tokens;
    p.tokens_generated = 1;
    e->service[tenant] += 2;
    if (entry->tokens_generated + 1 == entry->max_new_tokens) p.finish = BERTH_FINISH_LENGTH;
    assert_int_equal(berth__core_commit_entry(e->kit.core, entry->id, &p), BERTH_OK);
    if (p.finish != BERTH_FINISH_NONE)
        assert_int_equal(berth__core_forget(e->kit.core, entry->id, 0), BERTH_OK);
}

/* The difference of service, and how far it moves while both wait without a pause. */
static void watch(engine *e) {
    const int64_t gap = e->service[0] - e->service[1];
    if (e->now > 30 * SECOND && absolute(gap) > e->worst_gap) e->worst_gap = absolute(gap);
    if (e->parked[0] == 0 || e->parked[1] == 0) {
        e->both_min = e->both_max = gap;
        return;
    }
    if (gap < e->both_min) e->both_min = gap;
    if (gap > e->both_max) e->both_max = gap;
    if (e->both_max - e->both_min > e->worst_both) e->worst_both = e->both_max - e->both_min;
}

static void step(engine *e) {
    berth_plan plan = {
        .struct_size = sizeof plan, .entries = e->entries, .entry_max = 2 * RUNNING_MAX};
    uint64_t prefill = 0;
    berth__core_set_idle(e->kit.core, e->decodes >= 8 ? KV / 4 / TOKENS : 0);
    assert_int_equal(berth__core_plan(e->kit.core, e->now, &plan), BERTH_OK);
    core_kit_clear(&e->kit);
    if (plan.step_id == 0) {
        e->now += 10 * MS;
        e->decodes = 8;
        return;
    }
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++)
        if (e->entries[i].kind == BERTH_ENTRY_PREFILL) prefill += e->entries[i].tokens;
    const uint64_t running = plan.entry_count - plan.leave_count;
    e->decodes = prefill > 0 ? 0 : e->decodes + 1;
    e->now += prefill > 0 ? 20 * MS + prefill * MS / 4 : 30 * MS + running * MS * 7 / 10;
    assert_int_equal(berth__core_commit_begin(e->kit.core, e->now, plan.step_id), BERTH_OK);
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++)
        commit(e, &e->entries[i], prefill > 0 ? BERTH_ENTRY_PREFILL : BERTH_ENTRY_DECODE);
    berth__core_commit_end(e->kit.core);
    core_kit_clear(&e->kit);
    watch(e);
}

static void run(engine *e, uint32_t fairness, uint64_t seed) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, RUNNING_MAX, 4096);
    memset(e, 0, sizeof *e);
    core_kit_add_resource(&o, "kv_tokens", KV);
    o.kv_block_tokens = 1;
    o.kv_mode = BERTH_KV_FUTURE_PEAK;
    o.fairness = fairness;
    core_kit_init(&e->kit, &o);
    e->every[0] = SECOND * 2 / 3;
    e->every[1] = SECOND / 3;
    e->decodes = 8;
    e->random = seed;
    while (e->now < 360 * SECOND) {
        arrivals(e);
        step(e);
    }
    core_kit_must_hold(&e->kit);
    print_message("largest difference after 30 s %lld, while both wait %lld, service %lld %lld\n",
                  (long long)e->worst_gap, (long long)e->worst_both, (long long)e->service[0],
                  (long long)e->service[1]);
    core_kit_fini(&e->kit);
}

static void counters_keep_two_overloading_tenants_even(void **state) {
    engine *e = malloc(sizeof *e);
    (void)state;
    assert_non_null(e);
    run(e, BERTH_FAIRNESS_VTC, 0);
    assert_true(e->worst_gap <= 9000);
    assert_true(e->worst_both <= BOUND);
    free(e);
}

static void without_them_the_louder_one_takes_more(void **state) {
    engine *e = malloc(sizeof *e);
    (void)state;
    assert_non_null(e);
    run(e, BERTH_FAIRNESS_NONE, 0);
    assert_true(e->service[1] - e->service[0] > 120000);
    free(e);
}

/* Any lengths up to 512: the bound is the same, for the KV is. */
static void requests_of_any_length_stay_within_the_bound(void **state) {
    const uint64_t seed = core_seed(1);
    engine *e = malloc(sizeof *e);
    (void)state;
    assert_non_null(e);
    for (uint64_t i = 0; i < (core_long_tier() ? 100 : 3); i++) {
        run(e, BERTH_FAIRNESS_VTC, seed + i);
        if (e->worst_both > BOUND) fail_msg("BERTH_TEST_SEED=%llu", (unsigned long long)(seed + i));
    }
    free(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_keep_two_overloading_tenants_even),
        cmocka_unit_test(requests_of_any_length_stay_within_the_bound),
        cmocka_unit_test(without_them_the_louder_one_takes_more),
    };
    return cmocka_run_group_tests_name("sim/fairness", tests, NULL, NULL);
}
