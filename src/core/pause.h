/* SPDX-License-Identifier: MIT */
/*
 * What:    running requests that plans leave out until their readers have caught up.
 * Why:     a reader that is slow holds up his own request, for a bounded time, and nobody else's.
 * Rules:   only a running request of an engine is paused; it keeps what it holds, its deadlines go
 *          on, and one more is armed: when that comes first it ends as CANCELLED (slow reader).
 *          Whoever stops or is preempted is paused no more.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PAUSE_H
#define BERTH__CORE_PAUSE_H

#include "core/state.h"

/* Beside those of berth_deadline: the reader should have caught up. */
#define BERTH__DEADLINE_PAUSE 4u

/* It runs no longer, or its reader has caught up. The caller arms its deadlines. */
void berth__pause_end(berth__core *core, uint32_t place);

#endif
