/* SPDX-License-Identifier: MIT */
/*
 * What:    who goes in next, and past whom.
 * Why:     the one place that decides admission, for plans, workers and gates alike.
 * Rules:   the first in line goes in if it fits. If not: nobody (strict), or the next one that
 *          fits (first fit), or the next one that fits and cannot delay it (EASY); bounded by
 *          how far to look, how often one may be overtaken, and how long it may wait.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_ADMIT_H
#define BERTH__CORE_ADMIT_H

#include "core/state.h"

/* 1 if somebody can be admitted now. O(resources), and what the policy of fit looks at. */
int berth__admit_is_due(const berth__core *core);

/* 1 if a newcomer of this load would be admitted at once: it fits, and nothing before it waits. */
int berth__admit_at_once(const berth__core *core, const berth__load *load);

/* Admit all that fits; how many. */
uint32_t berth__admit_all(berth__core *core);

#endif
