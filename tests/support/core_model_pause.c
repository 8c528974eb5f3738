/* SPDX-License-Identifier: MIT */
/* Who is left out of plans while his reader is behind: a moment at which that ends the request. */
#include "support/core_model.h"

#include "core/pause.h"

berth_status core_model_pause(core_model *model, uint64_t now, berth_request_id id,
                              uint32_t paused) {
    if (model->options.face != BERTH_FACE_ENGINE) return BERTH_EFACE;
    core_model_expire(model, now);
    core_model_request *r = core_model_find(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->state == BERTH__PARKED) return BERTH_EAGAIN;
    if (r->state != BERTH__RUNNING) return BERTH_EENDED;
    if (!paused) {
        r->pause_due = UINT64_MAX;
    } else if (r->pause_due == UINT64_MAX) {
        r->pause_due = model->now > UINT64_MAX - model->options.pause_ns_max
                           ? UINT64_MAX
                           : model->now + model->options.pause_ns_max;
        model->counters.pauses_total++;
    }
    return BERTH_OK;
}
