/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   A chunk that is there is read without the pool lock, beside the producer and other readers.
 *   Records are read in order, each once; END again and again. A second reader is sent away.
 *   No wake-up is lost: who finds nothing looks again under the lock before he sleeps, with the
 *   hatch shut; so the producer, who needs the lock from then on, wakes him.
 *
 * Operation
 *   The short way enters the gate of the ring, reads one chunk, and leaves. Where that cannot be
 *   (no ring, no chunk, somebody inside, a record that is no chunk) the long way takes the lock,
 *   shuts the gate, reads or sleeps, and opens it again.
 *
 * Safety
 *   The place of the ring is read without the lock and may be old: the gate knows whose it is.
 *   The ring of a request that goes stays its reader's until he leaves; whatever he is asked for
 *   then, he does under the lock.
 */
#include "runtime/reader.h"
#include "base/hot.h"
#include "base/ids.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/lock.h"
#include "runtime/mailbox.h"
#include "runtime/owner.h"
#include "runtime/news.h"
#include "runtime/pool.h"
#include "runtime/ring_at.h"
#include "runtime/seal.h"
#include "runtime/store.h"

#include <string.h>

/* What a read is to do with what is there, and without. */
typedef struct reading {
    berth__buffer buffer;
    uint64_t timeout_ns;
} reading;

/* ---- Without the lock ---- */

static uint32_t has_to_come_back(const berth__ring *ring, uint32_t asked) {
    if ((asked & BERTH__GATE_WANTED) != 0) return 1;
    if ((asked & BERTH__GATE_RESUME) != 0 && berth__mailbox_is_low(ring)) return 1;
    return (asked & BERTH__GATE_RETURN) != 0 && berth__ring_is_empty(ring);
}

/* The reader is outside, and does what he was asked, if it is for him to do now. */
static BERTH__APART void come_back(berth_pool *pool, const berth__ring *ring, berth_request_id id,
                                   uint32_t asked) {
    if (!has_to_come_back(ring, asked)) return;
    berth__lock_enter(pool);
    berth__store_reader_left(pool, (uint32_t)(ring - pool->rings), id, asked);
    berth__lock_settle(pool);
    (void)berth__lock_leave(pool, BERTH_OK);
}

/* Returns what the reader was asked, when that is done. */
static inline uint32_t leave(berth_pool *pool, berth__ring *ring, berth_request_id id) {
    const uint32_t asked = berth__gate_leave(&ring->gate);
    if ((asked & ~(uint32_t)BERTH__GATE_FIXED) != 0) come_back(pool, ring, id, asked);
    return asked;
}

/* The ring of a request, which may be anybody's; NULL if there is none. */
static inline berth__ring *ring_of(const berth_pool *pool, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    return place < pool->ring_at_count ? berth__ring_at(pool, place) : NULL;
}

/* The ring of a request, and the caller inside its gate; NULL if the lock is needed. */
static berth__ring *enter(berth_pool *pool, berth_request_id id) {
    berth__ring *ring = ring_of(pool, id);
    if (ring == NULL || !berth__gate_enter(&ring->gate, id)) return NULL;
    if (ring->gate.id == id) return ring;
    (void)leave(pool, ring, ring->gate.id);
    return NULL;
}

/* The oldest chunk of a ring, whole or not at all; EAGAIN if there is none. */
static berth_status read_ring(berth__ring *ring, berth__buffer buffer, berth_record *out) {
    berth__chunk chunk;
    berth__piece pieces[2];
    const berth__unread unread = berth__ring_begin(ring);
    if (unread.at >= unread.head) return BERTH_EAGAIN;
    const uint64_t end = berth__ring_look(ring, unread.at, &chunk, pieces);
    out->size = chunk.size;
    if (chunk.size > buffer.size) return BERTH_ESPACE;
    berth__ring_copy_out(pieces, buffer.bytes);
    berth__ring_skip(ring, end);
    out->kind = BERTH_RECORD_CHUNK;
    out->sequence = chunk.sequence;
    out->tokens = chunk.tokens;
    return BERTH_OK;
}

/* ---- Under it ---- */

/* Who reads a stream has its outcome told under the lock from then on. 0: it was taken, without. */
static uint32_t unseal(berth_pool *pool, berth__row *row) {
    if (row->sealed && !berth__seal_break(pool, row->id)) return 0;
    row->sealed = 0;
    return 1;
}

/* 0 if another reader is inside, or asleep. */
static uint32_t shut(berth_pool *pool, berth__row *row) {
    if (row->watch != NULL) return 0;
    return row->ring == BERTH__NONE || berth__gate_shut(&pool->rings[row->ring].gate);
}

static void reopen(berth_pool *pool, berth__row *row) {
    if (berth__owner_name(pool, row) == 0) return;
    if (row->ring != BERTH__NONE && !row->announce) berth__gate_open(&pool->rings[row->ring].gate);
}

static berth_status read_admitted(berth_pool *pool, berth__row *row, berth_record *out) {
    berth__view view;
    (void)berth__core_view(pool->core, row->id, &view);
    row->announce = 0;
    out->kind = BERTH_RECORD_ADMITTED;
    out->slot = view.slot;
    return BERTH_OK;
}

static berth_status read_chunk(berth_pool *pool, berth__row *row, berth__buffer buffer,
                               berth_record *out) {
    berth__ring *ring = &pool->rings[row->ring];
    const berth_status status = read_ring(ring, buffer, out);
    berth__mailbox_catch_up(pool, row, berth__clock_read(pool));
    /* Nobody writes into it any more, or not for now. */
    if (row->keyed == BERTH__NONE && (row->ended || row->work == BERTH__WORK_HELD) &&
        berth__ring_is_empty(ring))
        berth__store_detach(pool, row);
    return status;
}

static berth_status read_end(berth_pool *pool, berth__row *row, berth_record *out) {
    berth__view view;
    (void)berth__core_view(pool->core, row->id, &view);
    out->kind = BERTH_RECORD_END;
    out->sequence = row->chunk_count;
    out->outcome = view.outcome;
    return BERTH_OK;
}

static berth_status read_next(berth_pool *pool, berth__row *row, berth__buffer buffer,
                              berth_record *out) {
    if (row->announce) return read_admitted(pool, row, out);
    if (berth__mailbox_has_chunk(pool, row)) return read_chunk(pool, row, buffer, out);
    if (row->fixed) return read_end(pool, row, out);
    return BERTH_EAGAIN;
}

/* ---- Waiting ---- */

/* Sleep until there is a record; returns the row as it is then, NULL if the request is gone. */
static berth__row *sleep_as_reader(berth_pool *pool, berth__row *row, berth__watcher *watcher,
                                   uint64_t until_ns) {
    const berth_request_id id = row->id;
    row->watch = watcher;
    berth__waiter_join(&watcher->waiter, &watcher->asleep);
    (void)berth__waiter_sleep(pool, &watcher->waiter, until_ns);
    row = berth__row_find_for_user(pool, id);
    if (row != NULL && row->watch == watcher) row->watch = NULL;
    return row;
}

/* The request went while its reader slept: its end is still news, unless records went with it. */
static berth_status read_end_of_gone(const berth__watcher *watcher, uint64_t chunk_count,
                                     berth_record *out) {
    if (watcher->outcome.kind == BERTH_OUTCOME_NONE || watcher->lost) return BERTH_ESTALE;
    out->kind = BERTH_RECORD_END;
    out->sequence = chunk_count;
    out->outcome = watcher->outcome;
    return BERTH_OK;
}

/* More than one record may have come for the one wake-up, or the one was too large for the buffer:
 * nobody waits for what is left. */
static void mark_rest(berth_pool *pool, berth__row *row, const berth_record *read) {
    if (row->announce || berth__mailbox_has_chunk(pool, row) ||
        (row->fixed && read->kind != BERTH_RECORD_END && read->kind != BERTH_RECORD_NONE))
        berth__news_mark(pool, row);
}

/* The gate is shut. It is open again after, if the request is still there. */
static berth_status wait_and_read(berth_pool *pool, berth__row *row, berth__buffer buffer,
                                  uint64_t timeout_ns, berth_record *out) {
    const uint64_t until_ns = berth__waiter_until(timeout_ns);
    const uint64_t chunk_count = row->chunk_count;
    berth__watcher watcher;
    memset(&watcher, 0, sizeof watcher);
    berth_status status = berth__waiter_init(&watcher.waiter, &pool->callers);
    if (status != BERTH_OK) return status;
    row = sleep_as_reader(pool, row, &watcher, until_ns);
    berth__waiter_fini(&watcher.waiter);
    if (watcher.sent_away != BERTH_OK) return watcher.sent_away;
    if (row == NULL) return read_end_of_gone(&watcher, chunk_count, out);
    status = read_next(pool, row, buffer, out);
    if (status == BERTH_OK || status == BERTH_ESPACE) mark_rest(pool, row, out);
    return status;
}

static berth_status read_under_lock(berth_pool *pool, berth_request_id id, berth__buffer buffer,
                                    uint64_t timeout_ns, berth_record *out) {
    if (timeout_ns != 0 && berth__callback_is_inside(pool)) return BERTH_EREENTRY;
    berth__row *row;
    berth_status status = berth__owner_find(pool, id, &row);
    if (status != BERTH_OK) return status;
    if (!unseal(pool, row)) return BERTH_ESTALE;
    if (!shut(pool, row)) return BERTH_EBUSY;
    const berth_request_id request = row->id;
    /* Who may sleep shuts the hatch before he looks: what comes after that wakes him. */
    if (timeout_ns != 0) berth__emit_fold(pool, row);
    status = read_next(pool, row, buffer, out);
    if (status == BERTH_EAGAIN && timeout_ns != 0 && berth__clock_can_wait(pool))
        status = row->any != NULL ? BERTH_EBUSY : wait_and_read(pool, row, buffer, timeout_ns, out);
    row = berth__row_find_for_user(pool, request);
    if (row != NULL && row->watch == NULL) reopen(pool, row);
    return status;
}

static BERTH__APART berth_status read_with_lock(berth_pool *pool, berth_request_id id,
                                                berth__buffer buffer, uint64_t timeout_ns,
                                                berth_record *out) {
    berth__lock_enter(pool);
    const berth_status status = read_under_lock(pool, id, buffer, timeout_ns, out);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status == BERTH_EAGAIN ? BERTH_ETIMEDOUT : status);
}

/* ---- Both ---- */

/* Any chunk, from inside the gate. No record is told without the lock where the caller does not
 * wait and the outcome is not fixed. */
static BERTH__APART berth_status read_inside(berth_pool *pool, berth__ring *ring,
                                             berth_request_id id, const reading *of,
                                             berth_record *out) {
    if (ring->gate.id != id) {
        (void)leave(pool, ring, ring->gate.id);
        return read_with_lock(pool, id, of->buffer, of->timeout_ns, out);
    }
    const berth_status status = read_ring(ring, of->buffer, out);
    const uint32_t asked = leave(pool, ring, id);
    if (status != BERTH_EAGAIN) return status;
    if (of->timeout_ns == 0 && (asked & BERTH__GATE_FIXED) == 0) return BERTH_ETIMEDOUT;
    return read_with_lock(pool, id, of->buffer, of->timeout_ns, out);
}

/* The next token of a stream: read_inside for few bytes that lie straight, where nothing is merged.
 * It calls nothing, so that nothing has to be kept over a call. */
berth_status berth__reader_read(berth_pool *pool, berth_request_id id, berth__buffer buffer,
                                uint64_t timeout_ns, berth_record *out) {
    const berth__chunk_header *chunk = NULL;
    berth__ring *ring = ring_of(pool, id);
    if (ring == NULL || !berth__gate_enter(&ring->gate, id))
        return read_with_lock(pool, id, buffer, timeout_ns, out);
    const berth__unread unread = berth__ring_begin(ring);
    if (ring->gate.id == id && unread.at < unread.head)
        chunk = berth__ring_find_few(ring, unread.at, buffer.size);
    if (chunk == NULL) {
        const reading of = {.buffer = buffer, .timeout_ns = timeout_ns};
        return read_inside(pool, ring, id, &of, out);
    }
    const uint64_t word = atomic_load_explicit(&chunk->word, memory_order_relaxed);
    const uint64_t size = berth__chunk_size(word);
    berth__copy_few(buffer.bytes, chunk + 1, size);
    out->kind = BERTH_RECORD_CHUNK;
    out->sequence = chunk->sequence;
    out->size = size;
    out->tokens = berth__chunk_tokens(word);
    berth__ring_skip(ring, berth__chunk_after(unread.at, size));
    (void)leave(pool, ring, id);
    return BERTH_OK;
}

/* ---- Without a copy ---- */

static void describe(berth_span *to, const berth__piece *piece, const berth__chunk *chunk,
                     uint32_t lease) {
    *to = (berth_span){.bytes = piece->bytes,
                       .size = piece->size,
                       .sequence = chunk->sequence,
                       .tokens = chunk->tokens,
                       .lease = lease};
}

/* Whole chunks, as long as there is room for two spans. Returns where they end; 0 if none. */
static uint64_t fill(berth__ring *ring, uint32_t lease, berth_span *spans, uint32_t span_max,
                     uint32_t *out_count) {
    berth__chunk chunk;
    berth__piece pieces[2];
    uint64_t end = 0;
    uint64_t chunk_count = 0;
    uint32_t count = 0;
    const berth__unread unread = berth__ring_begin(ring);
    for (uint64_t at = unread.at; at < unread.head && count + 2 <= span_max; at = end) {
        berth__ring_expect_looks(ring, &unread, at);
        end = berth__ring_look(ring, at, &chunk, pieces);
        describe(&spans[count++], &pieces[0], &chunk, lease);
        if (pieces[1].size > 0) {
            spans[count - 1].more = 1;
            chunk.tokens = 0;
            describe(&spans[count++], &pieces[1], &chunk, lease);
        }
        chunk_count++;
    }
    *out_count = count;
    ring->gate.lent_count = chunk_count;
    return end;
}

/* Why the short way was shut. OK: it is open now. EAGAIN: there is no chunk. */
static berth_status why_not(berth_pool *pool, berth_request_id id) {
    berth__row *row;
    berth_status status = berth__owner_find(pool, id, &row);
    if (status != BERTH_OK) return status;
    if (berth__mailbox_is_busy(pool, row)) return BERTH_EBUSY;
    if (!row->sealed) return BERTH_EAGAIN;
    if (!unseal(pool, row)) return BERTH_ESTALE;
    reopen(pool, row);
    return BERTH_OK;
}

/* The same as enter; where a seal was in the way, it is broken. */
static berth__ring *enter_to_peek(berth_pool *pool, berth_request_id id, berth_status *status) {
    berth__ring *ring = enter(pool, id);
    if (ring != NULL) return ring;
    berth__lock_enter(pool);
    *status = berth__lock_leave(pool, why_not(pool, id));
    if (*status != BERTH_OK) return NULL;
    *status = BERTH_EAGAIN; /* of one that has no ring */
    return enter(pool, id);
}

berth_status berth__reader_peek(berth_pool *pool, berth_request_id id, berth_span *spans,
                                uint32_t span_max, uint32_t *out_count) {
    berth_status status;
    berth__ring *ring = enter_to_peek(pool, id, &status);
    if (ring == NULL) return status;
    const uint64_t end = fill(ring, (uint32_t)(ring - pool->rings), spans, span_max, out_count);
    if (end == 0) {
        (void)leave(pool, ring, id);
        return BERTH_EAGAIN;
    }
    atomic_store_explicit(&ring->gate.lent, end, memory_order_release);
    return BERTH_OK;
}

/* The end of the first chunks of those that are lent, which end at `end`; 0 if there are not so
 * many. */
static uint64_t end_of(berth__ring *ring, uint32_t chunk_count, uint64_t end) {
    berth__chunk chunk;
    berth__piece pieces[2];
    if (chunk_count == ring->gate.lent_count) return end;
    if (chunk_count > ring->gate.lent_count) return 0;
    uint64_t at = berth__ring_begin(ring).at;
    for (uint32_t i = 0; i < chunk_count; i++) at = berth__ring_look(ring, at, &chunk, pieces);
    return at;
}

/* What is lent is claimed first: of two that consume the same, one finds nothing. */
berth_status berth__reader_consume(berth_pool *pool, berth_request_id id, uint32_t lease,
                                   uint32_t chunk_count) {
    if (lease >= pool->options.mailboxes_max) return BERTH_ESTALE;
    berth__ring *ring = &pool->rings[lease];
    uint64_t end = atomic_load_explicit(&ring->gate.lent, memory_order_acquire);
    if (end == 0) return BERTH_ESTALE;
    if (!atomic_compare_exchange_strong_explicit(&ring->gate.lent, &end, 0, memory_order_acquire,
                                                 memory_order_relaxed))
        return BERTH_ESTALE;
    const uint32_t is_his = ring->gate.id == id;
    const uint64_t read = is_his ? end_of(ring, chunk_count, end) : 0;
    if (!is_his || (chunk_count > 0 && read == 0)) {
        atomic_store_explicit(&ring->gate.lent, end, memory_order_release);
        return is_his ? BERTH_EINVAL : BERTH_ESTALE;
    }
    if (read != 0) berth__ring_skip(ring, read);
    (void)leave(pool, ring, id);
    return BERTH_OK;
}
