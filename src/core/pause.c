/* SPDX-License-Identifier: MIT */
#include "core/pause.h"
#include "base/checked.h"
#include "core/life.h"

/* Set a flag that leaves it out of plans; those who are left out are counted once. */
static void set(berth__core *core, uint32_t place, uint8_t *flag, uint8_t value) {
    const berth__entry *entry = &core->entries[place];
    core->held_up -= (uint32_t)berth__is_held_up(entry);
    *flag = value;
    core->held_up += (uint32_t)berth__is_held_up(entry);
}

static void begin(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    set(core, place, &entry->paused, 1);
    entry->pause_due_at_ns = berth__add_saturating(core->now, core->options.pause_ns_max);
    core->counters.paused++;
    core->counters.pauses_total++;
}

void berth__pause_end(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (!entry->paused) return;
    set(core, place, &entry->paused, 0);
    core->counters.paused--;
}

void berth__suspend_end(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (!entry->suspended) return;
    set(core, place, &entry->suspended, 0);
    core->counters.suspended--;
}

void berth__pause_park(berth__core *core, uint32_t place) {
    berth__pause_end(core, place);
    core->held_up -= (uint32_t)berth__is_held_up(&core->entries[place]);
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

berth_status berth__core_suspend(berth__core *core, uint64_t now, berth_request_id id,
                                 uint32_t suspended) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (!berth__is_engine(core)) return BERTH_EFACE;
    berth__life_tick(core, now);
    berth__life_expire(core);
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE || core->entries[place].gone) return BERTH_ESTALE;
    berth__entry *entry = &core->entries[place];
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (!suspended) {
        berth__suspend_end(core, place);
    } else if (!entry->suspended) {
        set(core, place, &entry->suspended, 1);
        core->counters.suspended++;
        core->counters.suspensions_total++;
    }
    return BERTH_OK;
}
