/* SPDX-License-Identifier: MIT */
#include "core/victim.h"

/* Why one goes before another: smaller goes first, the first number that differs decides. */
typedef struct rank {
    uint64_t by[5];
} rank;

static rank rank_of(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint32_t max = core->options.preempt_max;
    rank r = {.by = {entry->band_index, max != 0 && entry->preemptions >= max, 0, 0,
                     UINT64_MAX - berth__run_of(core, place)->admission}};
    switch ((enum berth_victim)core->options.victim) {
    case BERTH_VICTIM_NEWEST: break;
    case BERTH_VICTIM_LEAST_COMPUTED:
        r.by[2] = entry->tokens_generated;
        r.by[3] = UINT64_MAX - entry->prompt_tokens;
        break;
    case BERTH_VICTIM_CHEAPEST: r.by[2] = entry->tokens_computed; break;
    }
    return r;
}

static int goes_before(const berth__core *core, uint32_t one, uint32_t other) {
    const rank a = rank_of(core, one);
    const rank b = rank_of(core, other);
    uint32_t i = 0;
    while (i < 4 && a.by[i] == b.by[i]) i++;
    return a.by[i] < b.by[i];
}

/* Restore the heap below `at`: a parent goes before its children. */
static void sift_down(berth__core *core, uint32_t at) {
    uint32_t *line = core->victims;
    for (;;) {
        const uint32_t left = 2 * at + 1;
        uint32_t first = at;
        if (left < core->victims_count && goes_before(core, line[left], line[first])) first = left;
        if (left + 1 < core->victims_count && goes_before(core, line[left + 1], line[first]))
            first = left + 1;
        if (first == at) return;
        const uint32_t moved = line[at];
        line[at] = line[first];
        line[first] = moved;
        at = first;
    }
}

void berth__victim_begin(berth__core *core) {
    core->victims_count = 0;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
        if (core->entries[p].state == BERTH__RUNNING) core->victims[core->victims_count++] = p;
    for (uint32_t at = core->victims_count / 2; at-- > 0;) sift_down(core, at);
}

uint32_t berth__victim_next(berth__core *core) {
    if (core->victims_count == 0) return BERTH__NONE;
    const uint32_t place = core->victims[0];
    core->victims[0] = core->victims[--core->victims_count];
    sift_down(core, 0);
    return place;
}
