/* SPDX-License-Identifier: MIT */
#include "core/displace.h"
#include "core/life.h"
#include "core/limits.h"

/* The next to go: back to front in a band, from the lowest band up; BERTH__NONE past the last.
 * `place` BERTH__NONE begins. */
static uint32_t next_victim(const berth__core *core, uint32_t place) {
    uint32_t band = place == BERTH__NONE ? 0 : core->entries[place].band_index;
    uint32_t at = place == BERTH__NONE ? core->queue.lists[0].tail : core->links[place].previous;
    for (;;) {
        while (at != BERTH__NONE && core->entries[at].preemptions > 0)
            at = core->links[at].previous;
        if (at != BERTH__NONE || ++band == core->options.band_count) return at;
        at = core->queue.lists[band].tail;
    }
}

static int passes(const berth__core *core, const berth__queue *queue, const berth__load *load) {
    berth_refusal refusal = {0};
    return berth__limits_check(&core->options, queue, load, 1, &refusal) == BERTH_OK;
}

/* Would it do if all of the lower bands were gone? Saves a walk that cannot succeed. */
static int could_pass(const berth__core *core, const berth__load *load) {
    berth__queue rest = core->queue;
    for (uint32_t b = 0; b < load->band_index; b++) {
        rest.total.count -= rest.bands[b].count;
        rest.total.size -= rest.bands[b].size;
        for (uint32_t r = 0; r < rest.resource_count; r++)
            rest.total.units[r] -= rest.bands[b].units[r];
    }
    return passes(core, &rest, load);
}

uint32_t berth__displace_count(const berth__core *core, const berth__load *load) {
    berth__queue rest = core->queue;
    uint32_t victim = BERTH__NONE;
    uint32_t count = 0;
    if (!core->options.displace || !could_pass(core, load)) return 0;
    while (!passes(core, &rest, load)) {
        victim = next_victim(core, victim);
        if (victim == BERTH__NONE || core->entries[victim].band_index >= load->band_index) return 0;
        rest.total.count--;
        rest.total.size -= core->entries[victim].payload_size;
        for (uint32_t r = 0; r < rest.resource_count; r++)
            rest.total.units[r] -= berth__units_of(core, victim)[r];
        count++;
    }
    return count;
}

void berth__displace(berth__core *core, uint32_t count) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_DISPLACED, 0};
    while (count-- > 0) berth__life_stop(core, next_victim(core, BERTH__NONE), cause);
}
