/* SPDX-License-Identifier: MIT */
#include "core/fit.h"
#include "base/hot.h"
#include "core/budget.h"
#include "core/hooks.h"
#include "core/kv_mode.h"
#include "core/share.h"

/* The resource of which somebody holds more than there is, else the first that is short of `cost`,
 * else resource_count. */
static uint32_t check_units(const berth__ledger *ledger, const uint64_t *cost, uint32_t *resource) {
    uint32_t short_of = ledger->resource_count;
    for (uint32_t r = ledger->resource_count; r-- > 0;) {
        if (ledger->used[r] > ledger->capacity[r]) {
            *resource = r;
            return BERTH__FIT_OVERDRAFT;
        }
        if (cost[r] > ledger->capacity[r] - ledger->used[r]) short_of = r;
    }
    *resource = short_of;
    return short_of == ledger->resource_count ? BERTH__FIT_YES : BERTH__FIT_RESOURCE;
}

/* Free slots bound what runs: free + running + still to be told to leave = running_max. */
BERTH__HOT static uint32_t check_room(const berth__core *core, uint32_t level, const uint64_t *cost,
                                      uint32_t *resource) {
    if (core->slots_free_count == 0) return BERTH__FIT_SLOT;
    if (core->idle_count == 0) return BERTH__FIT_IDLE;
    const uint32_t fit = check_units(&core->ledger, cost, resource);
    if (fit != BERTH__FIT_YES) return fit;
    return berth__hook_allows(core, level, cost) ? BERTH__FIT_YES : BERTH__FIT_CEILING;
}

uint32_t berth__fit_check(const berth__core *core, uint32_t place, uint32_t *resource) {
    uint64_t cost[BERTH_RESOURCES_MAX];
    uint32_t which = 0;
    uint32_t fit = BERTH__FIT_SET;
    /* What is for all comes first: nothing has to be added up for it. */
    if (resource == NULL && core->slots_free_count == 0) return BERTH__FIT_SLOT;
    if (resource == NULL && core->idle_count == 0) return BERTH__FIT_IDLE;
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++) cost[r] = units[r];
    if (berth__share_price(core, place, cost))
        fit = check_room(core, core->entries[place].level, cost, &which);
    if (fit == BERTH__FIT_YES && !berth__budget_allows(core, place))
        fit = BERTH__FIT_STEP;
    if (fit == BERTH__FIT_YES &&
        !berth__kv_mode_admits(core, place, cost[core->options.kv_resource]))
        fit = BERTH__FIT_KV_MODE;
    if (resource != NULL) *resource = which;
    return fit;
}

int berth__fit_load(const berth__core *core, const berth__load *load) {
    uint32_t which;
    return check_room(core, load->band_index, load->units, &which) == BERTH__FIT_YES;
}

int berth__fit_is_for_all(uint32_t fit) {
    return fit == BERTH__FIT_SLOT || fit == BERTH__FIT_IDLE || fit == BERTH__FIT_OVERDRAFT;
}
