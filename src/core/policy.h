/* SPDX-License-Identifier: MIT */
/*
 * What:    the rules of those options that say who goes next: bands' rights, tenants, order.
 * Why:     what contradicts itself is refused at create, with the name of both sides.
 * Rules:   check() sees what was given, with ranges checked before; normalise() cannot fail.
 * Threads: none; pure functions.
 */
#ifndef BERTH__CORE_POLICY_H
#define BERTH__CORE_POLICY_H

#include "berth.h"

#define BERTH__TENANT_WEIGHT_MAX 10000u
#define BERTH__TENANT_BURST_MAX 1000000u
#define BERTH__TENANT_RATE_NS_MAX UINT64_C(3600000000000)

/* `filled` is `given` with its defaults filled in. */
berth_status berth__policy_check(const berth_options *given, const berth_options *filled,
                                 berth_config_error *error);
void berth__policy_normalise(berth_options *options);

/* A tenant's options in a pool of `filled` options; `name` is what they are called there. */
berth_status berth__policy_check_tenant(const berth_tenant_options *tenant, const char *name,
                                        const berth_options *filled, berth_config_error *error);

#endif
