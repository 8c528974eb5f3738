/* SPDX-License-Identifier: MIT */
#include "runtime/lane.h"
#include "base/hot.h"
#include "base/ids.h"
#include "base/touch.h"
#include "runtime/clock.h"
#include "runtime/pool.h"
#include "runtime/seal.h"
#include "runtime/terms.h"
#include "runtime/timer.h"

#include <stdlib.h>
#include <string.h>

#define CLOSED UINT64_C(1)
#define LOOK_NS_FIRST 10000u /* how long threads look, before they have learnt */
#define AHEAD 4u             /* slots that are asked for before they are needed */

/* Half of the room for parked requests is the lane's, at most: where that is less, none is made. */
#define SLOTS_MIN 4u

/* ---- Making it ---- */

static uint32_t can_be_used(const berth_pool *pool) {
    return berth__lend_suits(&pool->options) && pool->plain_terms &&
           pool->options.clock == BERTH_CLOCK_SYSTEM && pool->options.parked_max >= 2 * SLOTS_MIN;
}

static uint64_t slots_for(uint64_t parked_max) {
    uint64_t count = BERTH__LANE_SLOTS;
    while (count > parked_max / 2) count /= 2;
    return count;
}

berth_status berth__lane_init(berth_pool *pool) {
    berth__lane *lane = &pool->lane;
    atomic_init(&lane->tail, CLOSED);
    atomic_init(&lane->granted, 0);
    atomic_init(&pool->outcome_look_ns, LOOK_NS_FIRST);
    pool->linger_ns = LOOK_NS_FIRST;
    if (!can_be_used(pool)) return BERTH_OK;
    lane->slot_count = slots_for(pool->options.parked_max);
    lane->memory = calloc(1, (size_t)lane->slot_count * sizeof *lane->slots + BERTH__LINE_SIZE);
    if (lane->memory == NULL) return BERTH_ENOMEM;
    const uintptr_t past = -(uintptr_t)lane->memory & (BERTH__LINE_SIZE - 1);
    lane->slots = (berth__lane_slot *)(void *)((unsigned char *)lane->memory + past);
    berth__lane_set_units(pool);
    return BERTH_OK;
}

void berth__lane_fini(berth_pool *pool) {
    free(pool->lane.memory);
}

void berth__lane_set_units(berth_pool *pool) {
    for (uint32_t r = 0; r < pool->options.resource_count && r < BERTH__LEND_COSTS; r++)
        atomic_store_explicit(&pool->lane.units_max[r], berth__core_units_max(pool->core, r),
                              memory_order_relaxed);
}

/* ---- Without the lock ---- */

static berth__lane_slot *slot_of(const berth__lane *lane, uint64_t position) {
    return &lane->slots[position & (lane->slot_count - 1)];
}

/* The next position, or BERTH_FOREVER: it is closed, or nothing is lent any more. */
static uint64_t claim(berth__lane *lane) {
    uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
    do {
        if ((tail & CLOSED) != 0) return BERTH_FOREVER;
        if (tail / 2 >= atomic_load_explicit(&lane->granted, memory_order_acquire))
            return BERTH_FOREVER;
    } while (!atomic_compare_exchange_weak_explicit(&lane->tail, &tail, tail + 2,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return tail / 2;
}

static void publish(berth__lane_slot *slot, uint64_t position) {
    atomic_store_explicit(&slot->turn, (uint32_t)(position + 1), memory_order_release);
}

/* Would the lock take it too, whatever comes before it? Of a resource that the pool does not have
 * units_max is 0. */
static uint32_t suits(const berth_pool *pool, const berth_request *request) {
    uint32_t more = 0;
    for (uint32_t r = 0; r < BERTH__LEND_COSTS; r++)
        more |=
            request->cost[r] > atomic_load_explicit(&pool->lane.units_max[r], memory_order_relaxed);
    return more == 0 && request->payload_size <= BERTH__LEND_UNITS_MAX &&
           berth__terms_suit(pool, request);
}

BERTH__HOT static void fill(const berth_pool *pool, berth__lane_slot *slot,
                            const berth_request *request) {
    slot->streams = request->mailbox_mode == BERTH_MAILBOX_STREAM;
    slot->full = berth__terms_full(&pool->options, request) & 7u;
    slot->taken = 0;
    slot->payload = request->payload;
    berth__terms_fill(pool, request, &slot->terms);
    memcpy(slot->cost, request->cost, sizeof slot->cost);
}

/* Its outcome can be taken without the lock, unless somebody else is to be told of its end: see
 * seal.h. */
static uint32_t is_sealed(const berth_pool *pool, const berth__lane_slot *slot) {
    if (slot->streams && pool->options.mailboxes_max >= BERTH__SEAL_RINGS_MAX) return 0;
    return pool->executor.release == NULL;
}

BERTH__HOT berth_status berth__lane_submit(berth_pool *pool, const berth_request *request,
                                           berth_request_id *out) {
    if (!berth__lane_is_open(pool) || !suits(pool, request)) return BERTH_EAGAIN;
    const uint64_t position = claim(&pool->lane);
    if (position == BERTH_FOREVER) return BERTH_EAGAIN;
    berth__lane_slot *slot = slot_of(&pool->lane, position);
    fill(pool, slot, request);
    *out = slot->id;
    if (is_sealed(pool, slot)) berth__seal_begin(pool, slot->id);
    publish(slot, position);
    return BERTH_OK;
}

uint32_t berth__lane_tell_taken(berth_pool *pool, berth_request_id id) {
    const uint64_t position = claim(&pool->lane);
    if (position == BERTH_FOREVER) return 0;
    berth__lane_slot *slot = slot_of(&pool->lane, position);
    slot->taken = 1;
    slot->taken_id = id;
    publish(slot, position);
    return 1;
}

uint32_t berth__lane_is_open(const berth_pool *pool) {
    return (atomic_load_explicit(&pool->lane.tail, memory_order_relaxed) & CLOSED) == 0;
}

uint64_t berth__lane_tail(const berth_pool *pool) {
    return atomic_load_explicit(&pool->lane.tail, memory_order_relaxed);
}

/* ---- Under it ---- */

static void link_request(berth_pool *pool, const berth__lane_slot *slot) {
    const berth_request_id id = slot->id;
    *berth__row_at(pool, berth__id_place(id)) =
        (berth__row){.id = id,
                     .payload = slot->payload,
                     .ring = BERTH__NONE,
                     .keyed = BERTH__NONE,
                     .streams = slot->streams & 1u,
                     .full = slot->full & 7u,
                     .sealed = is_sealed(pool, slot) & 1u,
                     .owes_release = pool->executor.release != NULL};
    pool->parked_count++;
    pool->parked_streams += slot->streams;
    berth__core_submit_lent(pool->core, pool->now_ns, &slot->terms, slot->cost, id);
}

/* The seal stays TAKEN, of an id that is stale now: its line is the submitters'. */
void berth__lane_forget(berth_pool *pool, berth_request_id id) {
    berth__row_at(pool, berth__id_place(id))->sealed = 0;
    /* It was dropped meanwhile: only its place was kept. */
    if (berth__core_forget(pool->core, id, 0) != BERTH_OK) berth__core_unpin(pool->core, id);
}

/* The id stays for the slot's next turn where no request has used it. */
static void link_slot(berth_pool *pool, berth__lane_slot *slot) {
    slot->linked = 1;
    if (slot->taken) {
        berth__lane_forget(pool, slot->taken_id);
        return;
    }
    link_request(pool, slot);
    slot->id = 0;
}

static uint32_t is_published(const berth__lane_slot *slot, uint64_t position) {
    return atomic_load_explicit(&slot->turn, memory_order_acquire) == (uint32_t)(position + 1);
}

/* Slots behind the head get ids for their next turn, as far as there is room. */
static void grant(berth_pool *pool) {
    berth__lane *lane = &pool->lane;
    uint64_t granted = atomic_load_explicit(&lane->granted, memory_order_relaxed);
    while (granted < lane->head + lane->slot_count) {
        berth__lane_slot *slot = slot_of(lane, granted);
        if (slot->id == 0) slot->id = berth__core_lend(pool->core);
        if (slot->id == 0) break;
        slot->linked = 0;
        granted++;
    }
    atomic_store_explicit(&lane->granted, granted, memory_order_release);
}

/* What is behind this position is on its way from other cores when its turn comes: first the slots,
 * then what they are about. */
static void expect(const berth_pool *pool, uint64_t position) {
    const berth__lane_slot *slot = slot_of(&pool->lane, position + 2 * AHEAD);
    __builtin_prefetch(slot);
    __builtin_prefetch((const char *)slot + BERTH__LINE_SIZE);
    slot = slot_of(&pool->lane, position + AHEAD);
    if (!is_published(slot, position + AHEAD)) return;
    berth__row_expect(pool, berth__id_place(slot->taken ? slot->taken_id : slot->id));
}

static uint64_t link_all(berth_pool *pool, uint64_t tail) {
    berth__lane *lane = &pool->lane;
    uint64_t linked = 0;
    uint64_t holes = 0;
    for (uint64_t position = lane->head; position < tail; position++) {
        berth__lane_slot *slot = slot_of(lane, position);
        const uint32_t comes = !slot->linked && is_published(slot, position);
        expect(pool, position);
        if (comes) link_slot(pool, slot);
        linked += comes;
        holes += !slot->linked;
        if (holes == 0) lane->head = position + 1;
    }
    return linked;
}

uint32_t berth__lane_is_empty(const berth_pool *pool) {
    return atomic_load_explicit(&pool->lane.tail, memory_order_acquire) / 2 == pool->lane.head;
}

BERTH__HOT uint64_t berth__lane_drain(berth_pool *pool) {
    const uint64_t tail = atomic_load_explicit(&pool->lane.tail, memory_order_acquire);
    if (tail / 2 == pool->lane.head) return 0;
    (void)berth__clock_read(pool);
    const uint64_t linked = link_all(pool, tail / 2);
    if ((tail & CLOSED) == 0) grant(pool);
    return linked;
}

void berth__lane_open(berth_pool *pool) {
    berth__lane *lane = &pool->lane;
    if (lane->slots == NULL || lane->barred || pool->closed || berth__lane_is_open(pool)) return;
    if (berth__pool_failed(pool)) return;
    if (berth__core_room(pool->core) < lane->slot_count) return;
    grant(pool);
    /* A claimer may have looked before it was closed, and what was granted then is not any more. */
    if (atomic_load_explicit(&lane->granted, memory_order_relaxed) ==
        atomic_load_explicit(&lane->tail, memory_order_relaxed) / 2)
        return;
    lane->turns_seen = 0;
    berth__timer_watch(pool);
    atomic_fetch_and_explicit(&lane->tail, ~CLOSED, memory_order_release);
}

BERTH__HOT uint64_t berth__lane_close(berth_pool *pool) {
    if (berth__lane_is_open(pool))
        atomic_fetch_or_explicit(&pool->lane.tail, CLOSED, memory_order_acq_rel);
    const uint64_t linked = berth__lane_drain(pool);
    /* Whoever closes it may be busy or asleep when what is claimed is published. */
    if (!berth__lane_is_empty(pool)) berth__timer_watch(pool);
    return linked;
}

void berth__lane_watch(berth_pool *pool) {
    berth__lane *lane = &pool->lane;
    if (berth__lane_is_open(pool) && lane->turns == lane->turns_seen) (void)berth__lane_close(pool);
    if (berth__lane_is_open(pool) || !berth__lane_is_empty(pool)) berth__timer_watch(pool);
    lane->turns_seen = lane->turns;
}

/* ---- Others need what it holds ---- */

void berth__lane_give_room(berth_pool *pool) {
    berth__lane *lane = &pool->lane;
    if (lane->slots == NULL) return;
    (void)berth__lane_close(pool);
    uint64_t position = atomic_load_explicit(&lane->tail, memory_order_relaxed) / 2;
    atomic_store_explicit(&lane->granted, position, memory_order_relaxed);
    for (; position < lane->head + lane->slot_count; position++) {
        berth__lane_slot *slot = slot_of(lane, position);
        if (slot->id != 0) berth__core_unlend(pool->core, slot->id);
        slot->id = 0;
    }
}

/* What exceeds a capacity is refused. */
static uint32_t may_be_huge(const berth_pool *pool, const berth_request *request) {
    if (request->payload_size > BERTH__LEND_UNITS_MAX) return 1;
    for (uint32_t r = 0; r < pool->options.resource_count; r++)
        if (request->cost[r] > BERTH__LEND_UNITS_MAX &&
            berth__core_units_max(pool->core, r) == BERTH__LEND_UNITS_MAX)
            return 1;
    return 0;
}

BERTH__HOT void berth__lane_mind(berth_pool *pool, const berth_request *request) {
    if (pool->lane.slots == NULL) return;
    if (may_be_huge(pool, request)) pool->lane.barred = 1;
    if (pool->lane.barred || berth__core_room(pool->core) == 0) berth__lane_give_room(pool);
}
