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
 * preempt whoever is in the way. How many gave way. A prefill holds all of its KV already. */
uint32_t berth__kv_grow_all(berth__core *core);

/* After a step in which it got so far: what it holds of KV, put into `after`. */
void berth__kv_grow_settle(const berth__core *core, uint32_t place, uint64_t tokens,
                           uint64_t *after);

#endif
