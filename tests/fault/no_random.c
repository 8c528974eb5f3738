/* SPDX-License-Identifier: MIT */
/* The system has no random numbers, or the same ones again: no key is made, and no trace left. */
#include "support/pool_host.h"
#include "support/pool_random.h"
#include "support/pool_threads.h"

static pool_host *host_with_keys(void) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.keys_max = 4;
    return host;
}

static void a_submit_that_gets_no_key_leaves_no_trace(void **state) {
    (void)state;
    pool_host *host = host_with_keys();
    pool_host_start(host);
    berth_request request = pool_request(host, 0);
    request.mailbox_flags = BERTH_MAILBOX_KEYED;
    const berth_stats before = pool_stats(host);
    berth_request_id id = 1;
    pool_random_set(POOL_RANDOM_FAILS);
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_ESYSTEM);
    assert_int_equal(id, 0);
    /* Those that need none go on. */
    request.mailbox_flags = 0;
    assert_int_equal(pool_stats(host).submitted_total, before.submitted_total);
    pool_random_set(POOL_RANDOM_SYSTEM);
    request.mailbox_flags = BERTH_MAILBOX_KEYED;
    id = pool_submit(host, &request);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void a_key_is_never_given_out_twice(void **state) {
    (void)state;
    pool_host *host = host_with_keys();
    pool_host_start(host);
    pool_random_set(POOL_RANDOM_REPEATS);
    berth_request request = pool_request(host, 0);
    request.mailbox_flags = BERTH_MAILBOX_KEYED;
    berth_request_id first = pool_submit(host, &request);
    berth_request_id second;
    CHECK(berth_submit(host->pool, &request, &second, NULL), BERTH_ESYSTEM);
    assert_int_equal(pool_stats(host).submitted_total, 1);
    assert_int_equal(pool_stats(host).keyed, 1);
    pool_random_set(POOL_RANDOM_SYSTEM);
    CHECK_OK(berth_finish(host->pool, first, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void no_pool_with_keys_is_made_without_random_numbers(void **state) {
    (void)state;
    berth_options options;
    berth_pool *pool = NULL;
    CHECK_OK(berth_options_init(&options, sizeof options));
    options.keys_max = 4;
    pool_random_set(POOL_RANDOM_FAILS);
    CHECK(berth_pool_create(&options, NULL, &pool), BERTH_ESYSTEM);
    assert_null(pool);
    options.keys_max = 0;
    CHECK_OK(berth_pool_create(&options, NULL, &pool));
    pool_random_set(POOL_RANDOM_SYSTEM);
    CHECK_OK(berth_pool_destroy(pool));
}

int main(void) {
    pool_watchdog("fault/no_random", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submit_that_gets_no_key_leaves_no_trace),
        cmocka_unit_test(a_key_is_never_given_out_twice),
        cmocka_unit_test(no_pool_with_keys_is_made_without_random_numbers),
    };
    return cmocka_run_group_tests_name("fault/no_random", tests, NULL, NULL);
}
