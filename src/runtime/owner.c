/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   A mailbox has one owner at most, and he alone reads it. An owner who was replaced reads nothing
 *   any more, and is told so. A chunk is read again only by an owner who asked for it.
 *   While there is an owner, and while the request lives and its grace lasts, it stays.
 *
 * Operation
 *   The owner's id is the one that the ring's gate is assigned to, so the way without the lock is
 *   the same as for any reader. To change the owner is to shut the gate (which fails while a reader
 *   is inside), to send away who sleeps, and to pass the gate to the new id.
 *
 * Safety
 *   A reader who slept looks at his own watcher first when he wakes: who was sent away touches
 *   neither the ring nor `row->watch`, which may be the next owner's already.
 */
#include "runtime/owner.h"
#include "base/checked.h"
#include "base/ids.h"
#include "base/invariant.h"
#include "runtime/clock.h"
#include "runtime/key.h"
#include "runtime/lock.h"
#include "runtime/mailbox.h"
#include "runtime/news.h"
#include "runtime/pool.h"
#include "runtime/ready.h"

static berth__keyed *entry_of(const berth_pool *pool, const berth__row *row) {
    return &pool->registry.entries[row->keyed];
}

static berth__ring *ring_of(const berth_pool *pool, const berth__row *row) {
    return row->ring == BERTH__NONE ? NULL : &pool->rings[row->ring];
}

/* ---- Coming and going ---- */

static berth__newcomer newcomer_of(const berth_pool *pool, const berth_request *request) {
    return (berth__newcomer){
        .tenant = request->tenant,
        .size = request->mailbox_mode == BERTH_MAILBOX_STREAM ? pool->options.mailbox_size : 0};
}

berth_status berth__owner_check(const berth_pool *pool, const berth_key *key,
                                const berth_request *request, berth_refusal *refusal) {
    const berth__newcomer newcomer = newcomer_of(pool, request);
    /* Numbers that repeat are not random. */
    if (berth__registry_find(&pool->registry, key) != BERTH__NONE) return BERTH_ESYSTEM;
    return berth__registry_check(&pool->registry, &newcomer, refusal);
}

/* When its time ends, by whether it has an owner and whether it has ended. */
static void time_it(berth_pool *pool, uint32_t index) {
    const berth__keyed *entry = &pool->registry.entries[index];
    uint64_t from = entry->left_at_ns;
    uint64_t at_ns = BERTH_FOREVER;
    if (entry->ended && (pool->options.keys_retain_from == BERTH_RETAIN_END ||
                         entry->ended_at_ns > entry->left_at_ns))
        from = entry->ended_at_ns;
    if (!entry->owned)
        at_ns = berth__add_saturating(from, entry->ended ? pool->options.keys_retain_ns
                                                         : pool->options.keys_grace_ns);
    berth__registry_set_idle(&pool->registry, index, !entry->owned && entry->ended);
    berth__registry_set_time(&pool->registry, index, at_ns);
}

void berth__owner_enrol(berth_pool *pool, berth__row *row, const berth_key *key,
                        const berth_request *request) {
    const berth__newcomer newcomer = newcomer_of(pool, request);
    uint32_t index = berth__registry_in_the_way(&pool->registry, &newcomer);
    while (index != BERTH__NONE) {
        const uint32_t before = pool->registry.count;
        /* The core answers by T_GONE, which takes the entry out. */
        (void)berth__core_forget(pool->core, pool->registry.entries[index].id, 1);
        if (pool->registry.count == before) break;
        pool->keyed_evicted_total++;
        index = berth__registry_in_the_way(&pool->registry, &newcomer);
    }
    BERTH__ASSERT(pool->failed, index == BERTH__NONE);
    if (index != BERTH__NONE) return;
    row->keyed = berth__registry_add(&pool->registry, key, &newcomer, row->id);
    entry_of(pool, row)->left_at_ns = pool->now_ns;
    time_it(pool, row->keyed);
}

void berth__owner_note_end(berth_pool *pool, berth__row *row) {
    berth__view view;
    if (row->keyed == BERTH__NONE) return;
    (void)berth__core_view(pool->core, row->id, &view);
    entry_of(pool, row)->ended = 1;
    entry_of(pool, row)->ended_at_ns = view.outcome.ended_at_ns;
    time_it(pool, row->keyed);
}

void berth__owner_note_gone(berth_pool *pool, berth__row *row) {
    if (row->keyed == BERTH__NONE) return;
    berth__registry_remove(&pool->registry, row->keyed);
    row->keyed = BERTH__NONE;
}

/* ---- Looking ---- */

berth_status berth__owner_find(berth_pool *pool, uint64_t id, berth__row **out) {
    uint32_t index;
    *out = NULL;
    if (berth__id_place(id) < pool->row_count) {
        *out = berth__row_find_for_user(pool, id);
        if (*out == NULL) return BERTH_ESTALE;
        return (*out)->keyed == BERTH__NONE ? BERTH_OK : BERTH_ETAKEN;
    }
    const berth_status status = berth__registry_find_owner(&pool->registry, id, &index);
    if (status != BERTH_OK) return status;
    *out = berth__row_find_for_user(pool, pool->registry.entries[index].id);
    return *out == NULL ? BERTH_ESTALE : BERTH_OK;
}

uint64_t berth__owner_name(const berth_pool *pool, const berth__row *row) {
    return row->keyed == BERTH__NONE ? row->id : berth__registry_owner(&pool->registry, row->keyed);
}

uint32_t berth__owner_place(const berth_pool *pool, const berth__row *row) {
    return row->keyed == BERTH__NONE ? berth__row_place(row) : pool->row_count + row->keyed;
}

void berth__owner_stats(const berth_pool *pool, berth_stats *out) {
    out->keyed = pool->registry.count;
    out->keyed_owned = pool->registry.owned_count;
    out->keyed_size = pool->registry.size;
    out->attached_total = pool->attached_total;
    out->taken_over_total = pool->taken_over_total;
    out->keyed_gone_total = pool->keyed_gone_total;
    out->keyed_expired_total = pool->keyed_expired_total;
    out->keyed_evicted_total = pool->keyed_evicted_total;
}

/* ---- Time ---- */

uint64_t berth__owner_next_at(const berth_pool *pool) {
    return berth__registry_next_at(&pool->registry);
}

void berth__owner_expire(berth_pool *pool, uint64_t now) {
    uint32_t index;
    while ((index = berth__registry_take_due(&pool->registry, now)) != BERTH__NONE) {
        const berth__keyed *entry = &pool->registry.entries[index];
        if (entry->ended) {
            pool->keyed_expired_total++;
            (void)berth__core_forget(pool->core, entry->id, 1);
        } else {
            pool->keyed_gone_total++;
            (void)berth__core_cancel(pool->core, now, entry->id, BERTH_CANCEL_READER_GONE);
        }
    }
}

/* ---- The calls ---- */

berth_status berth__owner_key(berth_pool *pool, berth_request_id id, berth_key *out) {
    berth_status status = BERTH_OK;
    berth__lock_enter(pool);
    const berth__row *row = berth__row_find_for_user(pool, id);
    if (row == NULL)
        status = BERTH_ESTALE;
    else if (row->keyed == BERTH__NONE)
        status = BERTH_EINVAL;
    else
        *out = entry_of(pool, row)->key;
    return berth__lock_leave(pool, status);
}

/* Nobody is inside, and nobody gets in. 0 if a reader is. */
static uint32_t shut(const berth_pool *pool, const berth__row *row) {
    berth__ring *ring = ring_of(pool, row);
    return ring == NULL || berth__gate_shut(&ring->gate);
}

static void reopen(const berth_pool *pool, const berth__row *row) {
    berth__ring *ring = ring_of(pool, row);
    if (ring == NULL || row->announce || row->watch != NULL || !entry_of(pool, row)->owned) return;
    berth__gate_open(&ring->gate);
}

/* The owner who sleeps in a read is to return with this status; who waits for many looks again. */
static void send_away(berth_pool *pool, berth__row *row, berth_status status) {
    if (row->any != NULL) berth__waiter_wake_all(pool, row->any);
    row->any = NULL;
    if (row->watch == NULL) return;
    row->watch->sent_away = status;
    berth__waiter_wake_all(pool, &row->watch->asleep);
    row->watch = NULL;
}

/* Where the new owner begins to read. Nothing is changed unless it is OK. */
static berth_status rewind_to(const berth_pool *pool, const berth__row *row,
                              berth_attachment *attachment) {
    berth__ring *ring = ring_of(pool, row);
    const uint64_t sequence = attachment->sequence;
    attachment->next = row->chunk_count;
    attachment->oldest = ring == NULL ? row->chunk_count : berth__ring_oldest(ring);
    if (sequence == BERTH_SEQUENCE_UNREAD) return BERTH_OK;
    if (sequence > attachment->next) return BERTH_EINVAL;
    if (ring == NULL) return sequence == attachment->next ? BERTH_OK : BERTH_ELOST;
    return berth__ring_rewind(ring, sequence) ? BERTH_OK : BERTH_ELOST;
}

/* The gate is shut. */
static berth_status own(berth_pool *pool, berth__row *row, berth_attachment *attachment) {
    berth__keyed *entry = entry_of(pool, row);
    const uint32_t takes_over = entry->owned;
    if (entry->generation == BERTH__GENERATION_MAX) return BERTH_EOVERFLOW;
    const berth_status status = rewind_to(pool, row, attachment);
    if (status != BERTH_OK) return status;
    send_away(pool, row, BERTH_ETAKEN);
    attachment->owner = berth__registry_own(&pool->registry, row->keyed);
    attachment->id = row->id;
    if (row->ring != BERTH__NONE) berth__gate_pass(&pool->rings[row->ring].gate, attachment->owner);
    berth__mailbox_catch_up(pool, row, pool->now_ns);
    pool->attached_total++;
    pool->taken_over_total += takes_over;
    time_it(pool, row->keyed);
    if (row->announce || row->fixed || berth__mailbox_has_chunk(pool, row))
        berth__news_mark(pool, row);
    return BERTH_OK;
}

static berth_status attach(berth_pool *pool, const berth_key *key, berth_attachment *attachment) {
    if (berth__pool_failed(pool)) return BERTH_EBROKEN;
    berth__owner_expire(pool, berth__clock_read(pool));
    const uint32_t index = pool->registry.count_max == 0
                               ? BERTH__NONE
                               : berth__registry_open(&pool->registry, key, attachment->tenant);
    if (index == BERTH__NONE) return BERTH_ESTALE;
    const berth__keyed *entry = &pool->registry.entries[index];
    berth__row *row = berth__row_find_for_user(pool, entry->id);
    if (entry->owned && (attachment->flags & BERTH_ATTACH_TAKE_OVER) == 0) return BERTH_EBUSY;
    if (!shut(pool, row)) return BERTH_EBUSY;
    const berth_status status = own(pool, row, attachment);
    reopen(pool, row);
    return status;
}

berth_status berth__owner_attach(berth_pool *pool, const berth_key *key,
                                 berth_attachment *attachment) {
    berth__lock_enter(pool);
    const berth_status status = attach(pool, key, attachment);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

static berth_status detach(berth_pool *pool, berth_owner_id owner, uint32_t flags) {
    berth__row *row;
    if (berth__pool_failed(pool)) return BERTH_EBROKEN;
    const berth_status status = berth__id_place(owner) < pool->row_count
                                    ? BERTH_ESTALE
                                    : berth__owner_find(pool, owner, &row);
    if (status != BERTH_OK) return status;
    if (!shut(pool, row)) return BERTH_EBUSY;
    send_away(pool, row, BERTH_ESTALE);
    if (row->ring != BERTH__NONE) berth__gate_pass(&pool->rings[row->ring].gate, 0);
    berth__ready_drop(pool, row);
    berth__registry_disown(&pool->registry, row->keyed);
    entry_of(pool, row)->left_at_ns = berth__clock_read(pool);
    time_it(pool, row->keyed);
    if ((flags & BERTH_DETACH_CANCEL) != 0 && !row->fixed)
        (void)berth__core_cancel(pool->core, pool->now_ns, row->id, BERTH_CANCEL_READER_GONE);
    /* Where it is retained from its end on, its time may be over. */
    berth__owner_expire(pool, pool->now_ns);
    return BERTH_OK;
}

berth_status berth__owner_detach(berth_pool *pool, berth_owner_id owner, uint32_t flags) {
    berth__lock_enter(pool);
    const berth_status status = detach(pool, owner, flags);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}
