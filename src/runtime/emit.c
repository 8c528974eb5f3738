/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   A chunk that emit says OK to is in the ring before an outcome that is told after, and is
 *   counted in it, once; one that comes after is dropped, and counted as dropped: the first cause
 *   wins. Whoever is to hear of a chunk hears of it. What is emitted the short way decides nothing:
 *   who is admitted, and when, is the same whenever it is counted.
 *
 * Operation
 *   The long way is one locked section, as every call: the core counts the tokens, the first of
 *   them meets a deadline, the chunk goes into the ring, whoever waits is woken or the mailbox is
 *   listed as ready. After that nothing but the chunk itself is left to do for the next one as long
 *   as
 *
 *     - its request runs, and has put something out before,
 *     - the mailbox is in the ready list, or nobody has ever asked for that, and nobody sleeps on
 *       the mailbox,
 *     - the ring gives way to nobody: no key, nothing merged,
 *     - and tokens decide nothing (berth__core_output_decides).
 *
 *   A worker's request is dealt with its hatch open where all this is so but for the second half of
 *   the first, unless its first output has a deadline. Of the first chunk its moment is left to
 *   note, which the producer does himself: he looks at the clock, from inside.
 *
 *   Then the hatch is opened, and the next emits go the short way: into the hatch, the chunk behind
 *   the others, the tally that nobody looks at, and out again. Whoever changes one of the
 *   conditions shuts the hatch first, and takes what the tally says into account: that is to fold.
 *   The next emit finds the hatch shut, and goes the long way.
 *
 *   The core hears of folded output as counters of the request (berth__core_count_output), and of
 *   the first chunk's moment as a field of that, with no moment of its own. So it stays a function
 *   of its events; a deadline that nobody has looked at ends a request at the next event or by the
 *   timer, and until then its output is in time.
 *
 * Safety
 *   Shutting is one operation that never fails and waits for nobody. A producer who is inside then,
 *   perhaps for long because he lost his core, cannot publish any more: he leaves, and takes the
 *   lock. So whoever shuts and then looks (for a chunk, before he sleeps; for the tally) sees every
 *   chunk that went the short way; and of the others he, or who wakes him, hears under the lock.
 *   Two threads that emit for one request at once are against the contract, and safe: one is
 *   inside. The other one writes nothing meanwhile; he looks again for a bounded time, each time
 *   after giving the lock up, and says EBUSY then.
 *   The ring of a producer who is inside when it is taken stays aside until he brings it.
 *   The tally that holds is copied, never changed: the fold reads it while the producer writes the
 *   other one. It is zero again when the hatch is opened, which is with nobody inside. The moment
 *   of the first chunk is written by who is inside while no chunk is in, and read once one is.
 */
#include "runtime/emit.h"
#include "base/hot.h"
#include "base/ids.h"
#include "base/touch.h"
#include "runtime/clock.h"
#include "runtime/lock.h"
#include "runtime/news.h"
#include "runtime/pool.h"
#include "runtime/ring_at.h"
#include "runtime/seal.h"
#include "runtime/store.h"

#include <uv.h>

/* A chunk of more goes the long way, so that a tally takes 2^48 chunks. */
#define TOKENS_MAX UINT64_C(0xFFFF)

/* How often a second thread looks whether the first one has left, and how long in between. */
#define LOOKS_MAX 100u
#define RELAXES_PER_LOOK 50u

/* In line with the next token of a stream. */
#define INLINE inline __attribute__((always_inline))

/* Internal to this file: the lock is needed. */
#define LONG_WAY BERTH_EAGAIN

/* ---- Under the lock: open and shut ---- */

static berth__tally *tally_of(const berth_pool *pool, uint32_t ring, uint64_t word) {
    return &pool->tallies[ring].of[berth__hatch_turn(word)];
}

void berth__emit_fold_open(berth_pool *pool, berth__row *row) {
    berth__ring *ring = &pool->rings[row->ring];
    const uint64_t word = berth__hatch_shut(&ring->hatch);
    const berth__tally *tally = tally_of(pool, row->ring, word);
    berth__emitted emitted = {
        .chunks = tally->sequence - row->chunk_count, .tokens = tally->tokens, .size = tally->size};
    if (emitted.chunks > 0 && row->chunk_count == 0) {
        emitted.first_at_ns = pool->tallies[row->ring].first_at_ns;
        /* Somebody has looked at the clock: it does not go back. */
        if (emitted.first_at_ns > pool->now_ns) pool->now_ns = emitted.first_at_ns;
    }
    row->open = 0;
    berth__list_remove(&pool->open, pool->open_links, row->ring);
    row->chunk_count = tally->sequence;
    ring->sequence = tally->sequence;
    if (emitted.chunks == 0) return;
    berth__core_count_output(pool->core, row->id, &emitted);
    /* What comes next may be long in coming. */
    if (row->watch == NULL && row->any == NULL) berth__news_mark(pool, row);
}

/* Where nobody asks for the list of those that are ready, nobody misses one in it. */
static uint32_t may_open(const berth_pool *pool, const berth__row *row) {
    if (row->ring == BERTH__NONE || !row->admitted || row->fixed) return 0;
    if (row->keyed != BERTH__NONE || row->full != BERTH_FULL_END) return 0;
    if (row->watch != NULL || row->any != NULL) return 0;
    if (!row->ready && pool->ready_asked) return 0;
    return !pool->output_decides && !berth__pool_failed(pool);
}

/* Shut, nobody inside: what comes next may go the short way, if nothing is against it. */
static void open_hatch(berth_pool *pool, berth__row *row) {
    if (row->open || !may_open(pool, row)) return;
    pool->tallies[row->ring].of[0] = (berth__tally){.sequence = row->chunk_count};
    row->open = 1;
    berth__list_push(&pool->open, pool->open_links, row->ring);
    berth__hatch_open(&pool->rings[row->ring].hatch);
}

static uint32_t is_inside(const berth_pool *pool, const berth__row *row) {
    return row->ring != BERTH__NONE && berth__hatch_is_inside(&pool->rings[row->ring].hatch);
}

void berth__emit_fold_all(berth_pool *pool) {
    for (uint32_t left = pool->open.count; left > 0; left--) {
        const berth__ring *ring = &pool->rings[pool->open.head];
        const berth_request_id id = atomic_load_explicit(&ring->hatch.id, memory_order_relaxed);
        berth__row *row = berth__row_at(pool, berth__id_place(id));
        berth__emit_fold_open(pool, row);
        if (!is_inside(pool, row)) open_hatch(pool, row); /* at the end of the list */
    }
}

/* Somebody else may put something out already, and it may be dealt for the second time. */
void berth__emit_open_early(berth_pool *pool, berth__row *row) {
    if (!is_inside(pool, row)) open_hatch(pool, row);
}

/* ---- The short way ---- */

/* Out of the hatch without a chunk. */
static berth_status leave(berth_pool *pool, berth__ring *ring, berth_status status) {
    const uint32_t flags = berth__hatch_leave(&ring->hatch);
    if ((flags & BERTH__HATCH_WANTED) != 0)
        berth__store_producer_left(pool, (uint32_t)(ring - pool->rings));
    return (flags & BERTH__HATCH_SHUT) != 0 ? LONG_WAY : status;
}

/* From inside: turn the tallies, with one more chunk in the one that will hold. Returns it. */
static INLINE berth__chunk count(const berth_pool *pool, const berth__ring *ring, uint64_t word,
                                 const berth__output *output) {
    berth__tallies *tallies = &pool->tallies[ring - pool->rings];
    const uint32_t turn = berth__hatch_turn(word);
    const berth__tally before = tallies->of[turn];
    berth__tally *after = &tallies->of[turn ^ 1];
    after->sequence = before.sequence + 1;
    after->tokens = before.tokens + output->tokens;
    after->size = before.size + output->size;
    return (berth__chunk){
        .size = output->size, .tokens = output->tokens, .sequence = before.sequence};
}

/* From inside. Later chunks leave the moment of the first one alone, so that a fold may read it. */
static INLINE uint32_t is_first(const berth_pool *pool, const berth__ring *ring, uint64_t word) {
    return pool->tallies[ring - pool->rings].of[berth__hatch_turn(word)].sequence == 0;
}

static void note_first(const berth_pool *pool, const berth__ring *ring) {
    pool->tallies[ring - pool->rings].first_at_ns = uv_hrtime();
}

/* From inside: write a chunk that has room; outside after. LONG_WAY if the hatch was shut. */
static berth_status write_inside(berth_pool *pool, berth__ring *ring, uint64_t word,
                                 const berth__output *output) {
    const uint64_t head = berth__hatch_offset(word);
    if (is_first(pool, ring, word)) note_first(pool, ring);
    const berth__chunk chunk = count(pool, ring, word, output);
    berth__ring_write(ring, head, &chunk, output->bytes);
    if (berth__hatch_publish(&ring->hatch, word, berth__chunk_after(head, output->size)))
        return BERTH_OK;
    return leave(pool, ring, LONG_WAY);
}

/* The ring of an id, which may be anybody's; NULL if there is none. */
static INLINE berth__ring *ring_of(const berth_pool *pool, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    return place < pool->row_count ? berth__ring_at(pool, place) : NULL;
}

/* Any chunk. */
static berth_status emit_without_lock(berth_pool *pool, berth_request_id id,
                                      const berth__output *output) {
    berth__ring *ring = ring_of(pool, id);
    if (ring == NULL || output->tokens > TOKENS_MAX) return LONG_WAY;
    if (output->size > ring->size - BERTH__CHUNK_OVERHEAD_MAX) return LONG_WAY;
    const uint64_t word = berth__hatch_look(&ring->hatch);
    if (!berth__hatch_is_open(&ring->hatch, word, id)) return LONG_WAY;
    const uint64_t head = berth__hatch_offset(word);
    const uint64_t end = berth__chunk_after(head, output->size);
    const uint32_t has_room = berth__ring_has_room(ring, end);
    /* Full, unless that was another request's ring already. */
    if (!has_room && !berth__ring_could_have_room(ring, end))
        return berth__hatch_look(&ring->hatch) == word ? BERTH_EFULL : LONG_WAY;
    if (!berth__hatch_enter(&ring->hatch, word)) return LONG_WAY;
    if (!has_room && !berth__ring_make_room(ring, end)) return leave(pool, ring, BERTH_EFULL);
    return write_inside(pool, ring, word, output);
}

/* ---- The long way ---- */

static berth_status put(berth_pool *pool, berth__row *row, const berth__output *output) {
    if (row->admitted && !row->fixed && !berth__mailbox_has_room(pool, row, output->size))
        return BERTH_EFULL;
    const berth_status status =
        berth__core_emit(pool->core, berth__clock_read(pool), row->id, output->tokens);
    if (status == BERTH_OK) berth__mailbox_deliver(pool, row, output);
    if (status != BERTH_EENDED) return status;
    /* What counts with the outcome is not to be read meanwhile; who reads it already does without.
     */
    const uint32_t is_read = row->sealed && !berth__seal_break(pool, row->id);
    berth__core_count_chunk(pool->core, is_read ? 0 : row->id, 0, output->size);
    return status;
}

static berth_status emit_under_lock(berth_pool *pool, berth_request_id id,
                                    const berth__output *output) {
    berth__row *row = berth__row_find_for_producer(pool, id);
    if (row == NULL) return BERTH_ESTALE;
    if (output->size > berth__mailbox_chunk_size_max(pool)) return BERTH_EINVAL;
    berth__emit_fold(pool, row);
    if (is_inside(pool, row) && !row->fixed) return BERTH_EBUSY;
    const berth_status status = put(pool, row, output);
    if (row->chunk_count > 0) open_hatch(pool, row);
    return status;
}

static berth_status emit_with_lock(berth_pool *pool, berth_request_id id,
                                   const berth__output *output) {
    berth__lock_enter_for(pool, id);
    const berth_status status = emit_under_lock(pool, id, output);
    berth__lock_settle_last(pool);
    return berth__lock_leave(pool, status);
}

static berth_status emit_the_long_way(berth_pool *pool, berth_request_id id,
                                      const berth__output *output) {
    if (pool->options.face == BERTH_FACE_ENGINE) return BERTH_EFACE;
    for (uint32_t looks = 0;; looks++) {
        const berth_status status = emit_with_lock(pool, id, output);
        if (status != BERTH_EBUSY || looks == LOOKS_MAX) return status;
        for (uint32_t i = 0; i < RELAXES_PER_LOOK; i++) berth__relax();
    }
}

/* ---- Both ---- */

static BERTH__APART berth_status emit_any(berth_pool *pool, berth_request_id id, const void *bytes,
                                          uint64_t size, uint64_t tokens) {
    const berth__output output = {.bytes = bytes, .size = size, .tokens = tokens};
    const berth_status status = emit_without_lock(pool, id, &output);
    return status == LONG_WAY ? emit_the_long_way(pool, id, &output) : status;
}

/* From inside, and the hatch was shut. */
static BERTH__APART berth_status leave_and_emit(berth_pool *pool, berth_request_id id,
                                                berth__ring *ring, const berth__output *output) {
    (void)leave(pool, ring, LONG_WAY);
    return emit_the_long_way(pool, id, output);
}

/* From inside: the first chunk of a stream. */
static BERTH__APART berth_status emit_first(berth_pool *pool, berth_request_id id,
                                            berth__ring *ring, uint64_t word,
                                            const berth__output *output) {
    const berth_status status = write_inside(pool, ring, word, output);
    return status == LONG_WAY ? emit_the_long_way(pool, id, output) : status;
}

/* The next token of a stream: emit_without_lock for few bytes that lie straight, in a ring that is
 * known to have room. It calls nothing, so that nothing has to be kept over a call. */
berth_status berth__emit(berth_pool *pool, berth_request_id id, const void *bytes, uint64_t size,
                         uint64_t tokens) {
    const berth__output output = {.bytes = bytes, .size = size, .tokens = tokens};
    berth__ring *ring = ring_of(pool, id);
    if (ring == NULL || tokens > TOKENS_MAX || size > BERTH__COPY_FEW)
        return emit_any(pool, id, bytes, size, tokens);
    const uint64_t word = berth__hatch_look(&ring->hatch);
    const uint64_t head = berth__hatch_offset(word);
    const uint64_t end = berth__chunk_after(head, size);
    if (!berth__hatch_is_open(&ring->hatch, word, id) || !berth__ring_has_room(ring, end) ||
        !berth__ring_is_straight(ring, head, end) || !berth__hatch_enter(&ring->hatch, word))
        return emit_any(pool, id, bytes, size, tokens);
    if (is_first(pool, ring, word)) {
        const berth__output first = output; /* so that the other one is never in memory */
        return emit_first(pool, id, ring, word, &first);
    }
    berth__ring_expect_more(ring, end);
    const berth__chunk chunk = count(pool, ring, word, &output);
    berth__ring_write_few(ring, head, &chunk, bytes);
    if (berth__hatch_publish(&ring->hatch, word, end)) return BERTH_OK;
    const berth__output late = output; /* as above */
    return leave_and_emit(pool, id, ring, &late);
}
