/* SPDX-License-Identifier: MIT */
/* Who would not be in time, as obvious as can be: what is ahead is counted anew, and it drains as
 * all admissions of those who had waited did, over the time in which somebody was parked. */
#include "support/core_model.h"

__extension__ typedef unsigned __int128 wide;

typedef core_model_request request;

void core_model_wait_until(core_model *model, uint64_t now) {
    core_model_pace *pace = &model->pace;
    if (core_model_parked_count(model, 1, BERTH_BANDS_MAX) == 0) return;
    pace->busy_ns += now - model->now;
    pace->busy_at_ns = now;
}

void core_model_wait_admitted(core_model *model, const request *r) {
    core_model_pace *pace = &model->pace;
    if (model->now == r->outcome.submitted_at_ns) return;
    pace->admitted++;
    for (uint32_t i = 0; i < model->options.resource_count; i++) pace->units[i] += r->units[i];
    if (pace->admitted < 128) return;
    pace->admitted /= 2;
    pace->busy_ns /= 2;
    for (uint32_t i = 0; i < BERTH_RESOURCES_MAX; i++) pace->units[i] /= 2;
}

/* Until so much more than what is free has drained. */
static wide time_for(const core_model *model, wide wanted, uint64_t left, uint64_t drained) {
    if (wanted <= left || drained == 0) return 0;
    return (wanted - left) * model->pace.busy_ns / drained;
}

static uint64_t slots_left(const core_model *model) {
    uint64_t left = 0;
    for (uint32_t s = 0; s < model->options.running_max; s++) left += model->slot_freed[s] != 0;
    return left < model->idle_count ? left : model->idle_count;
}

/* The request that it would be itself, and all that are parked in its band and above. */
static wide predict(const core_model *model, uint32_t band, const uint64_t *units) {
    const core_model_pace *pace = &model->pace;
    const uint64_t ahead = core_model_parked_count(model, band, BERTH_BANDS_MAX);
    wide longest = time_for(model, (wide)ahead + 1, slots_left(model), pace->admitted);
    for (uint32_t i = 0; i < model->options.resource_count; i++) {
        wide wanted = units[i];
        for (uint32_t p = 0; p < model->place_count; p++) {
            const request *r = &model->requests[p];
            if (r->state == BERTH__PARKED && r->outcome.band >= band) wanted += r->units[i];
        }
        const wide wait = time_for(model, wanted, core_model_free(model, i), pace->units[i]);
        if (wait > longest) longest = wait;
    }
    return longest;
}

static uint64_t least(uint64_t a, uint64_t b) {
    if (a == 0 || b == 0) return a + b;
    return a < b ? a : b;
}

berth_status core_model_wait_check(const core_model *model, const berth__submit *submit,
                                   const uint64_t *units, berth_refusal *refusal) {
    const core_model_pace *pace = &model->pace;
    const uint64_t time_ns =
        least(submit->terms.queue_ns, least(submit->terms.first_output_ns, submit->terms.total_ns));
    const wide limit = (wide)time_ns * model->options.wait_ppm / 1000000;
    const wide wait = predict(model, submit->terms.band, units);
    if (model->options.wait_ppm == 0 || time_ns == 0 || wait <= limit) return BERTH_OK;
    /* Nobody has been parked for longer than 16 of the means: one may try. */
    if (core_model_parked_count(model, 1, BERTH_BANDS_MAX) == 0 &&
        model->now - pace->busy_at_ns > 16 * (pace->busy_ns / pace->admitted))
        return BERTH_OK;
    refusal->reason = BERTH_REFUSAL_DEADLINE;
    refusal->limit = (uint64_t)limit;
    refusal->asked = (uint64_t)wait;
    return BERTH_EREFUSED;
}
