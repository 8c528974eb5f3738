/* SPDX-License-Identifier: MIT */
/*
 * What:    calling the host: who is inside a callback, and which ones are due.
 * Why:     no lock is held during a callback, and a call that could wait for one must not be made
 *          from inside one; both without globals or thread storage.
 * Rules:   `berth__inside` lives on the stack of the thread that calls. Callbacks that fall due
 *          inside another of these callbacks are left to the outer one: the stack stays shallow.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_CALLBACK_H
#define BERTH__RUNTIME_CALLBACK_H

#include "berth.h"

#include <uv.h>

struct berth__row;

typedef struct berth__inside {
    uv_thread_t thread;
    struct berth__inside *previous;
    struct berth__inside *next;
    uint32_t runs_due; /* it is inside berth__callback_run_due */
    uint32_t reserved;
} berth__inside;

/* Enter: note the thread and give the lock up. Leave: take it again. */
void berth__callback_enter(berth_pool *pool, berth__inside *inside, uint32_t runs_due);
void berth__callback_leave(berth_pool *pool, berth__inside *inside);

/* Is this thread inside a callback of this pool? */
uint32_t berth__callback_is_inside(const berth_pool *pool);

/* Under the pool lock: release() is due if the request has ended and nobody uses its payload. */
void berth__callback_queue_release(berth_pool *pool, struct berth__row *row);

/* Is any callback waiting to be called? */
uint32_t berth__callback_is_due(const berth_pool *pool);

/* Call every cancelled() and release() that is due. Gives the lock up while it calls. */
void berth__callback_run_due(berth_pool *pool);

#endif
