/* SPDX-License-Identifier: MIT */
/*
 * What:    the store of rings: which are free, and whose unread output gives way.
 * Why:     a parked request needs no ring; one that is admitted must find one.
 * Rules:   rings are attached at admission and given back when the chunks of an ended request
 *          are read, or its outcome is taken or dropped; a preempted one keeps its ring while there
 *          are chunks in it. mailboxes_max >= running_max, so dropping ended requests makes room
 *          enough, but for rings that preempted ones hold: admission waits for those.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_STORE_H
#define BERTH__RUNTIME_STORE_H

#include "runtime/row.h"

/* At admission of a streaming request; one that was preempted may have its ring still. */
void berth__store_attach(berth_pool *pool, berth__row *row);

/* At preemption of a streaming request: keep its unread chunks, or give the ring back. */
void berth__store_hold(berth_pool *pool, berth__row *row);

/* The ring of a row, if it has one, is free again. */
void berth__store_detach(berth_pool *pool, berth__row *row);

/* At the end of a request: keep its unread chunks, or give the ring back. */
void berth__store_keep(berth_pool *pool, berth__row *row);

/* A reader has left the gate of this ring, and was asked for something (berth__gate_ask). */
void berth__store_reader_left(berth_pool *pool, uint32_t ring, berth_request_id id, uint32_t asked);

/* The producer has left the hatch of this ring, which was taken meanwhile. Without the lock. */
void berth__store_producer_left(berth_pool *pool, uint32_t ring);

/* Is any reader or producer inside of a ring? O(rings). */
uint32_t berth__store_is_used(const berth_pool *pool);

/* Before admission: drop the oldest ended requests that keep a ring, those somebody waits for last,
 * those whose ring is being used never, until whatever can be admitted now will find one. */
void berth__store_make_room(berth_pool *pool);

/* After make_room: how many may be admitted, so that each finds a ring; BERTH__NONE
 * where there are rings for all. Requests that were preempted with unread chunks hold theirs, and
 * so do those who are inside of a mailbox that was dropped. */
uint32_t berth__store_bound(berth_pool *pool);

#endif
