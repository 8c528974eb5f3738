/* SPDX-License-Identifier: MIT */
/* Units that change: recost, charge, capacity_set, the executor's cost, and overdraft. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *gate_of(uint64_t units) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", units);
    return host;
}

static void finish(pool_host *host, berth_request_id id) {
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

static berth_status recost(pool_host *host, berth_request_id id, uint64_t units, uint32_t count) {
    berth_request known = {.struct_size = sizeof known, .cost_count = count, .cost = {units}};
    return berth_recost(host->pool, id, &known, NULL);
}

static berth_resource_stats units_of(pool_host *host) {
    return pool_stats(host).resources[0];
}

static void a_parked_request_can_be_recosted_and_keeps_its_place(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id holder = pool_submit_units(host, 0, 8);
    berth_request_id first = pool_submit_units(host, 0, 9);
    berth_request_id second = pool_submit_units(host, 0, 2);
    uint64_t less = 2;
    CHECK_OK(recost(host, first, less, 1));
    assert_int_equal(units_of(host).used_units, 10); /* it fits now, and is before the second */
    pool_read(host, first, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(pool_stats(host).parked, 1);
    CHECK(recost(host, first, less, 1), BERTH_EBUSY);
    finish(host, first);
    CHECK(recost(host, first, less, 1), BERTH_EENDED);
    finish(host, holder);
    finish(host, second);
    pool_host_end(host);
}

static void a_tenant_is_told_in_the_outcome_and_no_recost_changes_it(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request request = pool_request_units(host, 0, 1);
    berth_request known = {.struct_size = sizeof known, .tenant = 8};
    request.tenant = UINT64_MAX;
    berth_request_id id = pool_submit(host, &request);
    CHECK(berth_recost(host->pool, id, &known, NULL), BERTH_EINVAL);
    finish(host, id);
    assert_true(pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP).tenant ==
                UINT64_MAX);
    pool_host_end(host);
}

static void a_refused_recost_changes_nothing(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    host->options.resources[0].parked_units_max = 8;
    pool_host_start(host);
    berth_request_id holder = pool_submit_units(host, 0, 10);
    berth_request_id id = pool_submit_units(host, 0, 5);
    berth_stats before = pool_stats(host);
    uint64_t cost = 11;
    CHECK(recost(host, id, cost, 1), BERTH_EREFUSED);
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request known = {.struct_size = sizeof known, .cost_count = 1, .cost = {9}};
    CHECK(berth_recost(host->pool, id, &known, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_PARKED_COST);
    assert_int_equal(refusal.limit, 8);
    assert_int_equal(refusal.asked, 9);
    known.band = 1; /* a field that recost does not use */
    CHECK(berth_recost(host->pool, id, &known, &refusal), BERTH_EINVAL);
    CHECK(recost(host, id, cost, 2), BERTH_EINVAL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    cost = 8;
    CHECK_OK(recost(host, id, cost, 1));
    assert_int_equal(units_of(host).parked_units, 8);
    finish(host, holder);
    finish(host, id);
    pool_host_end(host);
}

static void recost_works_kv_cost_out_again(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 100);
    host->options.kv_block_tokens = 16;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.prompt_tokens = 1000;
    berth_request_id id = pool_submit(host, &request);
    assert_int_equal(units_of(host).parked_units, 63);
    berth_request known = {.struct_size = sizeof known, .prompt_tokens = 17, .max_new_tokens = 15};
    CHECK_OK(berth_recost(host->pool, id, &known, NULL));
    assert_int_equal(units_of(host).parked_units, 2);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(pool_entry(&step, id)->prompt_tokens, 17);
    assert_int_equal(pool_entry(&step, id)->max_new_tokens, 15);
    assert_int_equal(units_of(host).used_units, 2);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static void charging_less_frees_units_for_others(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 10);
    berth_request_id second = pool_submit_units(host, 0, 4);
    uint64_t held = 6;
    CHECK(berth_charge(host->pool, second, &held, 1), BERTH_EAGAIN);
    CHECK_OK(berth_charge(host->pool, first, &held, 1));
    CHECK_OK(berth_charge(host->pool, first, &held, 1)); /* absolute: twice is harmless */
    pool_read(host, second, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(units_of(host).used_units, 10);
    finish(host, first);
    assert_int_equal(units_of(host).used_units, 4); /* what it held, not what it asked for */
    CHECK(berth_charge(host->pool, first, &held, 1), BERTH_EENDED);
    finish(host, second);
    pool_host_end(host);
}

static void a_committed_result_may_say_what_is_held(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    berth_request_id grows = pool_submit_units(host, 0, 2);
    berth_request_id other = pool_submit_units(host, 0, 2);
    pool_step step;
    pool_plan(host, &step);
    uint64_t held = 7;
    uint64_t wide = UINT64_MAX;
    pool_result(&step, grows)->held = &held;
    pool_result(&step, grows)->held_count = 1;
    pool_result(&step, other)->held = &wide;
    pool_result(&step, other)->held_count = 1;
    pool_result(&step, other)->finish = BERTH_FINISH_STOP;
    pool_commit(host, &step);
    CHECK_OK(pool_result(&step, grows)->status);
    CHECK(pool_result(&step, other)->status, BERTH_EOVERFLOW);
    assert_true(pool_unfinished(host, other)); /* nothing of it was counted */
    assert_int_equal(units_of(host).used_units, 9);
    pool_plan(host, &step);
    pool_result(&step, grows)->held_count = 1; /* a count without units */
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, step.results, 2));
    CHECK(pool_result(&step, grows)->status, BERTH_EINVAL);
    pool_host_end(host);
}

static void an_overdraft_shows_and_stops_admission(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 2);
    uint64_t held = 15;
    CHECK_OK(berth_charge(host->pool, first, &held, 1));
    assert_int_equal(units_of(host).used_units, 15);
    assert_int_equal(units_of(host).overdraft_units, 5);
    assert_int_equal(units_of(host).used_units_peak, 15);
    berth_request_id free_one = pool_submit_units(host, BERTH_BAND_CRITICAL, 0);
    assert_int_equal(pool_stats(host).parked, 1); /* even one that asks for nothing */
    held = 10;
    CHECK_OK(berth_charge(host->pool, first, &held, 1));
    assert_int_equal(pool_stats(host).parked, 0);
    assert_int_equal(units_of(host).overdraft_units, 0);
    finish(host, first);
    finish(host, free_one);
    pool_host_end(host);
}

static void a_charge_that_wraps_is_refused(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 1);
    berth_request_id second = pool_submit_units(host, 0, 1);
    uint64_t held = UINT64_MAX;
    berth_stats before = pool_stats(host);
    CHECK(berth_charge(host->pool, first, &held, 1), BERTH_EOVERFLOW);
    CHECK(berth_charge(host->pool, first, &held, 2), BERTH_EINVAL);
    CHECK(berth_charge(host->pool, first, NULL, 1), BERTH_EINVAL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    finish(host, first);
    finish(host, second);
    pool_host_end(host);
}

static void a_stopping_request_can_be_charged(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 10);
    CHECK_OK(berth_cancel(host->pool, id));
    uint64_t held = 3;
    CHECK_OK(berth_charge(host->pool, id, &held, 1));
    assert_int_equal(units_of(host).used_units, 3);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    assert_int_equal(units_of(host).used_units, 0);
    pool_host_end(host);
}

static void a_larger_capacity_lets_those_in_who_fit_now(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id first = pool_submit_units(host, 0, 10);
    berth_request_id second = pool_submit_units(host, 0, 10);
    CHECK_OK(berth_capacity_set(host->pool, 0, 20));
    pool_read(host, second, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(units_of(host).capacity_units, 20);
    finish(host, first);
    finish(host, second);
    pool_host_end(host);
}

static void a_smaller_capacity_stops_nothing_and_evicts_what_never_fits(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    pool_host_start(host);
    berth_request_id holder = pool_submit_units(host, 0, 8);
    berth_request_id big = pool_submit_units(host, 0, 6);
    berth_request_id small = pool_submit_units(host, 0, 5);
    CHECK(berth_capacity_set(host->pool, 1, 5), BERTH_EINVAL);
    CHECK(berth_capacity_set(host->pool, 0, 0), BERTH_EINVAL);
    CHECK_OK(berth_capacity_set(host->pool, 0, 5));
    assert_true(pool_unfinished(host, holder));
    assert_int_equal(units_of(host).overdraft_units, 3);
    pool_outcome(host, big, BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY);
    assert_true(pool_unfinished(host, small));
    assert_int_equal(pool_stats(host).parked, 1);
    finish(host, holder);
    pool_read(host, small, NULL, 0, BERTH_RECORD_ADMITTED);
    finish(host, small);
    pool_host_end(host);
}

static int32_t double_the_cost(pool_host *host, const berth_request *request, uint64_t *cost,
                               uint32_t count) {
    (void)host;
    if (request->band == BERTH_BAND_LOW) return -3;
    for (uint32_t i = 0; i < count; i++) cost[i] *= 2;
    return 0;
}

static void the_executors_cost_replaces_what_the_request_names(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    host->cost = double_the_cost;
    pool_host_start(host);
    berth_request_id id = pool_submit_units(host, 0, 4);
    assert_int_equal(units_of(host).used_units, 8);
    berth_request big = pool_request_units(host, 0, 6);
    berth_refusal refusal = pool_refused(host, &big, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.asked, 12);
    berth_request low = pool_request_units(host, BERTH_BAND_LOW, 1);
    berth_request_id none = 1;
    CHECK(berth_submit(host->pool, &low, &none, NULL), BERTH_EINVAL);
    assert_true(none == 0);
    assert_int_equal(pool_stats(host).submitted_total, 2);
    finish(host, id);
    pool_host_end(host);
}

static void kv_cost_is_blocks_and_bytes_in_64_bits(void **state) {
    (void)state;
    uint64_t blocks = 1;
    uint64_t size = 1;
    CHECK_OK(berth_kv_cost(100, 28, 16, 1000, &blocks, &size));
    assert_int_equal(blocks, 8);
    assert_int_equal(size, 8000);
    CHECK_OK(berth_kv_cost(100, 29, 16, 1000, &blocks, NULL));
    assert_int_equal(blocks, 9);
    CHECK_OK(berth_kv_cost(0, 0, 16, 1000, &blocks, &size));
    assert_int_equal(blocks, 0);
    assert_int_equal(size, 0);
    CHECK_OK(berth_kv_cost(UINT64_C(1) << 33, 0, 16, 1 << 20, &blocks, &size));
    assert_true(blocks == UINT64_C(1) << 29);
    assert_true(size == UINT64_C(1) << 49); /* 32 bits would say 0 */
    CHECK_OK(berth_kv_cost(UINT64_MAX, 0, 16, 0, &blocks, NULL));
    assert_true(blocks == UINT64_C(1) << 60);
    CHECK(berth_kv_cost(UINT64_MAX, 1, 16, 0, &blocks, &size), BERTH_EOVERFLOW);
    assert_int_equal(blocks, 0);
    assert_int_equal(size, 0);
    blocks = size = 1;
    CHECK(berth_kv_cost(UINT64_MAX, 0, 1, 2, &blocks, &size), BERTH_EOVERFLOW);
    CHECK(berth_kv_cost(1, 1, 0, 1, &blocks, &size), BERTH_EINVAL);
    assert_int_equal(blocks, 0);
    assert_int_equal(size, 0);
    CHECK_OK(berth_kv_cost(1, 1, 1, 1, NULL, NULL));
}

int main(void) {
    pool_watchdog("api/units", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_request_can_be_recosted_and_keeps_its_place),
        cmocka_unit_test(a_tenant_is_told_in_the_outcome_and_no_recost_changes_it),
        cmocka_unit_test(a_refused_recost_changes_nothing),
        cmocka_unit_test(recost_works_kv_cost_out_again),
        cmocka_unit_test(charging_less_frees_units_for_others),
        cmocka_unit_test(a_committed_result_may_say_what_is_held),
        cmocka_unit_test(an_overdraft_shows_and_stops_admission),
        cmocka_unit_test(a_charge_that_wraps_is_refused),
        cmocka_unit_test(a_stopping_request_can_be_charged),
        cmocka_unit_test(a_larger_capacity_lets_those_in_who_fit_now),
        cmocka_unit_test(a_smaller_capacity_stops_nothing_and_evicts_what_never_fits),
        cmocka_unit_test(the_executors_cost_replaces_what_the_request_names),
        cmocka_unit_test(kv_cost_is_blocks_and_bytes_in_64_bits),
    };
    return cmocka_run_group_tests_name("api/units", tests, NULL, NULL);
}
