/* SPDX-License-Identifier: MIT */
#include "core/pause.h"
#include "base/checked.h"
#include "core/life.h"

/* Those who are left out of plans are counted once, whatever for. `was`: it was so before. */
static void count_held_up(berth__core *core, uint32_t place, int was) {
    core->held_up -= (uint32_t)was;
    core->held_up += (uint32_t)berth__is_held_up(&core->entries[place]);
}

static void set_paused(berth__core *core, uint32_t place, uint32_t how) {
    berth__entry *entry = &core->entries[place];
    const int was = berth__is_held_up(entry);
    entry->paused = how & 3u;
    count_held_up(core, place, was);
}

static void set_suspended(berth__core *core, uint32_t place, uint32_t suspended) {
    berth__entry *entry = &core->entries[place];
    const int was = berth__is_held_up(entry);
    entry->suspended = suspended & 1u;
    count_held_up(core, place, was);
}

static void begin(berth__core *core, uint32_t place, uint32_t how) {
    berth__entry *entry = &core->entries[place];
    set_paused(core, place, how);
    core->pause_due_at_ns[place] = berth__add_saturating(core->now, core->options.pause_ns_max);
    core->counters.paused++;
    core->counters.pauses_total++;
    berth__life_arm(core, place);
    if (how == BERTH__PAUSE_GIVE_UP && !entry->in_step) berth__life_preempt(core, place);
}

void berth__pause_end(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (entry->paused != BERTH__PAUSE_NONE && entry->state == BERTH__RUNNING)
        core->counters.paused--;
    set_paused(core, place, BERTH__PAUSE_NONE);
}

void berth__suspend_end(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (!entry->suspended) return;
    set_suspended(core, place, 0);
    core->counters.suspended--;
}

void berth__pause_park(berth__core *core, uint32_t place) {
    const uint8_t how = core->entries[place].paused;
    berth__pause_end(core, place);
    core->held_up -= (uint32_t)berth__is_held_up(&core->entries[place]);
    if (how == BERTH__PAUSE_GIVE_UP) core->entries[place].paused = BERTH__PAUSE_GIVE_UP;
}

berth_status berth__core_pause(berth__core *core, uint64_t now, berth_request_id id, uint32_t how) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (!berth__is_engine(core)) return BERTH_EFACE;
    berth__life_tick(core, now);
    berth__life_expire(core);
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    const berth__entry *entry = &core->entries[place];
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (entry->state == BERTH__PARKED && entry->paused == BERTH__PAUSE_NONE) return BERTH_EAGAIN;
    if (how == BERTH__PAUSE_NONE)
        berth__pause_end(core, place);
    else if (entry->paused == BERTH__PAUSE_NONE)
        begin(core, place, how);
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
        set_suspended(core, place, 1);
        core->counters.suspended++;
        core->counters.suspensions_total++;
    }
    return BERTH_OK;
}
