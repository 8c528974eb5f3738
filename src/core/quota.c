/* SPDX-License-Identifier: MIT */
#include "core/quota.h"
#include "base/checked.h"

static berth_status refuse(berth_refusal *refusal, uint32_t reason, uint64_t limit,
                           uint64_t asked) {
    refusal->reason = reason;
    refusal->limit = limit;
    refusal->asked = asked;
    return BERTH_EREFUSED;
}

/* One resource of which `more` would be asked. */
static berth_status check_units(const berth__core *core, uint32_t index, uint32_t r, uint64_t more,
                                berth_refusal *refusal) {
    const uint64_t limit = berth__tenants_options(core, index)->units_max[r];
    const uint64_t has = index == BERTH__NONE ? 0 : *berth__tenants_units_of(core, index, r);
    uint64_t units;
    if (!berth__add(has, more, &units)) return BERTH_EOVERFLOW;
    if (limit == 0 || more == 0 || units <= limit) return BERTH_OK;
    refusal->resource = r;
    return refuse(refusal, BERTH_REFUSAL_TENANT_COST, limit, units);
}

/* How long until one more may come; 0 = now. */
static uint64_t rate_wait(uint64_t rate_at_ns, uint64_t now, const berth_tenant_options *options) {
    const uint64_t ahead = rate_at_ns > now ? rate_at_ns - now : 0;
    const uint64_t allowed = options->rate_ns * (options->rate_burst - 1);
    return ahead > allowed ? ahead - allowed : 0;
}

uint64_t berth__quota_next_at(uint64_t rate_at_ns, uint64_t now,
                              const berth_tenant_options *options) {
    return berth__add_saturating(rate_at_ns > now ? rate_at_ns : now, options->rate_ns);
}

static berth_status check_rate(const berth__core *core, uint32_t index, berth_refusal *refusal) {
    const berth_tenant_options *options = berth__tenants_options(core, index);
    if (index == BERTH__NONE || options->rate_ns == 0) return BERTH_OK;
    const uint64_t wait = rate_wait(core->tenants.tenants[index].rate_at_ns, core->now, options);
    if (wait == 0) return BERTH_OK;
    refusal->retry_after_ns = wait;
    return refuse(refusal, BERTH_REFUSAL_TENANT_RATE, options->rate_burst,
                  (uint64_t)options->rate_burst + 1);
}

berth_status berth__quota_check(const berth__core *core, uint64_t tenant, const berth__load *load,
                                uint32_t count, berth_refusal *refusal) {
    const berth__tenants *tenants = &core->tenants;
    if (tenants->tenants_max == 0) return BERTH_OK;
    const uint32_t index = berth__tenants_find(tenants, tenant);
    const berth__tenant *known = index == BERTH__NONE ? NULL : &tenants->tenants[index];
    const uint64_t parked = (known == NULL ? 0 : (uint64_t)known->parked + known->held) + count;
    const uint32_t parked_max = berth__tenants_options(core, index)->parked_max;
    berth_status status = BERTH_OK;
    if (parked_max != 0 && parked > parked_max)
        return refuse(refusal, BERTH_REFUSAL_TENANT, parked_max, parked);
    for (uint32_t r = 0; r < core->options.resource_count && status == BERTH_OK; r++)
        status = check_units(core, index, r, count * load->units[r], refusal);
    if (status == BERTH_OK) status = check_rate(core, index, refusal);
    if (status != BERTH_OK || index != BERTH__NONE) return status;
    if (tenants->free.count > 0 || tenants->idle.count > 0) return BERTH_OK;
    return refuse(refusal, BERTH_REFUSAL_TENANTS, tenants->tenants_max,
                  (uint64_t)tenants->tenants_max + 1);
}

berth_status berth__quota_use(const berth__core *core, const berth__load *held,
                              const berth__load *load, berth_refusal *refusal) {
    berth_status status = BERTH_OK;
    for (uint32_t r = 0; r < core->options.resource_count && status == BERTH_OK; r++)
        if (load->units[r] > held->units[r])
            status =
                check_units(core, held->tenant_index, r, load->units[r] - held->units[r], refusal);
    return status == BERTH_OK ? check_rate(core, held->tenant_index, refusal) : status;
}

berth_status berth__quota_recost(const berth__core *core, uint32_t place, const berth__load *wanted,
                                 berth_refusal *refusal) {
    const uint64_t *units = berth__units_of(core, place);
    berth_status status = BERTH_OK;
    if (core->tenants.tenants_max == 0) return BERTH_OK;
    for (uint32_t r = 0; r < core->options.resource_count && status == BERTH_OK; r++)
        if (wanted->units[r] > units[r])
            status = check_units(core, core->entries[place].tenant_index, r,
                                 wanted->units[r] - units[r], refusal);
    return status;
}
