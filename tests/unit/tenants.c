/* SPDX-License-Identifier: MIT */
/* Tenants: quotas, rates, weights, counters, and who is given up when there are too many. */
#include "core/counters.h"
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static berth_options options_of(uint32_t face, uint32_t tenants_max) {
    berth_options options = core_kit_options(face, 4, 100);
    core_kit_add_resource(&options, "units", 100);
    options.tenants_max = tenants_max;
    return options;
}

static berth__submit ask_of(uint64_t tenant, uint64_t units) {
    berth__submit ask = core_ask(1, units);
    ask.terms.tenant = tenant;
    return ask;
}

static berth_request_id take_in(core_kit *kit, uint64_t tenant, uint64_t units) {
    const berth__submit ask = ask_of(tenant, units);
    const berth_request_id id = core_kit_take_in(kit, 0, &ask);
    core_kit_must_hold(kit);
    return id;
}

static berth_refusal turn_away(core_kit *kit, uint64_t now, uint64_t tenant, uint64_t units,
                               uint32_t reason) {
    const berth__submit ask = ask_of(tenant, units);
    return core_kit_turn_away(kit, now, &ask, reason);
}

static void finish(core_kit *kit, berth_request_id id) {
    assert_int_equal(berth__core_finish(kit->core, 0, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, 0, id), BERTH_OK);
    core_kit_must_hold(kit);
}

static berth_tenant_stats stats_of(const core_kit *kit, uint64_t tenant) {
    berth_tenant_stats stats;
    assert_int_equal(berth__core_tenant_stats(kit->core, tenant, &stats), BERTH_OK);
    return stats;
}

static berth_status set(core_kit *kit, uint64_t tenant, berth_tenant_options options) {
    const berth_status status = berth__core_tenant_set(kit->core, 0, tenant, &options);
    core_kit_must_hold(kit);
    return status;
}

/* ---- Quotas ---- */

static void a_tenant_parks_no_more_than_its_quota_and_others_go_on(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 4);
    (void)state;
    options.tenant_defaults.parked_max = 2;
    core_kit_init(&kit, &options);
    const berth_request_id first = take_in(&kit, 7, 1);
    (void)take_in(&kit, 7, 1);
    const berth_refusal refusal = turn_away(&kit, 0, 7, 1, BERTH_REFUSAL_TENANT);
    assert_int_equal(refusal.limit, 2);
    assert_int_equal(refusal.asked, 3);
    assert_true(refusal.retry_after_ns > 0);
    (void)take_in(&kit, 8, 1);
    assert_int_equal(stats_of(&kit, 7).refused_total, 1);
    assert_int_equal(stats_of(&kit, 7).submitted_total, 3);
    assert_int_equal(berth__core_cancel(kit.core, 0, first, BERTH_CANCEL_CALLER), BERTH_OK);
    (void)take_in(&kit, 7, 1);
    core_kit_fini(&kit);
}

static void a_tenants_cost_counts_what_is_parked_and_what_is_held(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 4);
    const uint64_t held = 5;
    (void)state;
    options.tenant_defaults.units_max[0] = 10;
    core_kit_init(&kit, &options);
    const berth_request_id first = take_in(&kit, 7, 6);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    const berth_request_id second = take_in(&kit, 7, 4);
    berth_refusal refusal = turn_away(&kit, 0, 7, 1, BERTH_REFUSAL_TENANT_COST);
    assert_int_equal(refusal.limit, 10);
    assert_int_equal(refusal.asked, 11);
    assert_true(refusal.retry_after_ns > 0);
    refusal = turn_away(&kit, 0, 8, 11, BERTH_REFUSAL_TENANT_COST);
    assert_int_equal(refusal.retry_after_ns, 0); /* never, by itself too large */
    (void)take_in(&kit, 7, 0);
    const berth__submit more = ask_of(0, 5);
    assert_int_equal(berth__core_recost(kit.core, 0, second, &more, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_TENANT_COST);
    assert_int_equal(berth__core_charge(kit.core, 0, first, &held, 1), BERTH_OK);
    assert_int_equal(berth__core_recost(kit.core, 0, second, &more, &refusal), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(stats_of(&kit, 7).units[0], 10);
    finish(&kit, first);
    assert_int_equal(stats_of(&kit, 7).units[0], 5);
    core_kit_fini(&kit);
}

static void a_tenants_cost_that_cannot_be_counted_is_an_error(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FACE_GATE, 4);
    const uint64_t held[1] = {UINT64_MAX - 1};
    const berth__submit ask = ask_of(7, 5);
    berth_request_id id;
    (void)state;
    core_kit_init(&kit, &options);
    const berth_request_id first = take_in(&kit, 7, 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    kit.may_overdraw = 1;
    assert_int_equal(berth__core_charge(kit.core, 0, first, held, 1), BERTH_OK);
    assert_int_equal(berth__core_submit(kit.core, 0, &ask, &id, NULL), BERTH_EOVERFLOW);
    assert_int_equal(core_kit_stats(&kit).submitted_total, 1);
    (void)take_in(&kit, 8, 5); /* it is about the tenant */
    core_kit_fini(&kit);
}

static void a_rate_lets_a_burst_through_and_then_one_at_a_time(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 4);
    (void)state;
    options.tenant_defaults.rate_ns = SECOND;
    options.tenant_defaults.rate_burst = 3;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 3; i++) (void)take_in(&kit, 7, 1);
    berth_refusal refusal = turn_away(&kit, 0, 7, 1, BERTH_REFUSAL_TENANT_RATE);
    assert_int_equal(refusal.retry_after_ns, SECOND); /* exact: no jitter, and it is true */
    (void)take_in(&kit, 8, 1);
    refusal = turn_away(&kit, SECOND - 1, 7, 1, BERTH_REFUSAL_TENANT_RATE);
    assert_int_equal(refusal.retry_after_ns, 1);
    const berth__submit ask = ask_of(7, 1);
    (void)core_kit_take_in(&kit, SECOND, &ask);
    (void)turn_away(&kit, SECOND, 7, 1, BERTH_REFUSAL_TENANT_RATE);
    for (int i = 0; i < 3; i++) (void)core_kit_take_in(&kit, 100 * SECOND, &ask);
    (void)turn_away(&kit, 100 * SECOND, 7, 1, BERTH_REFUSAL_TENANT_RATE);
    core_kit_fini(&kit);
}

static void in_the_long_run_no_more_come_than_the_rate_and_one_burst(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 4);
    uint64_t random = core_seed(3);
    uint64_t now = 0;
    uint64_t count = 0;
    (void)state;
    options.parked_max = 4000;
    options.tenant_defaults.rate_ns = 100;
    options.tenant_defaults.rate_burst = 5;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 3000; i++) {
        const berth__submit ask = ask_of(7, 0);
        berth_request_id id;
        now += core_random_below(&random, 150);
        if (berth__core_submit(kit.core, now, &ask, &id, NULL) != BERTH_OK) continue;
        core_kit_accept(&kit, id);
        count++;
        assert_true(count <= now / 100 + 5);
    }
    assert_true(count > now / 100 * 6 / 10); /* and it is not much less that may come */
    core_kit_fini(&kit);
}

static void a_tenant_has_options_of_its_own_until_they_are_taken_away(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 4);
    (void)state;
    options.tenant_defaults.parked_max = 1;
    core_kit_init(&kit, &options);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.parked_max = 2}), BERTH_OK);
    (void)take_in(&kit, 7, 1);
    (void)take_in(&kit, 7, 1);
    (void)turn_away(&kit, 0, 7, 1, BERTH_REFUSAL_TENANT);
    assert_int_equal(berth__core_tenant_set(kit.core, 0, 7, NULL), BERTH_OK);
    assert_int_equal(turn_away(&kit, 0, 7, 1, BERTH_REFUSAL_TENANT).limit, 1);
    assert_int_equal(berth__core_tenant_set(kit.core, 0, 99, NULL), BERTH_OK);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void options_that_cannot_be_change_nothing(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FACE_ENGINE, 4);
    const berth_options none = options_of(BERTH_FACE_ENGINE, 0);
    berth_tenant_stats stats;
    (void)state;
    core_kit_init(&kit, &options);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.weight = 10001}), BERTH_EINVAL);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.weight = 2}), BERTH_EINVAL);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.running_max = 1}), BERTH_EINVAL);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.rate_burst = 1}), BERTH_EINVAL);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.units_max = {1, 1}}), BERTH_EINVAL);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.reserved = {1}}), BERTH_EINVAL);
    assert_int_equal(stats_of(&kit, 7).known, 0);
    core_kit_fini(&kit);
    core_kit_init(&kit, &none);
    assert_int_equal(set(&kit, 7, (berth_tenant_options){.parked_max = 1}), BERTH_EINVAL);
    assert_int_equal(berth__core_tenant_stats(kit.core, 7, &stats), BERTH_EINVAL);
    core_kit_fini(&kit);
}

/* ---- The table ---- */

static void those_idle_longest_give_way_and_the_busy_do_not(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FACE_GATE, 3);
    berth_request_id ids[3];
    (void)state;
    core_kit_init(&kit, &options);
    for (uint64_t t = 0; t < 3; t++) ids[t] = take_in(&kit, t, 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 3);
    const berth_refusal refusal = turn_away(&kit, 0, 3, 1, BERTH_REFUSAL_TENANTS);
    assert_int_equal(refusal.limit, 3);
    finish(&kit, ids[1]);
    finish(&kit, ids[0]);
    (void)take_in(&kit, 3, 1);
    assert_int_equal(stats_of(&kit, 1).known, 0);
    assert_int_equal(stats_of(&kit, 0).known, 1);
    assert_int_equal(set(&kit, 0, (berth_tenant_options){.parked_max = 9}), BERTH_OK);
    (void)turn_away(&kit, 0, 4, 1, BERTH_REFUSAL_TENANTS); /* 0 is kept by its options */
    assert_int_equal(set(&kit, 4, (berth_tenant_options){.parked_max = 9}), BERTH_EREFUSED);
    assert_int_equal(berth__core_tenant_set(kit.core, 0, 0, NULL), BERTH_OK);
    (void)take_in(&kit, 4, 1);
    core_kit_fini(&kit);
}

static void ten_thousand_tenants_come_and_go(void **state) {
    enum { COUNT = 10000 };
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, COUNT);
    uint64_t random = core_seed(9);
    (void)state;
    options.fairness = BERTH_FAIRNESS_VTC;
    options.parked_max = COUNT;
    core_kit_init(&kit, &options);
    for (uint64_t t = 0; t < 4 * COUNT; t++) {
        const berth__submit ask = ask_of(core_random(&random), 1);
        berth_request_id id;
        assert_int_equal(berth__core_submit(kit.core, t, &ask, &id, NULL), BERTH_OK);
        core_kit_accept(&kit, id);
        core_kit_clear(&kit);
        if (t < COUNT / 2) continue;
        const uint32_t count = berth__core_admit(kit.core, t);
        for (uint32_t i = 0; i < count; i++) {
            const berth_request_id done = kit.log.items[i].id;
            assert_int_equal(berth__core_finish(kit.core, t, done, BERTH_FINISH_STOP, 0), 0);
            assert_int_equal(berth__core_let_go(kit.core, t, done), BERTH_OK);
        }
    }
    assert_true(kit.core->tenants.collected_total >= 2 * COUNT);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

/* ---- Fairness ---- */

static berth_options fair(uint32_t face, uint32_t running_max) {
    berth_options options = options_of(face, 4);
    options.fairness = BERTH_FAIRNESS_VTC;
    options.running_max = running_max;
    options.mailboxes_max = 2 * running_max;
    return options;
}

/* Run one request at a time of those parked, each generating `tokens`; how many of each tenant
 * (0 to 3) are among the first `count`. */
static void serve(core_kit *kit, uint32_t count, uint64_t tokens, uint32_t served[4]) {
    for (uint32_t i = 0; i < 4; i++) served[i] = 0;
    for (uint32_t i = 0; i < count; i++) {
        core_kit_clear(kit);
        assert_int_equal(berth__core_admit(kit->core, 0), 1);
        const berth_request_id id = kit->log.items[0].id;
        served[core_kit_view(kit, id).outcome.tenant]++;
        assert_int_equal(berth__core_emit(kit->core, 0, id, tokens), BERTH_OK);
        finish(kit, id);
    }
}

static void a_flood_delays_its_own_tenant_only(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_GATE, 1);
    uint32_t served[4];
    (void)state;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 30; i++) (void)take_in(&kit, 0, 1);
    for (int i = 0; i < 10; i++) (void)take_in(&kit, 1, 1);
    serve(&kit, 20, 8, served);
    assert_int_equal(served[0], 10);
    assert_int_equal(served[1], 10);
    core_kit_fini(&kit);
}

static void service_is_by_weight(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_GATE, 1);
    uint32_t served[4];
    (void)state;
    core_kit_init(&kit, &options);
    assert_int_equal(set(&kit, 1, (berth_tenant_options){.weight = 3}), BERTH_OK);
    for (int i = 0; i < 40; i++) {
        (void)take_in(&kit, 0, 1);
        (void)take_in(&kit, 1, 1);
    }
    serve(&kit, 40, 8, served);
    assert_int_equal(served[0], 10);
    assert_int_equal(served[1], 30);
    core_kit_fini(&kit);
}

static void idling_saves_nothing_up(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_GATE, 1);
    uint32_t served[4];
    (void)state;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 40; i++) (void)take_in(&kit, 0, 1);
    serve(&kit, 20, 8, served);
    for (int i = 0; i < 20; i++) (void)take_in(&kit, 1, 1);
    serve(&kit, 10, 8, served);
    assert_int_equal(served[0], 5);
    assert_int_equal(served[1], 5);
    core_kit_fini(&kit);
}

static void a_tenant_at_its_running_max_waits_and_others_pass_it(void **state) {
    core_kit kit;
    berth_options options = fair(BERTH_FACE_GATE, 4);
    berth_request_id ids[3];
    (void)state;
    options.tenant_defaults.running_max = 1;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 3; i++) ids[i] = take_in(&kit, 0, 1);
    const berth_request_id other = take_in(&kit, 1, 1);
    core_kit_clear(&kit);
    assert_int_equal(berth__core_admit(kit.core, 0), 2);
    assert_true(kit.log.items[0].id == ids[0] && kit.log.items[1].id == other);
    assert_int_equal(set(&kit, 0, (berth_tenant_options){.running_max = 2}), BERTH_OK);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    finish(&kit, ids[0]);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static uint64_t counter_of(const core_kit *kit, uint64_t tenant) {
    const uint32_t index = berth__tenants_find(&kit->core->tenants, tenant);
    return berth__counters_of(kit->core, index * kit->options.band_count);
}

/* A plan for one running request; commits what it computed and generated. */
static void step(core_kit *kit, berth_request_id id, uint64_t computed, uint64_t generated,
                 uint32_t end) {
    berth_plan_entry entries[8];
    berth_plan plan = {.entries = entries, .entry_max = 8};
    const berth__progress progress = {
        .tokens_computed = computed, .tokens_generated = generated, .finish = end};
    assert_int_equal(berth__core_plan(kit->core, 0, &plan), BERTH_OK);
    assert_int_equal(berth__core_commit_begin(kit->core, 0, plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit->core, id, &progress), BERTH_OK);
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static void the_prompt_is_charged_at_admission_and_tokens_as_they_come(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_ENGINE, 1);
    berth__submit ask = ask_of(0, 1);
    (void)state;
    ask.terms.prompt_tokens = 100;
    core_kit_init(&kit, &options);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    step(&kit, id, 60, 0, BERTH_FINISH_NONE);
    assert_int_equal(counter_of(&kit, 0), 100);
    step(&kit, id, 40, 1, BERTH_FINISH_NONE);
    assert_int_equal(counter_of(&kit, 0), 102);
    step(&kit, id, 1, 1, BERTH_FINISH_STOP);
    assert_int_equal(counter_of(&kit, 0), 104);
    core_kit_fini(&kit);
}

static void what_was_charged_and_never_computed_goes_back(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_ENGINE, 1);
    berth__submit ask = ask_of(0, 1);
    (void)state;
    ask.terms.prompt_tokens = 100;
    core_kit_init(&kit, &options);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    step(&kit, id, 30, 0, BERTH_FINISH_NONE);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(counter_of(&kit, 0), 30);
    core_kit_fini(&kit);
}

static void a_preempted_request_is_charged_once(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_ENGINE, 1);
    berth__submit ask = ask_of(0, 1);
    (void)state;
    ask.terms.prompt_tokens = 100;
    core_kit_init(&kit, &options);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    step(&kit, id, 100, 1, BERTH_FINISH_NONE);
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_OK);
    core_kit_must_hold(&kit);
    step(&kit, id, 101, 1, BERTH_FINISH_NONE);
    assert_int_equal(counter_of(&kit, 0), 104);
    core_kit_fini(&kit);
}

static void counters_never_overflow_and_keep_their_differences(void **state) {
    core_kit kit;
    const berth_options options = fair(BERTH_FACE_ENGINE, 4);
    berth__submit ask = ask_of(0, 1);
    (void)state;
    core_kit_init(&kit, &options);
    ask.terms.prompt_tokens = UINT64_MAX;
    for (int i = 0; i < 12; i++) {
        ask.terms.tenant = (uint64_t)i % 3;
        (void)core_kit_take_in(&kit, 0, &ask);
    }
    for (int i = 0; i < 12; i++) {
        berth_plan_entry entries[16];
        berth_plan plan = {.entries = entries, .entry_max = 16};
        const berth__progress all = {
            .tokens_computed = 1, .tokens_generated = UINT64_MAX, .finish = BERTH_FINISH_STOP};
        assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
        if (plan.step_id == 0) continue;
        assert_int_equal(berth__core_commit_begin(kit.core, 0, plan.step_id), BERTH_OK);
        const berth_request_id id = entries[plan.leave_count].id;
        assert_int_equal(berth__core_commit_entry(kit.core, id, &all), BERTH_OK);
        berth__core_commit_end(kit.core);
        core_kit_must_hold(&kit); /* counters below 2^63, in order */
    }
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_parks_no_more_than_its_quota_and_others_go_on),
        cmocka_unit_test(a_tenants_cost_counts_what_is_parked_and_what_is_held),
        cmocka_unit_test(a_rate_lets_a_burst_through_and_then_one_at_a_time),
        cmocka_unit_test(in_the_long_run_no_more_come_than_the_rate_and_one_burst),
        cmocka_unit_test(a_tenant_has_options_of_its_own_until_they_are_taken_away),
        cmocka_unit_test(options_that_cannot_be_change_nothing),
        cmocka_unit_test(those_idle_longest_give_way_and_the_busy_do_not),
        cmocka_unit_test(ten_thousand_tenants_come_and_go),
        cmocka_unit_test(a_flood_delays_its_own_tenant_only),
        cmocka_unit_test(service_is_by_weight),
        cmocka_unit_test(idling_saves_nothing_up),
        cmocka_unit_test(a_tenant_at_its_running_max_waits_and_others_pass_it),
        cmocka_unit_test(the_prompt_is_charged_at_admission_and_tokens_as_they_come),
        cmocka_unit_test(what_was_charged_and_never_computed_goes_back),
        cmocka_unit_test(a_preempted_request_is_charged_once),
        cmocka_unit_test(a_tenants_cost_that_cannot_be_counted_is_an_error),
        cmocka_unit_test(counters_never_overflow_and_keep_their_differences),
    };
    return cmocka_run_group_tests_name("unit/tenants", tests, NULL, NULL);
}
