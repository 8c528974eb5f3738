/* SPDX-License-Identifier: MIT */
#include "runtime/worker.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/pool.h"
#include "runtime/store.h"

void berth__worker_wake(berth_pool *pool) {
    while (pool->idle != NULL && (pool->stopping || pool->take.count > pool->waking_count)) {
        berth__waiter_wake_first(pool, &pool->idle);
        pool->waking_count++;
    }
}

uint32_t berth__worker_free_count(const berth_pool *pool) {
    const uint32_t taken = pool->active_count + pool->calling_count + pool->take.count;
    return pool->options.worker_count > taken ? pool->options.worker_count - taken : 0;
}

void berth__worker_tell_idle(berth_pool *pool) {
    if (pool->options.face == BERTH_FACE_ENGINE) return;
    uint32_t bound = berth__store_bound(pool);
    if (pool->options.face == BERTH_FACE_WORKER && berth__worker_free_count(pool) < bound)
        bound = berth__worker_free_count(pool);
    berth__core_set_idle(pool->core, bound);
}

/* execute() has returned: fix the outcome if nothing else did, and let go unless it is pending. */
static void settle_result(berth_pool *pool, berth__row *row, int32_t result) {
    const uint64_t now = berth__clock_read(pool);
    if (result == BERTH_EXECUTE_PENDING && !row->let_go_asked) return;
    if (!row->fixed) {
        pool->finishing = row->id;
        if (result == BERTH_EXECUTE_DONE)
            (void)berth__core_finish(pool->core, now, row->id, BERTH_FINISH_STOP, 0);
        else
            (void)berth__core_finish(pool->core, now, row->id, BERTH_FINISH_FAILED, result);
        pool->finishing = 0;
    }
    (void)berth__core_let_go(pool->core, now, row->id);
}

static void run_one(berth_pool *pool) {
    const uint32_t place = pool->take.head;
    berth__row *row = &pool->rows[place];
    berth__inside inside;
    berth__view view;
    berth__list_remove(&pool->take, pool->work_links, place);
    row->work = BERTH__WORK_NONE;
    row->executing = 1;
    pool->active_count++;
    (void)berth__core_view(pool->core, row->id, &view);
    const berth_call call = {.struct_size = (uint32_t)sizeof call,
                             .slot = view.slot,
                             .pool = pool,
                             .id = row->id,
                             .payload = row->payload,
                             .payload_size = row->payload_size,
                             .prompt_tokens = view.outcome.prompt_tokens,
                             .max_new_tokens = view.max_new_tokens,
                             .band = view.outcome.band};
    berth__callback_enter(pool, &inside, 0);
    const int32_t result = pool->executor.execute(pool->executor.user_data, &call);
    berth__callback_leave(pool, &inside);
    pool->active_count--;
    row->executing = 0;
    settle_result(pool, row, result);
    berth__callback_queue_release(pool, row);
}

/* The host's callbacks come first: a worker that calls them is not free, lest what is admitted for
 * it goes ahead of what is more urgent and comes meanwhile. */
static void call_and_settle(berth_pool *pool) {
    if (berth__callback_is_due(pool)) {
        pool->calling_count++;
        berth__lock_settle(pool);
        berth__callback_run_due(pool);
        pool->calling_count--;
    }
    /* This worker takes the next one itself: it counts as woken. */
    pool->waking_count++;
    berth__lock_settle(pool);
    pool->waking_count--;
}

static void run(void *argument) {
    berth_pool *pool = argument;
    berth__waiter waiter;
    if (berth__waiter_init(&waiter) != BERTH_OK) return;
    uv_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (pool->take.count > 0 && !berth__pool_failed(pool)) {
            run_one(pool);
            do {
                call_and_settle(pool);
            } while (berth__callback_is_due(pool));
            continue;
        }
        berth__waiter_join(&waiter, &pool->idle);
        (void)berth__waiter_sleep(pool, &waiter, BERTH_FOREVER);
        pool->waking_count--;
    }
    berth__waiter_signal(pool);
    uv_mutex_unlock(&pool->lock);
    berth__waiter_fini(&waiter);
}

berth_status berth__worker_start_all(berth_pool *pool) {
    const uv_thread_options_t options = {
        .flags = pool->options.worker_stack_size != 0 ? UV_THREAD_HAS_STACK_SIZE : 0,
        .stack_size = (size_t)pool->options.worker_stack_size};
    while (pool->worker_count < pool->options.worker_count) {
        if (uv_thread_create_ex(&pool->workers[pool->worker_count], &options, run, pool) != 0)
            return BERTH_ESYSTEM;
        pool->worker_count++;
    }
    return BERTH_OK;
}

void berth__worker_join_all(berth_pool *pool) {
    while (pool->worker_count > 0) uv_thread_join(&pool->workers[--pool->worker_count]);
}
