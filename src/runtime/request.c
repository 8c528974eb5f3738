/* SPDX-License-Identifier: MIT */
#include "runtime/request.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/callback.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/key.h"
#include "runtime/lock.h"
#include "runtime/owner.h"
#include "runtime/pool.h"
#include "runtime/terms.h"
#include "runtime/worker.h"

#include <string.h>

/* Of a list so many are cancelled before others may have the lock. */
#define TURN_MAX BERTH__EXPECT_MAX

/* ---- Submit ---- */

/* Ask the host what the request costs. Gives the lock up. */
BERTH__HOT static berth_status ask_cost(berth_pool *pool, const berth_request *request,
                                        berth__submit *submit) {
    const uint32_t count = pool->options.resource_count;
    berth__inside inside;
    if (pool->executor.cost == NULL) return BERTH_OK;
    berth__callback_enter(pool, &inside, 0);
    const int32_t answer =
        pool->executor.cost(pool->executor.user_data, request, submit->cost, count);
    berth__callback_leave(pool, &inside);
    submit->cost_count = count;
    return answer < 0 ? BERTH_EINVAL : BERTH_OK;
}

/* Ask the host once where the request stands among others. Gives the lock up. */
static void ask_rank(berth_pool *pool, const berth_request *request, berth__submit *submit) {
    berth__inside inside;
    if (pool->executor.rank == NULL) return;
    berth__callback_enter(pool, &inside, 0);
    submit->rank = pool->executor.rank(pool->executor.user_data, request);
    berth__callback_leave(pool, &inside);
}

static berth__submit submit_of(const berth_pool *pool, const berth_request *request) {
    berth__submit submit = {
        .cost_count = request->cost_count,
        .rank = request->rank,
        .block_hashes = request->block_hashes,
        .block_hash_count = request->block_hash_count,
        .set = request->set,
        .set_units = request->set_units,
        .run_ns = request->run_ns,
        .ticket = request->ticket,
        .samples = request->samples,
    };
    berth__terms_fill(pool, request, &submit.terms);
    memcpy(submit.cost, request->cost, sizeof submit.cost);
    return submit;
}

static uint32_t is_malformed(const berth_options *options, const berth_request *request) {
    if (request->band > options->band_count) return 1;
    if (request->mailbox_mode > BERTH_MAILBOX_OUTCOME) return 1;
    if (request->mailbox_full > BERTH_FULL_PREEMPT) return 1;
    if (request->mailbox_full >= BERTH_FULL_PAUSE && options->face != BERTH_FACE_ENGINE) return 1;
    if (request->rank != 0 && options->order != BERTH_ORDER_RANK) return 1;
    if (request->mailbox_flags > BERTH_MAILBOX_KEYED) return 1;
    if (request->mailbox_flags != 0 && options->keys_max == 0) return 1;
    if (request->cost_count > options->resource_count) return 1;
    if (request->block_hashes == NULL && request->block_hash_count != 0) return 1;
    for (uint32_t r = request->cost_count; r < BERTH_RESOURCES_MAX; r++)
        if (request->cost[r] != 0) return 1;
    return 0;
}

/* The core has accepted it: the runtime's side of the place. */
static void enrol(berth_pool *pool, berth_request_id id, const berth_request *request) {
    berth__row *row = berth__row_at(pool, berth__id_place(id));
    *row = (berth__row){.id = id,
                        .payload = request->payload,
                        .ring = BERTH__NONE,
                        .keyed = BERTH__NONE,
                        .streams = request->mailbox_mode == BERTH_MAILBOX_STREAM,
                        .full = berth__terms_full(&pool->options, request) & 7u,
                        .owes_release = pool->executor.release != NULL};
    pool->parked_count++;
    pool->parked_streams += row->streams;
}

/* What the registry says of a newcomer with a key. A limit of its own is the core's to tell, which
 * has the others and counts: it goes in with the event. */
static berth_status check_key(berth_pool *pool, const berth_key *key, const berth_request *request,
                              berth__submit *submit) {
    berth_refusal refusal = {.reason = BERTH_REFUSAL_NONE};
    if (request->mailbox_flags == 0) return BERTH_OK;
    berth__owner_expire(pool, berth__clock_read(pool));
    const berth_status status = berth__owner_check(pool, key, request, &refusal);
    if (status != BERTH_EREFUSED) return status;
    submit->refused_for = refusal.reason;
    submit->refused_limit = refusal.limit;
    submit->refused_asked = refusal.asked;
    return BERTH_OK;
}

/* EAGAIN, and nothing changed: by the long way. */
static berth_status take_plainly(berth_pool *pool, const berth_request *request,
                                 berth_request_id *out) {
    berth__terms terms;
    berth__terms_fill(pool, request, &terms);
    berth__worker_tell_idle(pool);
    return berth__core_submit_terms(pool->core, berth__clock_read(pool), &terms, request->cost,
                                    out);
}

static berth_status take_fully(berth_pool *pool, const berth_request *request, const berth_key *key,
                               berth_request_id *out, berth_refusal *refusal) {
    berth__submit submit = submit_of(pool, request);
    berth_status status = ask_cost(pool, request, &submit);
    if (status == BERTH_OK) ask_rank(pool, request, &submit);
    if (status == BERTH_OK) status = check_key(pool, key, request, &submit);
    berth__worker_tell_idle(pool);
    if (status != BERTH_OK) return status;
    return berth__core_submit(pool->core, berth__clock_read(pool), &submit, out, refusal);
}

BERTH__HOT berth_status berth__request_submit(berth_pool *pool, const berth_request *request,
                                              berth_request_id *out, berth_refusal *refusal) {
    berth_status status = BERTH_EAGAIN;
    berth_key key;
    if (berth__lane_submit(pool, request, out) == BERTH_OK) return BERTH_OK;
    const uint32_t plain = pool->plain_terms && berth__terms_suit(pool, request);
    const uint32_t keyed = request->mailbox_flags != 0;
    if (!plain && is_malformed(&pool->options, request)) return BERTH_EINVAL;
    if (keyed && berth__key_make(&key) != BERTH_OK) return BERTH_ESYSTEM;
    berth__lock_enter(pool);
    berth__lane_mind(pool, request);
    if (berth__pool_failed(pool)) status = BERTH_EBROKEN;
    if (plain && status == BERTH_EAGAIN) status = take_plainly(pool, request, out);
    if (status == BERTH_EAGAIN) status = take_fully(pool, request, &key, out, refusal);
    if (status == BERTH_OK) enrol(pool, *out, request);
    if (status == BERTH_OK && keyed)
        berth__owner_enrol(pool, berth__row_at(pool, berth__id_place(*out)), &key, request);
    berth__lock_settle_last(pool);
    /* A quick worker is on its way to a queue that has grown: the next ones take the lane. */
    if (pool->brisk && pool->idle == NULL && pool->parked_count > 1) berth__lane_open(pool);
    return berth__lock_leave(pool, status);
}

/* ---- Tickets ---- */

berth_status berth__request_reserve(berth_pool *pool, const berth_request *request, uint32_t count,
                                    berth_ticket_id *out, berth_refusal *refusal) {
    berth_status status = BERTH_OK;
    if (is_malformed(&pool->options, request)) return BERTH_EINVAL;
    berth__submit submit = submit_of(pool, request);
    submit.count = count;
    berth__lock_enter(pool);
    berth__lane_mind(pool, request);
    berth__lane_give_room(pool);
    if (berth__pool_failed(pool)) status = BERTH_EBROKEN;
    if (status == BERTH_OK) status = ask_cost(pool, request, &submit);
    if (status == BERTH_OK)
        status = berth__core_reserve(pool->core, berth__clock_read(pool), &submit, out, refusal);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

berth_status berth__request_ticket_cancel(berth_pool *pool, berth_ticket_id ticket) {
    berth__lock_enter(pool);
    const berth_status status =
        berth__core_ticket_cancel(pool->core, berth__clock_read(pool), ticket);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

/* ---- Units ---- */

berth_status berth__request_recost(berth_pool *pool, berth_request_id id,
                                   const berth_request *known, berth_refusal *refusal) {
    berth__submit submit = {
        .terms = {.prompt_tokens = known->prompt_tokens, .max_new_tokens = known->max_new_tokens},
        .cost_count = known->cost_count,
        .block_hashes = known->block_hashes,
        .block_hash_count = known->block_hash_count};
    if (known->band != 0 || known->payload != NULL || known->payload_size != 0 ||
        known->mailbox_mode != 0 || known->queue_ns != 0 || known->first_output_ns != 0 ||
        known->total_ns != 0 || known->tenant != 0 || known->mailbox_full != 0 ||
        known->rank != 0 || known->mailbox_flags != 0 || known->run_ns != 0 || known->ticket != 0 ||
        known->set != 0 || known->set_units != 0 || known->samples != 0 ||
        is_malformed(&pool->options, known))
        return BERTH_EINVAL;
    memcpy(submit.cost, known->cost, sizeof submit.cost);
    berth__lock_enter_for(pool, id);
    berth__lane_mind(pool, known);
    const berth_status status =
        berth__core_recost(pool->core, berth__clock_read(pool), id, &submit, refusal);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}

berth_status berth__request_charge(berth_pool *pool, berth_request_id id, const uint64_t *held,
                                   uint32_t held_count) {
    berth__lock_enter_for(pool, id);
    const berth_status status =
        berth__core_charge(pool->core, berth__clock_read(pool), id, held, held_count);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}

berth_status berth__request_capacity_set(berth_pool *pool, uint32_t resource,
                                         uint64_t capacity_units) {
    berth__lock_enter(pool);
    const berth_status status =
        berth__core_capacity_set(pool->core, berth__clock_read(pool), resource, capacity_units);
    berth__lane_set_units(pool);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}

/* ---- Ends ---- */

berth_status berth__request_cancel(berth_pool *pool, berth_request_id id) {
    berth__lock_enter_for(pool, id);
    const berth_status status =
        berth__core_cancel(pool->core, berth__clock_read(pool), id, BERTH_CANCEL_CALLER);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}

/* What is known of a turn's requests may be anywhere in the table: it is asked for together. */
static void expect_turn(const berth_pool *pool, const berth_request_id *ids, uint32_t count) {
    uint32_t places[TURN_MAX];
    uint32_t known = 0;
    if (!berth__core_is_large(pool->core)) return;
    for (uint32_t i = 0; i < count; i++) {
        places[known] = berth__id_place(ids[i]);
        known += places[known] < pool->row_count;
    }
    berth__core_expect_ends(pool->core, places, known);
}

/* What berth_cancel would have said. */
static berth_status cancel_one(berth_pool *pool, uint64_t now, berth_request_id id) {
    if (id == 0) return BERTH_EINVAL;
    if (berth__pool_failed(pool)) return BERTH_EBROKEN;
    return berth__core_cancel(pool->core, now, id, BERTH_CANCEL_CALLER);
}

/* All at one moment, and nobody is admitted in between. Returns how many were cancelled. */
static uint32_t cancel_turn(berth_pool *pool, const berth_request_id *ids, uint32_t count,
                            berth_status *out_statuses) {
    const uint64_t now = berth__clock_read(pool);
    uint32_t cancelled = 0;
    expect_turn(pool, ids, count);
    for (uint32_t i = 0; i < count; i++) {
        const berth_status status = cancel_one(pool, now, ids[i]);
        if (out_statuses != NULL) out_statuses[i] = status;
        cancelled += status == BERTH_OK;
    }
    berth__lock_settle_last(pool);
    return cancelled;
}

berth_status berth__request_cancel_many(berth_pool *pool, const berth_request_id *ids,
                                        uint32_t id_count, berth_status *out_statuses,
                                        uint32_t *out_count) {
    uint32_t cancelled = 0;
    uint32_t at = 0;
    berth__lock_enter(pool);
    if (berth__pool_failed(pool)) {
        berth__lock_settle_last(pool);
        return berth__lock_leave(pool, BERTH_EBROKEN);
    }
    while (at < id_count) {
        const uint32_t count = id_count - at < TURN_MAX ? id_count - at : TURN_MAX;
        if (at > 0) berth__lock_give_way(pool);
        cancelled +=
            cancel_turn(pool, ids + at, count, out_statuses == NULL ? NULL : out_statuses + at);
        at += count;
    }
    if (out_count != NULL) *out_count = cancelled;
    return berth__lock_leave(pool, BERTH_OK);
}

/* Fix the outcome, and let go unless a worker still holds the request. */
static berth_status finish(berth_pool *pool, berth__row *row, berth__finish how) {
    berth__emit_fold(pool, row); /* its first chunk came before its end: see first_at_ns */
    const uint64_t now = berth__clock_read(pool);
    pool->finishing = row->id;
    const berth_status status = berth__core_finish(pool->core, now, row->id, how.kind, how.code);
    pool->finishing = 0;
    if (status != BERTH_OK && status != BERTH_EENDED) return status;
    if (!row->admitted || row->ended) return status;
    row->let_go_asked = 1;
    if (!row->executing && row->work == BERTH__WORK_NONE)
        (void)berth__core_let_go(pool->core, now, row->id);
    return status;
}

berth_status berth__request_finish(berth_pool *pool, berth_request_id id, berth__finish how) {
    if (pool->options.face == BERTH_FACE_ENGINE) return BERTH_EFACE;
    berth__lock_enter_for(pool, id);
    berth__row *row = berth__row_find_for_producer(pool, id);
    const berth_status status = row == NULL ? BERTH_ESTALE : finish(pool, row, how);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}
