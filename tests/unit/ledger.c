/* SPDX-License-Identifier: MIT */
/* Units: the ledger, KV cost, and what a core makes of charges and capacities. */
#include "core/kv.h"
#include "core/ledger.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static berth__ledger ledger_of(uint64_t first, uint64_t second) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 4);
    berth__ledger ledger;
    core_kit_add_resource(&options, "first", first);
    core_kit_add_resource(&options, "second", second);
    berth__ledger_init(&ledger, &options);
    return ledger;
}

/* ---- The ledger ---- */

static void a_cost_fits_up_to_the_capacity_and_not_a_unit_more(void **state) {
    berth__ledger ledger = ledger_of(10, 5);
    (void)state;
    assert_true(berth__ledger_fits(&ledger, (uint64_t[]){10, 5}));
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){11, 5}));
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){10, 6}));
    berth__ledger_grant(&ledger, (uint64_t[]){7, 5});
    assert_true(berth__ledger_fits(&ledger, (uint64_t[]){3, 0}));
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){4, 0}));
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){0, 1}));
    berth__ledger_release(&ledger, (uint64_t[]){7, 5});
    assert_int_equal(ledger.used[0] + ledger.used[1], 0);
    assert_int_equal(ledger.used_peak[0], 7);
    assert_int_equal(ledger.broken, 0);
}

static void never_fits_names_the_first_resource_that_is_too_small(void **state) {
    berth__ledger ledger = ledger_of(10, 5);
    (void)state;
    assert_int_equal(berth__ledger_never_fits(&ledger, (uint64_t[]){10, 5}), 2);
    assert_int_equal(berth__ledger_never_fits(&ledger, (uint64_t[]){11, 6}), 0);
    assert_int_equal(berth__ledger_never_fits(&ledger, (uint64_t[]){1, 6}), 1);
}

static void a_report_above_the_capacity_is_overdraft_and_nothing_fits_beside_it(void **state) {
    berth__ledger ledger = ledger_of(10, 5);
    const uint64_t before[] = {1, 1};
    (void)state;
    berth__ledger_grant(&ledger, before);
    assert_int_equal(berth__ledger_change(&ledger, before, (uint64_t[]){1, 9}), BERTH_OK);
    assert_int_equal(berth__ledger_overdraft(&ledger, 0), 0);
    assert_int_equal(berth__ledger_overdraft(&ledger, 1), 4);
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){0, 0}));
    assert_int_equal(ledger.used_peak[1], 9);
}

static void cost_sum_cannot_wrap(void **state) {
    berth__ledger ledger = ledger_of(UINT64_MAX, 5);
    (void)state;
    berth__ledger_grant(&ledger, (uint64_t[]){UINT64_MAX - 1, 1});
    assert_false(berth__ledger_fits(&ledger, (uint64_t[]){2, 0}));
    berth__ledger_grant(&ledger, (uint64_t[]){1, 1});
    assert_int_equal(berth__ledger_change(&ledger, (uint64_t[]){1, 1}, (uint64_t[]){2, 0}),
                     BERTH_EOVERFLOW);
    assert_true(ledger.used[0] == UINT64_MAX);
    assert_int_equal(ledger.used[1], 2);
}

/* ---- KV cost ---- */

/* The replaced system: 16 tokens per block, ceil((prompt + max_new) / 16) blocks. */
static void kv_cost_is_the_formula_of_the_replaced_system(void **state) {
    static const struct {
        uint64_t prompt, max_new, blocks;
    } rows[] = {{0, 0, 0},    {1, 0, 1},    {16, 0, 1},        {16, 1, 2},       {15, 1, 1},
                {100, 28, 8}, {100, 29, 9}, {1000, 4000, 313}, {800, 6000, 425}, {8000, 2000, 625}};
    const berth__kv_block block = {.tokens = 16, .units = 131072};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t blocks;
        uint64_t units;
        assert_int_equal(berth__kv_cost(rows[i].prompt, rows[i].max_new, block, &blocks, &units),
                         BERTH_OK);
        assert_int_equal(blocks, rows[i].blocks);
        assert_int_equal(units, rows[i].blocks * 131072);
    }
}

static void kv_cost_is_not_cut_to_32_bits(void **state) {
    const berth__kv_block block = {.tokens = 16, .units = UINT64_C(2) << 20};
    uint64_t blocks;
    uint64_t bytes;
    (void)state;
    assert_int_equal(berth__kv_cost(40000, 0, block, &blocks, &bytes), BERTH_OK);
    assert_int_equal(blocks, 2500);
    assert_true(bytes == UINT64_C(5242880000)); /* above 2^32 */
    assert_int_equal(berth__kv_cost(UINT64_C(1) << 36, 1, block, &blocks, NULL), BERTH_OK);
    assert_true(blocks == (UINT64_C(1) << 32) + 1);
}

static void kv_cost_that_does_not_fit_in_64_bits_says_so(void **state) {
    const berth__kv_block block = {.tokens = 16, .units = UINT64_C(1) << 40};
    uint64_t blocks = 3;
    uint64_t units = 4;
    (void)state;
    assert_int_equal(berth__kv_cost(UINT64_MAX, 1, block, &blocks, &units), BERTH_EOVERFLOW);
    assert_int_equal(berth__kv_cost(UINT64_MAX, 0, block, &blocks, &units), BERTH_EOVERFLOW);
    assert_int_equal(berth__kv_cost(1, 1, (berth__kv_block){0}, &blocks, &units), BERTH_EINVAL);
    assert_int_equal(blocks, 3);
    assert_int_equal(units, 4);
    assert_int_equal(berth__kv_cost(1, 1, block, NULL, NULL), BERTH_OK);
}

static void a_pool_prices_requests_by_their_tokens(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 4, 4);
    (void)state;
    core_kit_add_resource(&options, "sequences", 4);
    core_kit_add_resource(&options, "kv_blocks", 100);
    options.kv_resource = 1;
    options.kv_block_tokens = 16;
    core_kit_init(&kit, &options);
    const berth__submit submit = {.terms.band = 1,
                                  .terms.prompt_tokens = 100,
                                  .terms.max_new_tokens = 29,
                                  .cost_count = 1,
                                  .cost = {1}};
    const berth__view view = core_kit_view(&kit, core_kit_take_in(&kit, 0, &submit));
    assert_int_equal(view.units[0], 1);
    assert_int_equal(view.units[1], 9);
    const berth__submit both = {.terms.band = 1, .cost_count = 2, .cost = {1, 1}};
    berth_request_id id;
    assert_int_equal(berth__core_submit(kit.core, 0, &both, &id, NULL), BERTH_EINVAL);
    core_kit_fini(&kit);
}

/* ---- A core's units ---- */

static berth_request_id run_one(core_kit *kit, uint64_t units) {
    const berth__submit submit = core_ask(1, units);
    const berth_request_id id = core_kit_take_in(kit, 0, &submit);
    assert_int_equal(berth__core_admit(kit->core, 0), 1);
    return id;
}

static void make_gate(core_kit *kit, uint64_t capacity) {
    berth_options options = core_kit_options(BERTH_FACE_GATE, 4, 8);
    core_kit_add_resource(&options, "units", capacity);
    core_kit_init(kit, &options);
}

static void capacity_is_counted_and_granted_units_never_exceed_it(void **state) {
    core_kit kit;
    const berth__submit submit = core_ask(1, 3);
    (void)state;
    make_gate(&kit, 10);
    for (int i = 0; i < 4; i++) (void)core_kit_take_in(&kit, 0, &submit);
    assert_int_equal(berth__core_admit(kit.core, 0), 3);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_stats(&kit).resources[0].used_units, 9);
    assert_int_equal(core_kit_stats(&kit).parked, 1);
    core_kit_fini(&kit);
}

static void overdraft_stops_admission_until_it_is_paid_back(void **state) {
    core_kit kit;
    const berth__submit small = core_ask(4, 0);
    (void)state;
    make_gate(&kit, 10);
    const berth_request_id id = run_one(&kit, 5);
    kit.may_overdraw = 1;
    assert_int_equal(berth__core_charge(kit.core, 1, id, (uint64_t[]){12}, 1), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_stats(&kit).resources[0].overdraft_units, 2);
    (void)core_kit_take_in(&kit, 1, &small);
    assert_int_equal(berth__core_admit(kit.core, 1), 0);
    assert_int_equal(berth__core_charge(kit.core, 2, id, (uint64_t[]){10}, 1), BERTH_OK);
    assert_int_equal(berth__core_admit(kit.core, 2), 1);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_charge_says_for_whom_it_cannot_be(void **state) {
    core_kit kit;
    const berth__submit submit = core_ask(1, 9);
    const uint64_t held[] = {4, 4};
    (void)state;
    make_gate(&kit, 10);
    const berth_request_id running = run_one(&kit, 5);
    const berth_request_id parked = core_kit_take_in(&kit, 0, &submit);
    assert_int_equal(berth__core_charge(kit.core, 0, running, held, 2), BERTH_EINVAL);
    assert_int_equal(berth__core_charge(kit.core, 0, running + 1000, held, 1), BERTH_ESTALE);
    assert_int_equal(berth__core_charge(kit.core, 0, parked, held, 1), BERTH_EAGAIN);
    assert_int_equal(berth__core_charge(kit.core, 0, running, NULL, 0), BERTH_OK);
    assert_int_equal(core_kit_view(&kit, running).units[0], 5);
    (void)berth__core_finish(kit.core, 0, running, BERTH_FINISH_STOP, 0);
    assert_int_equal(berth__core_charge(kit.core, 0, running, held, 1), BERTH_OK);
    assert_int_equal(core_kit_stats(&kit).resources[0].used_units, 4);
    assert_int_equal(berth__core_let_go(kit.core, 0, running), BERTH_OK);
    assert_int_equal(berth__core_charge(kit.core, 0, running, held, 1), BERTH_EENDED);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_charge_whose_sum_wraps_changes_nothing(void **state) {
    core_kit kit;
    const uint64_t most[] = {UINT64_MAX};
    (void)state;
    make_gate(&kit, 10);
    (void)run_one(&kit, 5);
    const berth_request_id id = run_one(&kit, 5);
    assert_int_equal(berth__core_charge(kit.core, 0, id, most, 1), BERTH_EOVERFLOW);
    assert_int_equal(core_kit_view(&kit, id).units[0], 5);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_smaller_capacity_evicts_what_can_never_fit_and_stops_nothing_that_runs(void **state) {
    core_kit kit;
    const berth__submit large = core_ask(1, 8);
    const berth__submit small = core_ask(1, 3);
    (void)state;
    make_gate(&kit, 10);
    const berth_request_id running = run_one(&kit, 6);
    const berth_request_id evicted = core_kit_take_in(&kit, 0, &large);
    const berth_request_id stays = core_kit_take_in(&kit, 0, &small);
    kit.may_overdraw = 1;
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 5), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_view(&kit, running).state, BERTH__RUNNING);
    assert_int_equal(core_kit_view(&kit, evicted).outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(core_kit_view(&kit, stays).state, BERTH__PARKED);
    assert_int_equal(core_kit_stats(&kit).resources[0].overdraft_units, 1);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 50), BERTH_OK);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 1, 5), BERTH_EINVAL);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 0), BERTH_EINVAL);
    core_kit_fini(&kit);
}

static void a_failed_request_leaks_no_unit(void **state) {
    core_kit kit;
    (void)state;
    make_gate(&kit, 10);
    for (int i = 0; i < 100; i++) {
        const berth_request_id id = run_one(&kit, 10);
        assert_int_equal(berth__core_finish(kit.core, 0, id, BERTH_FINISH_FAILED, -7), BERTH_OK);
        assert_int_equal(berth__core_let_go(kit.core, 0, id), BERTH_OK);
        assert_int_equal(core_kit_view(&kit, id).outcome.code, -7);
        core_kit_must_hold(&kit);
    }
    assert_int_equal(core_kit_stats(&kit).resources[0].used_units, 0);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cost_fits_up_to_the_capacity_and_not_a_unit_more),
        cmocka_unit_test(never_fits_names_the_first_resource_that_is_too_small),
        cmocka_unit_test(a_report_above_the_capacity_is_overdraft_and_nothing_fits_beside_it),
        cmocka_unit_test(cost_sum_cannot_wrap),
        cmocka_unit_test(kv_cost_is_the_formula_of_the_replaced_system),
        cmocka_unit_test(kv_cost_is_not_cut_to_32_bits),
        cmocka_unit_test(kv_cost_that_does_not_fit_in_64_bits_says_so),
        cmocka_unit_test(a_pool_prices_requests_by_their_tokens),
        cmocka_unit_test(capacity_is_counted_and_granted_units_never_exceed_it),
        cmocka_unit_test(overdraft_stops_admission_until_it_is_paid_back),
        cmocka_unit_test(a_charge_says_for_whom_it_cannot_be),
        cmocka_unit_test(a_charge_whose_sum_wraps_changes_nothing),
        cmocka_unit_test(a_smaller_capacity_evicts_what_can_never_fit_and_stops_nothing_that_runs),
        cmocka_unit_test(a_failed_request_leaks_no_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
