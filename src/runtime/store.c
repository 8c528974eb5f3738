/* SPDX-License-Identifier: MIT */
#include "runtime/store.h"
#include "base/invariant.h"
#include "runtime/pool.h"
#include "runtime/worker.h"

/* Out of the list of the rings that are full while nobody writes into them. */
static void unlist(berth_pool *pool, berth__row *row) {
    if (row->work != BERTH__WORK_KEPT && row->work != BERTH__WORK_HELD) return;
    berth__list_remove(row->work == BERTH__WORK_KEPT ? &pool->kept : &pool->held, pool->work_links,
                       berth__row_place(pool, row));
    row->work = BERTH__WORK_NONE;
}

void berth__store_attach(berth_pool *pool, berth__row *row) {
    if (row->ring != BERTH__NONE) {
        unlist(pool, row);
        return;
    }
    pool->parked_streams--;
    BERTH__ASSERT(pool->failed, pool->rings_free_count > 0);
    if (pool->rings_free_count == 0) return;
    row->ring = pool->rings_free[--pool->rings_free_count];
    berth__ring_clear(&pool->rings[row->ring], 0);
}

void berth__store_detach(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
    if (row->work == BERTH__WORK_HELD) pool->parked_streams++;
    unlist(pool, row);
    pool->rings_free[pool->rings_free_count++] = row->ring;
    row->ring = BERTH__NONE;
}

void berth__store_hold(berth_pool *pool, berth__row *row) {
    row->work = BERTH__WORK_HELD;
    berth__list_push(&pool->held, pool->work_links, berth__row_place(pool, row));
    if (berth__ring_is_empty(&pool->rings[row->ring])) berth__store_detach(pool, row);
}

void berth__store_keep(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
    unlist(pool, row);
    if (berth__ring_is_empty(&pool->rings[row->ring])) {
        berth__store_detach(pool, row);
        return;
    }
    row->work = BERTH__WORK_KEPT;
    berth__list_push(&pool->kept, pool->work_links, berth__row_place(pool, row));
}

/* The oldest that nobody is reading just now; the oldest of all if all are being read. */
static uint32_t victim(const berth_pool *pool) {
    uint32_t place = pool->kept.head;
    while (place != BERTH__NONE && pool->rows[place].watch != NULL)
        place = pool->work_links[place].next;
    return place == BERTH__NONE ? pool->kept.head : place;
}

void berth__store_make_room(berth_pool *pool) {
    uint64_t needed = pool->options.running_max - pool->inside_count;
    if (needed > pool->parked_streams) needed = pool->parked_streams;
    if (pool->options.face == BERTH_FACE_WORKER && needed > berth__worker_free_count(pool))
        needed = berth__worker_free_count(pool);
    while (pool->rings_free_count < needed && pool->kept.count > 0) {
        /* The core answers by T_GONE, which gives the ring back. */
        if (berth__core_forget(pool->core, pool->rows[victim(pool)].id, 1) != BERTH_OK) return;
    }
}

uint32_t berth__store_bound(berth_pool *pool) {
    if (pool->parked_streams <= pool->rings_free_count) return BERTH__NONE;
    /* Those who run will give rings back. Where nobody runs, all are held by requests that were
     * preempted, whose readers have left them unread ever since: the first of them gives way. */
    if (pool->rings_free_count == 0 && pool->inside_count == 0 && pool->held.count > 0) {
        const berth_request_id id = pool->rows[pool->held.head].id;
        (void)berth__core_cancel(pool->core, pool->now_ns, id, BERTH_CANCEL_SLOW_READER);
        berth__store_make_room(pool);
    }
    return pool->rings_free_count;
}
