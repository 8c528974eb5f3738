/* SPDX-License-Identifier: MIT */
/* The descriptor for event loops, and who became ready. */
#include <poll.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

static int is_readable(int32_t descriptor) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
}

static pool_host *gate(int32_t *descriptor) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 2;
    pool_host_start(host);
    CHECK_OK(berth_ready_descriptor(host->pool, descriptor));
    assert_true(*descriptor >= 0);
    return host;
}

static void take_one(pool_host *host, berth_request_id wanted) {
    berth_request_id id = 0;
    uint32_t count = 0;
    CHECK_OK(berth_ready_take(host->pool, &id, 1, &count));
    assert_int_equal(count, 1);
    assert_true(id == wanted);
}

static void take_none(pool_host *host) {
    berth_request_id id = 0;
    uint32_t count = 7;
    CHECK(berth_ready_take(host->pool, &id, 1, &count), BERTH_EAGAIN);
    assert_int_equal(count, 0);
}

static void the_descriptor_is_the_same_each_time(void **state) {
    (void)state;
    int32_t first = -1;
    int32_t second = -1;
    pool_host *host = gate(&first);
    CHECK_OK(berth_ready_descriptor(host->pool, &second));
    assert_int_equal(first, second);
    assert_false(is_readable(first));
    take_none(host);
    pool_host_end(host);
}

static void it_is_readable_until_all_were_named(void **state) {
    (void)state;
    int32_t descriptor = -1;
    pool_host *host = gate(&descriptor);
    berth_request_id one = pool_submit_band(host, 0); /* ADMITTED is a record */
    berth_request_id two = pool_submit_band(host, 0);
    assert_true(is_readable(descriptor));
    take_one(host, one);
    assert_true(is_readable(descriptor)); /* level-triggered */
    take_one(host, two);
    assert_false(is_readable(descriptor));
    take_none(host);
    CHECK_OK(berth_finish(host->pool, two, BERTH_FINISH_STOP, 0));
    assert_true(is_readable(descriptor));
    take_one(host, two);
    assert_false(is_readable(descriptor));
    CHECK_OK(berth_finish(host->pool, one, BERTH_FINISH_STOP, 0));
    take_one(host, one);
    pool_host_end(host);
}

static void many_records_name_a_request_once(void **state) {
    (void)state;
    int32_t descriptor = -1;
    pool_host *host = gate(&descriptor);
    berth_request_id id = pool_submit_band(host, 0);
    for (uint32_t i = 0; i < 10; i++) CHECK_OK(berth_emit(host->pool, id, "x", 1, 1));
    take_one(host, id);
    take_none(host);
    CHECK_OK(berth_emit(host->pool, id, "y", 1, 1));
    take_one(host, id);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    take_one(host, id);
    pool_host_end(host);
}

static void ids_are_named_in_the_order_of_becoming_ready(void **state) {
    (void)state;
    int32_t descriptor = -1;
    pool_host *host = gate(&descriptor);
    berth_request_id one = pool_submit_band(host, 0);
    berth_request_id two = pool_submit_band(host, 0);
    berth_request_id three = pool_submit_band(host, 0);
    CHECK_OK(berth_cancel(host->pool, three));
    berth_request_id named[8];
    uint32_t count = 0;
    CHECK_OK(berth_ready_take(host->pool, named, 8, &count));
    assert_int_equal(count, 3);
    assert_true(named[0] == one && named[1] == two && named[2] == three);
    CHECK_OK(berth_emit(host->pool, two, "x", 1, 1));
    CHECK_OK(berth_emit(host->pool, one, "x", 1, 1));
    CHECK_OK(berth_ready_take(host->pool, named, 8, &count));
    assert_int_equal(count, 2);
    assert_true(named[0] == two && named[1] == one);
    CHECK_OK(berth_finish(host->pool, one, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, two, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void one_that_was_taken_is_not_named(void **state) {
    (void)state;
    int32_t descriptor = -1;
    pool_host *host = gate(&descriptor);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    assert_false(is_readable(descriptor));
    take_none(host);
    pool_host_end(host);
}

static void a_descriptor_made_late_tells_what_is_ready_already(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    pool_run_out(host);
    int32_t descriptor = -1;
    CHECK_OK(berth_ready_descriptor(host->pool, &descriptor));
    assert_true(is_readable(descriptor));
    take_one(host, id);
    assert_false(is_readable(descriptor));
    pool_host_end(host);
}

/* Nobody is inside any call: only the pool's own timer can notice, for the sooner one too. */
static void a_deadline_makes_it_readable_while_nobody_is_inside(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    int32_t descriptor = -1;
    CHECK_OK(berth_ready_descriptor(host->pool, &descriptor));
    berth_request request = pool_request(host, 0);
    request.queue_ns = UINT64_C(3600000000000);
    berth_request_id late = pool_submit(host, &request);
    pool_sleep_ms(5); /* so that the timer sleeps towards the late one, most times */
    request = pool_request(host, 0);
    request.queue_ns = 20000000;
    berth_request_id soon = pool_submit(host, &request);
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, 30000), 1);
    take_one(host, soon);
    pool_outcome(host, soon, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_true(pool_unfinished(host, late));
    pool_host_end(host);
}

static void count_ready(void *user_data) {
    pool_host *host = user_data;
    atomic_fetch_add((atomic_uint *)host->context, 1);
}

static void the_callback_comes_once_until_all_were_named(void **state) {
    (void)state;
    atomic_uint calls = 0;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    static pool_step s;
    host->options.running_max = 4;
    host->context = &calls;
    host->executor.ready = count_ready;
    pool_host_start(host);
    for (int i = 0; i < 4; i++) (void)pool_submit_band(host, 0);
    for (int turn = 0; turn < 2; turn++) {
        for (int again = 0; again < 2; again++) {
            pool_plan(host, &s);
            for (uint32_t i = 0; i < s.result_count; i++) {
                s.results[i].bytes = "x";
                s.results[i].bytes_size = 1;
            }
            pool_commit(host, &s);
            assert_int_equal(atomic_load(&calls), turn + 1);
        }
        berth_request_id ids[8];
        uint32_t count;
        CHECK_OK(berth_ready_take(host->pool, ids, 8, &count));
        assert_int_equal(count, 4);
    }
    pool_host_end(host);
}

/* It may take what is ready, inside; and it is not called for what somebody waits for. */
static void take_inside(void *user_data) {
    pool_host *host = user_data;
    berth_request_id id;
    uint32_t count;
    if (berth_ready_take(host->pool, &id, 1, &count) == BERTH_OK)
        atomic_fetch_add((atomic_uint *)host->context, count);
}

static void the_callback_may_take_what_is_ready(void **state) {
    (void)state;
    atomic_uint taken = 0;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->context = &taken;
    host->executor.ready = take_inside;
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    assert_int_equal(atomic_load(&taken), 1);
    CHECK_OK(berth_emit(host->pool, id, "x", 1, 1));
    assert_int_equal(atomic_load(&taken), 2);
    take_none(host);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    assert_int_equal(atomic_load(&taken), 3);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/ready", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptor_is_the_same_each_time),
        cmocka_unit_test(it_is_readable_until_all_were_named),
        cmocka_unit_test(many_records_name_a_request_once),
        cmocka_unit_test(ids_are_named_in_the_order_of_becoming_ready),
        cmocka_unit_test(one_that_was_taken_is_not_named),
        cmocka_unit_test(a_descriptor_made_late_tells_what_is_ready_already),
        cmocka_unit_test(a_deadline_makes_it_readable_while_nobody_is_inside),
        cmocka_unit_test(the_callback_comes_once_until_all_were_named),
        cmocka_unit_test(the_callback_may_take_what_is_ready),
    };
    return cmocka_run_group_tests_name("api/ready", tests, NULL, NULL);
}
