/* SPDX-License-Identifier: MIT */
/*
 * What:    the pool: its lock, its core, its tables, its threads.
 * Why:     the files of the runtime share this and nothing else; nobody outside includes it.
 * Rules:   everything below `lock` is guarded by it unless it says "fixed". All memory is made in
 *          create. Callbacks are called with the lock given up.
 * Threads: see each file.
 */
#ifndef BERTH__RUNTIME_POOL_H
#define BERTH__RUNTIME_POOL_H

#include "base/list.h"
#include "core/core.h"
#include "runtime/callback.h"
#include "runtime/emit.h"
#include "runtime/hand.h"
#include "runtime/lane.h"
#include "runtime/mutex.h"
#include "runtime/registry.h"
#include "runtime/ring.h"
#include "runtime/row.h"
#include "runtime/waiter.h"

#include <uv.h>

struct berth_pool {
    berth_options options;   /* fixed; normalised */
    berth_executor executor; /* fixed */

    berth__core *core;
    void *core_memory;         /* fixed */
    unsigned char *rows;       /* fixed; in core_memory: see berth__row_at */
    void *ring_memory;         /* fixed; holds the rings, then their bytes */
    berth__ring *rings;        /* fixed; mailboxes_max */
    _Atomic uint64_t *ring_at; /* by place, then by key: see ring_at.h */
    berth__tallies *tallies;   /* fixed; by ring, in ring_memory; NULL on an engine's pool */
    uint32_t row_count;        /* fixed */
    uint32_t ring_at_count;    /* fixed */
    uint32_t output_decides;   /* fixed; the core wants to hear of each chunk at once */
    uint32_t plain_terms;      /* fixed; there are requests that suit terms.h */

    /* What is fixed is read by threads that do not have the lock, or not yet: it shares no cache
     * line with what those write that have it. */
    unsigned char before_lock[64];
    berth__mutex lock;
    unsigned char after_lock[64];

    berth__lane lane;
    _Atomic uint32_t outcome_look_ns; /* how long who waits for one looks, without the lock */
    _Atomic uint32_t outcome_lookers; /* who does so */
    uint64_t dropped_taken_total;     /* outcomes that retention dropped while somebody took them */

    uint32_t failed;         /* an invariant of the runtime does not hold */
    uint32_t failure_told;   /* all that waited were woken because of it */
    uint32_t call_count;     /* API calls that are inside */
    uint64_t now_ns;         /* latest reading of the clock; it never goes back */
    uint64_t parked_count;   /* as the core's, kept here because it is asked for often */
    uint64_t parked_streams; /* those among them that will need a ring: not who kept his */
    uint64_t inside_count;   /* running and stopping */
    uint32_t steps_outstanding;
    uint32_t reserved3;
    berth_request_id posting;   /* who is being ended by its worker, which seals its outcome */
    berth_request_id finishing; /* whose outcome is being fixed by berth_finish or its worker */

    berth__link *work_links; /* by place: `take`, `let_go`, `kept`, `held` */
    berth__list take;
    berth__list let_go;
    berth__list kept;
    berth__list held;

    berth__link *callback_links; /* by place: `cancelled`, `release`; NULL without these calls */
    berth__list cancelled;
    berth__list release;
    berth__inside *inside; /* threads inside a callback */

    berth__list ready;  /* rows, by their ready_link */
    int32_t ready_read; /* descriptors; -1 until they are asked for */
    int32_t ready_write;
    uint32_t ready_asked;  /* somebody has looked at the list, or is to be called */
    uint32_t ready_due;    /* executor.ready is to be called */
    uint32_t ready_raised; /* the descriptor is readable, or somebody is about to make it so */
    _Atomic uint32_t ready_writers; /* who are about to; they have given the lock up */

    uint32_t *rings_free; /* a stack */
    uint32_t rings_free_count;

    berth__link *open_links; /* by ring: `open`; NULL on an engine's pool */
    berth__list open;        /* rings whose hatch is open */

    berth__registry registry; /* mailboxes with keys */
    uint64_t attached_total;
    uint64_t taken_over_total;
    uint64_t keyed_gone_total;
    uint64_t keyed_expired_total;
    uint64_t keyed_evicted_total;

    uint32_t closed;
    uint32_t reserved1;
    berth__look callers; /* of the host, and workers: one of each looks */
    berth__look looking_workers;
    berth__waiter *to_wake; /* told already; asleep */
    berth__waiter *engines; /* in berth_plan_wait */
    berth__waiter *drains;  /* in berth_drain */

    uint32_t stopping;    /* the pool's threads are to leave */
    uint32_t idle_count;  /* workers in `idle` */
    uint32_t claim_count; /* admitted ahead for the worker that is about to deal */
    uint32_t watching;    /* the timer looks after hands */
    uint32_t watch_again; /* one of several was dealt since it looked */
    uint32_t lingering;   /* a worker without work is awake, and counts as woken */
    berth__word called;   /* it is to come back: somebody came by the lock */
    uint32_t brisk;       /* who was dealt last is quick */
    uint32_t reserved2;
    uint64_t linger_ns;     /* for how long the next one lingers */
    berth__hand *hands;     /* fixed; by worker */
    uint32_t active_count;  /* workers inside execute */
    uint32_t calling_count; /* workers inside release() or cancelled(), after execute */
    uint32_t waking_count;  /* workers woken that have not got the lock yet */
    uv_thread_t *workers;
    uint32_t worker_count; /* started */
    berth__waiter *idle;   /* workers without work */

    uv_thread_t timer;
    uint32_t timer_started;
    uint32_t reserved;
    uint64_t timer_at_ns;        /* when it wakes by itself */
    berth__waiter *timer_waiter; /* the timer, asleep */
};

/* What the runtime knows of a place. */
static inline berth__row *berth__row_at(const berth_pool *pool, uint32_t place) {
    return (berth__row *)(void *)(pool->rows + (size_t)place * BERTH__PLACE_SIZE);
}

/* Did an invariant fail, in the core or here? */
uint32_t berth__pool_failed(const berth_pool *pool);

/* Nothing is parked, runs, or is still inside a callback. */
uint32_t berth__pool_idle(const berth_pool *pool);

#endif
