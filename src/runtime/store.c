/* SPDX-License-Identifier: MIT */
#include "runtime/store.h"
#include "base/hot.h"
#include "base/invariant.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/mailbox.h"
#include "runtime/owner.h"
#include "runtime/pool.h"
#include "runtime/ring_at.h"
#include "runtime/worker.h"

/* Out of the list of the rings that are full while nobody writes into them. */
static void unlist(berth_pool *pool, berth__row *row) {
    if (row->work != BERTH__WORK_KEPT && row->work != BERTH__WORK_HELD) return;
    berth__list_remove(row->work == BERTH__WORK_KEPT ? &pool->kept : &pool->held, pool->work_links,
                       berth__row_place(row));
    row->work = BERTH__WORK_NONE;
}

/* Is what is in it to be kept although it was read? */
static uint32_t keeps(const berth__row *row) {
    return row->keyed != BERTH__NONE;
}

static uint32_t traits_of(const berth__row *row) {
    return (keeps(row) ? (uint32_t)BERTH__RING_KEEPS : 0) |
           (row->full == BERTH_FULL_COALESCE ? (uint32_t)BERTH__RING_MERGES : 0);
}

void berth__store_attach(berth_pool *pool, berth__row *row) {
    if (row->ring != BERTH__NONE) {
        unlist(pool, row);
        berth__gate_unask(&pool->rings[row->ring].gate, BERTH__GATE_RETURN);
        return;
    }
    pool->parked_streams--;
    BERTH__ASSERT(pool->failed, pool->rings_free_count > 0);
    if (pool->rings_free_count == 0) return;
    row->ring = pool->rings_free[--pool->rings_free_count];
    berth__ring *ring = &pool->rings[row->ring];
    berth__ring_clear(ring, traits_of(row), row->id);
    ring->sequence = row->chunk_count; /* a preempted one has given its first ring back */
    berth__gate_assign(&ring->gate, berth__owner_name(pool, row));
    berth__ring_at_set(pool, berth__owner_place(pool, row), row->ring, row->sealed);
    /* A gate's first record is no chunk; who sleeps has the mailbox to himself; and who reads a
     * sealed stream breaks the seal first. */
    if (pool->options.face != BERTH_FACE_GATE && row->watch == NULL && !row->sealed &&
        berth__owner_name(pool, row) != 0)
        berth__gate_open(&ring->gate);
}

/* It was taken: free now, or once those who were inside have brought it. The last one does. */
static void give_back(berth_pool *pool, uint32_t ring) {
    if (berth__gate_is_awaited(&pool->rings[ring].gate)) return;
    if (berth__hatch_is_awaited(&pool->rings[ring].hatch)) return;
    pool->rings_free[pool->rings_free_count++] = ring;
}

BERTH__HOT void berth__store_detach(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
    if (row->work == BERTH__WORK_HELD) pool->parked_streams++;
    unlist(pool, row);
    (void)berth__gate_take(&pool->rings[row->ring].gate);
    (void)berth__hatch_take(&pool->rings[row->ring].hatch);
    give_back(pool, row->ring);
    row->ring = BERTH__NONE;
    berth__ring_at_clear(pool, berth__owner_place(pool, row));
}

/* Nobody writes into it any more, or not for now: a reader who is inside gives it back when he has
 * read the last chunk. He is asked before it is looked at, so that one of the two sees it empty. */
static void list_or_detach(berth_pool *pool, berth__row *row, berth__list *list, uint32_t work) {
    row->work = work & 7u;
    berth__list_push(list, pool->work_links, berth__row_place(row));
    if (keeps(row)) return;
    berth__gate_ask(&pool->rings[row->ring].gate, BERTH__GATE_RETURN);
    if (berth__ring_is_empty(&pool->rings[row->ring])) berth__store_detach(pool, row);
}

void berth__store_hold(berth_pool *pool, berth__row *row) {
    list_or_detach(pool, row, &pool->held, BERTH__WORK_HELD);
}

BERTH__HOT void berth__store_keep(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
    unlist(pool, row);
    list_or_detach(pool, row, &pool->kept, BERTH__WORK_KEPT);
}

void berth__store_reader_left(berth_pool *pool, uint32_t ring, berth_request_id id,
                              uint32_t asked) {
    berth__row *row;
    if ((asked & BERTH__GATE_WANTED) != 0) {
        berth__gate_assign(&pool->rings[ring].gate, 0);
        give_back(pool, ring);
    }
    if (berth__owner_find(pool, id, &row) != BERTH_OK) return;
    berth__mailbox_catch_up(pool, row, berth__clock_read(pool));
    if ((asked & BERTH__GATE_WANTED) != 0 || row->ring != ring || keeps(row) ||
        !berth__ring_is_empty(&pool->rings[ring]))
        return;
    if (row->work == BERTH__WORK_KEPT || row->work == BERTH__WORK_HELD)
        berth__store_detach(pool, row);
}

void berth__store_producer_left(berth_pool *pool, uint32_t ring) {
    berth__lock_enter(pool);
    berth__hatch_return(&pool->rings[ring].hatch);
    give_back(pool, ring);
    berth__lock_settle(pool);
    (void)berth__lock_leave(pool, BERTH_OK);
}

/* Does a reader or a producer use it now? */
static uint32_t is_used(const berth__ring *ring) {
    return berth__gate_is_inside(&ring->gate) || berth__hatch_is_inside(&ring->hatch);
}

uint32_t berth__store_is_used(const berth_pool *pool) {
    for (uint32_t ring = 0; ring < pool->options.mailboxes_max; ring++)
        if (is_used(&pool->rings[ring])) return 1;
    return 0;
}

/* A request that keeps a ring, and gives it back at once when it is dropped: the oldest that nobody
 * waits for, or else the oldest. BERTH__NONE if somebody is inside of each. */
static uint32_t victim(const berth_pool *pool) {
    uint32_t waited_for = BERTH__NONE;
    for (uint32_t place = pool->kept.head; place != BERTH__NONE;
         place = pool->work_links[place].next) {
        const berth__row *row = berth__row_at(pool, place);
        if (is_used(&pool->rings[row->ring])) continue;
        if (row->watch == NULL && (!keeps(row) || berth__owner_name(pool, row) == 0)) return place;
        if (waited_for == BERTH__NONE) waited_for = place;
    }
    return waited_for;
}

/* A preempted request that keeps chunks which were all read gives its ring back. O(held). */
static uint32_t give_up_read(berth_pool *pool) {
    for (uint32_t place = pool->held.head; place != BERTH__NONE;
         place = pool->work_links[place].next) {
        berth__row *row = berth__row_at(pool, place);
        const berth__ring *ring = &pool->rings[row->ring];
        if (!keeps(row) || !berth__ring_is_empty(ring) || berth__gate_is_inside(&ring->gate))
            continue;
        berth__store_detach(pool, row);
        return 1;
    }
    return 0;
}

void berth__store_make_room(berth_pool *pool) {
    uint64_t needed = pool->options.running_max - pool->inside_count;
    if (needed > pool->parked_streams) needed = pool->parked_streams;
    if (pool->options.face == BERTH_FACE_WORKER && needed > berth__worker_free_count(pool))
        needed = berth__worker_free_count(pool);
    while (pool->rings_free_count < needed && pool->kept.count > 0) {
        const uint32_t place = victim(pool);
        if (place == BERTH__NONE) break;
        /* The core answers by T_GONE, which gives the ring back. */
        if (berth__core_forget(pool->core, berth__row_at(pool, place)->id, 1) != BERTH_OK) break;
    }
    while (pool->rings_free_count < needed && give_up_read(pool)) continue;
}

uint32_t berth__store_bound(berth_pool *pool) {
    if (pool->parked_streams <= pool->rings_free_count) return BERTH__NONE;
    /* Those who run will give rings back. Where nobody runs, all are held by requests that were
     * preempted, whose readers have left them unread ever since: the first of them gives way. */
    if (pool->rings_free_count == 0 && pool->inside_count == 0 && pool->held.count > 0) {
        const berth_request_id id = berth__row_at(pool, pool->held.head)->id;
        (void)berth__core_cancel(pool->core, pool->now_ns, id, BERTH_CANCEL_SLOW_READER);
        berth__store_make_room(pool);
    }
    return pool->rings_free_count;
}
