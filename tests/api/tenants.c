/* SPDX-License-Identifier: MIT */
/* Tenants and the order of a band, through the interface alone. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static berth_tenant_stats stats_of(pool_host *host, uint64_t tenant) {
    berth_tenant_stats stats = {.struct_size = sizeof stats};
    CHECK_OK(berth_tenant_stats_read(host->pool, tenant, &stats));
    return stats;
}

static berth_request request_of(pool_host *host, uint64_t tenant) {
    berth_request request = pool_request(host, 0);
    request.tenant = tenant;
    return request;
}

static void a_tenant_s_quota_refuses_and_can_be_raised(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.tenants_max = 2;
    host->options.tenant_defaults.parked_max = 1;
    pool_host_start(host);
    berth_request request = request_of(host, 7);
    pool_submit(host, &request);
    request = request_of(host, 7);
    pool_refused(host, &request, BERTH_REFUSAL_TENANT);
    assert_string_equal(berth_refusal_name(BERTH_REFUSAL_TENANT), "tenant");
    const berth_tenant_options more = {.parked_max = 2};
    CHECK_OK(berth_tenant_set(host->pool, 7, &more));
    pool_submit(host, &request);
    const berth_tenant_stats stats = stats_of(host, 7);
    assert_int_equal(stats.known, 1);
    assert_int_equal(stats.tenant, 7);
    assert_int_equal(stats.weight, 1);
    assert_int_equal(stats.submitted_total, 3);
    assert_int_equal(stats.refused_total, 1);
    assert_int_equal(stats.parked, 2);
    assert_int_equal(stats_of(host, 8).known, 0);
    request = request_of(host, 8);
    pool_submit(host, &request);
    request = request_of(host, 9);
    pool_refused(host, &request, BERTH_REFUSAL_TENANTS);
    CHECK(berth_tenant_set(host->pool, 9, &more), BERTH_EREFUSED);
    CHECK_OK(berth_tenant_set(host->pool, 7, NULL));
    pool_run_out(host);
    pool_host_end(host);
}

static void malformed_tenants_change_nothing(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    berth_tenant_options options = {.weight = 2};
    berth_tenant_stats stats = {.struct_size = sizeof stats, .parked = 5};
    pool_host_start(host);
    CHECK(berth_tenant_set(NULL, 1, &options), BERTH_EINVAL);
    CHECK(berth_tenant_set(host->pool, 1, &options), BERTH_EINVAL); /* no tenants here */
    CHECK(berth_tenant_set(host->pool, 1, NULL), BERTH_EINVAL);
    CHECK(berth_tenant_stats_read(host->pool, 1, &stats), BERTH_EINVAL);
    assert_int_equal(stats.parked, 0);
    CHECK(berth_tenant_stats_read(host->pool, 1, NULL), BERTH_EINVAL);
    CHECK(berth_tenant_stats_read(NULL, 1, &stats), BERTH_EINVAL);
    stats.struct_size = 8;
    CHECK(berth_tenant_stats_read(host->pool, 1, &stats), BERTH_EINVAL);
    berth_request request = pool_request(host, 0);
    request.rank = 1; /* the order does not ask for it */
    berth_request_id id;
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    pool_host_end(host);
}

/* Raising what a tenant may run lets in who waited, before the call returns. */
static void a_gate_admits_when_a_tenant_may_run_more(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.fairness = BERTH_FAIRNESS_VTC;
    host->options.tenant_defaults.running_max = 1;
    pool_host_start(host);
    berth_request request = request_of(host, 7);
    const berth_request_id first = pool_submit(host, &request);
    request = request_of(host, 7);
    const berth_request_id second = pool_submit(host, &request);
    request = request_of(host, 8);
    const berth_request_id other = pool_submit(host, &request);
    pool_read(host, first, NULL, 0, BERTH_RECORD_ADMITTED);
    pool_read(host, other, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(stats_of(host, 7).running, 1);
    assert_int_equal(stats_of(host, 7).parked, 1);
    const berth_tenant_options more = {.running_max = 2, .weight = 3};
    CHECK_OK(berth_tenant_set(host->pool, 7, &more));
    pool_read(host, second, NULL, 0, BERTH_RECORD_ADMITTED);
    assert_int_equal(stats_of(host, 7).weight, 3);
    CHECK_OK(berth_finish(host->pool, first, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, second, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, other, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void counters_show_as_a_gap_and_as_a_tenant_s_tokens(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.fairness = BERTH_FAIRNESS_VTC;
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request request = request_of(host, 7);
    request.prompt_tokens = 10;
    const berth_request_id first = pool_submit(host, &request);
    request = request_of(host, 8);
    const berth_request_id waits = pool_submit(host, &request);
    request = request_of(host, 7);
    const berth_request_id too = pool_submit(host, &request);
    assert_int_equal(pool_stats(host).bands[1].service_gap, 10);
    CHECK_OK(berth_emit(host->pool, first, "x", 1, 4));
    assert_int_equal(pool_stats(host).bands[1].service_gap, 18);
    assert_int_equal(stats_of(host, 7).prompt_tokens_total, 10);
    assert_int_equal(stats_of(host, 7).tokens_generated_total, 4);
    CHECK_OK(berth_finish(host->pool, first, BERTH_FINISH_STOP, 0));
    pool_read(host, waits, NULL, 0, BERTH_RECORD_ADMITTED);
    CHECK_OK(berth_finish(host->pool, waits, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, too, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

/* ---- The host's rank ---- */

static uint64_t rank_by_payload_size(void *user_data, const berth_request *request) {
    pool_host *host = user_data;
    berth_stats stats = {.struct_size = sizeof stats};
    atomic_fetch_add(&host->cancelled_count, 1);
    /* No lock is held: a call from here works. */
    return berth_stats_read(host->pool, &stats) == BERTH_OK ? 1000 - request->payload_size : 0;
}

static void the_host_is_asked_once_for_a_rank(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.order = BERTH_ORDER_RANK;
    host->options.running_max = 1;
    host->executor.rank = rank_by_payload_size;
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.payload_size = 1;
    const berth_request_id small = pool_submit(host, &request);
    request = pool_request(host, 0);
    request.payload_size = 5;
    const berth_request_id large = pool_submit(host, &request);
    pool_step step;
    pool_plan(host, &step);
    assert_true(pool_planned(&step, large, BERTH_ENTRY_DECODE));
    assert_false(pool_planned(&step, small, BERTH_ENTRY_DECODE));
    pool_commit_finished(host, &step);
    pool_run_out(host);
    assert_int_equal(atomic_load(&host->cancelled_count), 2);
    pool_host_end(host);
}

static void a_rank_without_its_order_is_refused_at_create(void **state) {
    (void)state;
    berth_options options;
    const berth_executor executor = {.struct_size = sizeof executor, .rank = rank_by_payload_size};
    berth_pool *pool;
    CHECK_OK(berth_options_init(&options, sizeof options));
    CHECK(berth_pool_create(&options, &executor, &pool), BERTH_ECONFIG);
}

/* ---- Bands ---- */

static void a_higher_band_displaces_and_its_victim_is_told(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.parked_max = 1;
    host->options.displace = 1;
    host->options.bands[3].bypass = 1;
    pool_host_start(host);
    const berth_request_id low = pool_submit_band(host, BERTH_BAND_LOW);
    berth_request request = pool_request(host, BERTH_BAND_LOW);
    pool_refused(host, &request, BERTH_REFUSAL_PARKED);
    pool_submit_band(host, BERTH_BAND_HIGH);
    pool_outcome(host, low, BERTH_OUTCOME_EVICTED, BERTH_EVICT_DISPLACED);
    request.band = BERTH_BAND_CRITICAL;
    pool_refused(host, &request, BERTH_REFUSAL_BYPASS);
    pool_run_out(host);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/tenants", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_s_quota_refuses_and_can_be_raised),
        cmocka_unit_test(malformed_tenants_change_nothing),
        cmocka_unit_test(a_gate_admits_when_a_tenant_may_run_more),
        cmocka_unit_test(counters_show_as_a_gap_and_as_a_tenant_s_tokens),
        cmocka_unit_test(the_host_is_asked_once_for_a_rank),
        cmocka_unit_test(a_rank_without_its_order_is_refused_at_create),
        cmocka_unit_test(a_higher_band_displaces_and_its_victim_is_told),
    };
    return cmocka_run_group_tests_name("api/tenants", tests, NULL, NULL);
}
