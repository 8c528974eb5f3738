/* SPDX-License-Identifier: MIT */
#include "core/admit.h"
#include "core/cursor.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/share.h"

#include <string.h>

/* Free slots bound what runs: free + running + still to be told to leave = running_max. */
static int has_room(const berth__core *core, uint32_t level, const uint64_t *cost) {
    return core->slots_free_count > 0 && core->idle_count > 0 &&
           berth__ledger_fits(&core->ledger, cost) && berth__bands_allow(core, level, cost);
}

/* With what it shares already there. */
static int fits(const berth__core *core, uint32_t place) {
    uint64_t cost[BERTH_RESOURCES_MAX];
    memcpy(cost, berth__units_of(core, place), core->options.resource_count * sizeof *cost);
    if (!berth__share_price(core, place, cost)) return 0;
    if (!has_room(core, core->entries[place].level, cost)) return 0;
    return berth__kv_mode_admits(core, place, cost[core->options.kv_resource]);
}

uint32_t berth__admit_next(const berth__core *core) {
    berth__cursor cursor;
    uint32_t place = berth__cursor_first(core, &cursor);
    while (place != BERTH__NONE && berth__share_is_coming(core, place))
        place = berth__cursor_next(core, &cursor);
    if (place == BERTH__NONE) return BERTH__NONE;
    return fits(core, place) ? place : BERTH__NONE;
}

int berth__admit_at_once(const berth__core *core, const berth__load *load) {
    const int plain = !core->flows.on && core->bands.with_share == 0;
    const uint64_t before =
        plain ? berth__queue_ahead(&core->queue, load->band_index) : core->queue.total.count;
    return before == 0 && has_room(core, load->band_index, load->units) &&
           berth__tenants_may_run(core, load->tenant_index);
}

uint32_t berth__admit_all(berth__core *core) {
    uint32_t count = 0;
    for (;;) {
        const uint32_t place = berth__admit_next(core);
        if (place == BERTH__NONE) return count;
        berth__life_admit(core, place);
        if (core->idle_count != BERTH__NONE) core->idle_count--;
        count++;
    }
}
