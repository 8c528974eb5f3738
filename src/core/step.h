/* SPDX-License-Identifier: MIT */
/*
 * What:    what the next step would compute of one running request.
 * Why:     what a plan lists, and the KV that is granted for it, must be the same.
 * Rules:   a prefill until run.prefill_tokens are computed, then a decode of one token.
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_STEP_H
#define BERTH__CORE_STEP_H

#include "core/state.h"

int berth__step_is_prefill(const berth__core *core, uint32_t place);
uint64_t berth__step_tokens(const berth__core *core, uint32_t place);

#endif
