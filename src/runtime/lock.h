/* SPDX-License-Identifier: MIT */
/*
 * What:    the way into a call and out of it.
 * Why:     what every call owes on its way out is done in one place: due callbacks, wake-ups.
 * Rules:   enter, one event or more, settle if one changed anything, leave. Who gives way in
 *          between has settled before.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_LOCK_H
#define BERTH__RUNTIME_LOCK_H

#include "berth.h"

/* Take the pool lock and count the call. */
void berth__lock_enter(berth_pool *pool);

/* The same for a call about one request: what is known of it comes while the lock is taken. */
void berth__lock_enter_for(berth_pool *pool, berth_request_id id);

/* Call what is due, wake whom it concerns, give the lock up. Returns `status`. */
berth_status berth__lock_leave(berth_pool *pool, berth_status status);

/* In the midst of a long call, after it has settled: as leaving and coming back, but the call is
 * inside all the while. */
void berth__lock_give_way(berth_pool *pool);

/* After events: let go, admit, and wake workers, engine, timer and drains as needed. */
void berth__lock_settle(berth_pool *pool);

/* The same where berth__lock_leave follows at once: it makes the ready descriptor readable after it
 * has given the lock up, so that who is woken does not find it taken. */
void berth__lock_settle_last(berth_pool *pool);

#endif
