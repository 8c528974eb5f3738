/* SPDX-License-Identifier: MIT */
/*
 * What:    what a host does to one request: submit, recost, charge, cancel, finish; and to the
 *          capacity that all share.
 * Why:     each is one event of the core, and what the runtime must do beside it.
 * Rules:   one locked section each, a long list of ids aside; the executor's cost() is called
 *          before it.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_REQUEST_H
#define BERTH__RUNTIME_REQUEST_H

#include "berth.h"

/* How a request finished, as its host says. */
typedef struct berth__finish {
    uint32_t kind; /* berth_finish_kind */
    int32_t code;
} berth__finish;

/* `request`, `known` and `refusal` are full structs of this version. */
berth_status berth__request_submit(berth_pool *pool, const berth_request *request,
                                   berth_request_id *out, berth_refusal *refusal);
berth_status berth__request_reserve(berth_pool *pool, const berth_request *request, uint32_t count,
                                    berth_ticket_id *out, berth_refusal *refusal);
berth_status berth__request_ticket_cancel(berth_pool *pool, berth_ticket_id ticket);
berth_status berth__request_recost(berth_pool *pool, berth_request_id id,
                                   const berth_request *known, berth_refusal *refusal);
berth_status berth__request_charge(berth_pool *pool, berth_request_id id, const uint64_t *held,
                                   uint32_t held_count);
berth_status berth__request_cancel(berth_pool *pool, berth_request_id id);
berth_status berth__request_cancel_many(berth_pool *pool, const berth_request_id *ids,
                                        uint32_t id_count, berth_status *out_statuses,
                                        uint32_t *out_count);
berth_status berth__request_finish(berth_pool *pool, berth_request_id id, berth__finish finish);
berth_status berth__request_capacity_set(berth_pool *pool, uint32_t resource,
                                         uint64_t capacity_units);

#endif
