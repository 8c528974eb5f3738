/* SPDX-License-Identifier: MIT */
/*
 * What:    requests that plans leave out: until their readers have caught up (paused), or until
 *          what they wait for outside the engine is there (suspended).
 * Why:     a reader that is slow holds up his own request, for a bounded time, and nobody else's; a
 *          tool, a grammar or a remote cache holds up the one that called it.
 * Rules:   only a running request of an engine is paused. It keeps what it holds; or it gives it
 *          up, is parked, and admission passes it over. Its deadlines go on, and one more is armed:
 *          when that comes first it ends as CANCELLED (slow reader). Whoever stops is paused no
 *          more, nor is who held and was preempted for another reason. A suspended request keeps
 *          what it holds, no deadline is added; if it is preempted it stays suspended, and is not
 *          admitted.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PAUSE_H
#define BERTH__CORE_PAUSE_H

#include "core/state.h"

/* Beside those of berth_deadline: the reader should have caught up. */
#define BERTH__DEADLINE_PAUSE 4u

/* It runs no longer, or its reader has caught up. */
void berth__pause_end(berth__core *core, uint32_t place);

/* It stops. */
void berth__suspend_end(berth__core *core, uint32_t place);

/* A running one is about to be parked: whoever is parked is held up no longer by being left out. */
void berth__pause_park(berth__core *core, uint32_t place);

#endif
