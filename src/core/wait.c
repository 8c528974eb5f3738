/* SPDX-License-Identifier: MIT */
#include "core/wait.h"
#include "base/checked.h"

#define PPM UINT64_C(1000000)

/* value * number / of, rounded down, where number and of may lose their last bits. */
static uint64_t scale(uint64_t value, uint64_t number, uint64_t of) {
    uint64_t product;
    while (of > 0 && !berth__mul(value, number, &product)) {
        number >>= 1;
        of >>= 1;
    }
    return of == 0 ? UINT64_MAX : product / of;
}

/* Time until so much of what there is beyond what is free has drained. */
static uint64_t drain(const berth__core *core, uint64_t wanted, uint64_t left, uint64_t drained) {
    if (wanted <= left || drained == 0) return 0;
    return scale(wanted - left, core->rate.busy_ns, drained);
}

static uint64_t units_ahead(const berth__core *core, const berth__load *load, uint32_t r) {
    uint64_t ahead = 0;
    for (uint32_t b = load->band_index; b < core->options.band_count; b++)
        ahead += core->queue.bands[b].units[r];
    return ahead;
}

static uint64_t units_left(const berth__ledger *ledger, uint32_t r) {
    return ledger->capacity[r] > ledger->used[r] ? ledger->capacity[r] - ledger->used[r] : 0;
}

uint64_t berth__wait_predict(const berth__core *core, const berth__load *load) {
    const uint64_t ahead = berth__queue_ahead(&core->queue, load->band_index);
    const uint64_t slots =
        core->slots_free_count < core->idle_count ? core->slots_free_count : core->idle_count;
    uint64_t longest = drain(core, ahead + 1, slots, core->rate.admitted);
    for (uint32_t r = 0; r < core->options.resource_count; r++) {
        const uint64_t wanted = berth__add_saturating(units_ahead(core, load, r), load->units[r]);
        const uint64_t wait =
            drain(core, wanted, units_left(&core->ledger, r), core->rate.units[r]);
        if (wait > longest) longest = wait;
    }
    return longest;
}

uint64_t berth__wait_of_band(const berth__core *core, uint32_t band_index) {
    uint64_t units[BERTH_RESOURCES_MAX] = {0};
    const berth__load load = {
        .band_index = band_index, .tenant_index = BERTH__NONE, .units = units};
    for (uint32_t r = 0; r < core->options.resource_count && core->rate.admitted > 0; r++)
        units[r] = core->rate.units[r] / core->rate.admitted;
    return berth__wait_predict(core, &load);
}

/* The least time that a request has; UINT64_MAX: as long as it takes. */
static uint64_t time_of(const berth__submit *submit) {
    const uint64_t times[] = {submit->terms.queue_ns, submit->terms.first_output_ns,
                              submit->terms.total_ns};
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < 3; i++)
        if (times[i] != 0 && times[i] < least) least = times[i];
    return least;
}

berth_status berth__wait_check(const berth__core *core, const berth__load *load,
                               const berth__submit *submit, berth_refusal *refusal) {
    const uint64_t time_ns = time_of(submit);
    if (core->options.wait_ppm == 0 || time_ns == UINT64_MAX) return BERTH_OK;
    const uint64_t limit = scale(time_ns, core->options.wait_ppm, PPM);
    const uint64_t wait = berth__wait_predict(core, load);
    if (wait <= limit) return BERTH_OK;
    /* What is known may be history: then somebody has to try. */
    if (core->queue.total.count == 0 && berth__rate_is_stale(&core->rate, core->now))
        return BERTH_OK;
    refusal->reason = BERTH_REFUSAL_DEADLINE;
    refusal->limit = limit;
    refusal->asked = wait;
    return BERTH_EREFUSED;
}
