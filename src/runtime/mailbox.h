/* SPDX-License-Identifier: MIT */
/*
 * What:    mailboxes as their producer sees them: chunks in, who hears of them; and the outcome.
 * Why:     the producer never waits for the reader, and the outcome is there however full the ring.
 * Rules:   whoever waits looks the row up again on waking, because the request may be gone by then.
 *          The outcome was noted in the watcher when it was fixed: retention cannot take it from
 *          those who were there.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_MAILBOX_H
#define BERTH__RUNTIME_MAILBOX_H

#include "runtime/ring.h"
#include "runtime/row.h"

/* One piece of output on its way in. */
typedef struct berth__output {
    const void *bytes;
    uint64_t size;
    uint64_t tokens;
} berth__output;

/* Under the pool lock: there is a new record; wake the reader, or list the mailbox as ready. */
void berth__mailbox_notify(berth_pool *pool, berth__row *row);

/* Under the pool lock: the outcome is fixed; tell it to all who wait for it. */
void berth__mailbox_tell(berth_pool *pool, berth__row *row);

/* Under the pool lock: the request goes, before its ring does; send all who wait away. */
void berth__mailbox_dismiss(berth_pool *pool, berth__row *row);

/* Under the pool lock: does somebody read it now, asleep or not? */
uint32_t berth__mailbox_is_busy(const berth_pool *pool, const berth__row *row);

/* Under the pool lock: is there any record to read? */
uint32_t berth__mailbox_has_record(const berth_pool *pool, const berth__row *row);

/* Under the pool lock: is there a chunk to read? */
uint32_t berth__mailbox_has_chunk(const berth_pool *pool, const berth__row *row);

/* Under the pool lock: would deliver find room for a chunk of at most chunk_size_max? It changes
 * nothing: what was read stays until the chunk comes. */
uint32_t berth__mailbox_has_room(const berth_pool *pool, const berth__row *row, uint64_t size);

/* Under the pool lock: put a chunk in, which has room, and tell the reader; 0 where there are no
 * chunks. The core is still to be told. */
uint32_t berth__mailbox_put(berth_pool *pool, berth__row *row, const berth__output *output);

/* The same, and count it. */
void berth__mailbox_deliver(berth_pool *pool, berth__row *row, const berth__output *output);

/* Under the pool lock: chunks were read; a paused request goes on if few are left. */
void berth__mailbox_catch_up(berth_pool *pool, berth__row *row, uint64_t now);

/* Under the pool lock: it runs no longer, so it is paused no longer; the core knows. */
void berth__mailbox_unpause(berth_pool *pool, berth__row *row);

/* Is so little unread that a paused request goes on? */
uint32_t berth__mailbox_is_low(const berth__ring *ring);

/* Bytes of a chunk at most: a larger one could never fit. */
uint64_t berth__mailbox_chunk_size_max(const berth_pool *pool);

/* The public calls, arguments checked. */
berth_status berth__mailbox_close(berth_pool *pool, berth_request_id id);
berth_status berth__mailbox_wait(berth_pool *pool, berth_request_id id, uint64_t timeout_ns,
                                 berth_outcome *out);
berth_status berth__mailbox_take(berth_pool *pool, berth_request_id id, berth_outcome *out);

#endif
