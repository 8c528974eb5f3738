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

#define BERTH__LEND_COSTS 4u

/* The submit that uses a lent id. Defaults are applied; deadlines are durations, 0 = none. */
typedef struct berth__lent {
    uint64_t payload_size;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t queue_ns;
    uint64_t first_output_ns;
    uint64_t total_ns;
    uint64_t tenant;
    uint64_t cost[BERTH__LEND_COSTS]; /* as many as the pool has resources, which is no more */
    uint32_t band;                    /* 1..band_count */
    uint32_t pinned;                  /* as by berth__core_pin */
} berth__lent;

/* Is there nothing in these options that could refuse a request but the count of parked ones, the
 * capacities and the end of the pool? */
int berth__submit_is_plain(const berth_options *normalised);

/* A submit that asks for nothing but its terms, of a pool with no more than LEND_COSTS resources.
 * EAGAIN, and nothing changed: berth__core_submit is to say what is wrong, or does what else there
 * is to be done. */
berth_status berth__core_submit_terms(berth__core *core, uint64_t now, const berth__lent *terms,
                                      berth_request_id *out);

/* Can ids be lent in a pool with these options? */
int berth__lend_suits(const berth_options *normalised);

/* An id, or 0 where no place or no room is left, or the pool takes no more requests. No event. */
berth_request_id berth__core_lend(berth__core *core);

/* A lent id that will not be used. */
void berth__core_unlend(berth__core *core, berth_request_id id);

/* How many more could be parked; and the most that a request may ask for. */
uint64_t berth__core_room(const berth__core *core);
uint64_t berth__core_units_max(const berth__core *core, uint32_t resource);

/* It is accepted: whatever it asks for is no more than
 * berth__core_units_max said at some time after the id was lent. If the capacity has shrunk since,
 * it is EVICTED at once, as if it had been parked then; if the pool has failed, it is INTERNAL. */
void berth__core_submit_lent(berth__core *core, uint64_t now, const berth__lent *lent,
                             berth_request_id id);

#endif
