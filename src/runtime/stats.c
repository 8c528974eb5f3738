/* SPDX-License-Identifier: MIT */
#include "runtime/stats.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/lock.h"
#include "runtime/owner.h"
#include "runtime/pool.h"

void berth__stats_read(berth_pool *pool, berth_stats *out) {
    berth__lock_enter(pool);
    berth__emit_fold_all(pool);
    berth__core_stats(pool->core, out);
    out->retained_dropped_total -= pool->dropped_taken_total;
    out->now_at_ns = berth__clock_read(pool);
    out->closed = pool->closed;
    out->broken = berth__pool_failed(pool);
    out->active_workers = pool->active_count;
    out->worker_count = pool->options.worker_count;
    berth__owner_stats(pool, out);
    (void)berth__lock_leave(pool, BERTH_OK);
}
