/* SPDX-License-Identifier: MIT */
/* Options: what is impossible is named by its key path, and no pool is made of it. */
#include <stdio.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

static berth_options options;

static int start(void **state) {
    (void)state;
    return berth_options_init(&options, sizeof options);
}

/* Wrong, and said to be so at `path`; create agrees. */
static void expect_wrong(const char *path) {
    berth_config_error error = {.struct_size = sizeof error};
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_string_equal(error.path, path);
    assert_true(strlen(error.message) > 5);
    assert_int_equal(error.line, 0);
    CHECK(berth_options_check(&options, NULL), BERTH_ECONFIG);
    berth_pool *pool = (berth_pool *)&options;
    CHECK(berth_pool_create(&options, NULL, &pool), BERTH_ECONFIG);
    assert_null(pool);
    CHECK_OK(berth_options_init(&options, sizeof options));
}

static void add_resource(const char *name, uint64_t capacity_units) {
    berth_resource_options *resource = &options.resources[options.resource_count++];
    snprintf(resource->name, sizeof resource->name, "%s", name);
    resource->capacity_units = capacity_units;
}

static void the_defaults_and_all_zero_are_possible(void **state) {
    (void)state;
    berth_config_error error = {.struct_size = sizeof error};
    CHECK_OK(berth_options_check(&options, &error));
    assert_string_equal(error.path, "");
    assert_int_equal(options.running_max, 64);
    assert_int_equal(options.parked_max, 1024);
    assert_int_equal(options.ended_max, 256);
    assert_int_equal(options.band_count, 4);
    assert_int_equal(options.mailbox_size, 4096);
    berth_options zero = {.struct_size = sizeof zero};
    CHECK_OK(berth_options_check(&zero, NULL));
}

static void numbers_out_of_range_are_named(void **state) {
    (void)state;
    options.face = 3;
    expect_wrong("face");
    options.clock = 2;
    expect_wrong("clock");
    options.band_count = 9;
    expect_wrong("band_count");
    options.band_default = 5;
    expect_wrong("band_default");
    options.resource_count = 9;
    expect_wrong("resource_count");
    options.mailbox_size = 5000;
    expect_wrong("mailbox_size");
    options.mailboxes_max = 63;
    expect_wrong("mailboxes_max");
    options.parked_max = BERTH_REQUESTS_MAX;
    options.ended_max = BERTH_REQUESTS_MAX;
    berth_config_error error = {.struct_size = sizeof error};
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_true(strlen(error.path) > 0);
}

static void contradictions_are_named(void **state) {
    (void)state;
    options.worker_count = 1; /* on an engine's pool */
    expect_wrong("worker_count");
    options.face = BERTH_FACE_WORKER;
    options.clock = BERTH_CLOCK_VIRTUAL;
    expect_wrong("clock");
    options.kv_block_tokens = 16; /* without a resource that counts blocks */
    expect_wrong("kv_resource");
    options.keys_tenant_max = 1; /* without keys */
    expect_wrong("keys_tenant_max");
    options.keys_size_max = 1;
    expect_wrong("keys_size_max");
    options.keys_grace_ns = 1;
    expect_wrong("keys_grace_ns");
    options.keys_retain_ns = 1;
    expect_wrong("keys_retain_ns");
    options.keys_retain_from = BERTH_RETAIN_END;
    expect_wrong("keys_retain_from");
    options.keys_max = 1;
    options.keys_size_max = options.mailbox_size - 1; /* nothing has room */
    expect_wrong("keys_size_max");
    options.keys_max = BERTH_REQUESTS_MAX;
    expect_wrong("keys_max");
}

static void resources_are_checked_one_by_one(void **state) {
    (void)state;
    add_resource("kv_blocks", 1);
    add_resource("kv_blocks", 1);
    expect_wrong("resources[1].name");
    add_resource("", 1);
    expect_wrong("resources[0].name");
    add_resource("Capital", 1);
    expect_wrong("resources[0].name");
    add_resource("kv_blocks", 0);
    expect_wrong("resources[0].capacity_units");
    add_resource("kv_blocks", 1);
    memset(options.resources[0].name, 'a', BERTH_NAME_SIZE); /* does not end */
    expect_wrong("resources[0].name");
}

static void reserved_fields_have_to_be_zero(void **state) {
    (void)state;
    options.reserved1 = 1;
    expect_wrong("reserved1");
    options.bands[3].reserved[0] = 1;
    expect_wrong("bands[3].reserved");
    add_resource("kv_blocks", 1);
    options.resources[0].reserved[3] = 1;
    expect_wrong("resources[0].reserved");
}

static void json_changes_only_what_it_names(void **state) {
    (void)state;
    static const char text[] =
        "{\"running_max\": 7, \"face\": \"gate\", \"bands\": {\"low\": {\"parked_max\": 3}}}";
    options.parked_max = 99;
    options.bands[0].parked_size_max = 1000;
    options.bands[1].parked_max = 5;
    CHECK_OK(berth_options_from_json(&options, text, sizeof text - 1, NULL));
    assert_int_equal(options.running_max, 7);
    assert_int_equal(options.face, BERTH_FACE_GATE);
    assert_int_equal(options.bands[0].parked_max, 3);
    assert_int_equal(options.bands[0].parked_size_max, 1000); /* a part resets nothing */
    assert_int_equal(options.bands[1].parked_max, 5);
    assert_int_equal(options.parked_max, 99);
}

static void a_config_key_is_never_accepted_and_ignored(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"runing_max\": 7}",
        "{\"running_max\": 7, \"running_max\": 8}",
        "{\"running_max\": \"7\"}",
        "{\"running_max\": -1}",
        "{\"running_max\": 4294967296}",
        "{\"band_count\": 9}",
        "{\"bands\": {\"lowest\": {}}}",
        "{\"running_max\": 7",
        "",
        "[]",
    };
    berth_options before = options;
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        berth_config_error error = {.struct_size = sizeof error};
        CHECK(berth_options_from_json(&options, wrong[i], strlen(wrong[i]), &error), BERTH_ECONFIG);
        assert_true(strlen(error.message) > 0);
        assert_memory_equal(&before, &options, sizeof before);
    }
}

int main(void) {
    pool_watchdog("api/options", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_defaults_and_all_zero_are_possible, start),
        cmocka_unit_test_setup(numbers_out_of_range_are_named, start),
        cmocka_unit_test_setup(contradictions_are_named, start),
        cmocka_unit_test_setup(resources_are_checked_one_by_one, start),
        cmocka_unit_test_setup(reserved_fields_have_to_be_zero, start),
        cmocka_unit_test_setup(json_changes_only_what_it_names, start),
        cmocka_unit_test_setup(a_config_key_is_never_accepted_and_ignored, start),
    };
    return cmocka_run_group_tests_name("api/options", tests, NULL, NULL);
}
