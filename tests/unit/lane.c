/* SPDX-License-Identifier: MIT */
/* The lane, one step at a time: the test has the pool's lock, so that its worker and its timer
 * wait, and is the slow submitter itself where there has to be one. */
#include "runtime/lane.h"
#include "base/ids.h"
#include "core/lend.h"
#include "core/state.h"
#include "runtime/lock.h"
#include "runtime/outcome.h"
#include "runtime/pool.h"
#include "runtime/timer.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BERTH_OK)
#define PARKED_MAX (4 * BERTH__LANE_SLOTS)
#define CAPACITY 10u
#define MS UINT64_C(1000000)
#define DONE_MAX 2048u

typedef struct host {
    berth_pool *pool;
    sem_t gate;        /* one post lets one out of `execute` */
    atomic_uint count; /* came into `execute` */
    uint64_t payloads[DONE_MAX];
} host;

#define BLOCKS ((void *)(uintptr_t)UINT64_MAX) /* NOLINT: a mark, not a pointer */

static int32_t execute(void *user_data, const berth_call *call) {
    host *h = user_data;
    const uint32_t n = atomic_load(&h->count);
    if (n < DONE_MAX) h->payloads[n] = (uintptr_t)call->payload;
    atomic_fetch_add(&h->count, 1);
    if (call->payload == BLOCKS) sem_wait(&h->gate);
    return BERTH_EXECUTE_DONE;
}

static void nap(void) {
    const struct timespec time = {.tv_nsec = (long)MS};
    nanosleep(&time, NULL);
}

/* ---- A pool, and its lock ---- */

/* The lock, and nothing that a call does with it. */
static void lock(host *h) {
    berth__mutex_lock(&h->pool->lock);
}

static void unlock(host *h) {
    berth__waiter_unlock(h->pool);
}

/* Everybody sleeps. The test has the lock after. */
static void come_to_rest(host *h, uint32_t idle_count) {
    for (lock(h);; nap(), lock(h)) {
        if (h->pool->idle_count == idle_count && h->pool->timer_waiter != NULL) return;
        unlock(h);
    }
}

static void make_with(host *h, uint32_t workers, uint64_t capacity) {
    berth_options options;
    const berth_executor executor = {
        .struct_size = sizeof executor, .user_data = h, .execute = execute};
    memset(h, 0, sizeof *h);
    OK(sem_init(&h->gate, 0, 0));
    OK(berth_options_init(&options, sizeof options));
    options.face = BERTH_FACE_WORKER;
    options.worker_count = workers;
    options.running_max = 16;
    options.parked_max = PARKED_MAX;
    options.resource_count = 1;
    options.resources[0].name[0] = 'u';
    options.resources[0].capacity_units = capacity;
    OK(berth_pool_create(&options, &executor, &h->pool));
}

/* A pool that nobody else touches, its lane open. */
static void make_open(host *h) {
    make_with(h, 1, CAPACITY);
    come_to_rest(h, 1);
    berth__lane_open(h->pool);
    assert_true(berth__lane_is_open(h->pool));
}

static void must_hold(const host *h) {
    assert_int_equal(berth__core_check(h->pool->core), 0);
}

static void destroy(host *h) {
    lock(h);
    must_hold(h);
    unlock(h);
    for (uint32_t tries = 0; berth_pool_destroy(h->pool) != BERTH_OK; tries++) {
        assert_in_range(tries, 0, 5000);
        nap();
    }
    sem_destroy(&h->gate);
}

/* What was linked runs, like after any call; then there is nothing left. */
static void end(host *h) {
    must_hold(h);
    berth__lock_settle(h->pool);
    unlock(h);
    destroy(h);
}

static berth_request ask(uint64_t units, uint64_t number) {
    return (berth_request){.struct_size = sizeof(berth_request),
                           .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                           .cost_count = 1,
                           .cost = {units},
                           .payload = (void *)(uintptr_t)number}; /* NOLINT: a number */
}

static berth_request_id come(host *h, uint64_t units, uint64_t number) {
    const berth_request request = ask(units, number);
    berth_request_id id = 0;
    OK(berth__lane_submit(h->pool, &request, &id));
    assert_true(id != 0);
    return id;
}

static void is_sent_to_the_lock(host *h, const berth_request *request) {
    berth_request_id id = 0;
    assert_int_equal(berth__lane_submit(h->pool, request, &id), BERTH_EAGAIN);
}

static berth__view view(const host *h, berth_request_id id) {
    berth__view out;
    OK(berth__core_view(h->pool->core, id, &out));
    return out;
}

static int is_known(const host *h, berth_request_id id) {
    berth__view out;
    return berth__core_view(h->pool->core, id, &out) == BERTH_OK;
}

static uint64_t lent(const host *h) {
    return h->pool->core->queue.lent_count;
}

/* ---- A slow submitter ---- */

typedef struct hole {
    uint64_t position;
    berth__lane_slot *slot;
    berth_request_id id;
} hole;

/* He has claimed a slot, and lost his core. */
static hole claim(host *h) {
    hole made;
    made.position = atomic_fetch_add(&h->pool->lane.tail, 2) / 2;
    made.slot = &h->pool->lane.slots[made.position % BERTH__LANE_SLOTS];
    made.id = made.slot->id;
    made.slot->terms = (berth__terms){.band = 1};
    made.slot->cost[0] = 1;
    made.slot->streams = 0;
    made.slot->taken = 0;
    made.slot->payload = NULL;
    return made;
}

static void publish(host *h, const hole *made) {
    berth__seal_begin(h->pool, made->id);
    atomic_store(&made->slot->turn, (uint32_t)(made->position + 1));
}

/* ---- Order ---- */

static void what_came_is_linked_in_order(void **state) {
    host h;
    berth_request_id ids[3];
    (void)state;
    make_open(&h);
    for (uint32_t i = 0; i < 3; i++) ids[i] = come(&h, 1, i + 1);
    assert_false(is_known(&h, ids[0])); /* its id names nobody yet */
    assert_false(berth__lane_is_empty(h.pool));
    assert_int_equal(berth__lane_drain(h.pool), 3);
    assert_true(berth__lane_is_empty(h.pool));
    assert_int_equal(berth__lane_drain(h.pool), 0);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(view(&h, ids[i]).state, BERTH__PARKED);
    assert_int_equal(h.pool->parked_count, 3);
    must_hold(&h);
    berth__lock_settle(h.pool);
    unlock(&h);
    for (uint32_t i = 0; i < 3; i++) OK(berth_wait(h.pool, ids[i], BERTH_FOREVER, NULL));
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(h.payloads[i], i + 1);
    destroy(&h);
}

static void a_hole_is_passed_by_and_come_back_for(void **state) {
    host h;
    (void)state;
    make_open(&h);
    const berth_request_id first = come(&h, 1, 1);
    const hole slow = claim(&h);
    const berth_request_id last = come(&h, 1, 3);
    assert_int_equal(berth__lane_drain(h.pool), 2);
    assert_false(berth__lane_is_empty(h.pool));
    assert_false(is_known(&h, slow.id));
    assert_int_equal(berth__lane_drain(h.pool), 0); /* nobody is linked twice */
    const berth_request_id after = come(&h, 1, 4);
    publish(&h, &slow);
    assert_int_equal(berth__lane_drain(h.pool), 2);
    assert_true(berth__lane_is_empty(h.pool));
    assert_int_equal(h.pool->parked_count, 4);
    const uint64_t *order = h.pool->core->order;
    assert_true(order[berth__id_place(first)] < order[berth__id_place(last)]);
    assert_true(order[berth__id_place(last)] < order[berth__id_place(slow.id)]);
    assert_true(order[berth__id_place(slow.id)] < order[berth__id_place(after)]);
    end(&h);
}

static void many_turns_lose_nobody(void **state) {
    host h;
    uint64_t random = 7;
    uint64_t came = 0;
    uint64_t linked = 0;
    (void)state;
    make_open(&h);
    while (came < 10 * BERTH__LANE_SLOTS) {
        const uint64_t count = 1 + random % 100;
        random = random * UINT64_C(6364136223846793005) + 1;
        for (uint64_t i = 0; i < count; i++, came++) {
            const berth_request_id id = come(&h, 1, came);
            if (random % 2 == 0) continue;
            linked += berth__lane_drain(h.pool);
            OK(berth__core_cancel(h.pool->core, h.pool->now_ns, id, BERTH_CANCEL_CALLER));
        }
        linked += berth__lane_drain(h.pool);
        assert_int_equal(linked, came);
        while (h.pool->core->queue.total.count > 0)
            OK(berth__core_cancel(
                h.pool->core, h.pool->now_ns,
                berth__ids_of(&h.pool->core->ids, h.pool->core->queue.lists[1].head),
                BERTH_CANCEL_CALLER));
        must_hold(&h);
    }
    end(&h);
}

/* ---- Room ---- */

static void a_full_lane_sends_to_the_lock(void **state) {
    host h;
    const berth_request one = ask(1, 0);
    (void)state;
    make_open(&h);
    assert_int_equal(lent(&h), BERTH__LANE_SLOTS);
    for (uint32_t i = 0; i < BERTH__LANE_SLOTS; i++) (void)come(&h, 1, i);
    is_sent_to_the_lock(&h, &one);
    assert_int_equal(berth__lane_tell_taken(h.pool, 1), 0);
    assert_int_equal(berth__lane_drain(h.pool), BERTH__LANE_SLOTS);
    assert_int_equal(lent(&h), BERTH__LANE_SLOTS); /* for the next turn */
    (void)come(&h, 1, 0);
    assert_int_equal(berth__lane_drain(h.pool), 1);
    end(&h);
}

static void a_hole_holds_up_a_turn_and_no_more(void **state) {
    host h;
    const berth_request one = ask(1, 0);
    (void)state;
    make_open(&h);
    const hole slow = claim(&h);
    for (uint32_t i = 1; i < BERTH__LANE_SLOTS; i++) (void)come(&h, 1, i);
    assert_int_equal(berth__lane_drain(h.pool), BERTH__LANE_SLOTS - 1);
    is_sent_to_the_lock(&h, &one); /* the next turn begins with the slot of the hole */
    publish(&h, &slow);
    assert_int_equal(berth__lane_drain(h.pool), 1);
    (void)come(&h, 1, 0);
    end(&h);
}

static void a_closed_lane_sends_to_the_lock(void **state) {
    host h;
    const berth_request one = ask(1, 0);
    (void)state;
    make_open(&h);
    (void)come(&h, 1, 1);
    assert_int_equal(berth__lane_close(h.pool), 1);
    assert_false(berth__lane_is_open(h.pool));
    is_sent_to_the_lock(&h, &one);
    assert_int_equal(berth__lane_tell_taken(h.pool, 1), 0);
    berth__lane_open(h.pool);
    (void)come(&h, 1, 2);
    assert_int_equal(berth__lane_close(h.pool), 1);
    h.pool->closed = 1;
    berth__lane_open(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    h.pool->closed = 0;
    end(&h);
}

static void room_is_given_back_but_what_is_claimed(void **state) {
    host h;
    (void)state;
    make_open(&h);
    const uint64_t places = h.pool->core->ids.free_count;
    const hole slow = claim(&h);
    (void)come(&h, 1, 1);
    berth__lane_give_room(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    assert_int_equal(lent(&h), 1);
    assert_int_equal(h.pool->core->ids.free_count, places + BERTH__LANE_SLOTS - 2);
    berth__lane_give_room(h.pool);
    assert_int_equal(lent(&h), 1);
    publish(&h, &slow);
    assert_int_equal(berth__lane_drain(h.pool), 1);
    assert_int_equal(lent(&h), 0);
    must_hold(&h);
    berth__lane_open(h.pool);
    assert_int_equal(lent(&h), BERTH__LANE_SLOTS);
    (void)come(&h, 1, 2);
    end(&h);
}

static void a_lane_without_room_stays_closed(void **state) {
    host h;
    const berth__submit many = {.terms.band = 2, .cost_count = 1, .cost = {1}, .samples = 1};
    berth_request_id id;
    (void)state;
    make_with(&h, 1, CAPACITY);
    come_to_rest(&h, 1);
    while (berth__core_room(h.pool->core) >= BERTH__LANE_SLOTS) {
        OK(berth__core_submit(h.pool->core, h.pool->now_ns, &many, &id, NULL));
        *berth__row_at(h.pool, berth__id_place(id)) =
            (berth__row){.id = id, .ring = BERTH__NONE, .keyed = BERTH__NONE};
        h.pool->parked_count++;
    }
    berth__lane_open(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    assert_int_equal(lent(&h), 0);
    end(&h);
}

/* Who has read where the tail is, and that it may be claimed, may come to claim it much later:
 * a lane is not opened where there is nothing to claim. */
static void a_lane_with_nothing_to_claim_stays_closed(void **state) {
    host h;
    (void)state;
    make_open(&h);
    berth__lane_give_room(h.pool);
    h.pool->core->closed = 1; /* it lends nothing any more */
    berth__lane_open(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    h.pool->core->closed = 0;
    end(&h);
}

/* ---- Promises ---- */

static void what_outgrew_the_capacity_meanwhile_is_evicted(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id small = come(&h, 5, 1);
    const berth_request_id large = come(&h, 6, 2);
    OK(berth__core_capacity_set(h.pool->core, h.pool->now_ns, 0, 5));
    berth__lane_set_units(h.pool);
    assert_int_equal(berth__lane_drain(h.pool), 2);
    assert_int_equal(view(&h, small).state, BERTH__PARKED);
    assert_int_equal(view(&h, large).outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(view(&h, large).outcome.detail, BERTH_EVICT_CAPACITY);
    assert_int_equal(h.pool->parked_count, 1);
    const berth_request again = ask(6, 3);
    is_sent_to_the_lock(&h, &again); /* where it is refused */
    assert_int_equal(berth__outcome_take(h.pool, large, &outcome), BERTH__SEAL_READY);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_EVICTED);
    (void)berth__lane_drain(h.pool);
    end(&h);
}

static void what_comes_in_a_failed_pool_is_internal(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id linked = come(&h, 1, 1);
    (void)berth__lane_drain(h.pool);
    const hole slow = claim(&h);
    const berth_request_id came = come(&h, 1, 2);
    berth__core_fail(h.pool->core);
    assert_int_equal(berth__lane_drain(h.pool), 1);
    publish(&h, &slow);
    assert_int_equal(berth__lane_drain(h.pool), 1);
    assert_int_equal(h.pool->parked_count, 0);
    const berth_request_id ids[] = {linked, came, slow.id};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(berth__outcome_take(h.pool, ids[i], &outcome), BERTH__SEAL_READY);
        assert_int_equal(outcome.kind, BERTH_OUTCOME_INTERNAL);
        (void)berth__lane_drain(h.pool);
        assert_int_not_equal(berth__outcome_take(h.pool, ids[i], &outcome), BERTH__SEAL_READY);
    }
    const berth_stats *counters = &h.pool->core->counters;
    assert_int_equal(counters->submitted_total, 3);
    assert_int_equal(counters->ended_total, 3);
    assert_int_equal(counters->outcome_total[BERTH_OUTCOME_INTERNAL], 3);
    berth__lock_settle(h.pool);
    unlock(&h);
    OK(berth_pool_destroy(h.pool));
    sem_destroy(&h.gate);
}

/* Sums of what is parked are not checked here: they have to hold whatever may come. */
static void who_asks_for_what_sums_cannot_hold_bars_the_lane(void **state) {
    host h;
    berth_request huge = ask(1, 0);
    (void)state;
    make_open(&h);
    huge.payload_size = BERTH__LEND_UNITS_MAX;
    berth__lane_mind(h.pool, &huge);
    assert_true(berth__lane_is_open(h.pool));
    huge.payload_size++;
    is_sent_to_the_lock(&h, &huge);
    berth__lane_mind(h.pool, &huge);
    assert_false(berth__lane_is_open(h.pool));
    assert_int_equal(lent(&h), 0);
    berth__lane_open(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    end(&h);
}

static void open_lane(host *h) {
    lock(h);
    berth__lane_open(h->pool);
    unlock(h);
}

static uint32_t is_barred(host *h) {
    lock(h);
    const uint32_t barred = h->pool->lane.barred;
    unlock(h);
    return barred;
}

static berth_request_id submit(host *h, const berth_request *request) {
    berth_request_id id;
    OK(berth_submit(h->pool, request, &id, NULL));
    return id;
}

static void block_the_worker(host *h) {
    berth_request blocks = ask(1, 0);
    const uint32_t before = atomic_load(&h->count);
    blocks.payload = BLOCKS;
    (void)submit(h, &blocks);
    while (atomic_load(&h->count) == before) nap();
}

static void recosts_and_tickets_bar_it_as_submits_do(void **state) {
    host h;
    const berth_request one = ask(1, 0);
    berth_request huge = {
        .struct_size = sizeof huge, .cost_count = 1, .cost = {BERTH__LEND_UNITS_MAX + 1}};
    berth_ticket_id ticket;
    (void)state;
    for (uint32_t how = 0; how < 2; how++) {
        make_with(&h, 1, UINT64_MAX - 1);
        block_the_worker(&h);
        open_lane(&h);
        const berth_request_id id = submit(&h, &one);
        if (how == 0)
            OK(berth_recost(h.pool, id, &huge, NULL));
        else
            OK(berth_reserve(h.pool, &huge, 1, &ticket, NULL));
        assert_true(is_barred(&h));
        sem_post(&h.gate);
        destroy(&h);
    }
}

/* It is refused: no sum will ever hold it. */
static void who_asks_for_what_never_fits_bars_nothing(void **state) {
    host h;
    berth_request huge = ask(UINT64_MAX, 0);
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request_id id = 0;
    (void)state;
    make_with(&h, 1, CAPACITY);
    assert_int_equal(berth_submit(h.pool, &huge, &id, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_NEVER_FITS);
    assert_false(is_barred(&h));
    destroy(&h);
}

static void limits_are_exact_while_ids_are_lent(void **state) {
    host h;
    const berth_request one = ask(1, 0);
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request_id id = 0;
    berth_request_id last = 0;
    (void)state;
    make_with(&h, 1, CAPACITY);
    block_the_worker(&h);
    for (uint32_t i = 0; i < PARKED_MAX; i++) {
        if (i % 100 == 0) open_lane(&h);
        last = submit(&h, &one);
    }
    open_lane(&h);
    assert_int_equal(berth_submit(h.pool, &one, &id, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_PARKED);
    assert_int_equal(refusal.limit, PARKED_MAX);
    assert_int_equal(refusal.asked, PARKED_MAX + 1);
    OK(berth_cancel(h.pool, last));
    (void)submit(&h, &one);
    assert_int_equal(berth_submit(h.pool, &one, &id, NULL), BERTH_EREFUSED);
    sem_post(&h.gate);
    destroy(&h);
}

/* ---- Outcomes ---- */

static berth_request_id come_and_end(host *h) {
    const berth_request_id id = come(h, 1, 1);
    (void)berth__lane_drain(h->pool);
    OK(berth__core_cancel(h->pool->core, h->pool->now_ns, id, BERTH_CANCEL_CALLER));
    return id;
}

static void an_outcome_is_taken_once_and_its_news_take_the_lane(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id pending = come(&h, 1, 1);
    assert_int_equal(berth__outcome_take(h.pool, pending, &outcome), BERTH__SEAL_PENDING);
    const berth_request_id id = come_and_end(&h);
    assert_int_equal(berth__outcome_take(h.pool, id, &outcome), BERTH__SEAL_READY);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_not_equal(berth__outcome_take(h.pool, id, &outcome), BERTH__SEAL_READY);
    assert_true(berth__outcome_has_reader(h.pool)); /* until the lane has told */
    assert_true(is_known(&h, id));
    assert_int_equal(berth__lane_drain(h.pool), 1);
    assert_false(berth__outcome_has_reader(h.pool));
    assert_false(is_known(&h, id));
    assert_int_equal(lent(&h), BERTH__LANE_SLOTS); /* no id was used up */
    assert_int_not_equal(berth__outcome_take(h.pool, id, &outcome), BERTH__SEAL_READY);
    end(&h);
}

static void retention_leaves_an_outcome_to_its_reader(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id id = come_and_end(&h);
    const uint64_t places = h.pool->core->ids.free_count;
    assert_true(berth__seal_take(h.pool, id, BERTH__SEAL_TAKEN));
    OK(berth__core_forget(h.pool->core, id, 1));
    assert_int_equal(h.pool->core->ids.free_count, places); /* its place is not given away */
    OK(berth__core_outcome(h.pool->core, id, &outcome));
    assert_true(berth__outcome_has_reader(h.pool));
    assert_int_equal(h.pool->dropped_taken_total, 1);
    berth__lane_forget(h.pool, id);
    assert_int_equal(h.pool->core->ids.free_count, places + 1);
    assert_false(berth__outcome_has_reader(h.pool));
    const berth_request_id dropped = come_and_end(&h);
    OK(berth__core_forget(h.pool->core, dropped, 1));
    assert_int_equal(berth__outcome_take(h.pool, dropped, &outcome), BERTH__SEAL_NONE);
    assert_int_equal(h.pool->dropped_taken_total, 1);
    end(&h);
}

static void a_failed_pool_closes_its_lane(void **state) {
    host h;
    (void)state;
    make_open(&h);
    berth__core_fail(h.pool->core);
    berth__lock_settle(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    berth__lane_open(h.pool);
    assert_false(berth__lane_is_open(h.pool));
    unlock(&h);
    const berth_request request = {.struct_size = sizeof request, .band = 1};
    berth_request_id id;
    assert_int_equal(berth_submit(h.pool, &request, &id, NULL), BERTH_EBROKEN);
    OK(berth_pool_destroy(h.pool));
    sem_destroy(&h.gate);
}

static void a_pool_is_not_destroyed_under_who_looks_for_an_outcome(void **state) {
    host h;
    (void)state;
    make_open(&h);
    (void)berth__lane_close(h.pool);
    atomic_fetch_add(&h.pool->outcome_lookers, 1);
    unlock(&h);
    assert_int_equal(berth_pool_destroy(h.pool), BERTH_EBUSY);
    atomic_fetch_sub(&h.pool->outcome_lookers, 1);
    lock(&h);
    end(&h);
}

/* Its worker comes back to a pool that has failed meanwhile, where the outcome is being read. */
static void an_outcome_of_a_failed_pool_is_taken_once(void **state) {
    host h;
    (void)state;
    make_with(&h, 1, CAPACITY);
    come_to_rest(&h, 1);
    berth__lane_open(h.pool);
    berth_request blocks = ask(1, 0);
    berth_request_id id = 0;
    blocks.payload = BLOCKS;
    OK(berth__lane_submit(h.pool, &blocks, &id));
    (void)berth__lane_drain(h.pool);
    berth__lock_settle(h.pool);
    unlock(&h);
    while (atomic_load(&h.count) == 0) nap();
    lock(&h);
    berth__core_fail(h.pool->core);
    unlock(&h);
    assert_true(berth__seal_take(h.pool, id, BERTH__SEAL_TAKEN));
    sem_post(&h.gate);
    come_to_rest(&h, 1);
    assert_int_equal(berth__seal_of(h.pool, id), BERTH__SEAL_TAKEN);
    berth__lane_forget(h.pool, id);
    unlock(&h);
    OK(berth_pool_destroy(h.pool));
    sem_destroy(&h.gate);
}

/* What counts with an outcome is not written while somebody reads it. */
static void late_output_leaves_an_outcome_alone_that_is_read(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id id = come_and_end(&h);
    const berth_request_id other = come_and_end(&h);
    assert_true(berth__seal_take(h.pool, id, BERTH__SEAL_TAKEN));
    unlock(&h);
    assert_int_equal(berth_emit(h.pool, id, "x", 1, 1), BERTH_EENDED);
    OK(berth__core_outcome(h.pool->core, id, &outcome));
    assert_int_equal(outcome.chunks_dropped, 0);
    assert_int_equal(berth_emit(h.pool, other, "x", 1, 1), BERTH_EENDED);
    OK(berth_outcome_take(h.pool, other, &outcome));
    assert_int_equal(outcome.chunks_dropped, 1);
    lock(&h);
    assert_int_equal(h.pool->core->counters.chunks_dropped_total, 2);
    berth__lane_forget(h.pool, id);
    end(&h);
}

/* An id that was never given out, of a place whose outcome can be taken. */
static void an_id_that_only_looks_like_another_takes_nothing(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_open(&h);
    const berth_request_id id = come_and_end(&h);
    const berth_request_id wrong = id ^ UINT64_C(1) << 62;
    assert_int_equal(berth__seal_of(h.pool, id), BERTH__SEAL_READY);
    assert_int_equal(berth__seal_of(h.pool, wrong), BERTH__SEAL_NONE);
    unlock(&h);
    assert_int_equal(berth_outcome_take(h.pool, wrong, &outcome), BERTH_ESTALE);
    assert_int_equal(berth_outcome_take(h.pool, wrong, &outcome), BERTH_ESTALE);
    OK(berth_outcome_take(h.pool, id, &outcome));
    lock(&h);
    end(&h);
}

/* A place that was given out half a billion times. */
static void a_seal_names_one_generation_only(void **state) {
    host h;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    (void)state;
    make_with(&h, 1, CAPACITY);
    come_to_rest(&h, 1);
    const berth_request_id before = berth__ids_take(&h.pool->core->ids);
    berth__ids_give(&h.pool->core->ids, berth__id_place(before));
    h.pool->core->entries[berth__id_place(before)].generation = UINT64_C(1) << 29;
    berth__lane_open(h.pool);
    const berth_request_id id = come_and_end(&h);
    assert_true(id >> 53 != 0);
    assert_int_equal(berth__seal_of(h.pool, id), BERTH__SEAL_READY);
    assert_int_equal(berth__seal_of(h.pool, id & ~(UINT64_C(1) << 53)), BERTH__SEAL_NONE);
    unlock(&h);
    OK(berth_outcome_take(h.pool, id, &outcome));
    assert_int_equal(outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(berth_outcome_take(h.pool, id, &outcome), BERTH_ESTALE);
    lock(&h);
    end(&h);
}

/* ---- Somebody looks ---- */

static uint32_t is_empty(host *h) {
    lock(h);
    const uint32_t empty = berth__lane_is_empty(h->pool);
    unlock(h);
    return empty;
}

static hole leave_a_hole(host *h) {
    lock(h);
    berth__lane_open(h->pool);
    const hole slow = claim(h);
    unlock(h);
    /* Until the timer has closed the lane, and then for as long as it looks after hands. */
    for (uint32_t i = 0; i < 30; i++) nap();
    assert_false(berth__lane_is_open(h->pool));
    return slow;
}

static void a_hole_behind_a_long_request_is_come_back_for(void **state) {
    host h;
    (void)state;
    make_with(&h, 1, CAPACITY);
    block_the_worker(&h);
    const hole slow = leave_a_hole(&h);
    publish(&h, &slow);
    for (uint32_t tries = 0; !is_empty(&h); tries++) {
        assert_in_range(tries, 0, 2000);
        nap();
    }
    sem_post(&h.gate);
    OK(berth_wait(h.pool, slow.id, BERTH_FOREVER, NULL));
    destroy(&h);
}

/* Whoever links it need not admit it: a scrape does not. */
static void what_a_scrape_has_linked_is_run(void **state) {
    host h;
    berth_stats stats = {.struct_size = sizeof stats};
    (void)state;
    make_with(&h, 2, CAPACITY);
    block_the_worker(&h);
    come_to_rest(&h, 1);
    unlock(&h);
    const hole slow = leave_a_hole(&h);
    publish(&h, &slow);
    OK(berth_stats_read(h.pool, &stats));
    assert_int_equal(stats.submitted_total, 2);
    for (uint32_t tries = 0; atomic_load(&h.count) < 2; tries++) {
        assert_in_range(tries, 0, 2000);
        nap();
    }
    sem_post(&h.gate);
    destroy(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_is_linked_in_order),
        cmocka_unit_test(a_hole_is_passed_by_and_come_back_for),
        cmocka_unit_test(many_turns_lose_nobody),
        cmocka_unit_test(a_full_lane_sends_to_the_lock),
        cmocka_unit_test(a_hole_holds_up_a_turn_and_no_more),
        cmocka_unit_test(a_closed_lane_sends_to_the_lock),
        cmocka_unit_test(room_is_given_back_but_what_is_claimed),
        cmocka_unit_test(a_lane_without_room_stays_closed),
        cmocka_unit_test(a_lane_with_nothing_to_claim_stays_closed),
        cmocka_unit_test(what_outgrew_the_capacity_meanwhile_is_evicted),
        cmocka_unit_test(what_comes_in_a_failed_pool_is_internal),
        cmocka_unit_test(who_asks_for_what_sums_cannot_hold_bars_the_lane),
        cmocka_unit_test(recosts_and_tickets_bar_it_as_submits_do),
        cmocka_unit_test(who_asks_for_what_never_fits_bars_nothing),
        cmocka_unit_test(limits_are_exact_while_ids_are_lent),
        cmocka_unit_test(an_outcome_is_taken_once_and_its_news_take_the_lane),
        cmocka_unit_test(retention_leaves_an_outcome_to_its_reader),
        cmocka_unit_test(a_failed_pool_closes_its_lane),
        cmocka_unit_test(a_pool_is_not_destroyed_under_who_looks_for_an_outcome),
        cmocka_unit_test(an_outcome_of_a_failed_pool_is_taken_once),
        cmocka_unit_test(late_output_leaves_an_outcome_alone_that_is_read),
        cmocka_unit_test(an_id_that_only_looks_like_another_takes_nothing),
        cmocka_unit_test(a_seal_names_one_generation_only),
        cmocka_unit_test(a_hole_behind_a_long_request_is_come_back_for),
        cmocka_unit_test(what_a_scrape_has_linked_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
