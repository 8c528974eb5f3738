/* SPDX-License-Identifier: MIT */
/* Lanes of pools with little room for parked requests: they hold half of it, and it is there for
 * whoever needs it. */
#include "runtime/lane.h"
#include "core/state.h"
#include "runtime/pool.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BERTH_OK)

typedef struct host {
    berth_pool *pool;
    sem_t gate; /* one post lets one out of `execute` */
    atomic_uint inside;
} host;

static int32_t execute(void *user_data, const berth_call *call) {
    host *h = user_data;
    if (call->payload == NULL) return BERTH_EXECUTE_DONE;
    atomic_fetch_add(&h->inside, 1);
    sem_wait(&h->gate);
    return BERTH_EXECUTE_DONE;
}

static void make(host *h, uint32_t parked_max) {
    berth_options options;
    const berth_executor executor = {
        .struct_size = sizeof executor, .user_data = h, .execute = execute};
    memset(h, 0, sizeof *h);
    OK(sem_init(&h->gate, 0, 0));
    OK(berth_options_init(&options, sizeof options));
    options.face = BERTH_FACE_WORKER;
    options.worker_count = 1;
    options.running_max = 4;
    options.parked_max = parked_max;
    OK(berth_pool_create(&options, &executor, &h->pool));
}

static void destroy(host *h) {
    OK(berth_drain(h->pool, BERTH_FOREVER));
    OK(berth_pool_destroy(h->pool));
    sem_destroy(&h->gate);
}

static berth_status submit(host *h, void *payload, berth_request_id *id, berth_refusal *refusal) {
    const berth_request request = {
        .struct_size = sizeof request, .mailbox_mode = BERTH_MAILBOX_OUTCOME, .payload = payload};
    return berth_submit(h->pool, &request, id, refusal);
}

static void block_the_worker(host *h) {
    const struct timespec nap = {.tv_nsec = 100000};
    berth_request_id id;
    OK(submit(h, h, &id, NULL));
    while (atomic_load(&h->inside) == 0) nanosleep(&nap, NULL);
}

/* Returns how many ids are lent then. */
static uint64_t open_lane(host *h) {
    berth__mutex_lock(&h->pool->lock);
    berth__lane_open(h->pool);
    const uint64_t lent = h->pool->core->queue.lent_count;
    berth__waiter_unlock(h->pool);
    return lent;
}

static void a_lane_is_as_long_as_half_of_the_room_allows(void **state) {
    static const uint32_t rooms[] = {1, 7, 8, 15, 16, 100, 127, 128, 511, 512, 513, 100000};
    static const uint32_t slots[] = {0, 0, 4, 4, 8, 32, 32, 64, 128, 256, 256, 256};
    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        host h;
        make(&h, rooms[i]);
        block_the_worker(&h);
        assert_int_equal(h.pool->lane.slots != NULL, slots[i] != 0);
        assert_int_equal(open_lane(&h), slots[i]);
        sem_post(&h.gate);
        destroy(&h);
    }
}

/* The lane is opened again and again: what it holds is given back to who comes by the lock. */
static void all_the_room_is_there_and_no_more(uint32_t parked_max, uint32_t open_each) {
    host h;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request_id id = 0;
    berth_request_id last = 0;
    make(&h, parked_max);
    block_the_worker(&h);
    for (uint32_t i = 0; i < parked_max; i++) {
        if (i % open_each == 0) (void)open_lane(&h);
        OK(submit(&h, NULL, &last, NULL));
    }
    (void)open_lane(&h);
    assert_int_equal(submit(&h, NULL, &id, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_PARKED);
    assert_int_equal(refusal.limit, parked_max);
    assert_int_equal(refusal.asked, parked_max + 1);
    OK(berth_cancel(h.pool, last));
    OK(submit(&h, NULL, &last, NULL));
    assert_int_equal(submit(&h, NULL, &id, NULL), BERTH_EREFUSED);
    sem_post(&h.gate);
    OK(berth_wait(h.pool, last, BERTH_FOREVER, NULL));
    destroy(&h);
}

static void limits_are_exact_in_small_pools(void **state) {
    (void)state;
    for (uint32_t parked_max = 1; parked_max < 20; parked_max++)
        for (uint32_t each = 1; each < 4; each++)
            all_the_room_is_there_and_no_more(parked_max, each);
    all_the_room_is_there_and_no_more(100, 7);
    all_the_room_is_there_and_no_more(300, 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_as_long_as_half_of_the_room_allows),
        cmocka_unit_test(limits_are_exact_in_small_pools),
    };
    return cmocka_run_group_tests_name("unit/lane_small", tests, NULL, NULL);
}
