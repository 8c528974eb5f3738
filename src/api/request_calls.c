/* SPDX-License-Identifier: MIT */
/* What a host does to one request: arguments checked, structs copied, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "base/hot.h"
#include "runtime/emit.h"
#include "runtime/request.h"
#include "runtime/tenant.h"

#include <string.h>

static uint32_t request_in(berth_request *ours, const berth_request *request) {
    return request != NULL && berth__grow_in(ours, sizeof *ours, request, BERTH__FIRST_REQUEST);
}

/* The caller's request where it is as long as ours, else a copy that is; NULL if it cannot be. */
static const berth_request *request_of(const berth_request *request, berth_request *ours) {
    if (request != NULL && request->struct_size == sizeof *ours) return request;
    return request_in(ours, request) ? ours : NULL;
}

/* A refusal is an optional output: absent, or of a size that can be. */
static uint32_t refusal_is_good(const berth_refusal *refusal) {
    return refusal == NULL || berth__grow_is_known(refusal, BERTH__FIRST_REFUSAL);
}

static void refusal_out(berth_refusal *refusal, const berth_refusal *ours, berth_status status) {
    if (refusal != NULL && (status == BERTH_EREFUSED || status == BERTH_ECLOSED))
        berth__grow_out(refusal, ours, sizeof *ours);
}

BERTH__HOT berth_status berth_submit(berth_pool *pool, const berth_request *request,
                                     berth_request_id *out, berth_refusal *refusal) {
    berth_request ours;
    berth_refusal why = {.reason = BERTH_REFUSAL_NONE};
    if (out != NULL) *out = 0;
    berth__grow_clear(refusal, BERTH__FIRST_REFUSAL);
    if (pool == NULL || out == NULL || !refusal_is_good(refusal)) return BERTH_EINVAL;
    const berth_request *known = request_of(request, &ours);
    if (known == NULL) return BERTH_EINVAL;
    const berth_status status = berth__request_submit(pool, known, out, &why);
    refusal_out(refusal, &why, status);
    return status;
}

berth_status berth_reserve(berth_pool *pool, const berth_request *request, uint32_t count,
                           berth_ticket_id *out, berth_refusal *refusal) {
    berth_request ours;
    berth_refusal why = {.reason = BERTH_REFUSAL_NONE};
    if (out != NULL) *out = 0;
    berth__grow_clear(refusal, BERTH__FIRST_REFUSAL);
    if (pool == NULL || out == NULL || !refusal_is_good(refusal) || !request_in(&ours, request))
        return BERTH_EINVAL;
    const berth_status status = berth__request_reserve(pool, &ours, count, out, &why);
    refusal_out(refusal, &why, status);
    return status;
}

berth_status berth_ticket_cancel(berth_pool *pool, berth_ticket_id ticket) {
    return pool == NULL || ticket == 0 ? BERTH_EINVAL : berth__request_ticket_cancel(pool, ticket);
}

berth_status berth_recost(berth_pool *pool, berth_request_id id, const berth_request *known,
                          berth_refusal *refusal) {
    berth_request ours;
    berth_refusal why = {.reason = BERTH_REFUSAL_NONE};
    berth__grow_clear(refusal, BERTH__FIRST_REFUSAL);
    if (pool == NULL || id == 0 || !refusal_is_good(refusal) || !request_in(&ours, known))
        return BERTH_EINVAL;
    const berth_status status = berth__request_recost(pool, id, &ours, &why);
    refusal_out(refusal, &why, status);
    return status;
}

berth_status berth_charge(berth_pool *pool, berth_request_id id, const uint64_t *held,
                          uint32_t held_count) {
    if (pool == NULL || id == 0 || (held == NULL && held_count != 0)) return BERTH_EINVAL;
    return berth__request_charge(pool, id, held, held_count);
}

berth_status berth_capacity_set(berth_pool *pool, uint32_t resource, uint64_t capacity_units) {
    return pool == NULL ? BERTH_EINVAL
                        : berth__request_capacity_set(pool, resource, capacity_units);
}

berth_status berth_tenant_set(berth_pool *pool, uint64_t tenant,
                              const berth_tenant_options *options) {
    return pool == NULL ? BERTH_EINVAL : berth__tenant_set(pool, tenant, options);
}

berth_status berth_cancel(berth_pool *pool, berth_request_id id) {
    return pool == NULL || id == 0 ? BERTH_EINVAL : berth__request_cancel(pool, id);
}

berth_status berth_cancel_many(berth_pool *pool, const berth_request_id *ids, uint32_t id_count,
                               berth_status *out_statuses, uint32_t *out_count) {
    if (out_count != NULL) *out_count = 0;
    if (out_statuses != NULL) memset(out_statuses, 0, id_count * sizeof *out_statuses);
    if (pool == NULL || (ids == NULL && id_count != 0)) return BERTH_EINVAL;
    return berth__request_cancel_many(pool, ids, id_count, out_statuses, out_count);
}

berth_status berth_emit(berth_pool *pool, berth_request_id id, const void *bytes, size_t size,
                        uint64_t tokens) {
    if (pool == NULL || id == 0 || (bytes == NULL && size != 0)) return BERTH_EINVAL;
    return berth__emit(pool, id, bytes, size, tokens);
}

berth_status berth_finish(berth_pool *pool, berth_request_id id, uint32_t finish, int32_t code) {
    const berth__finish how = {.kind = finish, .code = code};
    if (pool == NULL || id == 0 || finish == BERTH_FINISH_NONE || finish > BERTH_FINISH_FAILED)
        return BERTH_EINVAL;
    return berth__request_finish(pool, id, how);
}
