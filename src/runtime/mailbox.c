/* SPDX-License-Identifier: MIT */
#include "runtime/mailbox.h"
#include "base/hot.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/outcome.h"
#include "runtime/owner.h"
#include "runtime/news.h"
#include "runtime/pool.h"
#include "runtime/seal.h"
#include "runtime/store.h"

#include <string.h>

uint32_t berth__mailbox_has_chunk(const berth_pool *pool, const berth__row *row) {
    return row->ring != BERTH__NONE && !berth__ring_is_empty(&pool->rings[row->ring]);
}

uint32_t berth__mailbox_has_record(const berth_pool *pool, const berth__row *row) {
    return row->announce || row->fixed || berth__mailbox_has_chunk(pool, row);
}

BERTH__HOT void berth__mailbox_notify(berth_pool *pool, berth__row *row) {
    if (row->gone) return;
    if (row->watch != NULL && row->watch->asleep != NULL)
        berth__waiter_wake_all(pool, &row->watch->asleep);
    else if (row->any != NULL)
        berth__waiter_wake_all(pool, row->any);
    else if (row->watch == NULL && berth__owner_name(pool, row) != 0)
        berth__news_mark(pool, row);
}

BERTH__HOT static void tell_watchers(berth_pool *pool, berth__row *row) {
    berth__view view;
    (void)berth__core_view(pool->core, row->id, &view);
    for (berth__waiter *each = row->waiters; each != NULL; each = each->next)
        ((berth__watcher *)each)->outcome = view.outcome;
    if (row->watch != NULL) row->watch->outcome = view.outcome;
}

/* Most are awaited by nobody, and stream nothing: they are listed, and that is all. */
static uint32_t is_only_listed(const berth__row *row) {
    return row->waiters == NULL && row->watch == NULL && row->any == NULL &&
           row->ring == BERTH__NONE && row->keyed == BERTH__NONE;
}

BERTH__HOT void berth__mailbox_tell(berth_pool *pool, berth__row *row) {
    if (is_only_listed(row)) {
        if (!row->gone) berth__news_mark(pool, row);
        return;
    }
    if (row->waiters != NULL || row->watch != NULL) tell_watchers(pool, row);
    if (row->ring != BERTH__NONE) berth__gate_ask(&pool->rings[row->ring].gate, BERTH__GATE_FIXED);
    berth__waiter_wake_all(pool, &row->waiters);
    berth__mailbox_notify(pool, row);
}

BERTH__HOT void berth__mailbox_dismiss(berth_pool *pool, berth__row *row) {
    berth__waiter_wake_all(pool, &row->waiters);
    if (row->watch != NULL) {
        row->watch->lost = row->announce || berth__mailbox_has_chunk(pool, row);
        berth__waiter_wake_all(pool, &row->watch->asleep);
    }
    row->watch = NULL;
    if (row->any != NULL) berth__waiter_wake_all(pool, row->any);
    row->any = NULL;
}

uint64_t berth__mailbox_chunk_size_max(const berth_pool *pool) {
    return pool->options.mailbox_size - BERTH__CHUNK_OVERHEAD_MAX;
}

uint32_t berth__mailbox_has_room(const berth_pool *pool, const berth__row *row, uint64_t size) {
    if (!row->streams) return 1;
    return row->ring != BERTH__NONE && berth__ring_could_fit(&pool->rings[row->ring], size);
}

/* ---- When the reader is behind ---- */

uint32_t berth__mailbox_is_low(const berth__ring *ring) {
    return berth__ring_unread(ring) <= ring->size / 4;
}

void berth__mailbox_catch_up(berth_pool *pool, berth__row *row, uint64_t now) {
    if (!row->paused) return;
    if (row->ring != BERTH__NONE && !berth__mailbox_is_low(&pool->rings[row->ring])) return;
    berth__mailbox_unpause(pool, row);
    (void)berth__core_pause(pool->core, now, row->id, BERTH__PAUSE_NONE);
}

/* The reader is asked before it is looked again how much is unread, so that one of the two sees
 * that he has caught up. */
static void pause_if_high(berth_pool *pool, berth__row *row) {
    if (row->paused || !berth__ring_is_high(&pool->rings[row->ring])) return;
    const uint32_t how = row->full == BERTH_FULL_PREEMPT ? BERTH__PAUSE_GIVE_UP : BERTH__PAUSE_HOLD;
    if (berth__core_pause(pool->core, pool->now_ns, row->id, how) != BERTH_OK) return;
    row->paused = 1;
    berth__gate_ask(&pool->rings[row->ring].gate, BERTH__GATE_RESUME);
    berth__mailbox_catch_up(pool, row, pool->now_ns);
}

void berth__mailbox_unpause(berth_pool *pool, berth__row *row) {
    if (!row->paused) return;
    row->paused = 0;
    if (row->ring != BERTH__NONE)
        berth__gate_unask(&pool->rings[row->ring].gate, BERTH__GATE_RESUME);
}

/* ---- Chunks ---- */

static uint32_t append(berth__row *row, berth__ring *ring, const berth__output *output) {
    const berth__chunk chunk = {
        .size = output->size, .tokens = output->tokens, .sequence = row->chunk_count};
    if (row->full == BERTH_FULL_COALESCE && berth__ring_is_high(ring) &&
        berth__ring_merge(ring, &chunk, output->bytes))
        return 1;
    if (!berth__ring_push(ring, &chunk, output->bytes)) return 0;
    row->chunk_count++;
    return 1;
}

uint32_t berth__mailbox_put(berth_pool *pool, berth__row *row, const berth__output *output) {
    if (!row->streams || row->ring == BERTH__NONE) return 0;
    if (!append(row, &pool->rings[row->ring], output)) return 0;
    if (row->full >= BERTH_FULL_PAUSE) pause_if_high(pool, row);
    berth__mailbox_notify(pool, row);
    return 1;
}

void berth__mailbox_deliver(berth_pool *pool, berth__row *row, const berth__output *output) {
    const uint32_t delivered = berth__mailbox_put(pool, row, output);
    berth__core_count_chunk(pool->core, row->id, delivered, output->size);
}

/* ---- The end of a mailbox ---- */

uint32_t berth__mailbox_is_busy(const berth_pool *pool, const berth__row *row) {
    return row->watch != NULL ||
           (row->ring != BERTH__NONE && berth__gate_is_inside(&pool->rings[row->ring].gate));
}

berth_status berth__mailbox_close(berth_pool *pool, berth_request_id id) {
    berth__lock_enter(pool);
    berth__row *row = berth__row_find_for_user(pool, id);
    if (row == NULL) return berth__lock_leave(pool, BERTH_ESTALE);
    if (berth__mailbox_is_busy(pool, row)) return berth__lock_leave(pool, BERTH_EBUSY);
    if (berth__pool_failed(pool)) return berth__lock_leave(pool, BERTH_EBROKEN);
    if (!row->fixed)
        (void)berth__core_cancel(pool->core, berth__clock_read(pool), id, BERTH_CANCEL_READER_GONE);
    const uint32_t is_taken = row->sealed && !berth__seal_break(pool, id);
    /* ESTALE if what came due meanwhile pushed it out: then it is gone already. */
    if (!is_taken) (void)berth__core_forget(pool->core, id, 0);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, is_taken ? BERTH_ESTALE : BERTH_OK);
}

/* ---- Outcomes ---- */

/* Sleep until the outcome is fixed: it is in the watcher then, whatever became of the request. */
static berth_status wait_for_outcome(berth_pool *pool, berth__row *row, uint64_t timeout_ns,
                                     berth_outcome *out) {
    const berth_request_id id = row->id;
    berth__watcher watcher;
    memset(&watcher, 0, sizeof watcher);
    if (berth__waiter_init(&watcher.waiter, &pool->callers) != BERTH_OK) return BERTH_ESYSTEM;
    berth__waiter_join(&watcher.waiter, &row->waiters);
    (void)berth__waiter_sleep(pool, &watcher.waiter, berth__waiter_until(timeout_ns));
    berth__waiter_fini(&watcher.waiter);
    *out = watcher.outcome;
    row = berth__row_find_for_user(pool, id);
    if (watcher.outcome.kind == BERTH_OUTCOME_NONE)
        return row == NULL ? BERTH_ESTALE : BERTH_ETIMEDOUT;
    if (row == NULL) return BERTH_OK;
    /* It is still there: chunks that were dropped since it was noted count too. */
    (void)berth__core_outcome(pool->core, id, out);
    return BERTH_OK;
}

BERTH__HOT berth_status berth__mailbox_wait(berth_pool *pool, berth_request_id id,
                                            uint64_t timeout_ns, berth_outcome *out) {
    berth_status status = BERTH_ETIMEDOUT;
    berth_outcome unwanted;
    if (berth__outcome_look(pool, id, timeout_ns) && out == NULL) return BERTH_OK;
    if (out == NULL) out = &unwanted;
    berth__lock_enter_for(pool, id);
    if (timeout_ns != 0 && berth__callback_is_inside(pool))
        return berth__lock_leave(pool, BERTH_EREENTRY);
    berth__row *row = berth__row_find_for_user(pool, id);
    if (row == NULL) return berth__lock_leave(pool, BERTH_ESTALE);
    if (row->fixed) {
        (void)berth__core_outcome(pool->core, id, out);
        status = BERTH_OK;
    } else if (timeout_ns != 0 && berth__clock_can_wait(pool)) {
        status = wait_for_outcome(pool, row, timeout_ns, out);
    }
    return berth__lock_leave(pool, status);
}

BERTH__HOT berth_status berth__mailbox_take(berth_pool *pool, berth_request_id id,
                                            berth_outcome *out) {
    const uint32_t seal =
        pool->lane.slots == NULL ? BERTH__SEAL_NONE : berth__outcome_take(pool, id, out);
    if (seal == BERTH__SEAL_READY) return BERTH_OK;
    if (seal == BERTH__SEAL_PENDING) return BERTH_EAGAIN;
    berth__lock_enter_for(pool, id);
    berth__row *row = berth__row_find_for_user(pool, id);
    if (row == NULL) return berth__lock_leave(pool, BERTH_ESTALE);
    if (berth__mailbox_is_busy(pool, row)) return berth__lock_leave(pool, BERTH_EBUSY);
    if (!row->fixed) return berth__lock_leave(pool, BERTH_EAGAIN);
    if (row->sealed && !berth__seal_break(pool, id)) return berth__lock_leave(pool, BERTH_ESTALE);
    (void)berth__core_outcome(pool->core, id, out);
    return berth__lock_leave(pool, berth__core_forget(pool->core, id, 0));
}
