/* SPDX-License-Identifier: MIT */
/* Who is left out of plans while his reader is behind: a moment at which that ends the request. */
#include "support/core_model.h"

#include "core/pause.h"

berth_status core_model_pause(core_model *model, uint64_t now, berth_request_id id, uint32_t how) {
    if (model->options.face != BERTH_FACE_ENGINE) return BERTH_EFACE;
    core_model_expire(model, now);
    core_model_request *r = core_model_find(model, id);
    if (r == NULL) return BERTH_ESTALE;
    if (r->outcome.kind != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (r->state == BERTH__PARKED && r->pause_due == UINT64_MAX) return BERTH_EAGAIN;
    if (how == BERTH__PAUSE_NONE) {
        r->pause_due = UINT64_MAX;
    } else if (r->pause_due == UINT64_MAX) {
        r->pause_due = model->now > UINT64_MAX - model->options.pause_ns_max
                           ? UINT64_MAX
                           : model->now + model->options.pause_ns_max;
        r->gives_up = how == BERTH__PAUSE_GIVE_UP;
        model->counters.pauses_total++;
        if (r->gives_up && !r->in_step) core_model_give_way(model, r);
    }
    return BERTH_OK;
}
