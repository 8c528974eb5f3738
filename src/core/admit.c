/* SPDX-License-Identifier: MIT */
#include "core/admit.h"
#include "core/cursor.h"
#include "core/kv_mode.h"
#include "core/life.h"

/* Free slots bound what runs: free + running + still to be told to leave = running_max. */
static int has_room(const berth__core *core, const uint64_t *cost) {
    return core->slots_free_count > 0 && core->idle_count > 0 &&
           berth__ledger_fits(&core->ledger, cost);
}

uint32_t berth__admit_next(const berth__core *core) {
    berth__cursor cursor;
    const uint32_t place = berth__cursor_first(core, &cursor);
    if (place == BERTH__NONE) return BERTH__NONE;
    if (!has_room(core, berth__units_of(core, place))) return BERTH__NONE;
    return berth__kv_mode_admits(core, place) ? place : BERTH__NONE;
}

int berth__admit_at_once(const berth__core *core, const berth__load *load) {
    return berth__queue_ahead(&core->queue, load->band_index) == 0 && has_room(core, load->units);
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
