/* SPDX-License-Identifier: MIT */
#include "runtime/callback.h"
#include "base/hot.h"
#include "runtime/pool.h"

/* Releases per turn of the lock. */
#define BATCH_MAX 16u

void berth__callback_enter(berth_pool *pool, berth__inside *inside, uint32_t runs_due) {
    inside->thread = uv_thread_self();
    inside->previous = NULL;
    inside->next = pool->inside;
    inside->runs_due = runs_due;
    inside->reserved = 0;
    if (pool->inside != NULL) pool->inside->previous = inside;
    pool->inside = inside;
    berth__waiter_unlock(pool);
}

void berth__callback_leave(berth_pool *pool, berth__inside *inside) {
    berth__mutex_lock(&pool->lock);
    if (inside->previous != NULL)
        inside->previous->next = inside->next;
    else
        pool->inside = inside->next;
    if (inside->next != NULL) inside->next->previous = inside->previous;
}

static uint32_t is_inside(const berth_pool *pool, uint32_t runs_due) {
    const uv_thread_t self = uv_thread_self();
    for (const berth__inside *inside = pool->inside; inside != NULL; inside = inside->next)
        if (inside->runs_due >= runs_due && uv_thread_equal(&inside->thread, &self)) return 1;
    return 0;
}

uint32_t berth__callback_is_inside(const berth_pool *pool) {
    return is_inside(pool, 0);
}

BERTH__HOT void berth__callback_queue_release(berth_pool *pool, berth__row *row) {
    /* One by one: see the note on bits in row.h. */
    if (!row->owes_release) return;
    if (!row->ended || row->executing || row->due != BERTH__DUE_NONE) return;
    row->due = BERTH__DUE_RELEASE;
    berth__list_push(&pool->release, pool->callback_links, berth__row_place(row));
}

static void call_cancelled(berth_pool *pool) {
    const uint32_t place = pool->cancelled.head;
    berth__row *row = berth__row_at(pool, place);
    const berth_request_id id = row->id;
    void *payload = row->payload;
    berth__inside inside;
    berth__list_remove(&pool->cancelled, pool->callback_links, place);
    row->due = BERTH__DUE_CALLING;
    berth__callback_enter(pool, &inside, 1);
    pool->executor.cancelled(pool->executor.user_data, id, payload);
    berth__callback_leave(pool, &inside);
    /* Unless release() is owed, the place may belong to another request by now. */
    if (row->id != id) return;
    row->due = BERTH__DUE_NONE;
    berth__callback_queue_release(pool, row);
}

static void call_release(berth_pool *pool) {
    berth_request_id ids[BATCH_MAX];
    void *payloads[BATCH_MAX];
    uint64_t sizes[BATCH_MAX];
    uint32_t count = 0;
    berth__inside inside;
    while (count < BATCH_MAX && pool->release.count > 0) {
        const uint32_t place = pool->release.head;
        berth__row *row = berth__row_at(pool, place);
        berth__list_remove(&pool->release, pool->callback_links, place);
        row->due = BERTH__DUE_NONE;
        row->owes_release = 0;
        ids[count] = row->id;
        payloads[count] = row->payload;
        sizes[count] = berth__core_payload_size(pool->core, row->id);
        count++;
    }
    berth__callback_enter(pool, &inside, 1);
    for (uint32_t i = 0; i < count; i++)
        pool->executor.release(pool->executor.user_data, payloads[i], sizes[i]);
    berth__callback_leave(pool, &inside);
    for (uint32_t i = 0; i < count; i++) berth__core_unpin(pool->core, ids[i]);
}

static void call_ready(berth_pool *pool) {
    berth__inside inside;
    pool->ready_due = 0;
    berth__callback_enter(pool, &inside, 1);
    pool->executor.ready(pool->executor.user_data);
    berth__callback_leave(pool, &inside);
}

uint32_t berth__callback_is_due(const berth_pool *pool) {
    return pool->cancelled.count > 0 || pool->release.count > 0 || pool->ready_due;
}

void berth__callback_run_due(berth_pool *pool) {
    if (!berth__callback_is_due(pool)) return;
    if (is_inside(pool, 1)) return;
    for (;;) {
        if (pool->cancelled.count > 0)
            call_cancelled(pool);
        else if (pool->release.count > 0)
            call_release(pool);
        else if (pool->ready_due)
            call_ready(pool);
        else
            return;
    }
}
