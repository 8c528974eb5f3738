/* SPDX-License-Identifier: MIT */
/*
 * What:    virtual token counters: what each flow has had of its level, by the weight of its
 *          tenant; whoever has had least goes first.
 * Why:     a tenant that floods a band delays itself, not the others (Sheng et al., "Fairness in
 *          serving large language models", OSDI 2024).
 * Rules:   the prompt is charged at admission, but for what the prefix cache gave; each generated
 *          token as it comes; a request that ends before its prompt was computed gets the rest
 *          back. Who comes back is lifted to the least of those that wait: idling saves nothing.
 * Threads: none of its own.
 *
 * Fixed point, 20 bits below one. A charge is at most 2^62, a counter stays below 2^63: before one
 * could pass that, the least of its level is taken off all of them, which changes no difference
 * between two that wait.
 */
#ifndef BERTH__CORE_COUNTERS_H
#define BERTH__CORE_COUNTERS_H

#include <stdint.h>

typedef struct berth__core berth__core;

/* The flow that a parked or held request is in has had this much of the engine. */
void berth__flow_charge(berth__core *core, uint32_t place, uint64_t prompt_tokens,
                        uint64_t output_tokens);

/* It is admitted: its prompt is charged, once in its life. */
void berth__counters_admit(berth__core *core, uint32_t place);

/* It is parked again as if it had not been admitted. */
void berth__counters_unadmit(berth__core *core, uint32_t place);

/* It ends: what was charged and never computed goes back. */
void berth__counters_settle(berth__core *core, uint32_t place);

/* A flow that comes to compete again is not below the others. */
void berth__counters_lift(berth__core *core, uint32_t flow, uint32_t level);

/* A flow that is somebody else's from now on. */
void berth__counters_clear(berth__core *core, uint32_t flow);

/* The largest difference between two flows of a level that wait, in weighted tokens. */
uint64_t berth__counters_gap(const berth__core *core, uint32_t level);

/* The service that a flow has had, in weighted tokens; only differences within a level mean
 * something. */
uint64_t berth__counters_of(const berth__core *core, uint32_t flow);

#endif
