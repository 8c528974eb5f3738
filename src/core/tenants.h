/* SPDX-License-Identifier: MIT */
/*
 * What:    the tenants that the pool knows: what they may do, what they have parked and running.
 * Why:     quotas and fairness are by tenant, and there may be ten thousand of them.
 * Rules:   a tenant is known while it has a request parked, held or to come, or options of its own;
 *          after that it stays until its room is needed, those idle longest first. Nothing is ever
 *          decided by a tenant's number or its place in the table.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_TENANTS_H
#define BERTH__CORE_TENANTS_H

#include "base/list.h"
#include "berth.h"
#include "core/queue.h"

typedef struct berth__tenant {
    uint64_t id;
    uint64_t rate_at_ns; /* when its next request would come by its rate, had it never paused */
    uint64_t submitted_total;
    uint64_t refused_total;
    uint64_t prompt_tokens_total; /* of admitted requests */
    uint64_t output_tokens_total;
    uint64_t output_mean; /* of completed ones; see predict.h */
    uint32_t outputs_seen;
    uint32_t parked;
    uint32_t running;             /* or stopping */
    uint32_t own;                 /* it has options of its own */
    uint32_t held;                /* requests that its tickets stand for */
    berth_tenant_options options; /* filled in: nothing means "the pool's" any more */
} berth__tenant;

typedef struct berth__tenants {
    berth__tenant *tenants;
    uint64_t *units; /* parked and held, resource_count per tenant */
    uint32_t *slots; /* of the hash table: index + 1, 0 = free */
    berth__link *links;
    berth__list free;
    berth__list idle; /* known, without requests and options of their own; idle longest first */
    uint32_t tenants_max;
    uint32_t slots_mask;
    uint32_t known_count;
    uint32_t reserved;
    uint64_t seed;
    uint64_t collected_total;
    berth_tenant_options defaults; /* filled in */
} berth__tenants;

typedef struct berth__core berth__core;

uint32_t berth__tenants_slot_count(const berth_options *options);
void berth__tenants_init(berth__tenants *tenants, const berth_options *options);

/* The index of a tenant that is known, or BERTH__NONE. O(1). */
uint32_t berth__tenants_find(const berth__tenants *tenants, uint64_t id);

/* The same; one that is not known is made known. BERTH__NONE if all have work or options. */
uint32_t berth__tenants_take(berth__core *core, uint64_t id);

/* What this tenant may do; `index` may be BERTH__NONE. */
const berth_tenant_options *berth__tenants_options(const berth__core *core, uint32_t index);

/* 1 if it may have one more running than it has. Only fairness holds tenants back so. */
uint32_t berth__tenants_may_run(const berth__core *core, uint32_t index);

/* Options of its own for a tenant that is known; NULL = the pool's again. */
void berth__tenants_set(berth__core *core, uint32_t index, const berth_tenant_options *options);

/* What it has parked and held of a resource. */
uint64_t *berth__tenants_units_of(const berth__core *core, uint32_t index, uint32_t resource);

/* ---- What becomes of a request. All do nothing where tenants decide nothing. ---- */

/* Nobody has anything parked or running any more. */
void berth__tenants_clear(berth__tenants *tenants);

/* A submit was refused; only a tenant that is known keeps count. */
void berth__tenants_refused(berth__core *core, uint64_t id);

/* One was accepted with these units; it is not parked yet. */
void berth__tenants_accepted(berth__core *core, uint32_t place);

/* One more parked, or running, or one less: what moves from one to the other moves at once. */
void berth__tenants_move(berth__core *core, uint32_t place, int32_t parked, int32_t running);

/* Its tickets stand for so many more requests of this load, or fewer. */
void berth__tenants_hold(berth__core *core, const berth__load *load, int64_t count);

/* A request has `after` instead of `before`; NULL = nothing. */
void berth__tenants_units(berth__core *core, uint32_t place, const uint64_t *before,
                          const uint64_t *after);

void berth__tenants_served(berth__core *core, uint32_t place, uint64_t prompt_tokens,
                           uint64_t output_tokens);

/* It was not served after all: what was counted for its prompt does not count. */
void berth__tenants_not_served(berth__core *core, uint32_t place, uint64_t prompt_tokens);

#endif
