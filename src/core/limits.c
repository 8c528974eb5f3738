/* SPDX-License-Identifier: MIT */
#include "core/limits.h"
#include "base/checked.h"

/* One sum of parked requests and its limits, for the pool or for a band. */
typedef struct scope {
    const berth__parked *sum;
    const berth_options *options;
    const berth_band_options *band; /* NULL for the pool */
    uint64_t count_max;
    uint64_t size_max;
    uint32_t count_reason; /* the size and cost reasons follow it */
} scope;

static scope pool_scope(const berth_options *options, const berth__queue *queue) {
    return (scope){.sum = &queue->total,
                   .options = options,
                   .count_max = options->parked_max,
                   .size_max = options->parked_size_max,
                   .count_reason = BERTH_REFUSAL_PARKED};
}

static scope band_scope(const berth_options *options, const berth__queue *queue, uint32_t index) {
    const berth_band_options *band = &options->bands[index];
    return (scope){.sum = &queue->bands[index],
                   .options = options,
                   .band = band,
                   .count_max = band->parked_max,
                   .size_max = band->parked_size_max,
                   .count_reason = BERTH_REFUSAL_BAND};
}

static uint64_t units_max(const scope *s, uint32_t resource) {
    return s->band != NULL ? s->band->parked_units_max[resource]
                           : s->options->resources[resource].parked_units_max;
}

static int exceeds(uint64_t asked, uint64_t limit) {
    return limit != 0 && asked > limit;
}

static berth_status refuse(berth_refusal *refusal, uint32_t reason, uint64_t limit,
                           uint64_t asked) {
    refusal->reason = reason;
    refusal->limit = limit;
    refusal->asked = asked;
    return BERTH_EREFUSED;
}

/* Sums cannot overflow here: check_sums has added them for the whole pool. */
static berth_status check_scope(const scope *s, const berth__load *load, uint32_t resource_count,
                                berth_refusal *refusal) {
    const uint64_t count = s->sum->count + 1;
    const uint64_t size = s->sum->size + load->size;
    if (exceeds(count, s->count_max)) return refuse(refusal, s->count_reason, s->count_max, count);
    if (exceeds(size, s->size_max)) return refuse(refusal, s->count_reason + 1, s->size_max, size);
    for (uint32_t r = 0; r < resource_count; r++) {
        const uint64_t units = s->sum->units[r] + load->units[r];
        if (!exceeds(units, units_max(s, r))) continue;
        refusal->resource = r;
        return refuse(refusal, s->count_reason + 2, units_max(s, r), units);
    }
    return BERTH_OK;
}

static berth_status check_sums(const berth__queue *queue, const berth__load *load) {
    uint64_t sum;
    if (!berth__add(queue->total.size, load->size, &sum)) return BERTH_EOVERFLOW;
    for (uint32_t r = 0; r < queue->resource_count; r++)
        if (!berth__add(queue->total.units[r], load->units[r], &sum)) return BERTH_EOVERFLOW;
    return BERTH_OK;
}

berth_status berth__limits_check(const berth_options *options, const berth__queue *queue,
                                 const berth__load *load, berth_refusal *refusal) {
    const scope pool = pool_scope(options, queue);
    const scope band = band_scope(options, queue, load->band_index);
    berth_status status = check_sums(queue, load);
    if (status == BERTH_OK) status = check_scope(&pool, load, queue->resource_count, refusal);
    if (status == BERTH_OK) status = check_scope(&band, load, queue->resource_count, refusal);
    return status;
}

/* One resource of one scope, of which `more` would be asked. */
static berth_status check_more(const scope *s, uint32_t resource, uint64_t more,
                               berth_refusal *refusal) {
    uint64_t units;
    if (!berth__add(s->sum->units[resource], more, &units)) return BERTH_EOVERFLOW;
    if (!exceeds(units, units_max(s, resource))) return BERTH_OK;
    refusal->resource = resource;
    return refuse(refusal, s->count_reason + 2, units_max(s, resource), units);
}

berth_status berth__limits_recost(const berth_options *options, const berth__queue *queue,
                                  const berth__load *load, const berth__load *wanted,
                                  berth_refusal *refusal) {
    const scope scopes[] = {pool_scope(options, queue),
                            band_scope(options, queue, load->band_index)};
    for (uint32_t r = 0; r < queue->resource_count; r++) {
        if (wanted->units[r] <= load->units[r]) continue;
        const uint64_t more = wanted->units[r] - load->units[r];
        berth_status status = check_more(&scopes[0], r, more, refusal);
        if (status == BERTH_OK) status = check_more(&scopes[1], r, more, refusal);
        if (status != BERTH_OK) return status;
    }
    return BERTH_OK;
}
