/* SPDX-License-Identifier: MIT */
/*
 * What:    output of a worker's or gate's request: the short way, which takes no lock, and the long
 *          one; and what the short one leaves to be counted.
 * Why:     of what an emit does only the chunk itself cannot wait: who is to be woken, what comes
 *          first, what ends is rare; and tokens are counted when somebody looks.
 * Rules:   whoever looks at what a request has put out folds it first; whoever waits for its output
 *          folds before he looks for the last time. A fold shuts the hatch.
 * Threads: emit: any, one at a time per request. All else: under the pool lock.
 */
#ifndef BERTH__RUNTIME_EMIT_H
#define BERTH__RUNTIME_EMIT_H

#include "runtime/mailbox.h"

/* What a producer has put out since his hatch was opened. Two of them take turns. */
typedef struct berth__tally {
    uint64_t sequence; /* of the next chunk */
    uint64_t tokens;
    uint64_t size;
} berth__tally;

typedef struct berth__tallies {
    _Alignas(BERTH__LINE_SIZE) berth__tally of[2]; /* the producer's line */
    uint64_t first_at_ns; /* when the request's first chunk came; holds once that is published */
} berth__tallies;

/* Tell the core what went the short way, and list it as news; the hatch stays shut. Before a reader
 * sleeps, before an outcome is told, before anything looks at the row's chunk_count. */
void berth__emit_fold_open(berth_pool *pool, berth__row *row);
static inline void berth__emit_fold(berth_pool *pool, berth__row *row) {
    if (row->open) berth__emit_fold_open(pool, row);
}

/* It is about to run, on the worker face, and no deadline waits for its output: may its first chunk
 * go the short way already? Not where somebody is to hear of it. */
void berth__emit_open_early(berth_pool *pool, berth__row *row);

/* The same of every request, whose hatches are open again after. O(those that emit). */
void berth__emit_fold_all(berth_pool *pool);

/* The public call, arguments checked. */
berth_status berth__emit(berth_pool *pool, berth_request_id id, const void *bytes, uint64_t size,
                         uint64_t tokens);

#endif
