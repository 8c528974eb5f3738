/* SPDX-License-Identifier: MIT */
/*
 * What:    how much of the KV cache admission grants, and whether a newcomer should go in at all.
 * Why:     one place knows the modes of admission; fit, growth and limits ask it.
 * Rules:   worst_case grants all a request may grow to, and nothing is asked beyond that; the other
 *          modes grant its tokens so far, and each has its own test of what is to come.
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_KV_MODE_H
#define BERTH__CORE_KV_MODE_H

#include "core/state.h"

/* Units of KV of a parked request: its prompt, and after a preemption what it had generated. */
uint64_t berth__kv_mode_units(const berth__core *core, uint32_t place);

/* Would this parked request, which fits by units, be admitted by the mode? Nothing runs: yes. */
int berth__kv_mode_admits(const berth__core *core, uint32_t place);

/* Units that are free for KV; 0 when overdrawn. */
uint64_t berth__kv_mode_free(const berth__core *core);

#endif
