/* SPDX-License-Identifier: MIT */
/*
 * What:    KV that is granted as requests go on: before a step, and settled after it.
 * Why:     growth is granted before the step that needs it, not discovered in it; what does not fit
 *          costs one running request at a time.
 * Rules:   a running request holds the blocks of its tokens after the planned step, exactly, and
 *          while it is prefilled those of its whole prefill. Only in modes that grow.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_KV_GROW_H
#define BERTH__CORE_KV_GROW_H

#include "core/state.h"

/* What it holds when `tokens` have been computed. */
uint64_t berth__kv_grow_units(const berth__core *core, uint32_t place, uint64_t tokens);

/* Before a step, in order of admission: plan the tokens of each decode, and grant what they add;
 * preempt whoever is in the way. How many gave way. A prefill holds all of its KV already. Where it
 * is the turn of one that outstanding steps contain, it drains: it is in no plan until those are
 * committed, and meanwhile nobody gives way or is admitted, and who did not fit is left out. */
uint32_t berth__kv_grow_all(berth__core *core);

/* When it has computed, or was given, so many tokens: what it holds of KV, put into `after`. */
void berth__kv_grow_settle(const berth__core *core, uint32_t place, uint64_t tokens,
                           uint64_t *after);

/* It does nothing in this step: what was granted for that is free again. */
void berth__kv_grow_take_back(berth__core *core, uint32_t place, berth_step_id step_id);

#endif
