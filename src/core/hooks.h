/* SPDX-License-Identifier: MIT */
/*
 * What:    where a request's life touches bands' shares, tenants and flows.
 * Why:     most pools have none of them: each hook is one test then, and no call.
 * Rules:   life.c and submit.c call these; nobody else has to follow a request's life.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_HOOKS_H
#define BERTH__CORE_HOOKS_H

#include "core/counters.h"
#include "core/state.h"

static inline int berth__has_tenants(const berth__core *core) {
    return core->tenants.tenants_max != 0;
}

/* It is parked, and in its band's queue already; or about to leave that queue. */
static inline void berth__hook_push(berth__core *core, uint32_t place) {
    if (core->flows.on) berth__flows_push(core, place);
}

static inline void berth__hook_remove(berth__core *core, uint32_t place) {
    if (core->flows.on) berth__flows_remove(core, place);
}

/* So many more are parked and running; what moves from one to the other moves at once. */
static inline void berth__hook_move(berth__core *core, uint32_t place, int32_t parked,
                                    int32_t running) {
    if (berth__has_tenants(core)) berth__tenants_move(core, place, parked, running);
}

/* It asks for or holds `after` instead of `before`, NULL being nothing. */
static inline void berth__hook_units(berth__core *core, uint32_t place, const uint64_t *before,
                                     const uint64_t *after) {
    if (berth__has_tenants(core)) berth__tenants_units(core, place, before, after);
}

/* The same of what it holds; it took a slot (1), or gave it back (-1). */
static inline void berth__hook_use(berth__core *core, uint32_t place, const uint64_t *before,
                                   const uint64_t *after, int64_t slots) {
    if (core->bands.with_share != 0) berth__bands_use(core, place, before, after, slots);
}

/* Its flow and its tenant have had so much more. */
static inline void berth__hook_served(berth__core *core, uint32_t place, uint64_t prompt_tokens,
                                      uint64_t output_tokens) {
    if (berth__has_tenants(core)) berth__flow_charge(core, place, prompt_tokens, output_tokens);
}

/* May its level take this much? */
static inline int berth__hook_allows(const berth__core *core, uint32_t level,
                                     const uint64_t *cost) {
    return core->options.bands[level].ceiling_ppm == BERTH__WHOLE_PPM ||
           berth__bands_allow(core, level, cost);
}

/* The first resource of which the band can never have this much, else resource_count. */
static inline uint32_t berth__hook_never_fits(const berth__core *core, uint32_t band_index,
                                              const uint64_t *cost) {
    if (core->options.bands[band_index].ceiling_ppm == BERTH__WHOLE_PPM)
        return berth__ledger_never_fits(&core->ledger, cost);
    return berth__bands_never_allow(core, band_index, cost);
}

#endif
