/* SPDX-License-Identifier: MIT */
#include "runtime/lock.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/callback.h"
#include "runtime/close.h"
#include "runtime/engine.h"
#include "runtime/pool.h"
#include "runtime/ready.h"
#include "runtime/store.h"
#include "runtime/timer.h"
#include "runtime/worker.h"

static void take(berth_pool *pool) {
    berth__mutex_lock(&pool->lock);
    if (pool->lane.slots != NULL) (void)berth__lane_drain(pool);
}

/* Call what is due, wake whom it concerns, and give the lock up; so many calls are over then. */
static void give_up(berth_pool *pool, uint32_t calls) {
    if (berth__callback_is_due(pool)) {
        berth__ready_tell(pool);
        berth__callback_run_due(pool);
    }
    const uint32_t tells = berth__ready_tell_begin(pool);
    pool->call_count -= calls;
    berth__close_wake(pool);
    berth__waiter_unlock(pool);
    if (tells) berth__ready_tell_end(pool);
}

void berth__lock_enter(berth_pool *pool) {
    take(pool);
    pool->call_count++;
}

BERTH__HOT void berth__lock_enter_for(berth_pool *pool, berth_request_id id) {
    berth__row_expect(pool, berth__id_place(id));
    berth__lock_enter(pool);
}

BERTH__HOT berth_status berth__lock_leave(berth_pool *pool, berth_status status) {
    give_up(pool, 1);
    return status;
}

void berth__lock_give_way(berth_pool *pool) {
    give_up(pool, 0);
    take(pool);
}

/* The pool has failed: everything ends as INTERNAL, so that nobody waits for ever. Once. */
static void tell_failure(berth_pool *pool) {
    if (pool->failure_told) return;
    pool->failure_told = 1;
    berth__core_fail(pool->core);
    (void)berth__lane_close(pool); /* from now on submits are refused */
    pool->steps_outstanding = 0;   /* nobody can commit them any more: destroy does not wait */
    berth__waiter_wake_all(pool, &pool->engines);
    berth__waiter_wake_all(pool, &pool->drains);
    berth__waiter_wake_all(pool, &pool->timer_waiter);
}

/* Requests whose outcome was fixed while they waited for a worker never ran: their units go. */
BERTH__HOT static void let_go_untaken(berth_pool *pool) {
    while (pool->let_go.count > 0) {
        const uint32_t place = pool->let_go.head;
        berth__list_remove(&pool->let_go, pool->work_links, place);
        berth__row_at(pool, place)->work = BERTH__WORK_NONE;
        (void)berth__core_let_go(pool->core, pool->now_ns, berth__row_at(pool, place)->id);
    }
}

/* Requests that were admitted for a worker which turned out to be held up wait in the queue: there
 * they have an order and a deadline. */
static void unadmit(berth_pool *pool) {
    while (pool->take.count > 0 && berth__worker_is_short(pool)) {
        const berth_request_id id = berth__row_at(pool, pool->take.tail)->id;
        if (berth__core_unadmit(pool->core, pool->now_ns, id) != BERTH_OK) return;
    }
}

static void admit(berth_pool *pool) {
    if (pool->options.face == BERTH_FACE_WORKER) unadmit(pool);
    let_go_untaken(pool);
    /* What is due ends first, so that the rings needed are known when admission begins. */
    berth__core_expire(pool->core, pool->now_ns);
    let_go_untaken(pool);
    if (pool->parked_count == 0) return;
    if (pool->options.face == BERTH_FACE_WORKER && berth__worker_free_count(pool) == 0) return;
    if (pool->parked_streams > 0) berth__store_make_room(pool);
    berth__worker_tell_idle(pool);
    (void)berth__core_admit(pool->core, pool->now_ns);
}

BERTH__HOT void berth__lock_settle_last(berth_pool *pool) {
    if (pool->options.face != BERTH_FACE_ENGINE) admit(pool);
    if (berth__pool_failed(pool)) tell_failure(pool);
    berth__worker_wake(pool);
    berth__engine_wake(pool);
    berth__timer_wake(pool);
    berth__close_wake(pool);
}

void berth__lock_settle(berth_pool *pool) {
    berth__lock_settle_last(pool);
    berth__ready_tell(pool);
}
