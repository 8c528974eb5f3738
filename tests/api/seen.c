/* SPDX-License-Identifier: MIT */
/* What can be seen: names, statuses, counters and the snapshot's JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

static void every_status_has_its_name_and_message(void **state) {
    (void)state;
#define EXPECT_STATUS(name, number, message)                                                       \
    assert_int_equal(BERTH_##name, number);                                                        \
    assert_string_equal(berth_status_name(number), "BERTH_" #name);                                \
    assert_string_equal(berth_status_message(number), message);
    BERTH_STATUS_MAP(EXPECT_STATUS)
#undef EXPECT_STATUS
    assert_string_equal(berth_status_name(1), "BERTH_UNKNOWN");
    assert_string_equal(berth_status_name(BERTH_STATUS_LAST - 1), "BERTH_UNKNOWN");
    assert_string_equal(berth_status_name(INT32_MIN), "BERTH_UNKNOWN");
    assert_non_null(berth_status_message(INT32_MAX));
}

static void the_version_is_that_of_the_header(void **state) {
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", BERTH_VERSION_MAJOR, BERTH_VERSION_MINOR,
             BERTH_VERSION_PATCH);
    assert_string_equal(berth_version(), text);
}

static void outcomes_and_refusals_have_names_of_their_own(void **state) {
    (void)state;
    assert_string_equal(berth_outcome_name(BERTH_OUTCOME_COMPLETED), "completed");
    assert_string_equal(berth_refusal_name(BERTH_REFUSAL_NEVER_FITS), "never_fits");
    for (uint32_t i = 0; i < BERTH_OUTCOME_COUNT; i++) {
        assert_string_not_equal(berth_outcome_name(i), "unknown");
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(berth_outcome_name(i), berth_outcome_name(k));
    }
    for (uint32_t i = 0; i < BERTH_REFUSAL_COUNT; i++) {
        assert_string_not_equal(berth_refusal_name(i), "unknown");
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(berth_refusal_name(i), berth_refusal_name(k));
    }
    assert_string_equal(berth_outcome_name(BERTH_OUTCOME_COUNT), "unknown");
    assert_string_equal(berth_refusal_name(BERTH_REFUSAL_COUNT), "unknown");
    assert_string_equal(berth_refusal_name(UINT32_MAX), "unknown");
}

static void play_one_event(pool_host *host, uint64_t *seed, berth_request_id *ids,
                           uint32_t *count) {
    berth_request_id id = ids[*count - 1 - pool_random(seed) % 16];
    uint64_t held = pool_random(seed) % 9;
    uint32_t kind = (uint32_t)(pool_random(seed) % 8);
    if (kind <= 2) {
        berth_request request =
            pool_request_units(host, 1 + (uint32_t)(pool_random(seed) % 4), pool_random(seed) % 22);
        request.payload_size = pool_random(seed) % 100;
        if (pool_random(seed) % 2) request.queue_ns = 1 + pool_random(seed) % 50;
        if (pool_random(seed) % 4 == 0) request.total_ns = 1 + pool_random(seed) % 90;
        if (berth_submit(host->pool, &request, &id, NULL) == BERTH_OK) ids[(*count)++] = id;
    }
    if (kind == 3) berth_cancel(host->pool, id);
    if (kind == 4) berth_finish(host->pool, id, BERTH_FINISH_STOP, 0);
    if (kind == 5) berth_outcome_take(host->pool, id, NULL);
    if (kind == 6) berth_charge(host->pool, id, &held, 1);
    if (kind == 7) pool_advance(host, pool_random(seed) % 10);
}

/* A random life; pool_stats checks the law, for pool and bands, at every event. */
static void counters_add_up_at_every_event(void **state) {
    (void)state;
    uint64_t seed = pool_seed();
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 20);
    host->options.running_max = 4;
    host->options.parked_max = 6;
    host->options.ended_max = 3;
    pool_host_start(host);
    static berth_request_id ids[5016]; /* the latest 16 are played with */
    uint32_t count = 16;
    for (uint32_t i = 0; i < 5000; i++) {
        play_one_event(host, &seed, ids, &count);
        berth_stats stats = pool_stats(host);
        assert_true(stats.retained <= 3);
        assert_true(stats.submitted_total <= i + 1); /* nothing reads 2^64 - 1 */
    }
    assert_true(count > 200);
    (void)berth_drain(host->pool, 0); /* some may still run */
    for (uint32_t i = 0; i < count; i++) berth_finish(host->pool, ids[i], BERTH_FINISH_STOP, 0);
    CHECK_OK(berth_drain(host->pool, 0));
    pool_host_end(host);
}

static void moments_and_tokens_are_told_in_the_outcome(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    CHECK_OK(berth_clock_advance(host->pool, 5));
    berth_request request = pool_request(host, BERTH_BAND_CRITICAL);
    request.prompt_tokens = 30;
    berth_request_id id = pool_submit(host, &request);
    CHECK_OK(berth_clock_advance(host->pool, 12));
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(step.plan.now_at_ns, 12);
    CHECK_OK(berth_clock_advance(host->pool, 20));
    step.results[0].tokens_generated = 2;
    step.results[0].bytes = "ab";
    step.results[0].bytes_size = 2;
    pool_commit(host, &step);
    pool_plan(host, &step);
    CHECK_OK(berth_clock_advance(host->pool, 31));
    pool_commit_finished(host, &step);
    berth_outcome outcome = pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(outcome.submitted_at_ns, 5);
    assert_int_equal(outcome.admitted_at_ns, 12);
    assert_int_equal(outcome.first_output_at_ns, 20);
    assert_int_equal(outcome.ended_at_ns, 31);
    assert_int_equal(outcome.prompt_tokens, 30);
    assert_int_equal(outcome.tokens_computed, 31);
    assert_int_equal(outcome.tokens_generated, 2);
    assert_int_equal(outcome.band, BERTH_BAND_CRITICAL);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.bands[3].queue_ns_total, 7);
    assert_int_equal(stats.prompt_tokens_total, 30);
    assert_int_equal(stats.tokens_computed_total, 31);
    assert_int_equal(stats.tokens_generated_total, 2);
    assert_int_equal(stats.chunks_total, 1);
    assert_int_equal(stats.bytes_total, 2);
    assert_int_equal(stats.steps_total, 2);
    assert_int_equal(stats.running_peak, 1);
    pool_host_end(host);
}

static void the_json_has_the_keys_of_the_replaced_system(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 5;
    pool_host_start(host);
    pool_submit_band(host, 0);
    pool_submit_band(host, 0);
    berth_stats stats = pool_stats(host);
    size_t size = 0;
    CHECK(berth_stats_to_json(&stats, NULL, 0, &size), BERTH_ESPACE);
    assert_in_range(size, 100, 100000);
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '#', size + 1);
    size_t again = 0;
    CHECK(berth_stats_to_json(&stats, text, size, &again), BERTH_ESPACE);
    assert_int_equal(again, size);
    assert_int_equal(text[0], '#'); /* nothing was written */
    CHECK_OK(berth_stats_to_json(&stats, text, size + 1, &again));
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "\"scheduler_type\""));
    assert_non_null(strstr(text, "\"berth\""));
    assert_non_null(strstr(text, "\"active_workers\""));
    assert_non_null(strstr(text, "\"queued_tasks\""));
    assert_non_null(strstr(text, "\"available_capacity\""));
    assert_non_null(strstr(text, "\"total_capacity\""));
    free(text);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/seen", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name_and_message),
        cmocka_unit_test(the_version_is_that_of_the_header),
        cmocka_unit_test(outcomes_and_refusals_have_names_of_their_own),
        cmocka_unit_test(counters_add_up_at_every_event),
        cmocka_unit_test(moments_and_tokens_are_told_in_the_outcome),
        cmocka_unit_test(the_json_has_the_keys_of_the_replaced_system),
    };
    return cmocka_run_group_tests_name("api/seen", tests, NULL, NULL);
}
