/* SPDX-License-Identifier: MIT */
/*
 * What:    a tenant's own options, and what it has.
 * Why:     they change while the pool runs, and a change may let somebody in.
 * Rules:   one event of the core each.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_TENANT_H
#define BERTH__RUNTIME_TENANT_H

#include "berth.h"

berth_status berth__tenant_set(berth_pool *pool, uint64_t tenant,
                               const berth_tenant_options *options);
berth_status berth__tenant_stats_read(berth_pool *pool, uint64_t tenant, berth_tenant_stats *out);

#endif
