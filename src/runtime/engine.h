/* SPDX-License-Identifier: MIT */
/*
 * What:    the engine face: plans, waiting for one, commits.
 * Why:     one loop belongs to the engine; it never waits here for anything but work.
 * Rules:   only plans admit. A commit is one locked section; each reader is woken once by it.
 * Threads: engine thread; wake under the pool lock from any.
 */
#ifndef BERTH__RUNTIME_ENGINE_H
#define BERTH__RUNTIME_ENGINE_H

#include "berth.h"

/* Under the pool lock, after events: wake plan_wait if there is a plan to make or none to come. */
void berth__engine_wake(berth_pool *pool);

/* The public calls, arguments checked. */
berth_status berth__engine_plan(berth_pool *pool, berth_plan *plan);
berth_status berth__engine_plan_wait(berth_pool *pool, berth_plan *plan, uint64_t timeout_ns);
berth_status berth__engine_commit(berth_pool *pool, berth_step_id step_id, berth_result *results,
                                  uint32_t result_count);

berth_status berth__engine_fail(berth_pool *pool, berth_step_id step_id);
berth_status berth__engine_suspend(berth_pool *pool, berth_request_id id, uint32_t suspended);

#endif
