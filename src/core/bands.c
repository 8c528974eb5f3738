/* SPDX-License-Identifier: MIT */
#include "core/bands.h"
#include "core/state.h"

uint64_t berth__bands_part(uint64_t whole, uint32_t ppm) {
    if (ppm == BERTH__WHOLE_PPM) return whole;
    const uint64_t each = whole / BERTH__WHOLE_PPM;
    const uint64_t rest = whole % BERTH__WHOLE_PPM * ppm;
    return each * ppm + rest / BERTH__WHOLE_PPM + (rest % BERTH__WHOLE_PPM != 0);
}

void berth__bands_init(berth__bands *bands, const berth_options *options) {
    for (uint32_t b = 0; b < options->band_count; b++) {
        bands->with_share |= (options->bands[b].share_ppm != 0 ? 1u : 0u) << b;
        bands->with_aging |= (options->bands[b].aging_ns != 0 ? 1u : 0u) << b;
    }
}

/* ---- Aging ---- */

static int has_aged(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t aging_ns = core->options.bands[entry->band_index].aging_ns;
    return aging_ns != 0 && core->now - entry->submitted_at_ns >= aging_ns;
}

uint8_t berth__bands_level(const berth__core *core, uint32_t place) {
    return (uint8_t)(core->entries[place].band_index + has_aged(core, place));
}

void berth__bands_age(berth__core *core) {
    for (uint32_t b = 0; b < core->options.band_count; b++) {
        uint32_t place = core->flows.aged_next[b];
        while (place != BERTH__NONE && has_aged(core, place)) {
            berth__flows_remove(core, place); /* moves aged_next on */
            berth__flows_push(core, place);
            place = core->flows.aged_next[b];
        }
    }
}

/* ---- Shares ---- */

static int is_in_need(const berth__core *core, uint32_t level) {
    const uint32_t ppm = core->options.bands[level].share_ppm;
    if (core->bands.slots[level] >= berth__bands_part(core->options.running_max, ppm)) return 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (core->bands.used[level][r] >= berth__bands_part(core->ledger.capacity[r], ppm))
            return 0;
    return 1;
}

uint32_t berth__bands_in_need(const berth__core *core) {
    uint32_t in_need = 0;
    if (core->bands.with_share == 0) return 0;
    for (uint32_t b = 0; b < core->options.band_count; b++)
        if ((core->bands.with_share >> b & 1u) != 0 && is_in_need(core, b)) in_need |= 1u << b;
    return in_need;
}

void berth__bands_use(berth__core *core, uint32_t place, const uint64_t *before,
                      const uint64_t *after, int64_t slots) {
    const uint32_t level = core->entries[place].level;
    core->bands.slots[level] += (uint64_t)slots;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        core->bands.used[level][r] +=
            (after == NULL ? 0 : after[r]) - (before == NULL ? 0 : before[r]);
}

/* ---- Ceilings ---- */

int berth__bands_allow(const berth__core *core, uint32_t level, const uint64_t *cost) {
    const uint32_t ppm = core->options.bands[level].ceiling_ppm;
    if (ppm == BERTH__WHOLE_PPM || (berth__bands_in_need(core) >> level & 1u) != 0) return 1;
    const uint32_t slots_used = core->options.running_max - core->slots_free_count;
    if (slots_used >= berth__bands_part(core->options.running_max, ppm)) return 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        const uint64_t ceiling = berth__bands_part(core->ledger.capacity[r], ppm);
        if (core->ledger.used[r] > ceiling || cost[r] > ceiling - core->ledger.used[r]) return 0;
    }
    return 1;
}

uint32_t berth__bands_never_allow(const berth__core *core, uint32_t band_index,
                                  const uint64_t *cost) {
    const uint32_t ppm = core->options.bands[band_index].ceiling_ppm;
    uint32_t r = 0;
    while (r < core->options.resource_count &&
           cost[r] <= berth__bands_part(core->ledger.capacity[r], ppm))
        r++;
    return r;
}
