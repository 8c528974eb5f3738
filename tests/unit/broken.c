/* SPDX-License-Identifier: MIT */
/* A pool whose invariant failed: nobody waits for ever, every payload is released once. */
#define _GNU_SOURCE
#include "runtime/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static atomic_int executing;
static atomic_int may_return;
static atomic_int released;
static atomic_int released_inside;

static int32_t execute(void *user_data, const berth_call *call) {
    (void)user_data;
    (void)call;
    atomic_store(&executing, 1);
    while (!atomic_load(&may_return)) uv_sleep(1);
    return BERTH_EXECUTE_DONE;
}

static void release(void *user_data, void *payload, uint64_t payload_size) {
    (void)user_data;
    (void)payload_size;
    atomic_fetch_add(&released, 1);
    if (payload == &executing && !atomic_load(&may_return)) atomic_store(&released_inside, 1);
}

static berth_pool *build(uint32_t face) {
    const berth_executor executor = {.struct_size = sizeof executor,
                                     .execute = face == BERTH_FACE_WORKER ? execute : NULL,
                                     .release = release};
    berth_options options;
    berth_pool *pool = NULL;
    atomic_store(&executing, 0);
    atomic_store(&may_return, 0);
    atomic_store(&released, 0);
    atomic_store(&released_inside, 0);
    assert_int_equal(berth_options_init(&options, sizeof options), BERTH_OK);
    options.face = face;
    options.running_max = 1;
    assert_int_equal(berth_pool_create(&options, &executor, &pool), BERTH_OK);
    return pool;
}

static berth_request_id submit(berth_pool *pool, void *payload) {
    const berth_request request = {.struct_size = sizeof request, .payload = payload};
    berth_request_id id = 0;
    assert_int_equal(berth_submit(pool, &request, &id, NULL), BERTH_OK);
    return id;
}

static void break_it(berth_pool *pool) {
    berth__mutex_lock(&pool->lock);
    pool->failed = 1;
    berth__mutex_unlock(&pool->lock);
}

static uint32_t kind_of(berth_pool *pool, berth_request_id id) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    assert_int_equal(berth_wait(pool, id, 0, &outcome), BERTH_OK);
    return outcome.kind;
}

static void a_broken_engine_pool_ends_all_as_internal(void **state) {
    berth_pool *pool = build(BERTH_FACE_ENGINE);
    berth_plan_entry entries[2];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2, .entries = entries};
    const berth_request request = {.struct_size = sizeof request};
    const berth_request_id running = submit(pool, NULL);
    const berth_request_id parked = submit(pool, NULL);
    berth_request_id id = 1;
    (void)state;
    assert_int_equal(berth_plan_next(pool, &plan), BERTH_OK);
    assert_int_equal(berth_commit(pool, plan.step_id, NULL, 0), BERTH_OK);
    break_it(pool);
    assert_int_equal(berth_submit(pool, &request, &id, NULL), BERTH_EBROKEN);
    assert_true(id == 0);
    assert_int_equal(kind_of(pool, running), BERTH_OUTCOME_INTERNAL);
    assert_int_equal(kind_of(pool, parked), BERTH_OUTCOME_INTERNAL);
    assert_int_equal(berth_cancel(pool, parked), BERTH_EBROKEN);
    assert_int_equal(atomic_load(&released), 2);
    assert_int_equal(berth_plan_next(pool, &plan), BERTH_EBROKEN);
    assert_int_equal(berth_plan_wait(pool, &plan, BERTH_FOREVER), BERTH_EBROKEN);
    assert_int_equal(berth_close(pool), BERTH_OK);
    assert_int_equal(berth_pool_destroy(pool), BERTH_OK);
    assert_int_equal(atomic_load(&released), 2);
}

static void a_list_finds_a_pool_broken_and_tells_all(void **state) {
    berth_pool *pool = build(BERTH_FACE_ENGINE);
    const berth_request_id ids[] = {submit(pool, NULL), submit(pool, NULL)};
    berth_status said[] = {7, 7};
    uint32_t count = 7;
    (void)state;
    break_it(pool);
    assert_int_equal(berth_cancel_many(pool, ids, 2, said, &count), BERTH_EBROKEN);
    assert_true(said[0] == 0 && said[1] == 0 && count == 0);
    for (int i = 0; i < 2; i++) assert_int_equal(kind_of(pool, ids[i]), BERTH_OUTCOME_INTERNAL);
    assert_int_equal(atomic_load(&released), 2);
    assert_int_equal(berth_pool_destroy(pool), BERTH_OK);
}

static berth_pool *breaks_at_release;

static void release_and_break(void *user_data, void *payload, uint64_t payload_size) {
    release(user_data, payload, payload_size);
    if (atomic_load(&released) == 1) break_it(breaks_at_release);
}

/* Between two turns of the list: what was cancelled is, and the rest says why it was not. */
static void a_pool_that_breaks_in_the_midst_of_a_list_says_so_of_the_rest(void **state) {
    enum { COUNT = 40, TURN = 32 };
    const berth_executor executor = {.struct_size = sizeof executor, .release = release_and_break};
    berth_request_id ids[COUNT];
    berth_status said[COUNT];
    uint32_t count = 7;
    (void)state;
    atomic_store(&released, 0);
    assert_int_equal(berth_pool_create(NULL, &executor, &breaks_at_release), BERTH_OK);
    for (int i = 0; i < COUNT; i++) ids[i] = submit(breaks_at_release, NULL);
    assert_int_equal(berth_cancel_many(breaks_at_release, ids, COUNT, said, &count), BERTH_OK);
    assert_int_equal(count, TURN);
    for (int i = 0; i < COUNT; i++) assert_int_equal(said[i], i < TURN ? BERTH_OK : BERTH_EBROKEN);
    assert_int_equal(kind_of(breaks_at_release, ids[0]), BERTH_OUTCOME_CANCELLED);
    assert_int_equal(kind_of(breaks_at_release, ids[TURN]), BERTH_OUTCOME_INTERNAL);
    assert_int_equal(atomic_load(&released), COUNT);
    assert_int_equal(berth_pool_destroy(breaks_at_release), BERTH_OK);
}

static void a_pool_that_breaks_during_a_step_can_be_destroyed(void **state) {
    berth_pool *pool = build(BERTH_FACE_ENGINE);
    berth_plan_entry entries[2];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2, .entries = entries};
    const berth_request request = {.struct_size = sizeof request};
    const berth_request_id running = submit(pool, NULL);
    berth_request_id id = 1;
    (void)state;
    assert_int_equal(berth_plan_next(pool, &plan), BERTH_OK);
    assert_int_equal(berth_pool_destroy(pool), BERTH_EBUSY);
    break_it(pool);
    assert_int_equal(berth_submit(pool, &request, &id, NULL), BERTH_EBROKEN);
    assert_int_equal(kind_of(pool, running), BERTH_OUTCOME_INTERNAL);
    assert_int_equal(berth_commit(pool, plan.step_id, NULL, 0), BERTH_EBROKEN);
    assert_int_equal(berth_pool_destroy(pool), BERTH_OK);
    assert_int_equal(atomic_load(&released), 1);
}

typedef struct waiting {
    berth_pool *pool;
    berth_request_id id;
    atomic_int begun;
    berth_status status;
    berth_outcome outcome;
} waiting;

static void wait_for_it(void *argument) {
    waiting *call = argument;
    atomic_store(&call->begun, 1);
    call->status = berth_wait(call->pool, call->id, BERTH_FOREVER, &call->outcome);
}

static void a_broken_worker_pool_wakes_waiters_and_outlives_its_worker(void **state) {
    berth_pool *pool = build(BERTH_FACE_WORKER);
    const berth_request request = {.struct_size = sizeof request};
    waiting call = {.pool = pool, .outcome = {.struct_size = sizeof call.outcome}};
    uv_thread_t thread;
    berth_request_id id;
    (void)state;
    (void)submit(pool, &executing);
    call.id = submit(pool, NULL);
    while (!atomic_load(&executing)) uv_sleep(1);
    assert_int_equal(uv_thread_create(&thread, wait_for_it, &call), 0);
    while (!atomic_load(&call.begun)) uv_sleep(1);
    break_it(pool);
    assert_int_equal(berth_submit(pool, &request, &id, NULL), BERTH_EBROKEN);
    uv_thread_join(&thread);
    assert_int_equal(call.status, BERTH_OK);
    assert_int_equal(call.outcome.kind, BERTH_OUTCOME_INTERNAL);
    assert_int_equal(berth_pool_destroy(pool), BERTH_EBUSY);
    assert_int_equal(atomic_load(&released), 1);
    atomic_store(&may_return, 1);
    while (berth_pool_destroy(pool) == BERTH_EBUSY) uv_sleep(1);
    assert_int_equal(atomic_load(&released), 2);
    assert_int_equal(atomic_load(&released_inside), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_engine_pool_ends_all_as_internal),
        cmocka_unit_test(a_list_finds_a_pool_broken_and_tells_all),
        cmocka_unit_test(a_pool_that_breaks_in_the_midst_of_a_list_says_so_of_the_rest),
        cmocka_unit_test(a_pool_that_breaks_during_a_step_can_be_destroyed),
        cmocka_unit_test(a_broken_worker_pool_wakes_waiters_and_outlives_its_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
