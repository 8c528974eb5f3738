/* SPDX-License-Identifier: MIT */
/*
 * What:    admission and completion once more, for a core in which only bands, capacities and
 *          deadlines decide.
 * Why:     most pools without an engine are such, and a request that runs for microseconds is in
 *          and out by these two events: what cannot be there is not asked for.
 * Rules:   a second way to the same end: what admit.c and life.c would do, to the last counter and
 *          in the same order. tests/model/lend.c holds both ways against each other.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PLAIN_H
#define BERTH__CORE_PLAIN_H

#include "core/life.h"

/* Is there nothing in these options but what is named above? */
int berth__plain_suits(const berth_options *normalised);

/* berth__life_park; berth__admit_all; berth__life_stop and berth__life_end of a running request. */
void berth__plain_park(berth__core *core, uint32_t place);
uint32_t berth__plain_admit_all(berth__core *core);
void berth__plain_complete(berth__core *core, uint32_t place, berth__cause cause);

/* On any face: may a newcomer be parked by berth__plain_park, and a parked one be ended by
 * berth__plain_end_parked (life.h)? tests/model/plain_step.c holds both against the other way. */
int berth__plain_ends_suit(const berth_options *normalised);

#endif
