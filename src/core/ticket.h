/* SPDX-License-Identifier: MIT */
/*
 * What:    tickets: room in the queue for requests that are still to be submitted.
 * Why:     a host learns whether it may, before it spends time on tokenising.
 * Rules:   a ticket counts against the queue limits of pool, band and tenant like so many parked
 *          requests, until each was submitted, it is cancelled, or ticket_ns is over. It holds
 *          nothing else, and decides nothing else. O(1), but for the units.
 * Threads: none of its own.
 *
 * All tickets last equally long, so they expire in the order in which they were taken: a list will
 * do, and an expired one is noticed at the next event, before anything is decided.
 */
#ifndef BERTH__CORE_TICKET_H
#define BERTH__CORE_TICKET_H

#include "base/ids.h"
#include "core/queue.h"

typedef struct berth__ticket {
    uint64_t expires_at_ns;
    uint64_t size; /* bytes of each request */
    uint64_t tenant;
    uint32_t count; /* requests that it still stands for */
    uint32_t band_index;
    uint32_t tenant_index; /* BERTH__NONE where tenants decide nothing */
    uint32_t reserved;
} berth__ticket;

typedef struct berth__tickets {
    berth__ids ids;
    berth__link *links;
    berth__ticket *tickets;
    uint64_t *units;  /* of each request, resource_count per ticket */
    berth__list live; /* in the order in which they expire */
} berth__tickets;

typedef struct berth__core berth__core;

/* Where a submit or a reserve would find a place; BERTH__NONE: not a ticket, or not any more. */
uint32_t berth__tickets_find(const berth__core *core, berth_ticket_id id);

/* A ticket for `count` requests of this load each, all of which the limits allow; there is one. */
berth_ticket_id berth__tickets_take(berth__core *core, const berth__load *load, uint64_t tenant,
                                    uint32_t count);

/* What one request of a ticket holds. */
berth__load berth__tickets_load(const berth__core *core, uint32_t index);

/* One of its requests has been submitted, or all are given up. */
void berth__tickets_use(berth__core *core, uint32_t index);
void berth__tickets_drop(berth__core *core, uint32_t index);

/* Drop what has expired at the core's now. */
void berth__tickets_expire(berth__core *core);

/* The pool failed: there are no tickets any more. */
void berth__tickets_clear(berth__core *core);

/* 0, or the line of the first invariant that does not hold. O(tickets). */
uint32_t berth__tickets_check(const berth__core *core);

#endif
