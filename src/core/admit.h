/* SPDX-License-Identifier: MIT */
/*
 * What:    who goes in next: strict bands, FIFO in a band, and nobody past a head that waits.
 * Why:     the one place that decides admission, for plans, workers and gates alike.
 * Rules:   what is due ends before it could be admitted; a grant always fits.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_ADMIT_H
#define BERTH__CORE_ADMIT_H

#include "core/state.h"

/* The parked request that can be admitted now, or BERTH__NONE. O(resources). */
uint32_t berth__admit_next(const berth__core *core);

/* 1 if a newcomer of this load would be admitted at once: it fits, and nothing before it waits. */
int berth__admit_at_once(const berth__core *core, const berth__load *load);

/* Admit all that fits; how many. */
uint32_t berth__admit_all(berth__core *core);

#endif
