/* SPDX-License-Identifier: MIT */
/*
 * What:    who may read a mailbox that has a key: attach, detach, take over; and what happens when
 *          nobody does for too long.
 * Why:     a client whose connection breaks comes back to the same output, and one who does not
 *          come back is no burden for ever.
 * Rules:   the gate of the ring is the owner's: it knows his id instead of the request's. The
 *          owner changes with nobody inside; one who sleeps is sent away. Times run without an
 *          owner only.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_OWNER_H
#define BERTH__RUNTIME_OWNER_H

#include "runtime/registry.h"
#include "runtime/row.h"

/* ---- Under the pool lock ---- */

/* May a request with this key come in? ESYSTEM if the key is there already; EREFUSED. */
berth_status berth__owner_check(const berth_pool *pool, const berth_key *key,
                                const berth_request *request, berth_refusal *refusal);

/* It was accepted: who is in the way goes, and it gets its entry. */
void berth__owner_enrol(berth_pool *pool, berth__row *row, const berth_key *key,
                        const berth_request *request);

/* From the sink: its outcome is fixed; it is gone. */
void berth__owner_note_end(berth_pool *pool, berth__row *row);
void berth__owner_note_gone(berth_pool *pool, berth__row *row);

/* The row that an id gives access to for reading, be it a request's or an owner's. OK; ESTALE;
 * ETAKEN. */
berth_status berth__owner_find(berth_pool *pool, uint64_t id, berth__row **out);

/* Whom its readers are named by: the request, or its owner; 0 if it has a key and no owner. */
uint64_t berth__owner_name(const berth_pool *pool, const berth__row *row);

/* Its index in ring_at. */
uint32_t berth__owner_place(const berth_pool *pool, const berth__row *row);

/* When a time ends next; and everything whose time has ended. */
uint64_t berth__owner_next_at(const berth_pool *pool);
void berth__owner_expire(berth_pool *pool, uint64_t now);

void berth__owner_stats(const berth_pool *pool, berth_stats *out);

/* ---- The public calls, arguments checked. ---- */

berth_status berth__owner_key(berth_pool *pool, berth_request_id id, berth_key *out);
berth_status berth__owner_attach(berth_pool *pool, const berth_key *key,
                                 berth_attachment *attachment);
berth_status berth__owner_detach(berth_pool *pool, berth_owner_id owner, uint32_t flags);

#endif
