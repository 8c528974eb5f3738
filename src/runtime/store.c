/* SPDX-License-Identifier: MIT */
#include "runtime/store.h"
#include "base/invariant.h"
#include "runtime/pool.h"
#include "runtime/worker.h"

void berth__store_attach(berth_pool *pool, berth__row *row) {
    BERTH__ASSERT(pool->failed, pool->rings_free_count > 0);
    if (pool->rings_free_count == 0) return;
    row->ring = pool->rings_free[--pool->rings_free_count];
    berth__ring_clear(&pool->rings[row->ring]);
}

void berth__store_detach(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
    if (row->work == BERTH__WORK_KEPT) {
        berth__list_remove(&pool->kept, pool->work_links, berth__row_place(pool, row));
        row->work = BERTH__WORK_NONE;
    }
    pool->rings_free[pool->rings_free_count++] = row->ring;
    row->ring = BERTH__NONE;
}

void berth__store_keep(berth_pool *pool, berth__row *row) {
    if (row->ring == BERTH__NONE) return;
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
