/* SPDX-License-Identifier: MIT */
/*
 * What:    what the core says happened, turned into what the runtime has to do about it.
 * Why:     one place knows what follows from a transition, whichever call caused it.
 * Rules:   called by the core under the pool lock; touches the runtime's tables only, never the
 *          core, never a callback: what needs those is queued for the way out of the call.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_SINK_H
#define BERTH__RUNTIME_SINK_H

#include "core/core.h"

/* A berth__sink whose context is the pool. */
void berth__sink_take(void *context, uint32_t transition, berth_request_id id);

#endif
