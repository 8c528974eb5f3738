/* SPDX-License-Identifier: MIT */
/*
 * What:    how much of what running requests may still generate is kept free for them.
 * Why:     most outputs end early: a part of the rest is enough, more after somebody had to give
 *          way and less with every step in which nobody had.
 * Rules:   the ratio begins at kv_ratio_ppm, falls in kv_ratio_decay_steps equal steps to
 *          kv_ratio_floor_ppm of that, and after a preemption becomes (sum out + 20 * running) /
 *          (sum max_new + 1) of those who stay, at most 1. A request counts with at most 4,096
 *          tokens to come. Integers: the ratio is kept in millionths times kv_ratio_decay_steps.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_KV_RATIO_H
#define BERTH__CORE_KV_RATIO_H

#include "core/state.h"

void berth__ratio_init(berth__ratio *ratio, const berth_options *options);

/* Nobody had to give way in this plan. */
void berth__ratio_fall(berth__core *core);

/* Somebody had to: look at those who stay. O(running). */
void berth__ratio_rise(berth__core *core);

/* What is kept of these tokens to come. */
uint64_t berth__ratio_of(const berth__core *core, uint64_t tokens);

/* The part of the tokens to come that counts. */
uint64_t berth__ratio_clip(uint64_t tokens);

#endif
