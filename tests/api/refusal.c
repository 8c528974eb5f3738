/* SPDX-License-Identifier: MIT */
/* Every limit refuses with its reason, and leaves no trace but a counter. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *engine(void) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 100);
    return host;
}

static void the_pools_parked_max_is_exact(void **state) {
    (void)state;
    pool_host *host = engine();
    host->options.parked_max = 3;
    pool_host_start(host);
    for (uint32_t i = 0; i < 3; i++) pool_submit_band(host, 0);
    berth_request request = pool_request(host, BERTH_BAND_HIGH);
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_PARKED);
    assert_int_equal(refusal.limit, 3);
    assert_int_equal(refusal.asked, 4);
    assert_int_equal(refusal.ahead_count, 0); /* it would have gone before all of them */
    request.band = BERTH_BAND_LOW;
    refusal = pool_refused(host, &request, BERTH_REFUSAL_PARKED);
    assert_int_equal(refusal.ahead_count, 3);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.refusal_total[BERTH_REFUSAL_PARKED], 2);
    assert_int_equal(stats.bands[BERTH_BAND_HIGH - 1].refused_total, 1);
    assert_int_equal(stats.bands[BERTH_BAND_LOW - 1].refused_total, 1);
    assert_int_equal(stats.parked_peak, 3);
    pool_run_out(host);
    pool_submit(host, &request);
    pool_host_end(host);
}

static void bytes_parked_are_limited(void **state) {
    (void)state;
    pool_host *host = engine();
    host->options.parked_size_max = 100;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.payload_size = 60;
    pool_submit(host, &request);
    assert_int_equal(pool_stats(host).parked_size, 60);
    request = pool_request(host, 0);
    request.payload_size = 41;
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_PARKED_SIZE);
    assert_int_equal(refusal.limit, 100);
    assert_int_equal(refusal.asked, 101);
    request.payload_size = UINT64_MAX; /* the sum must not wrap */
    berth_request_id none = 1;
    assert_true(berth_submit(host->pool, &request, &none, NULL) != BERTH_OK);
    request.payload_size = 40;
    pool_submit(host, &request);
    pool_host_end(host);
}

static void cost_parked_is_limited(void **state) {
    (void)state;
    pool_host *host = engine();
    pool_host_resource(host, "adapters", 8);
    host->options.resources[1].parked_units_max = 5;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.cost_count = 2;
    request.cost[1] = 4;
    pool_submit(host, &request);
    request = pool_request(host, 0);
    request.cost_count = 2;
    request.cost[1] = 2;
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_PARKED_COST);
    assert_int_equal(refusal.resource, 1);
    assert_int_equal(refusal.limit, 5);
    assert_int_equal(refusal.asked, 6);
    pool_host_end(host);
}

static void a_bands_limits_are_its_own(void **state) {
    (void)state;
    pool_host *host = engine();
    host->options.bands[BERTH_BAND_LOW - 1].parked_max = 1;
    host->options.bands[BERTH_BAND_NORMAL - 1].parked_size_max = 10;
    host->options.bands[BERTH_BAND_HIGH - 1].parked_units_max[0] = 20;
    pool_host_start(host);
    pool_submit_band(host, BERTH_BAND_LOW);
    berth_request request = pool_request(host, BERTH_BAND_LOW);
    assert_int_equal(pool_refused(host, &request, BERTH_REFUSAL_BAND).limit, 1);
    request = pool_request(host, BERTH_BAND_NORMAL);
    request.payload_size = 11;
    assert_int_equal(pool_refused(host, &request, BERTH_REFUSAL_BAND_SIZE).limit, 10);
    pool_submit_units(host, BERTH_BAND_HIGH, 15);
    request = pool_request_units(host, BERTH_BAND_HIGH, 6);
    berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_BAND_COST);
    assert_int_equal(refusal.limit, 20);
    assert_int_equal(refusal.asked, 21);
    assert_int_equal(refusal.resource, 0);
    request.band = BERTH_BAND_CRITICAL; /* no limit there */
    pool_submit(host, &request);
    pool_host_end(host);
}

static void a_refusal_leaves_no_trace_but_a_counter(void **state) {
    (void)state;
    pool_host *host = engine();
    host->options.parked_max = 1;
    pool_host_start(host);
    pool_submit_units(host, 0, 5);
    berth_stats before = pool_stats(host);
    berth_request request = pool_request_units(host, 0, 5);
    pool_refused(host, &request, BERTH_REFUSAL_PARKED);
    berth_stats after = pool_stats(host);
    before.submitted_total++;
    before.refused_total++;
    before.refusal_total[BERTH_REFUSAL_PARKED]++;
    before.bands[BERTH_BAND_NORMAL - 1].submitted_total++;
    before.bands[BERTH_BAND_NORMAL - 1].refused_total++;
    assert_memory_equal(&before, &after, sizeof before);
    pool_host_end(host); /* checks that the refused payload was not released */
}

static void a_refusal_may_be_left_out(void **state) {
    (void)state;
    pool_host *host = engine();
    host->options.parked_max = 1;
    pool_host_start(host);
    pool_submit_band(host, 0);
    berth_request request = pool_request(host, 0);
    berth_request_id id = 1;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EREFUSED);
    assert_true(id == 0);
    pool_host_end(host);
}

/* A pool that admits one request every `interval`, then is full. */
static uint64_t retry_after(uint64_t interval_ns, uint64_t seed, uint64_t *again) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    host->options.parked_max = 50;
    host->options.seed = seed;
    pool_host_start(host);
    for (uint32_t i = 0; i < 50; i++) pool_submit_band(host, 0);
    pool_step step;
    for (uint32_t i = 0; i < 30; i++) {
        pool_plan(host, &step);
        pool_advance(host, interval_ns);
        pool_commit_finished(host, &step);
    }
    for (uint32_t i = 0; i < 30; i++) pool_submit_band(host, 0);
    berth_request request = pool_request(host, 0);
    uint64_t first = pool_refused(host, &request, BERTH_REFUSAL_PARKED).retry_after_ns;
    *again = pool_refused(host, &request, BERTH_REFUSAL_PARKED).retry_after_ns;
    assert_true(pool_stats(host).drain_interval_ns > 0);
    pool_host_end(host);
    return first;
}

static void retry_after_follows_the_measured_drain_rate(void **state) {
    (void)state;
    uint64_t fast_again = 0;
    uint64_t slow_again = 0;
    uint64_t fast = retry_after(1000000, 1, &fast_again);
    uint64_t slow = retry_after(100000000, 1, &slow_again);
    assert_true(fast > 0);
    assert_true(slow > 20 * fast && slow < 500 * fast); /* a hundred times, with jitter */
    uint64_t same_again = 0;
    assert_true(retry_after(1000000, 1, &same_again) == fast); /* the seed reproduces it */
    assert_true(same_again == fast_again);
    assert_true(fast_again != fast); /* jitter: two clients do not come back together */
}

int main(void) {
    pool_watchdog("api/refusal", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pools_parked_max_is_exact),
        cmocka_unit_test(bytes_parked_are_limited),
        cmocka_unit_test(cost_parked_is_limited),
        cmocka_unit_test(a_bands_limits_are_its_own),
        cmocka_unit_test(a_refusal_leaves_no_trace_but_a_counter),
        cmocka_unit_test(a_refusal_may_be_left_out),
        cmocka_unit_test(retry_after_follows_the_measured_drain_rate),
    };
    return cmocka_run_group_tests_name("api/refusal", tests, NULL, NULL);
}
