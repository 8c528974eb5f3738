/* SPDX-License-Identifier: MIT */
#include "core/pause.h"
#include "base/checked.h"
#include "core/life.h"

static void begin(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    entry->paused = 1;
    entry->pause_due_at_ns = berth__add_saturating(core->now, core->options.pause_ns_max);
    core->counters.paused++;
    core->counters.pauses_total++;
}

void berth__pause_end(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (!entry->paused) return;
    entry->paused = 0;
    core->counters.paused--;
}

berth_status berth__core_pause(berth__core *core, uint64_t now, berth_request_id id,
                               uint32_t paused) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (!berth__is_engine(core)) return BERTH_EFACE;
    berth__life_tick(core, now);
    berth__life_expire(core);
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    if (core->entries[place].state != BERTH__RUNNING) return BERTH_EENDED;
    if (!paused)
        berth__pause_end(core, place);
    else if (!core->entries[place].paused)
        begin(core, place);
    berth__life_arm(core, place);
    return BERTH_OK;
}
