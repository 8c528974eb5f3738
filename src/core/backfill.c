/* SPDX-License-Identifier: MIT */
#include "core/backfill.h"
#include "base/checked.h"

/* ---- Bounds ---- */

/* So many more steps, each as long as steps have been; UINT64_MAX while none was measured. */
static uint64_t after_steps(const berth__core *core, uint64_t steps) {
    const uint64_t step_ns = berth__rate_interval(&core->steps);
    if (step_ns == 0 || steps == UINT64_MAX) return UINT64_MAX;
    return berth__add_saturating(core->now, berth__mul_saturating(steps, step_ns));
}

/* A step for what is left of the prefill, and one for each token that may still come. */
static uint64_t steps_left(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t max = entry->max_new_tokens;
    if (max == 0) return UINT64_MAX;
    return 1 + (max > berth__generated_each(entry) ? max - berth__generated_each(entry) : 0);
}

uint64_t berth__backfill_ends_at(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const int runs = entry->state == BERTH__RUNNING || entry->state == BERTH__STOPPING;
    uint64_t at = UINT64_MAX;
    if (core->run_ns[place] != 0)
        at = berth__add_saturating(runs ? berth__run_of(core, place)->began_at_ns : core->now,
                                   core->run_ns[place]);
    else if (berth__is_engine(core))
        at = after_steps(core, steps_left(core, place));
    return at > core->now ? at : core->now;
}

/* ---- The table of ends: a heap, the earliest first ---- */

static void sift_down(berth__end *ends, uint32_t count, uint32_t at) {
    for (;;) {
        const uint32_t left = 2 * at + 1;
        uint32_t first = at;
        if (left < count && ends[left].at_ns < ends[first].at_ns) first = left;
        if (left + 1 < count && ends[left + 1].at_ns < ends[first].at_ns) first = left + 1;
        if (first == at) return;
        const berth__end moved = ends[at];
        ends[at] = ends[first];
        ends[first] = moved;
        at = first;
    }
}

static uint32_t gather(const berth__core *core) {
    uint32_t count = 0;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
        core->ends[count++] = (berth__end){.at_ns = berth__backfill_ends_at(core, p), .place = p};
    for (uint32_t at = count / 2; at-- > 0;) sift_down(core->ends, count, at);
    return count;
}

/* ---- The shadow ---- */

/* What is free now; of a resource that nobody could take from, nothing. */
static berth__shadow free_now(const berth__core *core) {
    berth__shadow s = {.start_at_ns = UINT64_MAX, .spare_slots = core->slots_free_count};
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (core->ledger.capacity[r] > core->ledger.used[r])
            s.spare[r] = core->ledger.capacity[r] - core->ledger.used[r];
    return s;
}

static void give_back(const berth__core *core, uint32_t place, berth__shadow *s) {
    const uint64_t *units = berth__units_of(core, place);
    s->spare_slots++;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        s->spare[r] = berth__add_saturating(s->spare[r], units[r]);
}

static int is_spare(const berth__core *core, uint32_t place, const berth__shadow *s) {
    const uint64_t *units = berth__units_of(core, place);
    if (s->spare_slots == 0) return 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (units[r] > s->spare[r]) return 0;
    return 1;
}

static void take(const berth__core *core, uint32_t place, berth__shadow *s) {
    const uint64_t *units = berth__units_of(core, place);
    s->spare_slots--;
    for (uint32_t r = 0; r < core->options.resource_count; r++) s->spare[r] -= units[r];
}

berth__shadow berth__backfill_shadow(const berth__core *core, uint32_t head) {
    berth__shadow s = free_now(core);
    uint32_t count = gather(core);
    /* It does not fit now, so at least one has to end; all that end at one moment count. */
    while (count > 0 && core->ends[0].at_ns != UINT64_MAX) {
        const uint64_t at_ns = core->ends[0].at_ns;
        while (count > 0 && core->ends[0].at_ns == at_ns) {
            give_back(core, core->ends[0].place, &s);
            core->ends[0] = core->ends[--count];
            sift_down(core->ends, count, 0);
        }
        if (!is_spare(core, head, &s)) continue;
        take(core, head, &s);
        s.start_at_ns = at_ns;
        return s;
    }
    return s;
}

int berth__backfill_may_pass(const berth__core *core, uint32_t place, const berth__shadow *shadow) {
    if (shadow->start_at_ns == UINT64_MAX) return 0;
    return berth__backfill_ends_at(core, place) <= shadow->start_at_ns ||
           is_spare(core, place, shadow);
}

void berth__backfill_pass(const berth__core *core, uint32_t place, berth__shadow *shadow) {
    if (berth__backfill_ends_at(core, place) > shadow->start_at_ns) take(core, place, shadow);
}
