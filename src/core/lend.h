/* SPDX-License-Identifier: MIT */
/*
 * What:    ids that are given away before there is a request for them.
 * Why:     a submit that does not take the pool's lock needs an id at once, and a promise that it
 *          will be accepted: a lent id is a free place and the room of one parked request.
 * Rules:   only where nothing but the count of parked requests, a capacity and the end of the pool
 *          can refuse one (berth__lend_suits). A lent id names nobody until its submit comes.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_LEND_H
#define BERTH__CORE_LEND_H

#include "core/core.h"

/* Sums of what is parked hold so much for each of 2^24 requests, and as much again. */
#define BERTH__LEND_UNITS_MAX (UINT64_C(1) << 39)

/* Of a pool with more resources nothing is lent: a slot of the lane is two cache lines. */
#define BERTH__LEND_COSTS 4u

/* Is there nothing in these options that could refuse a request but the count of parked ones, the
 * capacities and the end of the pool? */
int berth__submit_is_plain(const berth_options *normalised);

/* Can ids be lent in a pool with these options? */
int berth__lend_suits(const berth_options *normalised);

/* An id, or 0 where no place or no room is left, or the pool takes no more requests. No event. */
berth_request_id berth__core_lend(berth__core *core);

/* A lent id that will not be used. */
void berth__core_unlend(berth__core *core, berth_request_id id);

/* How many more could be parked; and the most that a request may ask for. */
uint64_t berth__core_room(const berth__core *core);
uint64_t berth__core_units_max(const berth__core *core, uint32_t resource);

/* The submit that uses a lent id. It is accepted: whatever it asks for is no more than
 * berth__core_units_max said at some time after the id was lent. If the capacity has shrunk since,
 * it is EVICTED at once, as if it had been parked then; if the pool has failed, it is INTERNAL. */
void berth__core_submit_lent(berth__core *core, uint64_t now, const berth__terms *terms,
                             const uint64_t *cost, berth_request_id id);

#endif
