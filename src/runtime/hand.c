/* SPDX-License-Identifier: MIT */
#include "runtime/hand.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/callback.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/pool.h"
#include "runtime/seal.h"
#include "runtime/timer.h"

#include <string.h>

#define TAKEN_BACK (1u << 31)

/* A hand that took less is followed by one of twice the size; one that took more, of half. */
#define HAND_NS UINT64_C(10000)

void berth__hand_init(berth_pool *pool, berth__hand *hand) {
    memset(hand, 0, sizeof *hand);
    hand->size_max = 1;
    hand->pool = pool;
}

uint32_t berth__hand_wanted(const berth_pool *pool, const berth__hand *hand) {
    uint64_t share;
    if (hand->size_max == 1) return 1;
    /* Leave their share to the workers that have none. */
    share = (pool->take.count + pool->parked_count) / (1 + pool->idle_count + pool->waking_count);
    if (share <= 1) return 1;
    return share < hand->size_max ? (uint32_t)share : hand->size_max;
}

/* ---- Out ---- */

BERTH__HOT static void fill(berth_pool *pool, berth_call *call, berth__row *row) {
    berth__brief brief;
    berth__core_brief(pool->core, row->id, &brief);
    if (row->streams && !brief.first_output_decides) berth__emit_open_early(pool, row);
    *call = (berth_call){.struct_size = (uint32_t)sizeof *call,
                         .slot = brief.slot,
                         .pool = pool,
                         .id = row->id,
                         .payload = row->payload,
                         .payload_size = brief.payload_size,
                         .prompt_tokens = brief.prompt_tokens,
                         .max_new_tokens = brief.max_new_tokens,
                         .band = brief.band};
}

BERTH__HOT void berth__hand_deal(berth_pool *pool, berth__hand *hand, uint32_t wanted) {
    uint32_t count = 0;
    while (count < wanted && pool->take.count > 0) {
        const uint32_t place = pool->take.head;
        berth__row *row = berth__row_at(pool, place);
        berth__list_remove(&pool->take, pool->work_links, place);
        row->work = BERTH__WORK_HAND;
        row->hand = (uint32_t)(hand - pool->hands) & 2047u;
        row->executing = 1;
        fill(pool, &hand->calls[count++], row);
    }
    hand->dealt = count;
    hand->kept = count;
    hand->posted = 0;
    hand->out = 1;
    hand->dealt_at_ns = pool->now_ns;
    /* The first one is begun right away. */
    atomic_store_explicit(&hand->begun, 1, memory_order_relaxed);
    if (count > 1) berth__timer_watch(pool);
}

/* May the next one begin? Tells at the same time that the one before has returned. */
static uint32_t begin(berth__hand *hand, uint32_t next) {
    if (next >= hand->dealt) return 0;
    return atomic_fetch_add_explicit(&hand->begun, 1, memory_order_acq_rel) < TAKEN_BACK;
}

BERTH__HOT void berth__hand_execute(berth_pool *pool, berth__hand *hand) {
    uint32_t next = 0;
    do {
        hand->results[next] = pool->executor.execute(pool->executor.user_data, &hand->calls[next]);
    } while (begin(hand, ++next));
}

/* ---- Back ---- */

void berth__hand_take_back(berth_pool *pool, berth__hand *hand) {
    if (!hand->out || hand->kept < hand->dealt) return;
    const uint32_t begun =
        atomic_fetch_or_explicit(&hand->begun, TAKEN_BACK, memory_order_acq_rel) & ~TAKEN_BACK;
    if (begun >= hand->dealt) return;
    hand->kept = begun;
    for (uint32_t i = hand->dealt; i-- > begun;) {
        const uint32_t place = berth__id_place(hand->calls[i].id);
        berth__row *row = berth__row_at(pool, place);
        row->executing = 0;
        row->work = BERTH__WORK_TAKE;
        berth__list_insert(&pool->take, pool->work_links, place, pool->take.head);
    }
}

void berth__hand_take_back_all(berth_pool *pool) {
    if (pool->hands == NULL) return;
    for (uint32_t w = 0; w < pool->options.worker_count; w++)
        berth__hand_take_back(pool, &pool->hands[w]);
}

/* execute() has returned: fix the outcome if nothing else did, and let go unless it is pending. */
static void post(berth_pool *pool, berth__row *row, int32_t result) {
    row->executing = 0;
    if (row->work == BERTH__WORK_HAND) row->work = BERTH__WORK_NONE;
    if (result != BERTH_EXECUTE_PENDING || row->let_go_asked) {
        const uint32_t finish =
            result == BERTH_EXECUTE_DONE ? BERTH_FINISH_STOP : BERTH_FINISH_FAILED;
        berth__emit_fold(pool, row);
        pool->finishing = pool->posting = row->id;
        (void)berth__core_complete(pool->core, pool->now_ns, row->id, finish, result);
        pool->finishing = pool->posting = 0;
    }
    berth__callback_queue_release(pool, row);
}

/* The outcomes that came from here can be taken without the lock. Their seals share cache lines
 * with those that others look at: they are written together. Where the pool has failed meanwhile,
 * that was done then, and it may be taken. */
static void seal(berth_pool *pool, berth_request_id id) {
    const berth__row *row = berth__row_at(pool, berth__id_place(id));
    if (row->id == id && row->sealed && row->ended && !row->gone &&
        berth__seal_of(pool, id) != BERTH__SEAL_TAKEN)
        berth__seal_set(pool, id, BERTH__SEAL_READY);
}

BERTH__HOT static void post_until(berth_pool *pool, berth__hand *hand, uint32_t until) {
    const uint32_t from = hand->posted;
    while (hand->posted < until) {
        const uint32_t i = hand->posted++;
        post(pool, berth__row_at(pool, berth__id_place(hand->calls[i].id)), hand->results[i]);
    }
    for (uint32_t i = from; i < until; i++) seal(pool, hand->calls[i].id);
}

static void adapt(berth__hand *hand, uint64_t took_ns) {
    if (took_ns > HAND_NS)
        hand->size_max = hand->size_max > 1 ? hand->size_max / 2 : 1;
    else if (hand->dealt == hand->size_max && hand->size_max < BERTH__HAND_MAX)
        hand->size_max *= 2;
}

/* The next ones were written by whoever submitted them: they come while the last are posted. */
static void expect_next(const berth_pool *pool, uint32_t max) {
    uint32_t places[BERTH__HAND_MAX];
    uint32_t place = pool->take.head;
    const uint32_t count = berth__core_expect_next(pool->core, places, max);
    for (uint32_t i = 0; i < count; i++) berth__row_expect(pool, places[i]);
    for (uint32_t i = 0; i < max && place != BERTH__NONE; i++) {
        berth__row_expect(pool, place);
        place = pool->work_links[place].next;
    }
}

BERTH__HOT void berth__hand_return(berth_pool *pool, berth__hand *hand) {
    const uint64_t now = berth__clock_read(pool);
    expect_next(pool, hand->size_max);
    hand->out = 0;
    hand->returned_at_ns = now;
    post_until(pool, hand, hand->kept);
    adapt(hand, now - hand->dealt_at_ns);
}

void berth__hand_watch(berth_pool *pool) {
    const uint64_t now = berth__clock_read(pool);
    for (uint32_t w = 0; w < pool->options.worker_count; w++) {
        berth__hand *hand = &pool->hands[w];
        if (!hand->out || hand->dealt == 1 || now - hand->dealt_at_ns < BERTH__HAND_WATCH_NS)
            continue;
        berth__hand_take_back(pool, hand);
        const uint32_t begun =
            atomic_load_explicit(&hand->begun, memory_order_acquire) & ~TAKEN_BACK;
        post_until(pool, hand, begun < hand->kept ? begun - 1 : hand->kept - 1);
    }
}
