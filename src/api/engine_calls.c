/* SPDX-License-Identifier: MIT */
/* The engine face: arguments checked, the plan copied in and out, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "runtime/engine.h"

/* What the engine says of its plan; the rest is zero, as its outputs are when the call fails. */
static uint32_t plan_in(berth_plan *ours, berth_plan *plan) {
    if (!berth__grow_in(ours, sizeof *ours, plan, BERTH__FIRST_PLAN)) return 0;
    *ours = (berth_plan){.struct_size = ours->struct_size,
                         .entry_max = ours->entry_max,
                         .entries = ours->entries,
                         .reserved = ours->reserved};
    berth__grow_out(plan, ours, sizeof *ours);
    return (ours->entries != NULL || ours->entry_max == 0) && ours->reserved == 0;
}

/* With ESPACE the number of entries needed is the one thing told. */
static berth_status plan_out(berth_plan *plan, const berth_plan *ours, berth_status status) {
    if (status == BERTH_OK) berth__grow_out(plan, ours, sizeof *ours);
    if (status == BERTH_ESPACE) plan->entry_count = ours->entry_count;
    return status;
}

berth_status berth_plan_next(berth_pool *pool, berth_plan *plan) {
    berth_plan ours;
    if (plan == NULL || !plan_in(&ours, plan) || pool == NULL) return BERTH_EINVAL;
    return plan_out(plan, &ours, berth__engine_plan(pool, &ours));
}

berth_status berth_plan_wait(berth_pool *pool, berth_plan *plan, uint64_t timeout_ns) {
    berth_plan ours;
    if (plan == NULL || !plan_in(&ours, plan) || pool == NULL) return BERTH_EINVAL;
    return plan_out(plan, &ours, berth__engine_plan_wait(pool, &ours, timeout_ns));
}

berth_status berth_commit(berth_pool *pool, berth_step_id step_id, berth_result *results,
                          uint32_t result_count) {
    if (pool == NULL || (results == NULL && result_count != 0)) return BERTH_EINVAL;
    return berth__engine_commit(pool, step_id, results, result_count);
}

berth_status berth_plan_fail(berth_pool *pool, berth_step_id step_id) {
    return pool == NULL ? BERTH_EINVAL : berth__engine_fail(pool, step_id);
}

berth_status berth_suspend(berth_pool *pool, berth_request_id id) {
    return pool == NULL || id == 0 ? BERTH_EINVAL : berth__engine_suspend(pool, id, 1);
}

berth_status berth_resume(berth_pool *pool, berth_request_id id) {
    return pool == NULL || id == 0 ? BERTH_EINVAL : berth__engine_suspend(pool, id, 0);
}
