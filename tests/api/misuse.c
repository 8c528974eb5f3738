/* SPDX-License-Identifier: MIT */
/* Wrong arguments: a status that says so, outputs zeroed, nothing changed. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static const berth_record zero_record = {.struct_size = sizeof zero_record};
static const berth_outcome zero_outcome = {.struct_size = sizeof zero_outcome};

static pool_host *engine(void) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    return host;
}

static void no_pool_is_an_error_for_every_call(void **state) {
    (void)state;
    berth_request request = {.struct_size = sizeof request};
    berth_request_id id = 7;
    berth_refusal refusal = {.struct_size = sizeof refusal, .reason = 3};
    CHECK(berth_submit(NULL, &request, &id, &refusal), BERTH_EINVAL);
    assert_true(id == 0);
    assert_int_equal(refusal.reason, 0);
    CHECK(berth_close(NULL), BERTH_EINVAL);
    CHECK(berth_drain(NULL, 0), BERTH_EINVAL);
    CHECK(berth_recost(NULL, 1, &request, NULL), BERTH_EINVAL);
    uint64_t number = 7;
    CHECK(berth_charge(NULL, 1, &number, 1), BERTH_EINVAL);
    CHECK(berth_capacity_set(NULL, 0, 1), BERTH_EINVAL);
    CHECK(berth_cancel(NULL, 1), BERTH_EINVAL);
    CHECK(berth_cancel_many(NULL, &id, 1, NULL, NULL), BERTH_EINVAL);
    CHECK(berth_mailbox_close(NULL, 1), BERTH_EINVAL);
    CHECK(berth_emit(NULL, 1, "x", 1, 1), BERTH_EINVAL);
    CHECK(berth_finish(NULL, 1, BERTH_FINISH_STOP, 0), BERTH_EINVAL);
    CHECK(berth_commit(NULL, 1, NULL, 0), BERTH_EINVAL);
    CHECK(berth_clock_advance(NULL, 1), BERTH_EINVAL);
    CHECK(berth_clock_now(NULL, &number), BERTH_EINVAL);
    assert_int_equal(number, 0);
    number = 7;
    CHECK(berth_clock_next(NULL, &number), BERTH_EINVAL);
    assert_int_equal(number, 0);
    berth_stats stats = {.struct_size = sizeof stats};
    CHECK(berth_stats_read(NULL, &stats), BERTH_EINVAL);
}

static void no_pool_zeroes_what_was_asked_for(void **state) {
    (void)state;
    berth_outcome outcome;
    memset(&outcome, 0xee, sizeof outcome);
    outcome.struct_size = sizeof outcome;
    CHECK(berth_wait(NULL, 1, 0, &outcome), BERTH_EINVAL);
    assert_memory_equal(&outcome, &zero_outcome, sizeof outcome);
    memset(&outcome, 0xee, sizeof outcome);
    outcome.struct_size = sizeof outcome;
    CHECK(berth_outcome_take(NULL, 1, &outcome), BERTH_EINVAL);
    assert_memory_equal(&outcome, &zero_outcome, sizeof outcome);
    berth_record record;
    memset(&record, 0xee, sizeof record);
    record.struct_size = sizeof record;
    CHECK(berth_mailbox_read(NULL, 1, NULL, 0, 0, &record), BERTH_EINVAL);
    assert_memory_equal(&record, &zero_record, sizeof record);
    int32_t descriptor = 7;
    CHECK(berth_ready_descriptor(NULL, &descriptor), BERTH_EINVAL);
    assert_int_equal(descriptor, -1);
    berth_request_id id = 7;
    uint32_t count = 7;
    CHECK(berth_ready_take(NULL, &id, 1, &count), BERTH_EINVAL);
    assert_int_equal(count, 0);
    berth_plan_entry entry;
    berth_plan plan = {.struct_size = sizeof plan, .entries = &entry, .entry_max = 1, .step_id = 9};
    CHECK(berth_plan_next(NULL, &plan), BERTH_EINVAL);
    assert_true(plan.step_id == 0);
    plan.step_id = 9;
    CHECK(berth_plan_wait(NULL, &plan, 0), BERTH_EINVAL);
    assert_true(plan.step_id == 0);
}

static void no_output_is_an_error(void **state) {
    (void)state;
    pool_host *host = engine();
    berth_request request = pool_request(host, 0);
    berth_request_id id = pool_submit(host, &request);
    berth_stats before = pool_stats(host);
    uint32_t count = 0;
    CHECK(berth_submit(host->pool, &request, NULL, NULL), BERTH_EINVAL);
    CHECK(berth_submit(host->pool, NULL, &id, NULL), BERTH_EINVAL);
    assert_true(id == 0);
    CHECK(berth_mailbox_read(host->pool, 1, NULL, 0, 0, NULL), BERTH_EINVAL);
    CHECK(berth_plan_next(host->pool, NULL), BERTH_EINVAL);
    CHECK(berth_plan_wait(host->pool, NULL, 0), BERTH_EINVAL);
    CHECK(berth_stats_read(host->pool, NULL), BERTH_EINVAL);
    CHECK(berth_clock_now(host->pool, NULL), BERTH_EINVAL);
    CHECK(berth_clock_next(host->pool, NULL), BERTH_EINVAL);
    CHECK(berth_ready_descriptor(host->pool, NULL), BERTH_EINVAL);
    CHECK(berth_ready_take(host->pool, NULL, 1, &count), BERTH_EINVAL);
    CHECK(berth_ready_take(host->pool, &id, 1, NULL), BERTH_EINVAL);
    CHECK(berth_ready_take(host->pool, &id, 0, &count), BERTH_EINVAL);
    CHECK(berth_pool_create(NULL, NULL, NULL), BERTH_EINVAL);
    CHECK(berth_options_init(NULL, sizeof(berth_options)), BERTH_EINVAL);
    CHECK(berth_options_check(NULL, NULL), BERTH_EINVAL);
    CHECK(berth_stats_to_json(NULL, NULL, 0, NULL), BERTH_EINVAL);
    CHECK(berth_options_from_json(NULL, "{}", 2, NULL), BERTH_EINVAL);
    CHECK(berth_options_from_json(&host->options, NULL, 2, NULL), BERTH_EINVAL);
    berth_plan plan = {.struct_size = sizeof plan, .entries = NULL, .entry_max = 4};
    CHECK(berth_plan_next(host->pool, &plan), BERTH_EINVAL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_host_end(host);
}

/* Struct sizes that no version has had. */
static void a_struct_size_that_cannot_be_is_refused(void **state) {
    (void)state;
    pool_host *host = engine();
    berth_request_id id = pool_submit_band(host, 0);
    static const uint32_t sizes[] = {0, 1, 4, 8};
    berth_stats before = pool_stats(host);
    for (uint32_t i = 0; i < 4; i++) {
        berth_request request = {.struct_size = sizes[i]};
        berth_request_id none = 7;
        CHECK(berth_submit(host->pool, &request, &none, NULL), BERTH_EINVAL);
        assert_true(none == 0);
        CHECK(berth_recost(host->pool, id, &request, NULL), BERTH_EINVAL);
        request.struct_size = sizeof request;
        berth_refusal refusal = {.struct_size = sizes[i]};
        CHECK(berth_submit(host->pool, &request, &none, &refusal), BERTH_EINVAL);
        berth_outcome outcome = {.struct_size = sizes[i]};
        CHECK(berth_wait(host->pool, id, 0, &outcome), BERTH_EINVAL);
        CHECK(berth_outcome_take(host->pool, id, &outcome), BERTH_EINVAL);
        berth_record record = {.struct_size = sizes[i]};
        CHECK(berth_mailbox_read(host->pool, id, NULL, 0, 0, &record), BERTH_EINVAL);
        berth_plan_entry entries[64];
        berth_plan plan = {.struct_size = sizes[i], .entries = entries, .entry_max = 64};
        CHECK(berth_plan_next(host->pool, &plan), BERTH_EINVAL);
        CHECK(berth_plan_wait(host->pool, &plan, 0), BERTH_EINVAL);
        berth_stats stats = {.struct_size = sizes[i]};
        CHECK(berth_stats_read(host->pool, &stats), BERTH_EINVAL);
        CHECK(berth_stats_to_json(&stats, NULL, 0, NULL), BERTH_EINVAL);
        berth_options options = host->options;
        options.struct_size = sizes[i];
        berth_pool *pool = host->pool;
        CHECK(berth_pool_create(&options, NULL, &pool), BERTH_EINVAL);
        assert_null(pool);
        CHECK(berth_options_check(&options, NULL), BERTH_EINVAL);
        CHECK(berth_options_init(&options, sizes[i]), BERTH_EINVAL);
        berth_executor executor = {.struct_size = sizes[i]};
        pool = host->pool;
        CHECK(berth_pool_create(NULL, &executor, &pool), BERTH_EINVAL);
        assert_null(pool);
    }
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_host_end(host);
}

typedef struct later_request {
    berth_request known;
    uint64_t unknown[4];
} later_request;

typedef struct later_options {
    berth_options known;
    uint64_t unknown[4];
} later_options;

typedef struct later_executor {
    berth_executor known;
    uint64_t unknown[4];
} later_executor;

typedef struct later_stats {
    berth_stats known;
    uint64_t unknown[4];
} later_stats;

static void a_larger_struct_is_taken_when_its_tail_is_zero(void **state) {
    (void)state;
    later_options options = {0};
    CHECK_OK(berth_options_init(&options.known, sizeof options));
    assert_int_equal(options.known.struct_size, sizeof options);
    CHECK_OK(berth_options_check(&options.known, NULL));
    later_executor executor = {.known = {.struct_size = sizeof executor}};
    berth_pool *pool = NULL;
    CHECK_OK(berth_pool_create(&options.known, &executor.known, &pool));
    later_request request = {.known = {.struct_size = sizeof request}};
    berth_request_id id = 0;
    CHECK_OK(berth_submit(pool, &request.known, &id, NULL));
    later_stats stats = {.known = {.struct_size = sizeof stats}};
    CHECK_OK(berth_stats_read(pool, &stats.known));
    assert_int_equal(stats.known.parked, 1);
    CHECK_OK(berth_pool_destroy(pool));
}

static void a_larger_struct_is_refused_when_its_tail_is_not_zero(void **state) {
    (void)state;
    pool_host *host = engine();
    later_request request = {.known = {.struct_size = sizeof request}, .unknown = {[3] = 1}};
    berth_request_id id = 7;
    CHECK(berth_submit(host->pool, &request.known, &id, NULL), BERTH_EINVAL);
    assert_true(id == 0);
    later_options options = {0};
    CHECK_OK(berth_options_init(&options.known, sizeof options));
    options.unknown[3] = 1;
    CHECK(berth_options_check(&options.known, NULL), BERTH_EINVAL);
    berth_pool *pool = host->pool;
    CHECK(berth_pool_create(&options.known, NULL, &pool), BERTH_EINVAL);
    assert_null(pool);
    later_executor executor = {.known = {.struct_size = sizeof executor}, .unknown = {1}};
    CHECK(berth_pool_create(NULL, &executor.known, &pool), BERTH_EINVAL);
    assert_null(pool);
    pool_host_end(host);
}

static void malformed_requests_are_named_so_and_not_counted(void **state) {
    (void)state;
    pool_host *host = engine();
    berth_request good = {.struct_size = sizeof good};
    berth_request bad[6];
    for (uint32_t i = 0; i < 6; i++) bad[i] = good;
    bad[0].band = 5;
    bad[1].mailbox_mode = 2;
    bad[2].cost_count = 2; /* the pool has one resource */
    bad[3].cost_count = BERTH_RESOURCES_MAX + 1;
    bad[4].cost[0] = 1; /* not among cost_count */
    bad[5].band = UINT32_MAX;
    berth_stats before = pool_stats(host);
    for (uint32_t i = 0; i < 6; i++) {
        berth_request_id id = 7;
        berth_refusal refusal = {.struct_size = sizeof refusal, .reason = 4};
        CHECK(berth_submit(host->pool, &bad[i], &id, &refusal), BERTH_EINVAL);
        assert_true(id == 0);
        assert_int_equal(refusal.reason, BERTH_REFUSAL_NONE);
    }
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_host_end(host);
}

static void an_executor_has_to_fit_its_face(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    berth_executor executor = host->executor;
    executor.execute = NULL;
    CHECK(berth_pool_create(&host->options, &executor, &host->pool), BERTH_ECONFIG);
    assert_null(host->pool);
    CHECK(berth_pool_create(&host->options, NULL, &host->pool), BERTH_ECONFIG);
    executor = host->executor;
    executor.reserved = 1;
    berth_status status = berth_pool_create(&host->options, &executor, &host->pool);
    assert_true(status == BERTH_ECONFIG || status == BERTH_EINVAL);
    assert_null(host->pool);
    executor = host->executor; /* execute belongs to workers only */
    CHECK(berth_pool_create(NULL, &executor, &host->pool), BERTH_ECONFIG);
    assert_null(host->pool);
    pool_host_start(host);
    pool_host_end(host);
}

static void emit_and_finish_check_what_they_are_given(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    berth_stats before = pool_stats(host);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_NONE, 0), BERTH_EINVAL);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_FAILED + 1, 0), BERTH_EINVAL);
    CHECK(berth_emit(host->pool, id, NULL, 1, 0), BERTH_EINVAL);
    CHECK(berth_emit(host->pool, id, "x", SIZE_MAX, 0), BERTH_EINVAL);
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, id, NULL, 4, 0, &record), BERTH_EINVAL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/misuse", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_pool_is_an_error_for_every_call),
        cmocka_unit_test(no_pool_zeroes_what_was_asked_for),
        cmocka_unit_test(no_output_is_an_error),
        cmocka_unit_test(a_struct_size_that_cannot_be_is_refused),
        cmocka_unit_test(a_larger_struct_is_taken_when_its_tail_is_zero),
        cmocka_unit_test(a_larger_struct_is_refused_when_its_tail_is_not_zero),
        cmocka_unit_test(malformed_requests_are_named_so_and_not_counted),
        cmocka_unit_test(an_executor_has_to_fit_its_face),
        cmocka_unit_test(emit_and_finish_check_what_they_are_given),
    };
    return cmocka_run_group_tests_name("api/misuse", tests, NULL, NULL);
}
