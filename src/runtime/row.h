/* SPDX-License-Identifier: MIT */
/*
 * What:    what the runtime knows of one request, beside the core: its payload, its ring, who
 *          waits for it, what is still to be done about it.
 * Why:     the core is pure; pointers, threads and bytes live here.
 * Rules:   rows lie in the core's table, beside the entry of their place. A row is written anew by
 *          the submit that gets its place; until then it keeps what is left to do.
 * Threads: guarded by the pool lock.
 */
#ifndef BERTH__RUNTIME_ROW_H
#define BERTH__RUNTIME_ROW_H

#include "base/ids.h"
#include "core/core.h"
#include "runtime/waiter.h"

/* Which list of the pool's `work_links` a row is in. */
enum berth__work {
    BERTH__WORK_NONE = 0,
    BERTH__WORK_TAKE = 1,   /* admitted; a worker is to take it */
    BERTH__WORK_LET_GO = 2, /* its outcome was fixed before a worker took it: let it go */
    BERTH__WORK_KEPT = 3,   /* ended; its ring has unread chunks */
    BERTH__WORK_HELD = 4,   /* preempted, so parked again; its ring has unread chunks */
    BERTH__WORK_HAND = 5    /* dealt to a worker: in no list */
};

/* Which callback a row is waiting for or inside of; lists of the pool's `callback_links`. */
enum berth__due {
    BERTH__DUE_NONE = 0,
    BERTH__DUE_CANCELLED = 1,
    BERTH__DUE_CALLING = 2, /* inside cancelled(): in no list */
    BERTH__DUE_RELEASE = 3
};

/* A thread that waits for a request: what it will want to know even if the request is gone by the
 * time it runs. The waiter comes first, so that lists of waiters are lists of these. */
typedef struct berth__watcher {
    berth__waiter waiter;
    berth__waiter
        *asleep; /* in berth_mailbox_read: the list of this one alone, until it is woken */
    berth_outcome outcome; /* kind NONE until it was fixed */
    uint32_t lost;         /* the request went with chunks unread */
    int32_t sent_away;     /* another owner reads now: the status to return with; 0 = none does */
} berth__watcher;

typedef struct berth__row berth__row;

/* The bits are written a byte at a time. Tests of several at once are one load of all four bytes,
 * which has to wait until what was just written, and all before it, is in the cache: on the way of
 * every request they are tested one by one. */
struct berth__row {
    void *payload; /* on the core's line: a worker or a plan wants what is there, too */

    berth_request_id id;
    uint64_t chunk_count;      /* pushed so far; the next one's sequence */
    berth__waiter *waiters;    /* watchers in berth_wait */
    berth__watcher *watch;     /* the one in berth_mailbox_read, until it has left the call: nobody
                                  else may read */
    berth__waiter **any;       /* the list of who waits for this mailbox and others, or NULL */
    berth__link ready_link;    /* in the pool's `ready` */
    uint32_t ring;             /* BERTH__NONE if it has none */
    uint32_t keyed;            /* index in the registry; BERTH__NONE without a key */
    unsigned work : 3;         /* berth__work */
    unsigned due : 2;          /* berth__due */
    unsigned full : 3;         /* berth_mailbox_full */
    unsigned hand : 11;        /* which worker's, where dealt */
    unsigned streams : 1;      /* mailbox mode */
    unsigned admitted : 1;     /* was told by the core; 0 again while it is preempted */
    unsigned fixed : 1;        /* so was its outcome */
    unsigned ended : 1;        /* so was its end */
    unsigned gone : 1;         /* so was that the id is stale */
    unsigned owes_release : 1; /* release() has not been called yet */
    unsigned announce : 1;     /* gate: the ADMITTED record is unread */
    unsigned ready : 1;        /* in the ready list */
    unsigned executing : 1;    /* dealt to a worker that is inside execute */
    unsigned let_go_asked : 1; /* berth_finish was called */
    unsigned paused : 1;       /* the core was told so, and has not ended it */
    unsigned sealed : 1;       /* its outcome may be taken without the lock: seal.h */
    unsigned open : 1;         /* its hatch is open, and its ring in the pool's list of those */
};

_Static_assert(sizeof(berth__row) <= BERTH__BESIDE_SIZE, "it lies beside the core's entry");

/* The row of an id that is or was out; NULL if its place has been given to another request. */
berth__row *berth__row_find(berth_pool *pool, berth_request_id id);

/* The same for readers: NULL as well once the outcome was taken or dropped. */
berth__row *berth__row_find_for_user(berth_pool *pool, berth_request_id id);

/* The same for its worker, or who passed the gate: until its units are let go, and as a reader's
 * after that. */
berth__row *berth__row_find_for_producer(berth_pool *pool, berth_request_id id);

/* A hint: the row, and what the core knows of it, is about to be used. Without the lock, too. */
void berth__row_expect(const berth_pool *pool, uint32_t place);

static inline uint32_t berth__row_place(const berth__row *row) {
    return berth__id_place(row->id);
}

#endif
