/* SPDX-License-Identifier: MIT */
#include "runtime/sink.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/callback.h"
#include "runtime/emit.h"
#include "runtime/hand.h"
#include "runtime/mailbox.h"
#include "runtime/owner.h"
#include "runtime/pool.h"
#include "runtime/ready.h"
#include "runtime/seal.h"
#include "runtime/store.h"

static void admitted(berth_pool *pool, berth__row *row) {
    row->admitted = 1;
    pool->parked_count--;
    pool->inside_count++;
    if (row->streams) berth__store_attach(pool, row);
    if (pool->options.face == BERTH_FACE_WORKER) {
        row->work = BERTH__WORK_TAKE;
        berth__list_push(&pool->take, pool->work_links, berth__row_place(row));
    }
    if (pool->options.face == BERTH_FACE_GATE) {
        row->announce = 1;
        berth__mailbox_notify(pool, row);
    }
}

/* It goes on later, under the same id: unread chunks stay, and so does the count of chunks. */
static void preempted(berth_pool *pool, berth__row *row) {
    berth__emit_fold(pool, row);
    row->admitted = 0;
    /* Who gave way because of his reader waits for him still. */
    if (row->full != BERTH_FULL_PREEMPT) berth__mailbox_unpause(pool, row);
    pool->parked_count++;
    pool->inside_count--;
    if (row->streams) berth__store_hold(pool, row);
}

/* No worker is there to take it after all. */
static void unadmitted(berth_pool *pool, berth__row *row) {
    berth__list_remove(&pool->take, pool->work_links, berth__row_place(row));
    row->work = BERTH__WORK_NONE;
    preempted(pool, row);
}

/* A running request is asked to stop, unless its own finish is what fixed the outcome. */
static void ask_to_stop(berth_pool *pool, berth__row *row) {
    const uint32_t place = berth__row_place(row);
    if (row->work == BERTH__WORK_HAND) berth__hand_take_back(pool, &pool->hands[row->hand]);
    if (row->work == BERTH__WORK_TAKE) {
        berth__list_remove(&pool->take, pool->work_links, place);
        row->work = BERTH__WORK_LET_GO;
        berth__list_push(&pool->let_go, pool->work_links, place);
        return;
    }
    if (pool->options.face == BERTH_FACE_ENGINE || pool->executor.cancelled == NULL) return;
    if (!row->admitted || pool->finishing == row->id) return;
    row->due = BERTH__DUE_CANCELLED;
    berth__list_push(&pool->cancelled, pool->callback_links, place);
}

static void outcome_fixed(berth_pool *pool, berth__row *row) {
    berth__emit_fold(pool, row); /* what is not in by now is too late */
    row->fixed = 1;
    /* Until it has ended, only the lock tells what the outcome is. Whom a worker is about to end,
     * it seals itself, with others: see hand.c. */
    if (row->sealed && pool->posting != row->id) berth__seal_set(pool, row->id, BERTH__SEAL_NONE);
    berth__owner_note_end(pool, row);
    ask_to_stop(pool, row);
    berth__mailbox_tell(pool, row);
}

static void ended(berth_pool *pool, berth__row *row) {
    const uint32_t place = berth__row_place(row);
    row->ended = 1;
    if (row->admitted) {
        pool->inside_count--;
    } else {
        pool->parked_count--;
        if (row->ring == BERTH__NONE) pool->parked_streams -= row->streams;
    }
    if (row->work == BERTH__WORK_LET_GO) {
        berth__list_remove(&pool->let_go, pool->work_links, place);
        row->work = BERTH__WORK_NONE;
    }
    berth__store_keep(pool, row);
    if (row->due == BERTH__DUE_CANCELLED) {
        berth__list_remove(&pool->cancelled, pool->callback_links, place);
        row->due = BERTH__DUE_NONE;
    }
    /* Inside cancelled(), and inside execute() when the pool fails, the payload is in use: it is
     * queued when they return. */
    berth__callback_queue_release(pool, row);
    if (!row->sealed) return;
    if (!row->gone && pool->posting != row->id) berth__seal_set(pool, row->id, BERTH__SEAL_READY);
}

/* Whoever is reading the outcome goes on: its place is not given away before he is done. */
static void unseal(berth_pool *pool, const berth__row *row) {
    if (berth__seal_break(pool, row->id)) return;
    berth__core_pin(pool->core, row->id);
    pool->dropped_taken_total++;
}

static void gone(berth_pool *pool, berth__row *row) {
    row->gone = 1;
    if (row->sealed) unseal(pool, row);
    berth__mailbox_dismiss(pool, row);
    berth__store_detach(pool, row);
    berth__ready_drop(pool, row);
    berth__owner_note_gone(pool, row);
}

BERTH__HOT void berth__sink_take(void *context, uint32_t transition, berth_request_id id) {
    berth_pool *pool = context;
    berth__row *row = berth__row_at(pool, berth__id_place(id));
    switch ((enum berth__transition)transition) {
    case BERTH__T_ADMITTED: admitted(pool, row); break;
    case BERTH__T_OUTCOME: outcome_fixed(pool, row); break;
    case BERTH__T_ENDED: ended(pool, row); break;
    case BERTH__T_GONE: gone(pool, row); break;
    case BERTH__T_PREEMPTED: preempted(pool, row); break;
    case BERTH__T_UNADMITTED: unadmitted(pool, row); break;
    }
}
