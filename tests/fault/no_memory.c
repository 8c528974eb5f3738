/* SPDX-License-Identifier: MIT */
/* Every allocation fails once, and all after it: the right status, nothing changed, no leak. */
#include <stdlib.h>

#include "support/pool_alloc.h"
#include "support/pool_host.h"
#include "support/pool_threads.h"

static int32_t execute_nothing(void *user_data, const berth_call *call) {
    (void)user_data;
    (void)call;
    return BERTH_EXECUTE_DONE;
}

/* Fail allocation 1, 2, ... of create until none is left to fail; returns how many there were. */
static uint64_t fail_create(uint32_t face, uint32_t parked_max, int all_after) {
    berth_options options;
    CHECK_OK(berth_options_init(&options, sizeof options));
    options.face = face;
    options.worker_count = face == BERTH_FACE_WORKER ? 2 : 0;
    options.running_max = 4;
    options.parked_max = parked_max;
    options.keys_max = 8;
    options.resource_count = 1;
    options.resources[0].name[0] = 'a';
    options.resources[0].capacity_units = 10;
    berth_executor executor = {.struct_size = sizeof executor};
    if (face == BERTH_FACE_WORKER) executor.execute = execute_nothing;
    for (uint64_t at = 1;; at++) {
        assert_in_range(at, 1, 1000);
        berth_pool *pool = (berth_pool *)&options;
        int64_t before = pool_alloc_live();
        pool_alloc_fail(at, all_after);
        berth_status status = berth_pool_create(&options, &executor, &pool);
        uint64_t count = pool_alloc_count();
        pool_alloc_fail(0, 0);
        if (status == BERTH_OK) {
            assert_true(count < at); /* it did not paper over one that failed */
            CHECK_OK(berth_pool_destroy(pool));
            assert_int_equal(pool_alloc_live(), before);
            return count;
        }
        CHECK(status, BERTH_ENOMEM);
        assert_null(pool);
        assert_int_equal(pool_alloc_live(), before);
    }
}

static void create_survives_each_allocation_failing(void **state) {
    (void)state;
    for (uint32_t face = BERTH_FACE_ENGINE; face <= BERTH_FACE_GATE; face++) {
        uint64_t once = fail_create(face, 16, 0);
        uint64_t all = fail_create(face, 16, 1);
        assert_int_equal(once, all);
        assert_in_range(once, 2, 1000);
    }
    /* With room for 8 a worker's pool has a lane, in memory of its own. */
    const uint64_t without = fail_create(BERTH_FACE_WORKER, 7, 0);
    assert_int_equal(fail_create(BERTH_FACE_WORKER, 8, 0), without + 1);
    assert_int_equal(fail_create(BERTH_FACE_WORKER, 4096, 0), without + 1);
    assert_int_equal(fail_create(BERTH_FACE_WORKER, 4096, 1), without + 1);
}

static const char json_text[] =
    "{\"face\": \"worker\", \"worker_count\": 3, \"worker_stack_size\": 1048576,"
    " \"running_max\": 12, \"bands\": {\"low\": {\"parked_max\": 3},"
    " \"high\": {\"parked_units_max\": [1]}},"
    " \"resources\": [{\"name\": \"kv_blocks\", \"capacity_units\": 100}]}";

static void options_from_json_needs_no_memory(void **state) {
    (void)state;
    berth_options options;
    CHECK_OK(berth_options_init(&options, sizeof options));
    berth_config_error error = {.struct_size = sizeof error};
    pool_alloc_fail(1, 1);
    berth_status status =
        berth_options_from_json(&options, json_text, sizeof json_text - 1, &error);
    uint64_t count = pool_alloc_count();
    pool_alloc_fail(0, 0);
    CHECK_OK(status);
    assert_int_equal(count, 0);
    assert_int_equal(options.worker_count, 3);
}

static void stats_to_json_survives_each_allocation_failing(void **state) {
    (void)state;
    berth_pool *pool = NULL;
    CHECK_OK(berth_pool_create(NULL, NULL, &pool));
    berth_stats stats = {.struct_size = sizeof stats};
    CHECK_OK(berth_stats_read(pool, &stats));
    static char wanted[65536];
    static char text[65536];
    size_t size = 0;
    pool_alloc_fail(0, 0);
    CHECK_OK(berth_stats_to_json(&stats, wanted, sizeof wanted, &size));
    assert_in_range(pool_alloc_count(), 10, 10000); /* the wrapping reaches the JSON library */
    for (int all_after = 0; all_after <= 1; all_after++) {
        for (uint64_t at = 1;; at++) {
            assert_in_range(at, 1, 10000);
            int64_t before = pool_alloc_live();
            text[0] = '#';
            pool_alloc_fail(at, all_after);
            berth_status status = berth_stats_to_json(&stats, text, sizeof text, &size);
            uint64_t count = pool_alloc_count();
            pool_alloc_fail(0, 0);
            assert_int_equal(pool_alloc_live(), before);
            if (status == BERTH_OK) {
                assert_string_equal(text, wanted);
                if (count < at) break;
                continue;
            }
            CHECK(status, BERTH_ENOMEM);
            assert_true(text[0] == '#' || text[0] == '\0'); /* no half of a text */
        }
    }
    CHECK_OK(berth_pool_destroy(pool));
}

int main(void) {
    pool_watchdog("fault/no_memory", 60);
    pool_alloc_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_survives_each_allocation_failing),
        cmocka_unit_test(options_from_json_needs_no_memory),
        cmocka_unit_test(stats_to_json_survives_each_allocation_failing),
    };
    return cmocka_run_group_tests_name("fault/no_memory", tests, NULL, NULL);
}
