/* SPDX-License-Identifier: MIT */
/* Who goes first, who fits, and what the units say: bands, arrival, capacity. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *gate_of(uint64_t units) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", units);
    pool_host_start(host);
    return host;
}

static int is_in(pool_host *host, berth_request_id id) {
    berth_record record = {.struct_size = sizeof record};
    berth_status status = berth_mailbox_read(host->pool, id, NULL, 0, 0, &record);
    return status == BERTH_OK && record.kind == BERTH_RECORD_ADMITTED;
}

static void finish(pool_host *host, berth_request_id id) {
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

static void priority_is_not_ignored(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id by_band[5];
    for (uint32_t band = 1; band <= 4; band++) by_band[band] = pool_submit_band(host, band);
    pool_step step;
    for (uint32_t band = 4; band >= 1; band--) {
        pool_plan(host, &step);
        assert_int_equal(step.result_count, 1);
        assert_true(step.results[0].id == by_band[band]);
        pool_commit_finished(host, &step);
    }
    pool_host_end(host);
}

static void the_default_band_is_that_of_the_options(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.band_default = BERTH_BAND_HIGH;
    pool_host_start(host);
    pool_submit_band(host, BERTH_BAND_DEFAULT);
    assert_int_equal(pool_stats(host).bands[BERTH_BAND_HIGH - 1].parked, 1);
    pool_host_end(host);
}

static void equal_timestamps_do_not_break_arrival_order(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    pool_host_start(host); /* virtual clock: all of them at the same moment */
    berth_request_id ids[100];
    for (uint32_t i = 0; i < 100; i++) ids[i] = pool_submit_band(host, 0);
    pool_step step;
    for (uint32_t i = 0; i < 100; i++) {
        pool_plan(host, &step);
        assert_true(step.results[0].id == ids[i]);
        pool_commit_finished(host, &step);
        if (i < 50) assert_true(pool_submit_band(host, 0) != ids[i]); /* newcomers go behind */
    }
    pool_host_end(host);
}

static void capacity_is_not_ignored(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    berth_request_id six = pool_submit_units(host, 0, 6);
    berth_request_id four = pool_submit_units(host, 0, 4);
    berth_request_id one = pool_submit_units(host, 0, 1);
    assert_true(is_in(host, six));
    assert_true(is_in(host, four));
    assert_false(is_in(host, one));
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.resources[0].used_units, 10);
    assert_int_equal(stats.resources[0].parked_units, 1);
    finish(host, four);
    assert_true(is_in(host, one));
    assert_int_equal(pool_stats(host).resources[0].used_units, 7);
    finish(host, six);
    finish(host, one);
    stats = pool_stats(host);
    assert_int_equal(stats.resources[0].used_units, 0);
    assert_int_equal(stats.resources[0].used_units_peak, 10);
    pool_host_end(host);
}

static void every_resource_has_to_fit(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_resource(host, "sequences", 2);
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.cost_count = 2;
    request.cost[0] = 1;
    request.cost[1] = 2;
    berth_request_id first = pool_submit(host, &request);
    request = pool_request(host, 0);
    request.cost_count = 2;
    request.cost[1] = 1;
    berth_request_id second = pool_submit(host, &request);
    assert_true(is_in(host, first));
    assert_false(is_in(host, second));
    finish(host, first);
    assert_true(is_in(host, second));
    finish(host, second);
    pool_host_end(host);
}

static void running_max_counts_what_is_stopping(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id first = pool_submit_band(host, 0);
    berth_request_id second = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, first));
    assert_int_equal(pool_stats(host).stopping, 1);
    assert_false(is_in(host, second)); /* the host has not let go of the first */
    CHECK(berth_finish(host->pool, first, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    assert_true(is_in(host, second));
    finish(host, second);
    pool_host_end(host);
}

static void the_fast_path_does_not_overtake_what_is_parked(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    berth_request_id holder = pool_submit_units(host, BERTH_BAND_NORMAL, 6);
    berth_request_id big = pool_submit_units(host, BERTH_BAND_HIGH, 6);
    berth_request_id small = pool_submit_units(host, BERTH_BAND_LOW, 2);
    berth_request_id same = pool_submit_units(host, BERTH_BAND_HIGH, 1);
    assert_false(is_in(host, big));
    assert_false(is_in(host, small)); /* fits, but a higher band waits */
    assert_false(is_in(host, same));  /* fits, but one before it in its band waits */
    berth_request_id urgent = pool_submit_units(host, BERTH_BAND_CRITICAL, 2);
    assert_true(is_in(host, urgent)); /* nothing before it waits */
    finish(host, holder);
    assert_true(is_in(host, big));
    assert_true(is_in(host, same));
    assert_false(is_in(host, small));
    finish(host, urgent);
    assert_true(is_in(host, small));
    finish(host, big);
    finish(host, same);
    finish(host, small);
    pool_host_end(host);
}

static void a_cancelled_head_lets_those_behind_it_in(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    berth_request_id holder = pool_submit_units(host, 0, 6);
    berth_request_id head = pool_submit_units(host, 0, 9);
    berth_request_id next = pool_submit_units(host, 0, 3);
    assert_false(is_in(host, next));
    CHECK_OK(berth_cancel(host->pool, head));
    assert_true(is_in(host, next)); /* no other event: a lost wake-up would strand it */
    finish(host, holder);
    finish(host, next);
    pool_host_end(host);
}

static void small_ones_do_not_starve_the_big(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    berth_request_id small[20];
    for (uint32_t i = 0; i < 10; i++) small[i] = pool_submit_units(host, 0, 1);
    berth_request_id big = pool_submit_units(host, 0, 10);
    for (uint32_t i = 0; i < 10; i++) { /* each leaves room for one, and one more comes */
        finish(host, small[i]);
        small[10 + i] = pool_submit_units(host, 0, 1);
        assert_true(pool_unfinished(host, small[10 + i]));
    }
    assert_true(is_in(host, big)); /* before all who came later */
    assert_int_equal(pool_stats(host).parked, 10);
    finish(host, big);
    for (uint32_t i = 10; i < 20; i++) finish(host, small[i]);
    pool_host_end(host);
}

static void an_impossible_cost_is_not_parked_for_ever(void **state) {
    (void)state;
    pool_host *host = gate_of(10);
    berth_request request = pool_request_units(host, 0, 11);
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.resource, 0);
    assert_int_equal(refusal.limit, 10);
    assert_int_equal(refusal.asked, 11);
    assert_int_equal(refusal.retry_after_ns, 0);
    assert_int_equal(pool_stats(host).parked, 0);
    pool_host_end(host);
}

static void a_sum_of_costs_does_not_wrap(void **state) {
    (void)state;
    pool_host *host = gate_of(UINT64_MAX);
    berth_request_id first = pool_submit_units(host, 0, UINT64_MAX);
    assert_true(is_in(host, first));
    for (uint32_t i = 0; i < 3; i++) {
        berth_request request = pool_request_units(host, 0, UINT64_MAX - i);
        berth_request_id id = 0;
        berth_status status = berth_submit(host->pool, &request, &id, NULL);
        if (status == BERTH_OK)
            assert_false(is_in(host, id));
        else
            assert_true(status == BERTH_EREFUSED || status == BERTH_EOVERFLOW);
        berth_stats stats = pool_stats(host);
        assert_true(stats.resources[0].used_units == UINT64_MAX);
        assert_int_equal(stats.running, 1);
    }
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    finish(host, first);
    assert_int_equal(pool_stats(host).resources[0].used_units, 0);
    assert_int_equal(pool_stats(host).resources[0].parked_units, 0);
    pool_host_end(host);
}

static void kv_cost_comes_from_tokens(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 100);
    host->options.kv_block_tokens = 16;
    host->options.kv_block_units = 2;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.prompt_tokens = 100;
    request.max_new_tokens = 29; /* 129 tokens: 9 blocks */
    berth_request_id id = pool_submit(host, &request);
    assert_int_equal(pool_stats(host).resources[0].used_units, 18);
    berth_request named = pool_request_units(host, 0, 1);
    berth_request_id none = 1;
    CHECK(berth_submit(host->pool, &named, &none, NULL), BERTH_EINVAL);
    assert_true(none == 0);
    berth_request wide = pool_request(host, 0);
    wide.prompt_tokens = UINT64_MAX;
    wide.max_new_tokens = 1;
    CHECK(berth_submit(host->pool, &wide, &none, NULL), BERTH_EOVERFLOW);
    finish(host, id);
    pool_host_end(host);
}

/* Every event of a random mix is followed by a look at what is granted. */
static void ten_thousand_submits_never_hold_more_than_ten_units(void **state) {
    (void)state;
    uint64_t seed = pool_seed();
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 10);
    host->options.parked_max = 10000;
    host->options.ended_max = 10000;
    pool_host_start(host);
    static berth_request_id ids[10000];
    for (uint32_t i = 0; i < 10000; i++) {
        ids[i] = pool_submit_units(host, 1 + i % 4, 1 + pool_random(&seed) % 10);
        assert_in_range(pool_stats(host).resources[0].used_units, 0, 10);
    }
    uint32_t left = 10000;
    for (uint32_t round = 0; left > 0 && round < 100000; round++) {
        for (uint32_t i = 0; i < 10000; i++) {
            berth_status status = berth_finish(host->pool, ids[i], BERTH_FINISH_STOP, 0);
            if (status != BERTH_OK) continue;
            left--;
            assert_in_range(pool_stats(host).resources[0].used_units, 0, 10);
        }
    }
    assert_int_equal(left, 0);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.resources[0].used_units_peak, 10);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_COMPLETED], 10000);
    assert_int_equal(stats.admitted_total, 10000);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/order", 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priority_is_not_ignored),
        cmocka_unit_test(the_default_band_is_that_of_the_options),
        cmocka_unit_test(equal_timestamps_do_not_break_arrival_order),
        cmocka_unit_test(capacity_is_not_ignored),
        cmocka_unit_test(every_resource_has_to_fit),
        cmocka_unit_test(running_max_counts_what_is_stopping),
        cmocka_unit_test(the_fast_path_does_not_overtake_what_is_parked),
        cmocka_unit_test(a_cancelled_head_lets_those_behind_it_in),
        cmocka_unit_test(small_ones_do_not_starve_the_big),
        cmocka_unit_test(an_impossible_cost_is_not_parked_for_ever),
        cmocka_unit_test(a_sum_of_costs_does_not_wrap),
        cmocka_unit_test(kv_cost_comes_from_tokens),
        cmocka_unit_test(ten_thousand_submits_never_hold_more_than_ten_units),
    };
    return cmocka_run_group_tests_name("api/order", tests, NULL, NULL);
}
