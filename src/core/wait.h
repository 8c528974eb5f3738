/* SPDX-License-Identifier: MIT */
/*
 * What:    how long a newcomer would be parked, from what is ahead of it and how fast that drains.
 * Why:     who cannot be in time should learn it at once, not when it is too late.
 * Rules:   what fits into what is free, with all that is ahead, waits for nothing. The rest drains
 *          as fast as the last 64 to 128 admissions did, in requests and in units of each resource;
 *          the slowest of these counts. Integers only; nothing measured yet is no wait.
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_WAIT_H
#define BERTH__CORE_WAIT_H

#include "core/state.h"

uint64_t berth__wait_predict(const berth__core *core, const berth__load *load);

/* The same for a request of the mean cost of the last ones. */
uint64_t berth__wait_of_band(const berth__core *core, uint32_t band_index);

/* BERTH_OK; BERTH_EREFUSED where the wait is more than wait_ppm of the least time it has. */
berth_status berth__wait_check(const berth__core *core, const berth__load *load,
                               const berth__submit *submit, berth_refusal *refusal);

#endif
