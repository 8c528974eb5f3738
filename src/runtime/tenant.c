/* SPDX-License-Identifier: MIT */
#include "runtime/tenant.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/lock.h"
#include "runtime/pool.h"

berth_status berth__tenant_set(berth_pool *pool, uint64_t tenant,
                               const berth_tenant_options *options) {
    berth__lock_enter(pool);
    const berth_status status =
        berth__core_tenant_set(pool->core, berth__clock_read(pool), tenant, options);
    berth__lock_settle(pool);
    return berth__lock_leave(pool, status);
}

berth_status berth__tenant_stats_read(berth_pool *pool, uint64_t tenant, berth_tenant_stats *out) {
    berth__lock_enter(pool);
    berth__emit_fold_all(pool);
    const berth_status status = berth__core_tenant_stats(pool->core, tenant, out);
    return berth__lock_leave(pool, status);
}
