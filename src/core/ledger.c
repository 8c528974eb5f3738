/* SPDX-License-Identifier: MIT */
#include "core/ledger.h"
#include "base/checked.h"
#include "base/invariant.h"

#include <string.h>

void berth__ledger_init(berth__ledger *ledger, const berth_options *options) {
    memset(ledger, 0, sizeof *ledger);
    ledger->resource_count = options->resource_count;
    for (uint32_t r = 0; r < options->resource_count; r++)
        ledger->capacity[r] = options->resources[r].capacity_units;
}

uint32_t berth__ledger_never_fits(const berth__ledger *ledger, const uint64_t *cost) {
    uint32_t r = 0;
    while (r < ledger->resource_count && cost[r] <= ledger->capacity[r]) r++;
    return r;
}

int berth__ledger_fits(const berth__ledger *ledger, const uint64_t *cost) {
    for (uint32_t r = 0; r < ledger->resource_count; r++) {
        if (ledger->used[r] > ledger->capacity[r]) return 0;
        if (cost[r] > ledger->capacity[r] - ledger->used[r]) return 0;
    }
    return 1;
}

static void raise_peak(berth__ledger *ledger, uint32_t r) {
    if (ledger->used[r] > ledger->used_peak[r]) ledger->used_peak[r] = ledger->used[r];
}

void berth__ledger_grant(berth__ledger *ledger, const uint64_t *cost) {
    BERTH__ASSERT(ledger->broken, berth__ledger_fits(ledger, cost));
    for (uint32_t r = 0; r < ledger->resource_count; r++) {
        ledger->used[r] += cost[r];
        raise_peak(ledger, r);
    }
}

berth_status berth__ledger_change(berth__ledger *ledger, const uint64_t *before,
                                  const uint64_t *after) {
    uint64_t used[BERTH_RESOURCES_MAX];
    for (uint32_t r = 0; r < ledger->resource_count; r++)
        if (!berth__add(ledger->used[r] - before[r], after[r], &used[r])) return BERTH_EOVERFLOW;
    for (uint32_t r = 0; r < ledger->resource_count; r++) {
        ledger->used[r] = used[r];
        raise_peak(ledger, r);
    }
    return BERTH_OK;
}

void berth__ledger_release(berth__ledger *ledger, const uint64_t *held) {
    for (uint32_t r = 0; r < ledger->resource_count; r++) {
        BERTH__ASSERT(ledger->broken, held[r] <= ledger->used[r]);
        ledger->used[r] -= held[r];
    }
}

void berth__ledger_add(berth__ledger *ledger, uint32_t resource, uint64_t units) {
    ledger->used[resource] += units;
    raise_peak(ledger, resource);
}

void berth__ledger_subtract(berth__ledger *ledger, uint32_t resource, uint64_t units) {
    BERTH__ASSERT(ledger->broken, units <= ledger->used[resource]);
    ledger->used[resource] -= units;
}

uint64_t berth__ledger_overdraft(const berth__ledger *ledger, uint32_t resource) {
    const uint64_t used = ledger->used[resource];
    const uint64_t capacity = ledger->capacity[resource];
    return used > capacity ? used - capacity : 0;
}
