/* SPDX-License-Identifier: MIT */
/*
 * What:    waiting until one of many mailboxes has a record.
 * Why:     a thread with a handful of streams needs no event loop.
 * Rules:   it reads nothing. Each mailbox points to the list that its one waiter sleeps in; whoever
 *          wakes empties the list, so that many records of one step wake once.
 * Threads: any, without the lock.
 */
#ifndef BERTH__RUNTIME_ANY_H
#define BERTH__RUNTIME_ANY_H

#include "berth.h"

/* Those that are waited for. */
typedef struct berth__any {
    const berth_request_id *ids;
    uint32_t count;
} berth__any;

/* The public call, arguments checked. */
berth_status berth__any_wait(berth_pool *pool, const berth__any *any, uint64_t timeout_ns,
                             uint32_t *out_index);

#endif
