/* SPDX-License-Identifier: MIT */
/*
 * What:    what one worker holds: the requests it was dealt, how far it is, what they returned.
 * Why:     a lock and the lines behind it travel between cores for every turn; requests that take
 *          less than that are dealt several at a time, and cost one turn together.
 * Rules:   more than one is dealt only to a worker whose last ones took microseconds. While it is
 *          out its worker touches `begun` and `results` alone; what it has not begun can be taken
 *          back at any moment, under the pool lock, by whoever finds that it should not wait.
 * Threads: its worker executes without the lock; all else under the pool lock.
 *
 *   calls   [ returned | returned | inside | not begun | not begun ]
 *             posted ^             begun ^                   dealt ^
 */
#ifndef BERTH__RUNTIME_HAND_H
#define BERTH__RUNTIME_HAND_H

#include "berth.h"
#include "runtime/futex.h"
#include "runtime/row.h"

#define BERTH__HAND_MAX 32u

typedef struct berth__hand {
    unsigned char before[64];         /* what its worker writes shares no cache line */
    berth__word begun;                /* how many, and a bit once it was taken back */
    int32_t results[BERTH__HAND_MAX]; /* of those returned */
    unsigned char between[64];
    uint32_t dealt;    /* fixed while it is out */
    uint32_t kept;     /* of those dealt, not taken back */
    uint32_t posted;   /* of those kept, whose result was posted */
    uint32_t out;      /* its worker is inside execute */
    uint32_t size_max; /* what the next deal may hold */
    uint32_t reserved;
    berth_pool *pool; /* fixed */
    uint64_t dealt_at_ns;
    uint64_t returned_at_ns;
    berth_call calls[BERTH__HAND_MAX]; /* fixed while it is out */
} berth__hand;

void berth__hand_init(berth_pool *pool, berth__hand *hand);

/* How many requests this worker may be dealt now; 1 unless it is quick and many wait. */
uint32_t berth__hand_wanted(const berth_pool *pool, const berth__hand *hand);

/* Take up to `wanted` of those admitted. */
void berth__hand_deal(berth_pool *pool, berth__hand *hand, uint32_t wanted);

/* Without the lock: execute them. */
void berth__hand_execute(berth_pool *pool, berth__hand *hand);

/* Its worker is back: post what is not posted yet. */
void berth__hand_return(berth_pool *pool, berth__hand *hand);

/* Take back what its worker has not begun: first in line again for any worker. Makes no event. */
void berth__hand_take_back(berth_pool *pool, berth__hand *hand);

void berth__hand_take_back_all(berth_pool *pool);

/* The timer looks after hands whose worker is held up by one request: the others wait no longer
 * than this. */
#define BERTH__HAND_WATCH_NS UINT64_C(1000000)
void berth__hand_watch(berth_pool *pool);

#endif
