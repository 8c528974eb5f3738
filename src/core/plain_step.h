/* SPDX-License-Identifier: MIT */
/*
 * What:    an engine's plan and commit once more, for a core in which a step moves nothing but
 *          tokens: no KV that grows, no index of prompts, no tenants, no limit of a step's tokens.
 * Why:     what a step costs per request is what the engine loses for it: what cannot be there is
 *          not asked for, and those who run are walked once for a plan and once for a commit.
 * Rules:   a second way to the same end: what kv_grow.c, budget.c and step.c would do.
 *          tests/model/plain_step.c holds both ways against each other.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PLAIN_STEP_H
#define BERTH__CORE_PLAIN_STEP_H

#include "core/state.h"

/* Is there nothing in these options but what is named above? */
int berth__plain_step_suits(const berth_options *normalised);

/* Give everyone who runs and is not held up his tokens, all that he wants, and list him. */
void berth__plain_step_list(berth__core *core, berth_plan *plan);

/* The oldest step is over. */
void berth__plain_step_end(berth__core *core);

#endif
