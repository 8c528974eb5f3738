/* SPDX-License-Identifier: MIT */
/*
 * What:    how much of the KV cache admission grants, and whether a newcomer should go in at all.
 * Why:     one place knows the modes of admission; fit, growth and limits ask it.
 * Rules:   worst_case grants all a request may grow to, and nothing is asked beyond that; the other
 *          modes grant its tokens so far, and each has its own test of what is to come. What the
 *          tests know of those who run is good from begin on, within one plan.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_KV_MODE_H
#define BERTH__CORE_KV_MODE_H

#include "core/state.h"

/* Units of KV of a parked request: its prompt, and after a preemption what it had generated. */
uint64_t berth__kv_mode_units(const berth__core *core, uint32_t place);

/* What it holds with so many tokens in all. */
uint64_t berth__kv_mode_holds(const berth__core *core, uint32_t place, uint64_t tokens);

/* All tokens that it may come to. */
uint64_t berth__kv_mode_tokens_max(const berth__core *core, uint32_t place);

/* A plan has granted growth, and so many had to give way. */
void berth__kv_mode_step(berth__core *core, uint32_t gave_way);

/* 1 if the mode's test depends on those who run, so that it is good in a plan only. */
int berth__kv_mode_looks(const berth__core *core);

/* A plan is about to admit: look at those who run. O(running). */
void berth__kv_mode_begin(berth__core *core);

/* Would this parked request, whose admission adds so many units of KV and fits, be admitted by the
 * mode? Nothing runs: yes. */
int berth__kv_mode_admits(const berth__core *core, uint32_t place, uint64_t asked);

/* It was admitted. */
void berth__kv_mode_admitted(berth__core *core, uint32_t place);

/* Units that are free for KV; 0 when overdrawn. */
uint64_t berth__kv_mode_free(const berth__core *core);

#endif
