/* SPDX-License-Identifier: MIT */
/*
 * What:    what the outstanding steps will do: per request, the tokens that each was given.
 * Why:     a plan that is made while earlier steps run goes on from where those will have got to.
 * Rules:   steps are committed in order; tokens of a step are taken back when it ends, whatever
 *          became of them; the plan being made has the number after the newest step's.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_FLIGHT_H
#define BERTH__CORE_FLIGHT_H

#include "base/checked.h"
#include "core/state.h"

/* The step that must be committed next, if any is outstanding. */
static inline berth_step_id berth__flight_oldest(const berth__core *core) {
    return core->step_id - core->steps_outstanding + 1;
}

/* Its bit in berth__entry.in_step. */
static inline uint8_t berth__flight_bit(berth_step_id step_id) {
    return (uint8_t)(1u << step_id % BERTH__STEPS_MAX);
}

/* Tokens that it was given in this step. */
static inline uint64_t *berth__flight_tokens(const berth__core *core, uint32_t place,
                                             berth_step_id step_id) {
    return &berth__run_of(core, place)->step_tokens[step_id % BERTH__STEPS_MAX];
}

/* Give it tokens in the plan being made, where it has none yet. */
static inline void berth__flight_plan(berth__core *core, uint32_t place, uint64_t tokens) {
    *berth__flight_tokens(core, place, core->step_id + 1) = tokens;
    berth__run_of(core, place)->planned_tokens += tokens;
}

/* It has no tokens in this step any more. */
static inline void berth__flight_clear(berth__core *core, uint32_t place, berth_step_id step_id) {
    uint64_t *tokens = berth__flight_tokens(core, place, step_id);
    berth__run_of(core, place)->planned_tokens -= *tokens;
    *tokens = 0;
}

/* In a plan: what it will have computed once the outstanding steps have done as planned. */
static inline uint64_t berth__flight_ahead(const berth__core *core, uint32_t place) {
    const uint64_t before = berth__run_of(core, place)->planned_tokens -
                            *berth__flight_tokens(core, place, core->step_id + 1);
    return berth__add_saturating(core->entries[place].tokens_computed, before);
}

#endif
