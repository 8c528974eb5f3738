/* SPDX-License-Identifier: MIT */
/* berth_stats_to_json: its text is read back by jansson and held against the struct. */
#include "berth.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_SIZE 16384

/* A different number in every field, so that no two can be mistaken for each other. */
static berth_stats sample(void) {
    berth_stats stats;
    uint64_t *wide = (uint64_t *)(void *)&stats;
    memset(&stats, 0, sizeof stats);
    for (size_t i = 0; i < sizeof stats / sizeof *wide; i++) wide[i] = 1000 + i;
    stats.struct_size = sizeof stats;
    stats.face = BERTH_FACE_WORKER;
    stats.closed = 1;
    stats.broken = 0;
    stats.running = 5;
    stats.stopping = 2;
    stats.active_workers = 3;
    stats.worker_count = 4;
    stats.running_max = 64;
    stats.parked_max = 512;
    stats.band_count = 5;
    stats.resource_count = 2;
    for (uint32_t i = 0; i < BERTH_RESOURCES_MAX; i++)
        memset(stats.resources[i].name, 0, BERTH_NAME_SIZE);
    strcpy(stats.resources[0].name, "kv_blocks");
    strcpy(stats.resources[1].name, "sequences");
    return stats;
}

static json_t *read_back(const berth_stats *stats) {
    char text[TEXT_SIZE];
    size_t size = 0;
    json_error_t error;
    assert_int_equal(berth_stats_to_json(stats, text, sizeof text, &size), BERTH_OK);
    assert_int_equal(strlen(text), size);
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) fail_msg("%s: %s", error.text, text);
    return object;
}

static uint64_t number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) fail_msg("%s is no whole number", key);
    assert_true(json_integer_value(value) >= 0);
    return (uint64_t)json_integer_value(value);
}

static const char *string(const json_t *object, const char *key) {
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL) fail_msg("%s is no string", key);
    return value;
}

#define SAME(object, from, key) assert_int_equal(number(object, #key), (from)->key)

static void the_pool_s_fields_are_those_of_the_snapshot(void **state) {
    const berth_stats stats = sample();
    json_t *object = read_back(&stats);
    (void)state;
    assert_true(json_is_true(json_object_get(object, "closed")));
    assert_true(json_is_false(json_object_get(object, "broken")));
    assert_string_equal(string(object, "face"), "worker");
    SAME(object, &stats, now_at_ns);
    SAME(object, &stats, submitted_total);
    SAME(object, &stats, refused_total);
    SAME(object, &stats, admitted_total);
    SAME(object, &stats, ended_total);
    SAME(object, &stats, parked);
    SAME(object, &stats, running);
    SAME(object, &stats, stopping);
    SAME(object, &stats, running_peak);
    SAME(object, &stats, parked_peak);
    SAME(object, &stats, parked_size);
    SAME(object, &stats, retained);
    SAME(object, &stats, retained_dropped_total);
    SAME(object, &stats, chunks_total);
    SAME(object, &stats, chunks_dropped_total);
    SAME(object, &stats, bytes_total);
    SAME(object, &stats, prompt_tokens_total);
    SAME(object, &stats, tokens_computed_total);
    SAME(object, &stats, tokens_generated_total);
    SAME(object, &stats, steps_total);
    SAME(object, &stats, steps_failed_total);
    SAME(object, &stats, suspended);
    SAME(object, &stats, suspensions_total);
    SAME(object, &stats, preemptions_total);
    SAME(object, &stats, readmitted_total);
    SAME(object, &stats, tokens_recomputed_total);
    SAME(object, &stats, prefix_hit_tokens_total);
    SAME(object, &stats, prefix_evicted_total);
    SAME(object, &stats, prefix_truncated_total);
    SAME(object, &stats, prefix_blocks_held);
    SAME(object, &stats, prefix_blocks_cached);
    SAME(object, &stats, sets_held);
    SAME(object, &stats, backfills_total);
    SAME(object, &stats, codel_dropped_total);
    SAME(object, &stats, tickets);
    SAME(object, &stats, tickets_held);
    SAME(object, &stats, tickets_total);
    SAME(object, &stats, tickets_refused_total);
    SAME(object, &stats, tickets_expired_total);
    SAME(object, &stats, drain_interval_ns);
    SAME(object, &stats, active_workers);
    SAME(object, &stats, worker_count);
    SAME(object, &stats, running_max);
    SAME(object, &stats, parked_max);
    SAME(object, &stats, band_count);
    SAME(object, &stats, resource_count);
    json_decref(object);
}

static void the_keys_of_the_replaced_system_are_there(void **state) {
    const berth_stats stats = sample();
    json_t *object = read_back(&stats);
    (void)state;
    assert_string_equal(string(object, "scheduler_type"), "berth");
    assert_int_equal(number(object, "active_workers"), 3);
    assert_int_equal(number(object, "queued_tasks"), stats.parked);
    assert_int_equal(number(object, "available_capacity"), 64 - 5 - 2);
    assert_int_equal(number(object, "total_capacity"), 64);
    json_decref(object);
}

static void outcomes_and_refusals_go_by_name(void **state) {
    const berth_stats stats = sample();
    json_t *object = read_back(&stats);
    json_t *outcomes = json_object_get(object, "outcome_total");
    json_t *refusals = json_object_get(object, "refusal_total");
    (void)state;
    assert_int_equal(json_object_size(outcomes), BERTH_OUTCOME_COUNT - 1);
    for (uint32_t i = 1; i < BERTH_OUTCOME_COUNT; i++)
        assert_int_equal(number(outcomes, berth_outcome_name(i)), stats.outcome_total[i]);
    assert_int_equal(json_object_size(refusals), BERTH_REFUSAL_COUNT - 1);
    for (uint32_t i = 1; i < BERTH_REFUSAL_COUNT; i++)
        assert_int_equal(number(refusals, berth_refusal_name(i)), stats.refusal_total[i]);
    json_decref(object);
}

static void bands_are_an_array_with_number_and_name(void **state) {
    static const char *const names[] = {"low", "normal", "high", "critical", "5"};
    const berth_stats stats = sample();
    json_t *object = read_back(&stats);
    json_t *bands = json_object_get(object, "bands");
    (void)state;
    assert_int_equal(json_array_size(bands), 5);
    for (uint32_t i = 0; i < 5; i++) {
        const json_t *band = json_array_get(bands, i);
        const berth_band_stats *from = &stats.bands[i];
        assert_int_equal(number(band, "band"), i + 1);
        assert_string_equal(string(band, "name"), names[i]);
        SAME(band, from, submitted_total);
        SAME(band, from, refused_total);
        SAME(band, from, ended_total);
        SAME(band, from, parked);
        SAME(band, from, running);
        SAME(band, from, stopping);
        SAME(band, from, parked_size);
        SAME(band, from, queue_ns_total);
        SAME(band, from, admitted_total);
        SAME(band, from, preemptions_total);
        SAME(band, from, service_gap);
        SAME(band, from, codel_dropped_total);
        SAME(band, from, predicted_wait_ns);
        assert_int_equal(json_object_size(band), 15);
    }
    json_decref(object);
}

static void resources_are_an_array_with_name(void **state) {
    const berth_stats stats = sample();
    json_t *object = read_back(&stats);
    json_t *resources = json_object_get(object, "resources");
    (void)state;
    assert_int_equal(json_array_size(resources), 2);
    for (uint32_t i = 0; i < 2; i++) {
        const json_t *resource = json_array_get(resources, i);
        const berth_resource_stats *from = &stats.resources[i];
        assert_string_equal(string(resource, "name"), from->name);
        SAME(resource, from, capacity_units);
        SAME(resource, from, used_units);
        SAME(resource, from, used_units_peak);
        SAME(resource, from, overdraft_units);
        SAME(resource, from, parked_units);
        assert_int_equal(json_object_size(resource), 6);
    }
    json_decref(object);
}

static void the_order_of_keys_is_that_of_the_struct(void **state) {
    static const char *const order[] = {
        "\"scheduler_type\"",    "\"face\"",          "\"submitted_total\"",
        "\"outcome_total\"",     "\"refusal_total\"", "\"retained\"",
        "\"drain_interval_ns\"", "\"queued_tasks\"",  "\"available_capacity\"",
        "\"total_capacity\"",    "\"bands\"",         "\"resources\""};
    const berth_stats stats = sample();
    char text[TEXT_SIZE];
    (void)state;
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, NULL), BERTH_OK);
    const char *at = text;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (at == NULL) fail_msg("%s is missing or too early", order[i]);
    }
}

static uint64_t sum(const json_t *object) {
    const char *key;
    json_t *value;
    uint64_t total = 0;
    json_object_foreach((json_t *)object, key, value) total += (uint64_t)json_integer_value(value);
    return total;
}

static void the_counters_law_can_be_checked_from_the_text(void **state) {
    (void)state;
    berth_stats stats = sample();
    memset(stats.outcome_total, 0, sizeof stats.outcome_total);
    memset(stats.refusal_total, 0, sizeof stats.refusal_total);
    stats.outcome_total[BERTH_OUTCOME_COMPLETED] = 60;
    stats.outcome_total[BERTH_OUTCOME_INTERNAL] = 7;
    stats.refusal_total[BERTH_REFUSAL_CLOSED] = 1;
    stats.refusal_total[BERTH_REFUSAL_SLOTS] = 20;
    stats.ended_total = 67;
    stats.refused_total = 21;
    stats.parked = 5;
    stats.submitted_total = 100;

    json_t *object = read_back(&stats);
    assert_int_equal(number(object, "submitted_total"),
                     number(object, "refused_total") + number(object, "parked") +
                         number(object, "running") + number(object, "stopping") +
                         number(object, "ended_total"));
    assert_int_equal(sum(json_object_get(object, "outcome_total")), number(object, "ended_total"));
    assert_int_equal(sum(json_object_get(object, "refusal_total")),
                     number(object, "refused_total"));
    json_decref(object);
}

static void a_counter_too_large_for_json_is_the_largest_number_never_negative(void **state) {
    (void)state;
    berth_stats stats = sample();
    stats.bytes_total = UINT64_MAX;
    stats.now_at_ns = UINT64_C(1) << 63;
    stats.steps_total = (UINT64_C(1) << 63) - 1;
    json_t *object = read_back(&stats);
    const uint64_t largest = (UINT64_C(1) << 63) - 1;
    assert_true(number(object, "bytes_total") == largest);
    assert_true(number(object, "now_at_ns") == largest);
    assert_true(number(object, "steps_total") == largest);
    json_decref(object);
}

static void free_capacity_never_wraps(void **state) {
    (void)state;
    berth_stats stats = sample();
    stats.running = 60;
    stats.stopping = 5;
    json_t *object = read_back(&stats);
    assert_int_equal(number(object, "available_capacity"), 0);
    json_decref(object);
    stats.stopping = 4;
    object = read_back(&stats);
    assert_int_equal(number(object, "available_capacity"), 0);
    json_decref(object);
}

static void a_pool_without_resources_has_an_empty_array(void **state) {
    (void)state;
    berth_stats stats = sample();
    stats.resource_count = 0;
    json_t *object = read_back(&stats);
    assert_true(json_is_array(json_object_get(object, "resources")));
    assert_int_equal(json_array_size(json_object_get(object, "resources")), 0);
    json_decref(object);
}

static void too_small_a_buffer_is_left_alone_and_told_the_size(void **state) {
    const berth_stats stats = sample();
    size_t needed = 0;
    (void)state;
    assert_int_equal(berth_stats_to_json(&stats, NULL, 0, &needed), BERTH_ESPACE);
    assert_true(needed > 1000);
    assert_int_equal(berth_stats_to_json(&stats, NULL, 0, NULL), BERTH_ESPACE);

    char *buffer = malloc(needed + 1);
    char *untouched = malloc(needed + 1);
    assert_non_null(buffer);
    assert_non_null(untouched);
    memset(buffer, 0x5A, needed + 1);
    memset(untouched, 0x5A, needed + 1);
    size_t size = 0;
    assert_int_equal(berth_stats_to_json(&stats, buffer, needed, &size), BERTH_ESPACE);
    assert_int_equal(size, needed);
    assert_memory_equal(buffer, untouched, needed + 1);

    assert_int_equal(berth_stats_to_json(&stats, buffer, needed + 1, &size), BERTH_OK);
    assert_int_equal(size, needed);
    assert_int_equal(buffer[needed], '\0');
    assert_int_equal(strlen(buffer), needed);
    free(buffer);
    free(untouched);
}

static void malformed_arguments_are_refused(void **state) {
    char text[TEXT_SIZE] = "x";
    size_t size = 7;
    (void)state;
    assert_int_equal(berth_stats_to_json(NULL, text, sizeof text, &size), BERTH_EINVAL);
    assert_int_equal(size, 0);
    berth_stats stats = sample();
    assert_int_equal(berth_stats_to_json(&stats, NULL, 1, &size), BERTH_EINVAL);
    stats.struct_size = offsetof(berth_stats, resources);
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    stats = sample();
    stats.face = 3;
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    stats = sample();
    stats.band_count = 9;
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    stats = sample();
    stats.resource_count = 9;
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    stats = sample();
    memset(stats.resources[1].name, 'a', BERTH_NAME_SIZE);
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    stats.resources[1].name[0] = '\xff';
    stats.resources[1].name[1] = '\0';
    assert_int_equal(berth_stats_to_json(&stats, text, sizeof text, &size), BERTH_EINVAL);
    assert_int_equal(text[0], 'x');
}

/* ---- Memory that runs out ---- */

static long allocations_left = -1; /* -1: no limit */
static int fail_once;

/* jansson's own hook, in this test only: it reaches what the linker's wrapping cannot, as jansson
 * is another library. */
static void *limited_malloc(size_t size) {
    if (allocations_left == 0) {
        if (fail_once) allocations_left = -1;
        return NULL;
    }
    if (allocations_left > 0) allocations_left--;
    return malloc(size);
}

static void every_allocation_that_fails_is_enomem(void **state) {
    const berth_stats stats = sample();
    char whole[TEXT_SIZE];
    char text[TEXT_SIZE];
    (void)state;
    assert_int_equal(berth_stats_to_json(&stats, whole, sizeof whole, NULL), BERTH_OK);
    json_set_alloc_funcs(limited_malloc, free);
    for (fail_once = 0; fail_once < 2; fail_once++) {
        berth_status status = BERTH_ENOMEM;
        long count = 0;
        for (; status != BERTH_OK && count < 10000; count++) {
            size_t size = 7;
            memset(text, '#', sizeof text);
            allocations_left = count;
            status = berth_stats_to_json(&stats, text, sizeof text, &size);
            if (status == BERTH_OK) break;
            assert_int_equal(status, BERTH_ENOMEM);
            assert_int_equal(size, 0);
            for (size_t i = 0; i < sizeof text; i++) assert_int_equal(text[i], '#');
        }
        assert_int_equal(status, BERTH_OK);
        assert_string_equal(text, whole);
        assert_true(count > 200); /* more allocations than there are numbers */
    }
    allocations_left = -1;
    json_set_alloc_funcs(malloc, free);
}

static void reading_options_allocates_nothing(void **state) {
    const char *text = "{\"resources\": {\"a_rather_long_name\": {\"capacity_units\": 12345678}}}";
    berth_options options = {.struct_size = sizeof options};
    (void)state;
    json_set_alloc_funcs(limited_malloc, free);
    allocations_left = 0;
    fail_once = 0;
    const berth_status status = berth_options_from_json(&options, text, strlen(text), NULL);
    allocations_left = -1;
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(status, BERTH_OK);
    assert_int_equal(options.resources[0].capacity_units, 12345678);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_s_fields_are_those_of_the_snapshot),
        cmocka_unit_test(the_keys_of_the_replaced_system_are_there),
        cmocka_unit_test(outcomes_and_refusals_go_by_name),
        cmocka_unit_test(bands_are_an_array_with_number_and_name),
        cmocka_unit_test(resources_are_an_array_with_name),
        cmocka_unit_test(the_order_of_keys_is_that_of_the_struct),
        cmocka_unit_test(the_counters_law_can_be_checked_from_the_text),
        cmocka_unit_test(a_counter_too_large_for_json_is_the_largest_number_never_negative),
        cmocka_unit_test(free_capacity_never_wraps),
        cmocka_unit_test(a_pool_without_resources_has_an_empty_array),
        cmocka_unit_test(too_small_a_buffer_is_left_alone_and_told_the_size),
        cmocka_unit_test(malformed_arguments_are_refused),
        cmocka_unit_test(every_allocation_that_fails_is_enomem),
        cmocka_unit_test(reading_options_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
