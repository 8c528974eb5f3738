/* SPDX-License-Identifier: MIT */
#include "core/cursor.h"
#include "base/hot.h"

/* The number of the highest bit of a mask that is not 0. */
static uint32_t highest(uint32_t mask) {
    return 31u - (uint32_t)__builtin_clz(mask);
}

static uint32_t begin_flow(const berth__core *core, berth__cursor *cursor, uint32_t flow) {
    cursor->flow = flow;
    cursor->place = berth__flows_first(core, flow, &cursor->alone);
    return cursor->place;
}

/* The first of the next level: the highest of those in need, then of the others. */
static uint32_t begin_level(const berth__core *core, berth__cursor *cursor) {
    uint32_t *levels = cursor->levels_need != 0 ? &cursor->levels_need : &cursor->levels_left;
    cursor->place = BERTH__NONE;
    if (*levels == 0) return BERTH__NONE;
    const uint32_t level = highest(*levels);
    *levels &= ~(1u << level);
    if (core->flows.on) return begin_flow(core, cursor, core->flows.levels[level].flows.first);
    cursor->place = core->queue.lists[level].head;
    return cursor->place;
}

BERTH__HOT uint32_t berth__cursor_first(const berth__core *core, berth__cursor *cursor) {
    const uint32_t with = core->flows.on ? core->flows.levels_with : core->queue.bands_with;
    cursor->levels_need = core->bands.with_share != 0 ? with & berth__bands_in_need(core) : 0;
    cursor->levels_left = with & ~cursor->levels_need;
    return begin_level(core, cursor);
}

static uint32_t next_in_flows(const berth__core *core, berth__cursor *cursor) {
    const uint32_t place = cursor->alone ? BERTH__NONE : berth__flows_next(core, cursor->place);
    if (place != BERTH__NONE) {
        cursor->place = place;
        return place;
    }
    const uint32_t flow = berth__tree_next(core->flows.flow_nodes, cursor->flow);
    return flow != BERTH__NONE ? begin_flow(core, cursor, flow) : begin_level(core, cursor);
}

uint32_t berth__cursor_next(const berth__core *core, berth__cursor *cursor) {
    if (cursor->place == BERTH__NONE) return BERTH__NONE;
    if (core->flows.on) return next_in_flows(core, cursor);
    cursor->place = core->links[cursor->place].next;
    return cursor->place != BERTH__NONE ? cursor->place : begin_level(core, cursor);
}
