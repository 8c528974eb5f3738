/* SPDX-License-Identifier: MIT */
/* A scheduling property, tested on the virtual clock through the public header alone: of those
 * that wait, the urgent one runs next, although it came last. */
#include <berth.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MILLISECOND UINT64_C(1000000)

static berth_request_id submit(berth_pool *pool, uint32_t band) {
    berth_request_id id;
    berth_request request = {.struct_size = sizeof request, .band = band};
    assert_int_equal(berth_submit(pool, &request, &id, NULL), BERTH_OK);
    return id;
}

/* One step of 10 ms, in which whatever runs finishes; returns who that was. */
static berth_request_id step(berth_pool *pool) {
    uint64_t now;
    berth_plan_entry entry[2];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entry, .entry_max = 2};
    assert_int_equal(berth_plan_next(pool, &plan), BERTH_OK);
    assert_int_equal(plan.entry_count, 1);
    assert_int_equal(berth_clock_now(pool, &now), BERTH_OK);
    assert_int_equal(berth_clock_advance(pool, now + 10 * MILLISECOND), BERTH_OK);
    berth_result result = {.id = entry[0].id, .finish = BERTH_FINISH_STOP};
    assert_int_equal(berth_commit(pool, plan.step_id, &result, 1), BERTH_OK);
    return entry[0].id;
}

static void the_urgent_one_is_next(void **state) {
    (void)state;
    berth_pool *pool;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    berth_options options;
    assert_int_equal(berth_options_init(&options, sizeof options), BERTH_OK);
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.running_max = 1;
    assert_int_equal(berth_pool_create(&options, NULL, &pool), BERTH_OK);

    berth_request_id first = submit(pool, BERTH_BAND_LOW), second = submit(pool, BERTH_BAND_LOW);
    assert_int_equal(step(pool), first);
    berth_request_id urgent = submit(pool, BERTH_BAND_HIGH);
    assert_int_equal(step(pool), urgent);
    assert_int_equal(step(pool), second);

    assert_int_equal(berth_wait(pool, second, 0, &outcome), BERTH_OK);
    assert_int_equal(outcome.admitted_at_ns - outcome.submitted_at_ns, 20 * MILLISECOND);
    assert_int_equal(berth_pool_destroy(pool), BERTH_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_urgent_one_is_next)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
