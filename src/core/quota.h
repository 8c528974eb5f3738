/* SPDX-License-Identifier: MIT */
/*
 * What:    may this tenant have one more request, of this cost, now.
 * Why:     one tenant must not fill the queue of all; each is told its own limit and when to come.
 * Rules:   checked at submit, in the order of berth_refusal_reason; cost counts what is parked and
 *          what is held; the rate is GCRA: one per rate_ns in the long run, rate_burst at once
 *          after a pause. Nothing is changed.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_QUOTA_H
#define BERTH__CORE_QUOTA_H

#include "core/state.h"

/* For `count` requests of this load: BERTH_OK; BERTH_EREFUSED with the refusal filled in;
 * BERTH_EOVERFLOW. The rate is asked for the first of them. */
berth_status berth__quota_check(const berth__core *core, uint64_t tenant, const berth__load *load,
                                uint32_t count, berth_refusal *refusal);

/* The same for one of a ticket that holds `held`: cost beyond that, and the rate. */
berth_status berth__quota_use(const berth__core *core, const berth__load *held,
                              const berth__load *load, berth_refusal *refusal);

/* The same for a parked request of `load` that would be `wanted`: cost only. */
berth_status berth__quota_recost(const berth__core *core, uint32_t place, const berth__load *wanted,
                                 berth_refusal *refusal);

/* One came: when the next one would, had it never paused. */
uint64_t berth__quota_next_at(uint64_t rate_at_ns, uint64_t now,
                              const berth_tenant_options *options);

#endif
