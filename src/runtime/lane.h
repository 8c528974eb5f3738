/* SPDX-License-Identifier: MIT */
/*
 * What:    a way into a busy pool without its lock: requests, and news of outcomes that were taken,
 *          wait in a ring of slots for whoever has the lock next.
 * Why:     a request that runs for microseconds costs less than what two cores need to hand the
 *          lock and the tables behind it to each other. On this way a submitter writes two cache
 *          lines, and the tables stay with the worker.
 * Rules:   open only while a worker turns over requests of microseconds; else everybody uses the
 *          lock. Each slot holds an id that the core has lent it, and the room of one parked
 *          request: what is claimed is accepted. Whoever gets the lock empties the lane before
 *          anything else.
 * Threads: claiming and publishing: any, without the lock. All else under the pool lock.
 *
 * Properties
 *   1. Nothing that was published is lost or linked twice.
 *   2. A submit that returned before another began is linked before it, whichever threads they ran
 *      on, and whether they took the lane or the lock.
 *   3. Nobody waits for a thread that has claimed a slot and not published it yet.
 *   4. While a slot is claimed, somebody will look: a worker that is awake, or one that sleeps for
 *      HOLE_NS at most, or the timer after BERTH__HAND_WATCH_NS.
 *
 * Operation
 *
 *   linked |  linked  | hole | published | claimed |  lent  |  lent  | not lent
 *                 head ^                       tail ^           granted ^
 *
 *   claim     `tail` moves by one, by compare-and-swap: not past `granted`, not when closed
 *   publish   the slot's turn becomes its position and one, with release
 *   drain     reads `tail` with acquire, then looks at each slot before it; links those published,
 *             in order, passes by holes, and comes back for them the next time
 *   grant     a slot that was linked gets another id for its next turn
 *
 * Safety
 *   1. A slot is written by its claimer alone from claim to publish, by who has the lock from then
 *      until it is granted again; granting happens before the `granted` that a claimer reads.
 *   2. If a submit returned before another began, its publish happens before the other's claim, so
 *      before the `tail` that a drain has read if it sees the other: the drain finds both, and the
 *      first one at an earlier position. With the lock: its holder has drained first.
 *   3. A drain passes by what is not published; who has not published has not returned.
 *   4. A worker closes the lane before it sleeps, and looks once more after that: what was claimed
 *      before is linked, or a hole that it comes back for. What hangs behind a long request is the
 *      timer's.
 */
#ifndef BERTH__RUNTIME_LANE_H
#define BERTH__RUNTIME_LANE_H

#include "berth.h"
#include "core/lend.h"

#include <stdatomic.h>

/* A lane of a pool has as many slots as half of its room for parked requests, rounded down to a
 * power of two, up to this. */
#ifndef BERTH__LANE_SLOTS
#define BERTH__LANE_SLOTS 256u /* fewer for the explorer of tests/interleave */
#endif
#define BERTH__LANE_HOLE_NS UINT64_C(100000)

/* Two cache lines. */
typedef struct berth__lane_slot {
    _Atomic uint32_t turn; /* its position and one, once it is published: the low half */
    uint8_t streams;
    uint8_t full;
    uint8_t taken; /* not a request: the outcome `taken_id` was taken */
    uint8_t reserved;
    berth_request_id id; /* lent */
    union {
        void *payload;
        berth_request_id taken_id;
    };
    berth__terms terms;
    uint64_t cost[BERTH__LEND_COSTS];
    uint32_t linked; /* under the lock: its turn is over */
    uint32_t reserved2;
} berth__lane_slot;

typedef struct berth__lane {
    berth__lane_slot *slots;  /* fixed; NULL where the options ask for what takes the lock */
    void *memory;             /* fixed */
    uint64_t slot_count;      /* fixed; a power of two */
    unsigned char before[64]; /* each of these is written by others than its neighbours */
    _Atomic uint64_t tail;    /* positions claimed, twice; and one while it is closed */
    unsigned char between[64];
    _Atomic uint64_t granted;                      /* positions that may be claimed */
    _Atomic uint64_t units_max[BERTH__LEND_COSTS]; /* what a request may ask for */
    unsigned char after[64];
    uint64_t head;       /* all before it are linked */
    uint64_t turns;      /* of the workers that keep it open */
    uint64_t turns_seen; /* when the timer last looked */
    uint32_t barred;     /* for good: somebody asked for what sums cannot hold */
    uint32_t reserved;
} berth__lane;

/* ENOMEM. Makes nothing where the lane cannot be used. */
berth_status berth__lane_init(berth_pool *pool);
void berth__lane_fini(berth_pool *pool);

/* ---- Without the lock ---- */

/* OK; EAGAIN: take the lock, which will say what is wrong, if anything is. */
berth_status berth__lane_submit(berth_pool *pool, const berth_request *request,
                                berth_request_id *out);

/* An outcome was taken. 0: the lane is closed or full; take the lock and forget the request. */
uint32_t berth__lane_tell_taken(berth_pool *pool, berth_request_id id);

uint32_t berth__lane_is_open(const berth_pool *pool);

/* Changes when somebody comes. */
uint64_t berth__lane_tail(const berth_pool *pool);

/* ---- Under it ---- */

/* Who took an outcome is done with it. */
void berth__lane_forget(berth_pool *pool, berth_request_id id);

/* Link all that is published. Returns how much that was. */
uint64_t berth__lane_drain(berth_pool *pool);

/* Is there anything claimed that was not linked? */
uint32_t berth__lane_is_empty(const berth_pool *pool);

/* A worker is quick, and nobody sleeps: whoever submits need not take the lock. Counts as a turn of
 * a worker where it is open already. */
void berth__lane_open(berth_pool *pool);
uint64_t berth__lane_close(berth_pool *pool); /* and drain it */

/* The timer looks: a lane whose workers have not turned since it last did is closed. It looks again
 * as long as the lane is open, or something claimed was not linked. */
void berth__lane_watch(berth_pool *pool);

/* It holds room for requests that have not come: give it back, because somebody needs it. */
void berth__lane_give_room(berth_pool *pool);

/* This request comes, or is corrected, by the lock; the sums of what is parked must hold it and all
 * that come by the lane: else the lane is closed for good. */
void berth__lane_mind(berth_pool *pool, const berth_request *request);

/* The capacities have changed. */
void berth__lane_set_units(berth_pool *pool);

#endif
