/* SPDX-License-Identifier: MIT */
#include "runtime/engine.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/mailbox.h"
#include "runtime/news.h"
#include "runtime/pool.h"
#include "runtime/store.h"

/* ---- Plans ---- */

static uint32_t is_over(const berth_pool *pool) {
    return pool->closed && pool->parked_count == 0 && pool->inside_count == 0 &&
           !berth__core_has_plan(pool->core);
}

BERTH__HOT void berth__engine_wake(berth_pool *pool) {
    if (pool->engines == NULL) return;
    if (berth__core_has_plan(pool->core) || is_over(pool))
        berth__waiter_wake_all(pool, &pool->engines);
}

/* May this thread ask for a plan now? */
static berth_status check(const berth_pool *pool) {
    if (pool->options.face != BERTH_FACE_ENGINE) return BERTH_EFACE;
    if (berth__callback_is_inside(pool)) return BERTH_EREENTRY;
    if (berth__pool_failed(pool)) return BERTH_EBROKEN;
    return pool->steps_outstanding == pool->options.steps_max ? BERTH_ESTEP : BERTH_OK;
}

/* The core knows no payloads. */
static void complete(berth_pool *pool, berth_plan *plan) {
    pool->steps_outstanding += plan->step_id != 0;
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++)
        plan->entries[i].payload =
            berth__row_at(pool, berth__id_place(plan->entries[i].id))->payload;
}

static berth_status plan_now(berth_pool *pool, berth_plan *plan) {
    const uint64_t now = berth__clock_read(pool);
    berth_plan probe = {.entry_max = 0};
    /* A plan without room for an entry says how many it needs, and has ended what is due. Rings are
     * made free for a plan that will be made: one that fails drops nobody's output. */
    if (berth__core_plan(pool->core, now, &probe) == BERTH_ESPACE &&
        probe.entry_count <= plan->entry_max) {
        berth__store_make_room(pool);
        berth__core_set_idle(pool->core, berth__store_bound(pool));
    }
    const berth_status status = berth__core_plan(pool->core, now, plan);
    berth__core_set_idle(pool->core, BERTH__NONE);
    if (status == BERTH_OK) complete(pool, plan);
    return status;
}

berth_status berth__engine_plan(berth_pool *pool, berth_plan *plan) {
    berth__lock_enter(pool);
    berth_status status = check(pool);
    if (status == BERTH_OK) status = plan_now(pool, plan);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

/* A plan with something in it, or why there is none; ETIMEDOUT: nothing yet. */
static berth_status try_plan(berth_pool *pool, berth_plan *plan) {
    berth_status status = check(pool);
    if (status != BERTH_OK) return status;
    status = plan_now(pool, plan);
    if (status != BERTH_OK || plan->entry_count > 0) return status;
    return is_over(pool) ? BERTH_ECLOSED : BERTH_ETIMEDOUT;
}

berth_status berth__engine_plan_wait(berth_pool *pool, berth_plan *plan, uint64_t timeout_ns) {
    const uint64_t until_ns = berth__waiter_until(timeout_ns);
    uint32_t woken = timeout_ns != 0 && berth__clock_can_wait(pool);
    berth__waiter waiter;
    if (berth__waiter_init(&waiter, &pool->callers) != BERTH_OK) return BERTH_ESYSTEM;
    berth__lock_enter(pool);
    berth_status status = try_plan(pool, plan);
    while (status == BERTH_ETIMEDOUT && woken && pool->steps_outstanding == 0) {
        berth__lock_settle(pool);
        /* Nobody sleeps on a due callback; but it gives the lock up, so look again after it. */
        if (berth__callback_is_due(pool)) {
            berth__callback_run_due(pool);
        } else {
            berth__waiter_join(&waiter, &pool->engines);
            woken = berth__waiter_sleep(pool, &waiter, until_ns);
        }
        status = try_plan(pool, plan);
    }
    berth__waiter_fini(&waiter);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

/* ---- Commits ---- */

/* 0 where all are, as they must be. */
static uint64_t reserved_bits(const berth_result *result) {
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof result->reserved / sizeof result->reserved[0]; i++)
        bits |= result->reserved[i];
    return bits;
}

static uint32_t is_malformed(const berth_pool *pool, const berth_result *result) {
    return result->finish > BERTH_FINISH_FAILED || reserved_bits(result) != 0 ||
           (result->held == NULL && result->held_count != 0) ||
           result->held_count > pool->options.resource_count ||
           (result->bytes == NULL && result->bytes_size != 0) ||
           result->bytes_size > berth__mailbox_chunk_size_max(pool);
}

/* What the result says of a request: all of it, step by step. */
BERTH__APART static berth_status commit_any(berth_pool *pool, berth__row *row,
                                            const berth_result *result) {
    const berth__progress progress = {.tokens_computed = result->tokens_computed,
                                      .tokens_generated = result->tokens_generated,
                                      .has_output = result->bytes_size > 0,
                                      .finish = result->finish,
                                      .code = result->code,
                                      .held_count = result->held_count,
                                      .held = result->held,
                                      .prefix_tokens = result->prefix_tokens};
    const berth__output output = {
        .bytes = result->bytes, .size = result->bytes_size, .tokens = result->tokens_generated};
    uint32_t slow = 0;
    if (is_malformed(pool, result)) return BERTH_EINVAL;
    if (!row->fixed && output.size > 0 && berth__core_awaits(pool->core, row->id) &&
        !berth__mailbox_has_room(pool, row, output.size)) {
        slow = 1;
        (void)berth__core_cancel(pool->core, pool->now_ns, row->id, BERTH_CANCEL_SLOW_READER);
    }
    const berth_status status = berth__core_commit_entry(pool->core, result->id, &progress);
    if (output.size > 0 && status == BERTH_OK) berth__mailbox_deliver(pool, row, &output);
    if (output.size > 0 && status == BERTH_EENDED)
        berth__core_count_chunk(pool->core, row->id, 0, output.size);
    return slow ? BERTH_EFULL : status;
}

/* What a commit delivers, told to the core at its end. */
typedef struct delivered {
    uint64_t chunks;
    uint64_t size;
} delivered;

/* Does it say tokens and nothing else, and is not wrong in that? Of a chunk it is asked below. */
static uint32_t says_tokens_only(const berth_result *result) {
    const uint64_t said = result->finish | result->held_count | (uintptr_t)result->held |
                          result->prefix_tokens | reserved_bits(result);
    return said == 0 && (result->bytes != NULL || result->bytes_size == 0);
}

static berth_status count_tokens(berth_pool *pool, const berth_result *result) {
    return berth__core_commit_tokens(pool->core, berth__id_place(result->id),
                                     result->tokens_computed, result->tokens_generated,
                                     result->bytes_size > 0);
}

/* The chunk of one that the core has refused. */
BERTH__APART static void drop(berth_pool *pool, const berth_result *result, berth_status status) {
    if (status == BERTH_OK || status == BERTH_EENDED)
        berth__core_count_chunk(pool->core, result->id, 0, result->bytes_size);
}

/* One step each for the core and for the mailbox, where a chunk has room. */
BERTH__APART static berth_status commit_tokens(berth_pool *pool, berth__row *row,
                                               const berth_result *result, delivered *sum) {
    const berth__output output = {
        .bytes = result->bytes, .size = result->bytes_size, .tokens = result->tokens_generated};
    const berth_status status = count_tokens(pool, result);
    if (status == BERTH_OK && berth__mailbox_put(pool, row, &output)) {
        sum->chunks++;
        sum->size += output.size;
        return status;
    }
    drop(pool, result, status);
    return status;
}

/* Where the chunk of a result ends, if all that it changes is a ring with room for it and the list
 * of mailboxes with news: nobody waits, nothing is kept, merged or paused, and its bytes are few.
 * 0: berth__mailbox_put knows more. */
static uint64_t end_of_few(const berth_pool *pool, const berth__row *row,
                           const berth_result *result) {
    if (row->ring == BERTH__NONE || row->keyed != BERTH__NONE) return 0;
    if (row->watch != NULL || row->any != NULL) return 0;
    const berth__ring *ring = &pool->rings[row->ring];
    const uint64_t end = berth__ring_end_of_few(ring, result->bytes_size);
    return row->full == BERTH_FULL_END || !berth__ring_may_be_high(ring, end) ? end : 0;
}

/* commit_tokens with such a chunk, of which most commits are made: all in line but for the core. */
static berth_status commit_few(berth_pool *pool, berth__row *row, const berth_result *result,
                               uint64_t end, delivered *sum) {
    const berth_status status = count_tokens(pool, result);
    if (status != BERTH_OK) {
        drop(pool, result, status);
        return status;
    }
    const berth__chunk chunk = {.size = result->bytes_size,
                                .tokens = result->tokens_generated,
                                .sequence = row->chunk_count++};
    berth__ring_push_few(&pool->rings[row->ring], end, &chunk, result->bytes);
    berth__news_mark(pool, row);
    sum->chunks++;
    sum->size += chunk.size;
    return BERTH_OK;
}

static berth_status commit_one(berth_pool *pool, berth__row *row, const berth_result *result,
                               delivered *sum) {
    if (!says_tokens_only(result)) return commit_any(pool, row, result);
    const uint64_t size = result->bytes_size;
    if (size == 0) return count_tokens(pool, result);
    const uint64_t end = end_of_few(pool, row, result);
    if (end != 0) return commit_few(pool, row, result, end, sum);
    if (size > berth__mailbox_chunk_size_max(pool) || !berth__mailbox_has_room(pool, row, size))
        return commit_any(pool, row, result);
    return commit_tokens(pool, row, result, sum);
}

static void commit_all(berth_pool *pool, berth_result *results, uint32_t result_count) {
    delivered sum = {.chunks = 0};
    for (uint32_t i = 0; i < result_count; i++) {
        berth_result *result = &results[i];
        berth__row *row = berth__row_find(pool, result->id);
        result->status = row == NULL ? BERTH_ESTALE : commit_one(pool, row, result, &sum);
    }
    berth__core_count_chunks(pool->core, sum.chunks, sum.size);
    berth__core_commit_end(pool->core);
}

berth_status berth__engine_commit(berth_pool *pool, berth_step_id step_id, berth_result *results,
                                  uint32_t result_count) {
    berth__lock_enter(pool);
    berth_status status = BERTH_OK;
    if (pool->options.face != BERTH_FACE_ENGINE)
        status = BERTH_EFACE;
    else if (berth__callback_is_inside(pool))
        status = BERTH_EREENTRY;
    else
        status = berth__core_commit_begin(pool->core, berth__clock_read(pool), step_id);
    if (status != BERTH_OK) return berth__lock_leave(pool, status);
    commit_all(pool, results, result_count);
    pool->steps_outstanding--;
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, BERTH_OK);
}

berth_status berth__engine_fail(berth_pool *pool, berth_step_id step_id) {
    berth__lock_enter(pool);
    berth_status status = BERTH_OK;
    if (pool->options.face != BERTH_FACE_ENGINE)
        status = BERTH_EFACE;
    else if (berth__callback_is_inside(pool))
        status = BERTH_EREENTRY;
    else
        status = berth__core_plan_fail(pool->core, berth__clock_read(pool), step_id);
    if (status != BERTH_OK) return berth__lock_leave(pool, status);
    pool->steps_outstanding = 0;
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, BERTH_OK);
}

/* ---- Requests that wait outside the engine ---- */

berth_status berth__engine_suspend(berth_pool *pool, berth_request_id id, uint32_t suspended) {
    berth__lock_enter_for(pool, id);
    const berth_status status =
        berth__core_suspend(pool->core, berth__clock_read(pool), id, suspended);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}
