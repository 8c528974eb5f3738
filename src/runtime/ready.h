/* SPDX-License-Identifier: MIT */
/*
 * What:    the descriptor of the list of mailboxes with news (news.h), and who takes from it.
 * Why:     an event loop waits for all of them at once, without a thread per reader.
 * Rules:   the descriptor is readable while the list is not empty. It is written or emptied once
 *          on the way out of a call, however many mailboxes the call made ready: at most one
 *          system call per step. The pool's own threads do it under the lock, callers after it.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_READY_H
#define BERTH__RUNTIME_READY_H

#include "runtime/row.h"

/* The mailbox is gone. */
void berth__ready_drop(berth_pool *pool, berth__row *row);

/* Before the lock is given up after events: make the descriptor say what the list says. */
void berth__ready_tell(berth_pool *pool);

/* The same in two parts: 1 if the second one is to follow, after the lock was given up. Destroy
 * finds the pool busy until then. */
uint32_t berth__ready_tell_begin(berth_pool *pool);
void berth__ready_tell_end(berth_pool *pool);

/* Close the descriptor. */
void berth__ready_fini(berth_pool *pool);

/* The public calls, arguments checked. */
berth_status berth__ready_descriptor(berth_pool *pool, int32_t *out);
berth_status berth__ready_take(berth_pool *pool, berth_request_id *ids, uint32_t ids_max,
                               uint32_t *out_count);

#endif
