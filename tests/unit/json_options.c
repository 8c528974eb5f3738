/* SPDX-License-Identifier: MIT */
/* berth_options_from_json: every key, partial sections, every error with its place. */
#include "base/first.h"
#include "core/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static berth_options defaults(void) {
    berth_options options;
    berth__options_default(&options);
    return options;
}

/* Defaults with two resources and a band's limits, as a host may have set them. */
static berth_options with_resources(void) {
    berth_options options = defaults();
    strcpy(options.resources[0].name, "kv_blocks");
    options.resources[0].capacity_units = 100;
    options.resources[0].parked_units_max = 1000;
    strcpy(options.resources[1].name, "sequences");
    options.resources[1].capacity_units = 8;
    options.resource_count = 2;
    options.bands[1].parked_max = 5;
    options.bands[1].parked_size_max = 6;
    options.bands[1].parked_units_max[0] = 7;
    options.queue_ns_max = 9;
    return options;
}

/* The text in memory of exactly its size, so that AddressSanitizer sees a byte too many. */
static berth_status read_exact(berth_options *options, const char *text, size_t size,
                               berth_config_error *error) {
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    const berth_status status = berth_options_from_json(options, copy, size, error);
    free(copy);
    return status;
}

static void must_read(berth_options *options, const char *text) {
    berth_config_error error;
    memset(&error, 0x5A, sizeof error);
    error.struct_size = sizeof error;
    if (read_exact(options, text, strlen(text), &error) != BERTH_OK)
        fail_msg("%s: %u:%u %s: %s", text, error.line, error.column, error.path, error.message);

    const berth_config_error clear = {.struct_size = sizeof error};
    assert_memory_equal(&error, &clear, sizeof error);
}

static void every_number_can_be_set(void **state) {
    static const struct {
        const char *key;
        size_t offset;
        size_t size;
        uint64_t value;
    } cases[] = {
#define NUMBER(key, value)                                                                         \
    {#key, offsetof(berth_options, key), sizeof(((berth_options *)0)->key), value}
        NUMBER(running_max, 63),
        NUMBER(parked_max, 1000),
        NUMBER(ended_max, 99),
        NUMBER(parked_size_max, UINT64_C(9223372036854775807)),
        NUMBER(band_count, 7),
        NUMBER(band_default, 3),
        NUMBER(resource_count, 2),
        NUMBER(mailbox_size, 512),
        NUMBER(mailboxes_max, 400),
        NUMBER(queue_ns_max, UINT64_C(5000000000)),
        NUMBER(seed, UINT64_C(4294967296)),
        NUMBER(tenants_max, 9),
        NUMBER(displace, 1),
        NUMBER(sets_max, 5),
#undef NUMBER
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        berth_options options = with_resources();
        berth_options expected = options;
        const uint32_t narrow = (uint32_t)cases[i].value;
        char text[128];
        snprintf(text, sizeof text, "{\"%s\": %llu}", cases[i].key,
                 (unsigned long long)cases[i].value);
        must_read(&options, text);

        unsigned char *field = (unsigned char *)&expected + cases[i].offset;
        if (cases[i].size == 4)
            memcpy(field, &narrow, sizeof narrow);
        else
            memcpy(field, &cases[i].value, sizeof cases[i].value);
        assert_memory_equal(&options, &expected, sizeof options);
    }
}

static void what_is_shared_can_be_set(void **state) {
    (void)state;
    berth_options options = with_resources();
    berth_options expected = options;
    must_read(&options, "{\"kv_block_tokens\": 16, \"prefix_blocks_max\": 4096, \"sets_max\": 2,"
                        " \"prefix_owner\": \"engine\", \"set_resource\": 1}");
    expected.kv_block_tokens = 16;
    expected.prefix_blocks_max = 4096;
    expected.prefix_owner = BERTH_PREFIX_ENGINE;
    expected.sets_max = 2;
    expected.set_resource = 1;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void faces_clocks_and_workers_can_be_set(void **state) {
    (void)state;
    berth_options options = defaults();
    berth_options expected = options;
    must_read(&options, "{\"face\": \"worker\", \"clock\": \"system\", \"worker_count\": 3,"
                        " \"worker_stack_size\": 65536}");
    expected.face = BERTH_FACE_WORKER;
    expected.worker_count = 3;
    expected.worker_stack_size = 65536;
    assert_memory_equal(&options, &expected, sizeof options);

    options = defaults();
    must_read(&options, "{\"face\": \"gate\", \"clock\": \"virtual\"}");
    assert_int_equal(options.face, BERTH_FACE_GATE);
    assert_int_equal(options.clock, BERTH_CLOCK_VIRTUAL);
    must_read(&options, "{\"face\": \"engine\", \"clock\": \"system\"}");
    assert_int_equal(options.face, BERTH_FACE_ENGINE);
    assert_int_equal(options.clock, BERTH_CLOCK_SYSTEM);
}

static void keys_can_be_set(void **state) {
    (void)state;
    berth_options options = defaults();
    berth_options expected = options;
    must_read(&options,
              "{\"keys_max\": 9, \"keys_tenant_max\": 3, \"keys_size_max\": 65536,"
              " \"keys_grace_ns\": 5, \"keys_retain_ns\": 7, \"keys_retain_from\": \"end\"}");
    expected.keys_max = 9;
    expected.keys_tenant_max = 3;
    expected.keys_size_max = 65536;
    expected.keys_grace_ns = 5;
    expected.keys_retain_ns = 7;
    expected.keys_retain_from = BERTH_RETAIN_END;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void resources_can_be_an_array(void **state) {
    (void)state;
    berth_options options = defaults();
    must_read(&options,
              "{\"resources\": [{\"name\": \"a\", \"capacity_units\": 5, \"parked_units_max\": 6},"
              " {\"capacity_units\": 7, \"name\": \"b_2\"}]}");
    assert_int_equal(options.resource_count, 2);
    assert_string_equal(options.resources[0].name, "a");
    assert_int_equal(options.resources[0].capacity_units, 5);
    assert_int_equal(options.resources[0].parked_units_max, 6);
    assert_string_equal(options.resources[1].name, "b_2");
    assert_int_equal(options.resources[1].capacity_units, 7);
    assert_int_equal(options.resources[1].parked_units_max, 0);
}

static void resources_can_be_an_object_in_order_of_the_text(void **state) {
    (void)state;
    berth_options options = with_resources();
    must_read(&options, "{\"resources\": {\"z\": {\"capacity_units\": 1},"
                        " \"sequences\": {\"parked_units_max\": 3},"
                        " \"a\": {\"capacity_units\": 2, \"parked_units_max\": 4}}}");
    berth_options expected = with_resources();
    expected.resource_count = 4;
    expected.resources[1].parked_units_max = 3;
    strcpy(expected.resources[2].name, "z");
    expected.resources[2].capacity_units = 1;
    strcpy(expected.resources[3].name, "a");
    expected.resources[3].capacity_units = 2;
    expected.resources[3].parked_units_max = 4;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void a_resource_of_an_array_can_be_renamed_and_fewer_do_not_remove(void **state) {
    (void)state;
    berth_options options = with_resources();
    berth_options expected = with_resources();
    must_read(&options, "{\"resources\": [{\"name\": \"kv\"}]}");
    memset(expected.resources[0].name, 0, sizeof expected.resources[0].name);
    strcpy(expected.resources[0].name, "kv");
    assert_memory_equal(&options, &expected, sizeof options);
}

static void kv_that_grows_is_set_by_name(void **state) {
    berth_options options = with_resources();
    (void)state;
    must_read(&options, "{\"kv_block_tokens\": 16, \"kv_mode\": \"optimistic\","
                        " \"kv_watermark_ppm\": 20000, \"victim\": \"cheapest\","
                        " \"preempt_max\": 3, \"preempt_pause_steps\": 2}");
    assert_int_equal(options.kv_mode, BERTH_KV_OPTIMISTIC);
    assert_int_equal(options.kv_watermark_ppm, 20000);
    assert_int_equal(options.victim, BERTH_VICTIM_CHEAPEST);
    assert_int_equal(options.preempt_max, 3);
    assert_int_equal(options.preempt_pause_steps, 2);
    must_read(&options, "{\"victim\": \"least_computed\", \"kv_mode\": \"future_peak\"}");
    assert_int_equal(options.kv_mode, BERTH_KV_FUTURE_PEAK);
    assert_int_equal(options.victim, BERTH_VICTIM_LEAST_COMPUTED);
    must_read(&options, "{\"kv_mode\": \"worst_case\", \"kv_watermark_ppm\": 0, \"preempt_max\": 0,"
                        " \"victim\": \"newest\", \"preempt_pause_steps\": 0}");
    assert_int_equal(options.kv_mode, BERTH_KV_WORST_CASE);
    must_read(&options, "{\"kv_mode\": \"ratio\", \"kv_ratio_ppm\": 5, \"kv_ratio_floor_ppm\": 6,"
                        " \"kv_ratio_decay_steps\": 7}");
    assert_int_equal(options.kv_ratio_ppm, 5);
    assert_int_equal(options.kv_ratio_floor_ppm, 6);
    assert_int_equal(options.kv_ratio_decay_steps, 7);
    options = with_resources();
    must_read(&options,
              "{\"kv_block_tokens\": 1, \"kv_mode\": \"predicted\", \"kv_quantile_ppm\": 8,"
              " \"tenants_max\": 5, \"kv_lengths_max\": 9}");
    assert_int_equal(options.kv_quantile_ppm, 8);
    assert_int_equal(options.kv_lengths_max, 9);
}

static void fit_is_set_by_name(void **state) {
    berth_options options = defaults();
    (void)state;
    must_read(&options, "{\"fit\": \"easy\", \"look_max\": 8, \"overtake_max\": 100,"
                        " \"overtake_ns_max\": 5000000000}");
    assert_int_equal(options.fit, BERTH_FIT_EASY);
    assert_int_equal(options.look_max, 8);
    assert_int_equal(options.overtake_max, 100);
    assert_int_equal(options.overtake_ns_max, 5000000000);
    must_read(&options, "{\"fit\": \"first\"}");
    assert_int_equal(options.fit, BERTH_FIT_FIRST);
}

static void what_a_step_has_room_for_is_set(void **state) {
    berth_options options = with_resources();
    (void)state;
    must_read(&options, "{\"running_max\": 8, \"step_tokens\": 512, \"prefill_tokens_max\": 256,"
                        " \"draft_tokens\": 3, \"steps_max\": 2}");
    assert_int_equal(options.step_tokens, 512);
    assert_int_equal(options.prefill_tokens_max, 256);
    assert_int_equal(options.draft_tokens, 3);
    assert_int_equal(options.steps_max, 2);
}

static void overload_is_set_by_name(void **state) {
    berth_options options = defaults();
    (void)state;
    must_read(&options, "{\"tickets_max\": 7, \"ticket_ns\": 8}");
    assert_int_equal(options.tickets_max, 7);
    assert_int_equal(options.ticket_ns, 8);
    must_read(&options,
              "{\"wait_ppm\": 800000, \"bands\": {\"low\": {\"codel_target_ns\": 200000000,"
              " \"codel_interval_ns\": 2000000000}}}");
    assert_int_equal(options.wait_ppm, 800000);
    assert_int_equal(options.bands[0].codel_target_ns, 200000000);
    assert_int_equal(options.bands[0].codel_interval_ns, 2000000000);
}

static void kv_cost_can_be_set_by_name_before_the_resources_stand(void **state) {
    (void)state;
    berth_options options = defaults();
    must_read(&options, "{\"kv_resource\": \"kv\", \"kv_block_tokens\": 16, \"kv_block_units\": 2,"
                        " \"resources\": [{\"name\": \"seq\", \"capacity_units\": 1},"
                        " {\"name\": \"kv\", \"capacity_units\": 9}]}");
    assert_int_equal(options.kv_resource, 1);
    assert_int_equal(options.kv_block_tokens, 16);
    assert_int_equal(options.kv_block_units, 2);
    must_read(&options, "{\"kv_resource\": 0}");
    assert_int_equal(options.kv_resource, 0);
    must_read(&options, "{\"kv_resource\": \"\\u006bv\"}");
    assert_int_equal(options.kv_resource, 1);
}

static void bands_can_be_an_array(void **state) {
    (void)state;
    berth_options options = with_resources();
    berth_options expected = with_resources();
    must_read(&options, "{\"bands\": [{\"parked_max\": 1}, {}, {\"parked_size_max\": 2,"
                        " \"parked_units_max\": [3, 4]}]}");
    expected.bands[0].parked_max = 1;
    expected.bands[2].parked_size_max = 2;
    expected.bands[2].parked_units_max[0] = 3;
    expected.bands[2].parked_units_max[1] = 4;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void bands_can_be_an_object_by_name_or_number(void **state) {
    (void)state;
    berth_options options = with_resources();
    berth_options expected = with_resources();
    must_read(&options, "{\"band_count\": 8, \"bands\": {\"8\": {\"parked_max\": 80},"
                        " \"low\": {\"parked_max\": 10}, \"normal\": {\"parked_max\": 20},"
                        " \"high\": {\"parked_max\": 30}, \"critical\": {\"parked_max\": 40},"
                        " \"5\": {\"parked_units_max\": {\"sequences\": 50}}}}");
    expected.band_count = 8;
    for (uint32_t band = 0; band < 4; band++) expected.bands[band].parked_max = 10 * (band + 1);
    expected.bands[4].parked_units_max[1] = 50;
    expected.bands[7].parked_max = 80;
    assert_memory_equal(&options, &expected, sizeof options);
}

static void who_goes_next_can_be_set(void **state) {
    (void)state;
    berth_options options = with_resources();
    berth_options expected = with_resources();
    must_read(&options,
              "{\"fairness\": \"vtc\", \"vtc_prompt_weight\": 3, \"vtc_output_weight\": 4,"
              " \"order\": \"shortest\", \"order_displaced_max\": 5,"
              " \"bands\": {\"low\": {\"bypass\": 1, \"ceiling_ppm\": 500000,"
              " \"aging_ns\": 7}, \"normal\": {\"share_ppm\": 6}},"
              " \"tenant_defaults\": {\"weight\": 8, \"parked_max\": 9,"
              " \"running_max\": 10, \"rate_burst\": 11, \"rate_ns\": 12,"
              " \"units_max\": {\"sequences\": 13}}}");
    expected.fairness = BERTH_FAIRNESS_VTC;
    expected.vtc_prompt_weight = 3;
    expected.vtc_output_weight = 4;
    expected.order = BERTH_ORDER_SHORTEST;
    expected.order_displaced_max = 5;
    expected.bands[0].bypass = 1;
    expected.bands[0].ceiling_ppm = 500000;
    expected.bands[0].aging_ns = 7;
    expected.bands[1].share_ppm = 6;
    expected.tenant_defaults = (berth_tenant_options){.weight = 8,
                                                      .parked_max = 9,
                                                      .running_max = 10,
                                                      .rate_burst = 11,
                                                      .rate_ns = 12,
                                                      .units_max = {0, 13}};
    assert_memory_equal(&options, &expected, sizeof options);
    static const char *const orders[] = {"arrival", "deadline", "shortest", "prefix", "rank"};
    for (uint32_t order = 0; order < 5; order++) {
        char text[64];
        options = with_resources();
        options.kv_block_tokens = 1;
        options.prefix_blocks_max = 1;
        snprintf(text, sizeof text, "{\"order\": \"%s\"}", orders[order]);
        must_read(&options, text);
        assert_int_equal(options.order, order);
    }
}

static void a_partial_section_resets_nothing(void **state) {
    static const char *const texts[] = {
        "{}",
        " {\"bands\": {}, \"resources\": {}} ",
        "{\"bands\": [], \"resources\": []}",
        "{\"bands\": [{}, {}, {}], \"resources\": [{}, {}]}",
        "{\"bands\": {\"normal\": {}}, \"resources\": {\"sequences\": {}}}",
        "{\"bands\": {\"normal\": {\"parked_units_max\": {}}}}",
        "{\"bands\": {\"2\": {\"parked_units_max\": []}}}",
        "{\"resource_count\": 2, \"queue_ns_max\": 9}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        berth_options options = with_resources();
        const berth_options expected = with_resources();
        must_read(&options, texts[i]);
        assert_memory_equal(&options, &expected, sizeof options);
    }
}

static void a_field_set_to_zero_is_set(void **state) {
    (void)state;
    berth_options options = with_resources();
    must_read(&options, "{\"bands\": [{}, {\"parked_max\": 0, \"parked_units_max\": [0]}],"
                        " \"queue_ns_max\": 0}");
    assert_int_equal(options.bands[1].parked_max, 0);
    assert_int_equal(options.bands[1].parked_units_max[0], 0);
    assert_int_equal(options.bands[1].parked_size_max, 6);
    assert_int_equal(options.queue_ns_max, 0);
}

/* ---- Errors ---- */

typedef struct wrong {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *path;
    const char *message; /* the whole, or its beginning where it ends in "..." */
} wrong;

static void check_wrong(const wrong *one) {
    const berth_options before = with_resources();
    berth_options options = before;
    berth_config_error error;
    memset(&error, 0x5A, sizeof error);
    error.struct_size = sizeof error;
    const berth_status status = read_exact(&options, one->text, strlen(one->text), &error);

    const char *dots = strstr(one->message, "...");
    const size_t size = dots != NULL ? (size_t)(dots - one->message) : strlen(one->message) + 1;
    if (status != BERTH_ECONFIG || error.line != one->line || error.column != one->column ||
        strcmp(error.path, one->path) != 0 || strncmp(error.message, one->message, size) != 0)
        fail_msg("%s: status %d, %u:%u '%s' '%s'", one->text, (int)status, error.line, error.column,
                 error.path, error.message);
    assert_int_equal(error.reserved, 0);
    assert_memory_equal(&options, &before, sizeof options);
}

#define CHECK_ALL(cases)                                                                           \
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_wrong(&cases[i])

static void broken_syntax_is_named_with_its_place(void **state) {
    static const wrong cases[] = {
        {"", 1, 1, "", "unexpected end of the text"},
        {"{\"running_max\": 4,\n \"parked_max\": }", 2, 16, "", "expected a value"},
        {"{\"running_max\": 4} x", 1, 20, "", "expected the end of the text"},
        {"{\"running_max\": 4 // no\n}", 1, 19, "", "expected ',' or '}'"},
        {"{\"nonsense\": 1, \"seed\": 01}", 1, 26, "", "a number does not begin with 0"},
        {"{\"seed\": \"\\u0000\"}", 1, 11, "", "NUL is not allowed in a string"},
        {"{\"\xc3\xa9\": 1, \xff}", 1, 11, "", "expected a key in quotes"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void unknown_keys_are_errors_at_every_depth(void **state) {
    static const wrong cases[] = {
        {"{\"running\": 4}", 1, 2, "running", "unknown key"},
        {"{\"struct_size\": 4}", 1, 2, "struct_size", "unknown key"},
        {"{\"reserved1\": 0}", 1, 2, "reserved1", "unknown key"},
        {"{\"running_max\": 4,\n\n  \"Seed\": 1}", 3, 3, "Seed", "unknown key"},
        {"{\"\": 4}", 1, 2, "", "unknown key"},
        {"{\"a\\nb\\u00e9\": 4}", 1, 2, "a?b??", "unknown key"},
        {"{\"bands\": [{}, {\"parked\": 1}]}", 1, 17, "bands[1].parked", "unknown key"},
        {"{\"bands\": {\"high\": {\"reserved\": 0}}}", 1, 21, "bands.high.reserved", "unknown key"},
        {"{\"bands\": {\"urgent\": {}}}", 1, 12, "bands.urgent",
         "expected low, normal, high, critical, or 1 to 8"},
        {"{\"bands\": {\"0\": {}}}", 1, 12, "bands.0",
         "expected low, normal, high, critical, or 1 to 8"},
        {"{\"bands\": {\"9\": {}}}", 1, 12, "bands.9",
         "expected low, normal, high, critical, or 1 to 8"},
        {"{\"bands\": {\"low\": {\"parked_units_max\": {\"gpu\": 1}}}}", 1, 41,
         "bands.low.parked_units_max.gpu", "no resource has this name"},
        {"{\"resources\": [{\"units\": 1}]}", 1, 17, "resources[0].units", "unknown key"},
        {"{\"resources\": {\"kv_blocks\": {\"name\": \"x\"}}}", 1, 30, "resources.kv_blocks.name",
         "unknown key"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void repeated_keys_are_errors_at_every_depth_where_they_stand_again(void **state) {
    static const wrong cases[] = {
        {"{\"seed\": 1,\n \"seed\": 1}", 2, 2, "seed", "this key was given before"},
        {"{\"seed\": 1, \"s\\u0065ed\": 2}", 1, 13, "seed", "this key was given before"},
        {"{\"resources\": [], \"resources\": []}", 1, 19, "resources", "this key was given before"},
        {"{\"bands\": [{\"parked_max\": 1, \"parked_max\": 1}]}", 1, 30, "bands[0].parked_max",
         "this key was given before"},
        {"{\"bands\": {\"low\": {},\n\"low\": {}}}", 2, 1, "bands.low",
         "this key was given before"},
        {"{\"bands\": {\"low\": {}, \"1\": {}}}", 1, 23, "bands.1", "this key was given before"},
        {"{\"bands\": {\"low\": {\"parked_units_max\": {\"sequences\": 1, \"sequences\": 2}}}}", 1,
         57, "bands.low.parked_units_max.sequences", "this key was given before"},
        {"{\"resources\": {\"a\": {\"capacity_units\": 1}, \"a\": {}}}", 1, 44, "resources.a",
         "this key was given before"},
        {"{\"resources\": [{\"name\": \"a\", \"name\": \"a\"}]}", 1, 30, "resources[0].name",
         "this key was given before"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void wrong_types_are_named_with_what_was_expected(void **state) {
    static const wrong cases[] = {
        {" [1]", 1, 2, "", "expected an object, got an array"},
        {"null", 1, 1, "", "expected an object, got null"},
        {"{\"seed\": \"1\"}", 1, 2, "seed",
         "expected a whole number from 0 to 9223372036854775807, got \"1\""},
        {"{\"running_max\": null}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got null"},
        {"{\"running_max\": true}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got true"},
        {"{\"running_max\": false}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got false"},
        {"{\"running_max\": {}}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got an object"},
        {"{\"face\": 1}", 1, 2, "face", "expected \"engine\", \"worker\" or \"gate\", got 1"},
        {"{\"face\": \"Engine\"}", 1, 2, "face",
         "expected \"engine\", \"worker\" or \"gate\", got \"Engine\""},
        {"{\"clock\": \"wall\"}", 1, 2, "clock",
         "expected \"system\" or \"virtual\", got \"wall\""},
        {"{\"bands\": 4}", 1, 2, "bands", "expected an array or an object of bands, got 4"},
        {"{\"bands\": [{}, null]}", 1, 16, "bands[1]", "expected an object, got null"},
        {"{\"bands\": {\"high\": 3}}", 1, 12, "bands.high", "expected an object, got 3"},
        {"{\"bands\": [{\"parked_units_max\": 3}]}", 1, 13, "bands[0].parked_units_max",
         "expected an array of numbers or an object by resource, got 3"},
        {"{\"bands\": [{\"parked_units_max\": [1, []]}]}", 1, 37, "bands[0].parked_units_max[1]",
         "expected a whole number from 0 to 9223372036854775807, got an array"},
        {"{\"resources\": \"kv\"}", 1, 2, "resources",
         "expected an array or an object of resources, got \"kv\""},
        {"{\"resources\": [[]]}", 1, 16, "resources[0]", "expected an object, got an array"},
        {"{\"resources\": [{\"name\": 1}]}", 1, 17, "resources[0].name",
         "expected 1 to 31 lower case letters, digits or '_', got 1"},
        {"{\"kv_resource\": []}", 1, 2, "kv_resource",
         "expected the name of a resource or its index, got an array"},
        {"{\"kv_resource\": \"gpu\"}", 1, 2, "kv_resource",
         "expected the name of a resource, got \"gpu\""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void numbers_out_of_range_are_errors(void **state) {
    static const wrong cases[] = {
        {"{\"running_max\": -1}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got -1"},
        {"{\"running_max\": 1.5}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got 1.5"},
        {"{\"running_max\": 1e3}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got 1e3"},
        {"{\"running_max\": 4294967296}", 1, 2, "running_max",
         "expected a whole number from 0 to 4294967295, got 4294967296"},
        {"{\"seed\": 9223372036854775808}", 1, 2, "seed",
         "expected a whole number from 0 to 9223372036854775807, got 9223372036854775808"},
        {"{\"seed\": 123456789012345678901234567890123456789012345678901234567890}", 1, 2, "seed",
         "expected a whole number from 0 to 9223372036854775807, got "
         "1234567890123456789012345678901234567890"},
        {"{\"resources\": {\"a\": {\"capacity_units\": 0}}}", 1, 22, "resources.a.capacity_units",
         "expected a whole number from 1 to 9223372036854775807, got 0"},
        {"{\"kv_resource\": 8}", 1, 2, "kv_resource",
         "expected the name of a resource or its index, got 8"},
        {"{\"bands\": [{},{},{},{},{},{},{},{},{}]}", 1, 36, "bands[8]",
         "there are at most 8 of these"},
        {"{\"resources\": [{},{},{},{},{},{},{},{},{}]}", 1, 40, "resources[8]",
         "there are at most 8 of these"},
        {"{\"bands\": [{\"parked_units_max\": [0,0,0,0,0,0,0,0,0]}]}", 1, 50,
         "bands[0].parked_units_max[8]", "there are at most 8 of these"},
        {"{\"resources\": {\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":{},\"f\":{},\"g\":{}}}", 1, 58,
         "resources.g", "there are at most 8 resources"},
        {"{\"resources\": {\"abcdefghijklmnopqrstuvwxyz_01234\": {}}}", 1, 16,
         "resources.abcdefghijklmnopqrstuvwxyz_01234",
         "expected 1 to 31 lower case letters, digits or '_'"},
        {"{\"resources\": {\"\": {}}}", 1, 16, "resources.",
         "expected 1 to 31 lower case letters, digits or '_'"},
        {"{\"resources\": [{\"name\": \"abcdefghijklmnopqrstuvwxyz_01234\"}]}", 1, 17,
         "resources[0].name",
         "expected 1 to 31 lower case letters, digits or '_', got "
         "\"abcdefghijklmnopqrstuvwxyz_01234\""},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void what_options_check_finds_is_named_with_the_place_in_the_text(void **state) {
    static const wrong cases[] = {
        {"{\"seed\": 1,\n \"running_max\": 1048577}", 2, 2, "running_max", "expected 0 or..."},
        {"{\"mailbox_size\": 300}", 1, 2, "mailbox_size", "..."},
        {"{\"band_count\": 2, \"band_default\": 3}", 1, 19, "band_default", "..."},
        {"{\"worker_count\": 2}", 1, 2, "worker_count", "..."},
        {"{\"clock\": \"virtual\",\n\"face\": \"worker\"}", 1, 2, "clock", "..."},
        {"{\"resources\": [{}, {\"name\": \"UPPER\"}]}", 1, 21, "resources[1].name", "..."},
        {"{\"resources\": [{}, {\"name\": \"\"}]}", 1, 21, "resources[1].name", "..."},
        {"{\"resources\": [{}, {\"name\": \"kv_blocks\"}]}", 1, 21, "resources[1].name", "..."},
        /* Keyed by name: the deepest part of the path that the text has is the entry. */
        {"{\"resources\": {\"sequences\": {},\n \"No\": {}}}", 2, 2, "resources[2].name", "..."},
        {"{\"resources\": {\"new\": {\"parked_units_max\": 1}}}", 1, 16,
         "resources[2].capacity_units", "..."},
        {"{\"resource_count\": 1}", 0, 0, "resources[1]", "..."},
        {"{\"resources\": [{}, {}], \"resource_count\": 1}", 1, 20, "resources[1]", "..."},
        {"{\"band_count\": 2,\n \"bands\": {\"high\": {\"parked_max\": 1}}}", 2, 12, "bands[2]",
         "..."},
        {"{\"bands\": {\"3\": {\"parked_units_max\": [0, 0, 1]}}}", 1, 18,
         "bands[2].parked_units_max", "..."},
        {"{\"bands\": [{\"parked_units_max\": [0, 0, 0, 1]}]}", 1, 13, "bands[0].parked_units_max",
         "..."},
        {"{\"kv_resource\": 1}", 1, 2, "kv_resource", "..."},
        {"{\"kv_block_tokens\": 16, \"kv_resource\": 2}", 1, 25, "kv_resource", "..."},
        /* The fault comes together from what the options held; the text does not name it. */
        {"{\"running_max\": 600, \"mailboxes_max\": 0, \"parked_max\": 16777215}", 1, 42,
         "parked_max", "..."},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void a_fault_that_was_there_before_has_no_place(void **state) {
    (void)state;
    berth_options options = with_resources();
    options.worker_count = 1;
    options.resources[7].capacity_units = 1;
    const berth_options before = options;
    berth_config_error error = {.struct_size = sizeof error};
    assert_int_equal(berth_options_from_json(&options, "{\"seed\": 1}", 11, &error), BERTH_ECONFIG);
    assert_int_equal(error.line, 0);
    assert_int_equal(error.column, 0);
    assert_string_equal(error.path, "resources[7]");
    assert_memory_equal(&options, &before, sizeof options);
}

static void options_that_cannot_be_are_survived(void **state) {
    (void)state;
    berth_options options = with_resources();
    options.resource_count = UINT32_MAX;
    memset(options.resources, 'x', sizeof options.resources);
    const berth_options before = options;
    const char *text = "{\"resources\": {\"a\": {}}, \"kv_resource\": \"b\"}";
    assert_int_equal(berth_options_from_json(&options, text, strlen(text), NULL), BERTH_ECONFIG);
    text = "{\"bands\": [{\"parked_units_max\": {\"kv\": 1}}], \"resources\": [{}]}";
    assert_int_equal(berth_options_from_json(&options, text, strlen(text), NULL), BERTH_ECONFIG);
    assert_memory_equal(&options, &before, sizeof options);
}

static void long_keys_and_paths_are_cut_not_overrun(void **state) {
    char text[4096];
    char key[2001];
    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    snprintf(text, sizeof text, "{\"bands\": {\"high\": {\"%s\": 1}}}", key);
    berth_options options = defaults();
    berth_config_error error = {.struct_size = sizeof error};
    assert_int_equal(berth_options_from_json(&options, text, strlen(text), &error), BERTH_ECONFIG);
    assert_int_equal(error.column, 21);
    assert_int_equal(strlen(error.path), strlen("bands.high.") + 40);
}

/* ---- The struct sizes, the pointers ---- */

static void malformed_arguments_are_refused(void **state) {
    (void)state;
    berth_options options = defaults();
    berth_config_error error;
    memset(&error, 0x5A, sizeof error);
    error.struct_size = sizeof error;
    assert_int_equal(berth_options_from_json(NULL, "{}", 2, &error), BERTH_EINVAL);
    assert_int_equal(error.line, 0);
    assert_string_equal(error.message, "");
    assert_int_equal(berth_options_from_json(&options, NULL, 0, &error), BERTH_EINVAL);
    assert_int_equal(berth_options_from_json(&options, "{}", 2, NULL), BERTH_OK);
    error.struct_size = 4; /* smaller than any version had it */
    assert_int_equal(berth_options_from_json(&options, "{}", 2, &error), BERTH_EINVAL);
    options.struct_size = (uint32_t)BERTH__FIRST_OPTIONS - 1;
    assert_int_equal(berth_options_from_json(&options, "{}", 2, NULL), BERTH_EINVAL);
}

static void structs_of_a_later_version_are_taken_if_their_tail_is_zero(void **state) {
    struct {
        berth_options known;
        uint64_t tail;
    } options = {.known = defaults()};
    struct {
        berth_config_error known;
        uint64_t tail;
    } error = {.known = {.struct_size = sizeof error}};
    (void)state;
    options.known.struct_size = sizeof options;
    assert_int_equal(berth_options_from_json(&options.known, "{\"seed\": 5}", 11, &error.known),
                     BERTH_OK);
    assert_int_equal(options.known.seed, 5);
    assert_int_equal(options.known.struct_size, sizeof options);
    assert_int_equal(error.known.struct_size, sizeof error);
    options.tail = 1;
    assert_int_equal(berth_options_from_json(&options.known, "{\"seed\": 6}", 11, NULL),
                     BERTH_EINVAL);
    assert_int_equal(options.known.seed, 5);
}

/* ---- Every damaged text ---- */

static const char good_text[] =
    "{\"face\": \"engine\", \"running_max\": 32, \"kv_resource\": \"kv_blocks\",\n"
    " \"kv_block_tokens\": 16, \"bands\": {\"low\": {\"parked_max\": 10,\n"
    "  \"parked_units_max\": {\"sequences\": 4}}, \"4\": {\"parked_size_max\": 70}},\n"
    " \"resources\": {\"kv_blocks\": {\"capacity_units\": 4134}, \"tok\\u0065ns\":\n"
    "  {\"capacity_units\": 2048}}}";

static void check_damaged(const char *text, size_t size, uint32_t *taken) {
    const berth_options before = with_resources();
    berth_options options = before;
    berth_config_error error = {.struct_size = sizeof error};
    const berth_status status = read_exact(&options, text, size, &error);
    if (status == BERTH_OK) {
        *taken += 1;
        assert_int_equal(berth__options_check(&options, NULL), BERTH_OK);
        return;
    }
    assert_int_equal(status, BERTH_ECONFIG);
    assert_memory_equal(&options, &before, sizeof options);
    assert_true(error.message[0] != '\0');
    assert_true(memchr(error.path, '\0', sizeof error.path) != NULL);
    assert_true(error.line <= 6); /* five, and one more where a byte became a new line */
}

static void a_text_cut_anywhere_changes_nothing(void **state) {
    uint32_t taken = 0;
    (void)state;
    for (size_t size = 0; size < sizeof good_text - 1; size++)
        check_damaged(good_text, size, &taken);
    assert_int_equal(taken, 0);
    check_damaged(good_text, sizeof good_text - 1, &taken);
    assert_int_equal(taken, 1);
}

static void a_text_with_any_byte_changed_is_taken_whole_or_changes_nothing(void **state) {
    char text[sizeof good_text];
    uint32_t taken = 0;
    (void)state;
    for (size_t at = 0; at < sizeof good_text - 1; at++) {
        memcpy(text, good_text, sizeof text);
        for (int byte = 0; byte < 256; byte++) {
            text[at] = (char)byte;
            check_damaged(text, sizeof good_text - 1, &taken);
        }
    }
    /* The byte itself, other digits, other white space and other letters in a new name. */
    assert_true(taken > sizeof good_text);
    assert_true(taken < 16 * sizeof good_text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_can_be_set),
        cmocka_unit_test(what_is_shared_can_be_set),
        cmocka_unit_test(faces_clocks_and_workers_can_be_set),
        cmocka_unit_test(keys_can_be_set),
        cmocka_unit_test(resources_can_be_an_array),
        cmocka_unit_test(resources_can_be_an_object_in_order_of_the_text),
        cmocka_unit_test(a_resource_of_an_array_can_be_renamed_and_fewer_do_not_remove),
        cmocka_unit_test(kv_that_grows_is_set_by_name),
        cmocka_unit_test(fit_is_set_by_name),
        cmocka_unit_test(what_a_step_has_room_for_is_set),
        cmocka_unit_test(overload_is_set_by_name),
        cmocka_unit_test(kv_cost_can_be_set_by_name_before_the_resources_stand),
        cmocka_unit_test(bands_can_be_an_array),
        cmocka_unit_test(bands_can_be_an_object_by_name_or_number),
        cmocka_unit_test(who_goes_next_can_be_set),
        cmocka_unit_test(a_partial_section_resets_nothing),
        cmocka_unit_test(a_field_set_to_zero_is_set),
        cmocka_unit_test(broken_syntax_is_named_with_its_place),
        cmocka_unit_test(unknown_keys_are_errors_at_every_depth),
        cmocka_unit_test(repeated_keys_are_errors_at_every_depth_where_they_stand_again),
        cmocka_unit_test(wrong_types_are_named_with_what_was_expected),
        cmocka_unit_test(numbers_out_of_range_are_errors),
        cmocka_unit_test(what_options_check_finds_is_named_with_the_place_in_the_text),
        cmocka_unit_test(a_fault_that_was_there_before_has_no_place),
        cmocka_unit_test(options_that_cannot_be_are_survived),
        cmocka_unit_test(long_keys_and_paths_are_cut_not_overrun),
        cmocka_unit_test(malformed_arguments_are_refused),
        cmocka_unit_test(structs_of_a_later_version_are_taken_if_their_tail_is_zero),
        cmocka_unit_test(a_text_cut_anywhere_changes_nothing),
        cmocka_unit_test(a_text_with_any_byte_changed_is_taken_whole_or_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
