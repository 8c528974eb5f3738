/* SPDX-License-Identifier: MIT */
#include "core/limits.h"
#include "base/checked.h"
#include "base/hot.h"

/* One sum of parked requests and its limits, for the pool or for a band. */
typedef struct scope {
    const berth__parked *parked;
    const berth__parked *held; /* by tickets; the limits look at both together */
    uint64_t lent_count;       /* by ids that were lent: of the pool's count only */
    const berth_options *options;
    const berth_band_options *band; /* NULL for the pool */
    uint64_t count_max;
    uint64_t size_max;
    uint32_t count_reason; /* the size and cost reasons follow it */
} scope;

static scope pool_scope(const berth_options *options, const berth__queue *queue) {
    return (scope){.parked = &queue->total,
                   .held = &queue->held_total,
                   .lent_count = queue->lent_count,
                   .options = options,
                   .count_max = options->parked_max,
                   .size_max = options->parked_size_max,
                   .count_reason = BERTH_REFUSAL_PARKED};
}

static scope band_scope(const berth_options *options, const berth__queue *queue, uint32_t index) {
    const berth_band_options *band = &options->bands[index];
    return (scope){.parked = &queue->bands[index],
                   .held = &queue->held[index],
                   .options = options,
                   .band = band,
                   .count_max = band->parked_max,
                   .size_max = band->parked_size_max,
                   .count_reason = BERTH_REFUSAL_BAND};
}

/* Parked and held: check_sums has seen to it that it fits in 64 bits for the whole pool. */
static uint64_t size_of(const scope *s) {
    return s->parked->size + s->held->size;
}

static uint64_t units_of(const scope *s, uint32_t resource) {
    return s->parked->units[resource] + s->held->units[resource];
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

/* What so many requests of this load would add; `wanted` receives it. */
static berth_status multiply(const berth__load *load, uint32_t count, uint32_t resource_count,
                             berth__parked *wanted) {
    wanted->count = count;
    if (!berth__mul(load->size, count, &wanted->size)) return BERTH_EOVERFLOW;
    for (uint32_t r = 0; r < resource_count; r++)
        if (!berth__mul(load->units[r], count, &wanted->units[r])) return BERTH_EOVERFLOW;
    return BERTH_OK;
}

/* Sums cannot overflow here: check_sums has added them for the whole pool. */
static berth_status check_scope(const scope *s, const berth__parked *wanted,
                                uint32_t resource_count, berth_refusal *refusal) {
    const uint64_t count = s->parked->count + s->held->count + s->lent_count + wanted->count;
    const uint64_t size = size_of(s) + wanted->size;
    if (exceeds(count, s->count_max)) return refuse(refusal, s->count_reason, s->count_max, count);
    if (exceeds(size, s->size_max)) return refuse(refusal, s->count_reason + 1, s->size_max, size);
    for (uint32_t r = 0; r < resource_count; r++) {
        const uint64_t units = units_of(s, r) + wanted->units[r];
        if (!exceeds(units, units_max(s, r))) continue;
        refusal->resource = r;
        return refuse(refusal, s->count_reason + 2, units_max(s, r), units);
    }
    return BERTH_OK;
}

static berth_status check_sums(const scope *pool, const berth__parked *wanted,
                               uint32_t resource_count) {
    uint64_t sum;
    if (!berth__add(size_of(pool), wanted->size, &sum)) return BERTH_EOVERFLOW;
    for (uint32_t r = 0; r < resource_count; r++)
        if (!berth__add(units_of(pool, r), wanted->units[r], &sum)) return BERTH_EOVERFLOW;
    return BERTH_OK;
}

berth_status berth__limits_check(const berth_options *options, const berth__queue *queue,
                                 const berth__load *load, uint32_t count, berth_refusal *refusal) {
    const scope pool = pool_scope(options, queue);
    const scope band = band_scope(options, queue, load->band_index);
    const uint32_t n = queue->resource_count;
    berth__parked wanted;
    berth_status status = multiply(load, count, n, &wanted);
    if (status == BERTH_OK) status = check_sums(&pool, &wanted, n);
    if (status == BERTH_OK) status = check_scope(&pool, &wanted, n, refusal);
    if (status == BERTH_OK) status = check_scope(&band, &wanted, n, refusal);
    return status;
}

uint32_t berth__limits_unlimited(const berth_options *options) {
    uint32_t bands = 0;
    uint64_t pool = options->parked_size_max;
    for (uint32_t r = 0; r < options->resource_count; r++)
        pool |= options->resources[r].parked_units_max;
    for (uint32_t b = 0; b < options->band_count && pool == 0; b++) {
        const berth_band_options *band = &options->bands[b];
        uint64_t limits = band->parked_max | band->parked_size_max;
        for (uint32_t r = 0; r < options->resource_count; r++) limits |= band->parked_units_max[r];
        bands |= (uint32_t)(limits == 0) << b;
    }
    return bands;
}

BERTH__HOT int berth__limits_have_room(uint32_t unlimited, const berth_options *options,
                                       const berth__queue *queue, const berth__load *load) {
    uint64_t sum;
    if ((unlimited >> load->band_index & 1u) == 0) return 0;
    if (queue->total.count + queue->held_total.count + queue->lent_count >= options->parked_max)
        return 0;
    if (!berth__add(queue->total.size + queue->held_total.size, load->size, &sum)) return 0;
    for (uint32_t r = 0; r < queue->resource_count; r++)
        if (!berth__add(queue->total.units[r] + queue->held_total.units[r], load->units[r], &sum))
            return 0;
    return 1;
}

/* One resource of one scope, of which `more` would be asked. */
static berth_status check_more(const scope *s, uint32_t resource, uint64_t more,
                               berth_refusal *refusal) {
    uint64_t units;
    if (!berth__add(units_of(s, resource), more, &units)) return BERTH_EOVERFLOW;
    if (!exceeds(units, units_max(s, resource))) return BERTH_OK;
    refusal->resource = resource;
    return refuse(refusal, s->count_reason + 2, units_max(s, resource), units);
}

static berth_status check_more_size(const scope *s, uint64_t more, berth_refusal *refusal) {
    uint64_t size;
    if (!berth__add(size_of(s), more, &size)) return BERTH_EOVERFLOW;
    return exceeds(size, s->size_max) ? refuse(refusal, s->count_reason + 1, s->size_max, size)
                                      : BERTH_OK;
}

berth_status berth__limits_recost(const berth_options *options, const berth__queue *queue,
                                  const berth__load *load, const berth__load *wanted,
                                  berth_refusal *refusal) {
    const scope scopes[] = {pool_scope(options, queue),
                            band_scope(options, queue, load->band_index)};
    for (uint32_t i = 0; i < 2 && wanted->size > load->size; i++) {
        const berth_status status = check_more_size(&scopes[i], wanted->size - load->size, refusal);
        if (status != BERTH_OK) return status;
    }
    for (uint32_t r = 0; r < queue->resource_count; r++) {
        if (wanted->units[r] <= load->units[r]) continue;
        const uint64_t more = wanted->units[r] - load->units[r];
        berth_status status = check_more(&scopes[0], r, more, refusal);
        if (status == BERTH_OK) status = check_more(&scopes[1], r, more, refusal);
        if (status != BERTH_OK) return status;
    }
    return BERTH_OK;
}
