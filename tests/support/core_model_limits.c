/* SPDX-License-Identifier: MIT */
/* What a request of the model asks for, and which limits that meets. */
#include "support/core_model.h"

/* Wide enough for any sum, so that nothing here can wrap. */
__extension__ typedef unsigned __int128 wide;

berth_status core_model_price(const core_model *model, const berth__submit *submit,
                              uint64_t *units) {
    const berth_options *options = &model->options;
    if (submit->cost_count > options->resource_count) return BERTH_EINVAL;
    for (uint32_t r = 0; r < BERTH_RESOURCES_MAX; r++) {
        if (r >= submit->cost_count && submit->cost[r] != 0) return BERTH_EINVAL;
        units[r] = submit->cost[r];
    }
    if (options->kv_block_tokens == 0) return BERTH_OK;
    if (units[options->kv_resource] != 0) return BERTH_EINVAL;
    /* Every sample has all that it may: the prompt's full blocks once, the rest for each. */
    const wide samples = submit->samples == 0 ? 1 : submit->samples;
    const wide tokens = (wide)submit->terms.prompt_tokens + submit->terms.max_new_tokens;
    const wide shared = submit->terms.prompt_tokens / options->kv_block_tokens;
    const wide each = (tokens + options->kv_block_tokens - 1) / options->kv_block_tokens - shared;
    const wide wanted = (shared + samples * each) * options->kv_block_units;
    if (submit->terms.prompt_tokens + samples * submit->terms.max_new_tokens > UINT64_MAX ||
        wanted > UINT64_MAX)
        return BERTH_EOVERFLOW;
    units[options->kv_resource] = (uint64_t)wanted;
    core_model_kv_price(model, submit, 0, units);
    return BERTH_OK;
}

uint32_t core_model_never_fits(const core_model *model, const uint64_t *units) {
    for (uint32_t r = 0; r < model->options.resource_count; r++)
        if (units[r] > model->options.resources[r].capacity_units) return r;
    return BERTH_RESOURCES_MAX;
}

/* What is parked in bands first..last: requests, bytes, units of one resource. */
uint64_t core_model_parked_count(const core_model *model, uint32_t first, uint32_t last) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < model->place_count; i++) {
        const core_model_request *r = &model->requests[i];
        sum += r->state == BERTH__PARKED && r->outcome.band >= first && r->outcome.band <= last;
    }
    return sum;
}

static wide parked_size(const core_model *model, uint32_t first, uint32_t last) {
    wide sum = 0;
    for (uint32_t i = 0; i < model->place_count; i++) {
        const core_model_request *r = &model->requests[i];
        if (r->state == BERTH__PARKED && r->outcome.band >= first && r->outcome.band <= last)
            sum += r->payload_size;
    }
    return sum;
}

static wide parked_units(const core_model *model, uint32_t band, uint32_t resource) {
    wide sum = 0;
    for (uint32_t i = 0; i < model->place_count; i++) {
        const core_model_request *r = &model->requests[i];
        if (r->state == BERTH__PARKED && (band == 0 || r->outcome.band == band))
            sum += r->units[resource];
    }
    return sum;
}

static int above(berth_refusal *refusal, uint32_t reason, wide asked, uint64_t limit) {
    if (limit == 0 || asked <= limit) return 0;
    refusal->reason = reason;
    refusal->limit = limit;
    refusal->asked = (uint64_t)asked;
    return 1;
}

/* Limits of the pool (band 0) or of one band. */
static int over_limits(const core_model *model, uint32_t band, const berth__submit *submit,
                       const uint64_t *units, berth_refusal *refusal) {
    const berth_options *o = &model->options;
    const berth_band_options *b = band == 0 ? NULL : &o->bands[band - 1];
    const uint32_t first = band == 0 ? 1 : band;
    const uint32_t last = band == 0 ? BERTH_BANDS_MAX : band;
    const uint32_t reason = band == 0 ? BERTH_REFUSAL_PARKED : BERTH_REFUSAL_BAND;
    if (above(refusal, reason, core_model_parked_count(model, first, last) + 1,
              b == NULL ? o->parked_max : b->parked_max))
        return 1;
    if (above(refusal, reason + 1, parked_size(model, first, last) + submit->terms.payload_size,
              b == NULL ? o->parked_size_max : b->parked_size_max))
        return 1;
    for (uint32_t r = 0; r < o->resource_count; r++) {
        const uint64_t limit =
            b == NULL ? o->resources[r].parked_units_max : b->parked_units_max[r];
        if (!above(refusal, reason + 2, parked_units(model, band, r) + units[r], limit)) continue;
        refusal->resource = r;
        return 1;
    }
    return 0;
}

berth_status core_model_limits(const core_model *model, const berth__submit *submit,
                               const uint64_t *units, berth_refusal *refusal) {
    if (parked_size(model, 1, BERTH_BANDS_MAX) + submit->terms.payload_size > UINT64_MAX)
        return BERTH_EOVERFLOW;
    for (uint32_t r = 0; r < model->options.resource_count; r++)
        if (parked_units(model, 0, r) + units[r] > UINT64_MAX) return BERTH_EOVERFLOW;
    if (over_limits(model, 0, submit, units, refusal)) return BERTH_EREFUSED;
    if (over_limits(model, submit->terms.band, submit, units, refusal)) return BERTH_EREFUSED;
    return BERTH_OK;
}

int core_model_tenant_overflows(const core_model *model, uint64_t tenant, const uint64_t *more) {
    if (model->options.tenants_max == 0) return 0;
    for (uint32_t r = 0; r < model->options.resource_count; r++) {
        wide total = more[r];
        for (uint32_t i = 0; i < model->place_count; i++) {
            const core_model_request *other = &model->requests[i];
            if (other->state != BERTH__PARKED && !core_model_is_held(other)) continue;
            if (other->outcome.tenant == tenant) total += other->units[r];
        }
        if (total > UINT64_MAX) return 1;
    }
    return 0;
}

/* 1 if waiting can help: not where a request that must be parked exceeds a limit by itself. */
uint64_t core_model_has_hint(const core_model *model, uint64_t size, const uint64_t *units,
                             const berth_refusal *refusal) {
    const uint32_t reason = refusal->reason;
    if (reason == BERTH_REFUSAL_CLOSED || reason == BERTH_REFUSAL_NEVER_FITS) return 0;
    if (model->options.face != BERTH_FACE_ENGINE) return 1;
    if (reason == BERTH_REFUSAL_PARKED_SIZE || reason == BERTH_REFUSAL_BAND_SIZE)
        return size <= refusal->limit;
    if (reason == BERTH_REFUSAL_PARKED_COST || reason == BERTH_REFUSAL_BAND_COST)
        return units[refusal->resource] <= refusal->limit;
    return 1;
}

/* The limit of the pool (band 0) or of a band on one resource that it now asks more of. */
static berth_status recost_limit(const core_model *model, uint32_t band, uint32_t resource,
                                 wide more, berth_refusal *refusal) {
    const berth_options *o = &model->options;
    const wide total = parked_units(model, band, resource) + more;
    if (total > UINT64_MAX) return BERTH_EOVERFLOW;
    refusal->resource = resource;
    if (above(refusal, band == 0 ? BERTH_REFUSAL_PARKED_COST : BERTH_REFUSAL_BAND_COST, total,
              band == 0 ? o->resources[resource].parked_units_max
                        : o->bands[band - 1].parked_units_max[resource]))
        return BERTH_EREFUSED;
    return BERTH_OK;
}

berth_status core_model_recost_limits(const core_model *model, const core_model_request *r,
                                      const berth__submit *known, const uint64_t *units,
                                      berth_refusal *refusal) {
    uint64_t peak[BERTH_RESOURCES_MAX];
    core_model_kv_peak(model, known, units, peak);
    refusal->resource = core_model_never_fits(model, peak);
    if (refusal->resource < BERTH_RESOURCES_MAX) {
        (void)above(refusal, BERTH_REFUSAL_NEVER_FITS, peak[refusal->resource],
                    model->options.resources[refusal->resource].capacity_units);
        return BERTH_EREFUSED;
    }
    berth_status status = BERTH_OK;
    for (uint32_t i = 0; i < model->options.resource_count && status == BERTH_OK; i++) {
        if (units[i] <= r->units[i]) continue;
        const wide more = units[i] - r->units[i];
        status = recost_limit(model, 0, i, more, refusal);
        if (status == BERTH_OK) status = recost_limit(model, r->outcome.band, i, more, refusal);
    }
    return status;
}
