/* SPDX-License-Identifier: MIT */
/*
 * What:    EASY backfill over cost vectors: when the head can start, and who cannot delay it.
 * Why:     what a large head leaves free is used by others, and the head loses nothing by it.
 * Rules:   what runs ends at its upper bound at the latest. The shadow is the first moment at which
 *          the head then fits; who passes ends by then, or uses only what is spare beside the head.
 *          All this with what each holds now: of KV that grows it promises nothing.
 * Threads: none; looks only, but for the scratch table of ends.
 *
 * Lifka, "The ANL/IBM SP scheduling system", 1995. A bound is run_ns where the request has one; on
 * an engine else its tokens left times the measured time of a step; else there is none, and the
 * head has no shadow before that one has ended: nobody passes.
 */
#ifndef BERTH__CORE_BACKFILL_H
#define BERTH__CORE_BACKFILL_H

#include "core/state.h"

typedef struct berth__shadow {
    uint64_t start_at_ns; /* UINT64_MAX: not known */
    uint64_t spare_slots; /* free then beside the head */
    uint64_t spare[BERTH_RESOURCES_MAX];
} berth__shadow;

/* The latest moment at which a running request ends, or a parked one would if it started now;
 * UINT64_MAX: no bound is known. Not before the core's now. */
uint64_t berth__backfill_ends_at(const berth__core *core, uint32_t place);

/* Of a parked request that does not fit now. O(running + ended before the start * log running). */
berth__shadow berth__backfill_shadow(const berth__core *core, uint32_t head);

/* May a parked request that fits now start before the head? */
int berth__backfill_may_pass(const berth__core *core, uint32_t place, const berth__shadow *shadow);

/* It does: what it still holds at the head's start is no longer spare. */
void berth__backfill_pass(const berth__core *core, uint32_t place, berth__shadow *shadow);

#endif
