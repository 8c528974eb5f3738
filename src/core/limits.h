/* SPDX-License-Identifier: MIT */
/*
 * What:    may one more request be parked, and if not, which limit says so.
 * Why:     every queue is bounded, and whoever is refused learns why.
 * Rules:   reasons are tried in the order of berth_refusal_reason, a resource before the next one;
 *          0 is no limit. Nothing is changed.
 * Threads: none; pure functions.
 */
#ifndef BERTH__CORE_LIMITS_H
#define BERTH__CORE_LIMITS_H

#include "core/queue.h"

/* May `count` requests of this load be parked? BERTH_OK; BERTH_EREFUSED with reason, resource,
 * limit and asked filled in; BERTH_EOVERFLOW. */
berth_status berth__limits_check(const berth_options *options, const berth__queue *queue,
                                 const berth__load *load, uint32_t count, berth_refusal *refusal);

/* The bands, a bit each, in which nothing but the pool's parked_max limits who is parked. */
uint32_t berth__limits_unlimited(const berth_options *normalised);

/* A quick look before the check: 1 if it would say OK; 0 says nothing. */
int berth__limits_have_room(uint32_t unlimited, const berth_options *options,
                            const berth__queue *queue, const berth__load *load);

/* The same check for a parked request, or one of a ticket, of `load` that would be `wanted`: size
 * and cost limits only, and only for what it asks more of than before. */
berth_status berth__limits_recost(const berth_options *options, const berth__queue *queue,
                                  const berth__load *load, const berth__load *wanted,
                                  berth_refusal *refusal);

#endif
