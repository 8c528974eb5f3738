/* SPDX-License-Identifier: MIT */
/* How a request comes in: checked, priced, limited, parked. */
#include "base/checked.h"
#include "base/hot.h"
#include "core/admit.h"
#include "core/budget.h"
#include "core/core.h"
#include "core/displace.h"
#include "core/hooks.h"
#include "core/kv.h"
#include "core/lend.h"
#include "core/life.h"
#include "core/limits.h"
#include "core/quota.h"
#include "core/share.h"
#include "core/wait.h"

#include <string.h>

/* What a request asks for, and the most that it may grow to. */
typedef struct ask {
    uint64_t units[BERTH_RESOURCES_MAX];
    uint64_t peak[BERTH_RESOURCES_MAX];
} ask;

static uint32_t samples_of(const berth__submit *submit) {
    return submit->samples == 0 ? 1 : submit->samples;
}

/* Samples are an engine's, and each must get its tokens in every step. */
static int may_sample(const berth_options *options, uint32_t samples) {
    if (samples == 1) return 1;
    if (samples > BERTH_SAMPLES_MAX || options->face != BERTH_FACE_ENGINE) return 0;
    return !berth__budget_never_allows(options, samples);
}

/* Its own cost, and the KV blocks that its tokens make: all it may have, or those of its prompt. */
static berth_status price(const berth_options *options, const berth__submit *submit, ask *out) {
    const berth__kv_shape shape = {.prompt_tokens = submit->terms.prompt_tokens,
                                   .max_new_tokens = submit->terms.max_new_tokens,
                                   .samples = samples_of(submit)};
    const uint32_t kv = options->kv_resource;
    if (submit->cost_count > options->resource_count) return BERTH_EINVAL;
    if (!may_sample(options, shape.samples)) return BERTH_EINVAL;
    for (uint32_t r = submit->cost_count; r < BERTH_RESOURCES_MAX; r++)
        if (submit->cost[r] != 0) return BERTH_EINVAL;
    memcpy(out->units, submit->cost, sizeof out->units);
    memcpy(out->peak, submit->cost, sizeof out->peak);
    if (options->kv_block_tokens == 0) return BERTH_OK;
    if (out->units[kv] != 0) return BERTH_EINVAL;
    const berth_status status = berth__kv_units_max(options, &shape, &out->peak[kv]);
    if (status != BERTH_OK) return status;
    out->units[kv] = out->peak[kv];
    if (!berth__kv_grows(options)) return BERTH_OK;
    out->units[kv] = berth__kv_units(options, &shape, submit->terms.prompt_tokens);
    if (out->peak[kv] < out->units[kv]) out->peak[kv] = out->units[kv]; /* no tokens */
    return BERTH_OK;
}

static uint64_t due(const berth__core *core, uint64_t after_ns) {
    return after_ns == 0 ? UINT64_MAX : berth__add_saturating(core->now, after_ns);
}

/* What a place had before is gone; its generation and what the owner keeps are not. */
static berth__entry *clear(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    const size_t from = offsetof(berth__entry, payload_size);
    memset((unsigned char *)entry + from, 0, offsetof(berth__entry, beside) - from);
    return entry;
}

/* What every request has. */
BERTH__HOT static berth__entry *fill(berth__core *core, uint32_t place, const berth__terms *terms,
                                     const uint64_t *units) {
    berth__entry *entry = clear(core, place);
    entry->payload_size = terms->payload_size;
    entry->prompt_tokens = terms->prompt_tokens;
    entry->max_new_tokens = terms->max_new_tokens;
    entry->submitted_at_ns = core->now;
    entry->queue_at_ns = due(core, terms->queue_ns);
    entry->first_output_due_at_ns = due(core, terms->first_output_ns);
    entry->total_at_ns = due(core, terms->total_ns);
    entry->tenant = terms->tenant;
    entry->tenant_index = BERTH__NONE;
    entry->level = (terms->band - 1) & 15u;
    entry->samples = 1;
    entry->slot = BERTH__NONE;
    entry->state = BERTH__PARKED;
    entry->band_index = (uint8_t)(terms->band - 1);
    entry->pinned = terms->pinned != 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        berth__units_of(core, place)[r] = units[r];
    core->order[place] = core->arrivals++;
    if (core->run_ns != NULL) core->run_ns[place] = 0;
    return entry;
}

static void fill_submit(berth__core *core, uint32_t place, const berth__submit *submit,
                        const uint64_t *units) {
    berth__entry *entry = fill(core, place, &submit->terms, units);
    entry->samples = (uint16_t)samples_of(submit);
    if (core->prefix_tokens != NULL) core->prefix_tokens[place] = 0;
    if (core->run_ns != NULL) core->run_ns[place] = submit->run_ns;
    if (!berth__has_tenants(core)) return;
    entry->tenant_index = berth__tenants_take(core, submit->terms.tenant);
    berth__tenants_accepted(core, place);
}

static berth_status refuse(berth_refusal *refusal, uint32_t reason, uint64_t limit,
                           uint64_t asked) {
    refusal->reason = reason;
    refusal->limit = limit;
    refusal->asked = asked;
    return reason == BERTH_REFUSAL_CLOSED ? BERTH_ECLOSED : BERTH_EREFUSED;
}

/* 1 if the capacity, or the band's part of it, is too small for good. */
static int never_fits(const berth__core *core, uint32_t band_index, const uint64_t *peak,
                      berth_refusal *refusal) {
    const uint32_t resource = berth__hook_never_fits(core, band_index, peak);
    const uint32_t ppm = core->options.bands[band_index].ceiling_ppm;
    if (resource >= core->options.resource_count) return 0;
    refusal->resource = resource;
    (void)refuse(refusal, BERTH_REFUSAL_NEVER_FITS,
                 berth__bands_part(core->ledger.capacity[resource], ppm), peak[resource]);
    return 1;
}

/* A place in the table; outcomes that nobody took give way. */
static berth_status find_place(berth__core *core, berth_refusal *refusal) {
    /* A dropped place may have been retired instead of freed: look again. */
    while (core->ids.free_count == 0) {
        const uint64_t places = core->ids.place_count;
        if (!berth__life_drop_oldest(core))
            return refuse(refusal, BERTH_REFUSAL_SLOTS, places, places + 1);
    }
    return BERTH_OK;
}

/* The limits of the queue: they hold for who is to be parked. */
static berth_status check_limits(const berth__core *core, const berth__load *load,
                                 uint32_t *displaced, berth_refusal *refusal) {
    if (berth__limits_have_room(core->unlimited, &core->options, &core->queue, load))
        return BERTH_OK;
    const berth_status status = berth__limits_check(&core->options, &core->queue, load, 1, refusal);
    if (status != BERTH_EREFUSED) return status;
    *displaced = berth__displace_count(core, load);
    if (*displaced == 0) return status;
    *refusal = (berth_refusal){.struct_size = refusal->struct_size};
    return BERTH_OK;
}

/* What neither waiting nor a ticket helps against. */
static berth_status consider_for_good(const berth__core *core, uint32_t band_index,
                                      const uint64_t *peak, berth_refusal *refusal) {
    if (core->closed) return refuse(refusal, BERTH_REFUSAL_CLOSED, 0, 0);
    if (core->options.bands[band_index].bypass) return refuse(refusal, BERTH_REFUSAL_BYPASS, 0, 0);
    return never_fits(core, band_index, peak, refusal) ? BERTH_EREFUSED : BERTH_OK;
}

/* The limits of the queue, its tenant's and the caller's own, and whether it would be in time.
 * `displaced` is NULL for one that would not be parked. */
static berth_status consider_now(const berth__core *core, const berth__load *load,
                                 const berth__submit *submit, uint32_t *displaced,
                                 berth_refusal *refusal) {
    const int parks = displaced != NULL;
    berth_status status = parks ? check_limits(core, load, displaced, refusal) : BERTH_OK;
    if (status == BERTH_OK && submit->refused_for != BERTH_REFUSAL_NONE)
        status = refuse(refusal, submit->refused_for, submit->refused_limit, submit->refused_asked);
    if (status == BERTH_OK && berth__has_tenants(core))
        status = berth__quota_check(core, submit->terms.tenant, load, 1, refusal);
    if (status == BERTH_OK && parks && core->options.wait_ppm != 0)
        status = berth__wait_check(core, load, submit, refusal);
    return status;
}

/* The same for one that has a ticket: only what it asks beyond that. */
static berth_status consider_ticket(const berth__core *core, const berth__load *load,
                                    const berth__submit *submit, berth_refusal *refusal) {
    const berth__load held = berth__tickets_load(core, berth__tickets_find(core, submit->ticket));
    berth_status status = berth__limits_recost(&core->options, &core->queue, &held, load, refusal);
    if (status == BERTH_OK && submit->refused_for != BERTH_REFUSAL_NONE)
        status = refuse(refusal, submit->refused_for, submit->refused_limit, submit->refused_asked);
    if (status == BERTH_OK && berth__has_tenants(core))
        status = berth__quota_use(core, &held, load, refusal);
    return status;
}

/* Every reason not to take it. */
static berth_status consider(berth__core *core, const berth__load *load,
                             const berth__submit *submit, const uint64_t *peak,
                             berth_refusal *refusal) {
    berth__load whole = *load;
    whole.units = peak;
    const int parks = berth__is_engine(core) || !berth__admit_at_once(core, &whole);
    uint32_t displaced = 0;
    berth_status status = consider_for_good(core, load->band_index, peak, refusal);
    if (status == BERTH_OK)
        status = submit->ticket != 0
                     ? consider_ticket(core, load, submit, refusal)
                     : consider_now(core, load, submit, parks ? &displaced : NULL, refusal);
    if (status == BERTH_OK) status = find_place(core, refusal);
    if (status == BERTH_OK) berth__displace(core, displaced);
    return status;
}

/* Can the same request be accepted later? Not where it must be parked and exceeds a limit alone. */
static int may_pass_later(const berth__core *core, const berth__load *load,
                          const berth_refusal *refusal) {
    switch ((enum berth_refusal_reason)refusal->reason) {
    case BERTH_REFUSAL_CLOSED:
    case BERTH_REFUSAL_BYPASS:
    case BERTH_REFUSAL_NEVER_FITS: return 0;
    case BERTH_REFUSAL_TENANT_COST: return load->units[refusal->resource] <= refusal->limit;
    case BERTH_REFUSAL_PARKED_SIZE:
    case BERTH_REFUSAL_BAND_SIZE: return !berth__is_engine(core) || load->size <= refusal->limit;
    case BERTH_REFUSAL_PARKED_COST:
    case BERTH_REFUSAL_BAND_COST:
        return !berth__is_engine(core) || load->units[refusal->resource] <= refusal->limit;
    case BERTH_REFUSAL_NONE:
    case BERTH_REFUSAL_PARKED:
    case BERTH_REFUSAL_BAND:
    case BERTH_REFUSAL_SLOTS:
    case BERTH_REFUSAL_TENANT:
    case BERTH_REFUSAL_TENANT_RATE:
    case BERTH_REFUSAL_TENANTS:
    case BERTH_REFUSAL_KEYS:
    case BERTH_REFUSAL_KEYS_TENANT:
    case BERTH_REFUSAL_KEYS_SIZE:
    case BERTH_REFUSAL_DEADLINE:
    case BERTH_REFUSAL_TICKETS:
    case BERTH_REFUSAL_COUNT: break;
    }
    return 1;
}

/* What every refusal says beside its reason. */
static void advise(berth__core *core, const berth__load *load, berth_refusal *refusal) {
    refusal->ahead_count = berth__queue_ahead(&core->queue, load->band_index);
    /* A tenant's rate says by itself when its next request may come. */
    const int is_late = refusal->reason == BERTH_REFUSAL_DEADLINE;
    if (refusal->retry_after_ns == 0 && may_pass_later(core, load, refusal))
        refusal->retry_after_ns =
            berth__rate_retry_after(&core->rate, is_late ? refusal->asked - refusal->limit : 0);
}

static void count_refusal(berth__core *core, uint32_t band_index, uint32_t reason) {
    core->counters.submitted_total++;
    core->counters.bands[band_index].submitted_total++;
    core->counters.refused_total++;
    core->counters.bands[band_index].refused_total++;
    core->counters.refusal_total[reason]++;
}

BERTH__HOT static void accept(berth__core *core, uint32_t place) {
    core->counters.submitted_total++;
    berth__band_of(core, place)->submitted_total++;
    berth__life_park(core, place);
}

/* Before it is parked: will the crowd be the largest so far, unless it is admitted at once? */
static void note_peak(berth__core *core, const berth__load *load) {
    if (core->queue.total.count >= core->counters.parked_peak &&
        (berth__is_engine(core) || !berth__admit_at_once(core, load)))
        core->counters.parked_peak = core->queue.total.count + 1;
}

/* A ticket can be used by a request of its band and tenant. */
static berth_status check_ticket(const berth__core *core, const berth__submit *submit) {
    const uint32_t index = berth__tickets_find(core, submit->ticket);
    if (submit->ticket == 0) return BERTH_OK;
    if (index == BERTH__NONE) return BERTH_ESTALE;
    const berth__ticket *ticket = &core->tickets.tickets[index];
    return ticket->band_index + 1 == submit->terms.band && ticket->tenant == submit->terms.tenant
               ? BERTH_OK
               : BERTH_EINVAL;
}

static berth__load load_of(const berth__core *core, const berth__submit *submit,
                           const uint64_t *units) {
    const uint32_t tenant = berth__has_tenants(core)
                                ? berth__tenants_find(&core->tenants, submit->terms.tenant)
                                : BERTH__NONE;
    return (berth__load){.band_index = submit->terms.band - 1,
                         .tenant_index = tenant,
                         .size = submit->terms.payload_size,
                         .units = units};
}

BERTH__HOT static void begin(berth__core *core, uint64_t now) {
    berth__life_tick(core, now);
    berth__life_expire(core);
    berth__rate_touch(&core->rate, core->now, core->queue.total.count > 0);
}

/* ---- The plain way: nothing is asked that could only refuse it where it is asked for ---- */

static int is_plain(const berth__core *core, const berth__submit *submit) {
    uint64_t more = submit->rank | submit->block_hash_count | submit->set | submit->set_units |
                    submit->refused_for | submit->ticket | (submit->samples > 1);
    for (uint32_t r = core->options.resource_count; r < BERTH_RESOURCES_MAX; r++)
        more |= submit->cost[r];
    return more == 0 && submit->cost_count == core->options.resource_count;
}

/* 0 and nothing changed: the long way is to say what is wrong, or what else there is to be done. */
static int submit_plainly(berth__core *core, const berth__terms *terms, const uint64_t *units,
                          berth_request_id *out) {
    const berth__load load = {.band_index = terms->band - 1,
                              .tenant_index = BERTH__NONE,
                              .size = terms->payload_size,
                              .units = units};
    if (core->closed || core->ids.free_count == 0) return 0;
    if (!berth__limits_have_room(core->unlimited, &core->options, &core->queue, &load)) return 0;
    if (berth__ledger_never_fits(&core->ledger, units) < core->options.resource_count) return 0;
    note_peak(core, &load);
    *out = berth__ids_take(&core->ids);
    (void)fill(core, berth__id_place(*out), terms, units);
    accept(core, berth__id_place(*out));
    return 1;
}

berth_status berth__core_submit_terms(berth__core *core, uint64_t now, const berth__terms *terms,
                                      const uint64_t *cost, berth_request_id *out) {
    if (berth__core_broken(core) || !core->plain_submits) return BERTH_EAGAIN;
    begin(core, now);
    return submit_plainly(core, terms, cost, out) ? BERTH_OK : BERTH_EAGAIN;
}

/* ---- The long way ---- */

static berth_status submit_fully(berth__core *core, uint64_t now, const berth__submit *submit,
                                 berth_request_id *out, berth_refusal *refusal) {
    ask asked;
    berth_refusal reason = {.struct_size = (uint32_t)sizeof reason};
    berth_status status = price(&core->options, submit, &asked);
    if (status == BERTH_OK) status = berth__share_check(&core->options, submit);
    if (status != BERTH_OK) return status;

    const berth__load load = load_of(core, submit, asked.units);
    berth__share_add_set(&core->options, submit, asked.peak);
    begin(core, now);
    status = check_ticket(core, submit);
    if (status != BERTH_OK) return status;
    status = consider(core, &load, submit, asked.peak, &reason);
    if (status == BERTH_EOVERFLOW) return status;
    if (status != BERTH_OK) {
        count_refusal(core, load.band_index, reason.reason);
        if (berth__has_tenants(core)) berth__tenants_refused(core, submit->terms.tenant);
        advise(core, &load, &reason);
        if (refusal != NULL) *refusal = reason;
        return status;
    }
    note_peak(core, &load);
    if (submit->ticket != 0) berth__tickets_use(core, berth__tickets_find(core, submit->ticket));
    *out = berth__ids_take(&core->ids);
    fill_submit(core, berth__id_place(*out), submit, asked.units);
    berth__share_name(core, berth__id_place(*out), submit); /* its key may be what it found */
    if (core->flows.by_key) berth__flows_set_key(core, berth__id_place(*out), submit->rank);
    accept(core, berth__id_place(*out));
    return BERTH_OK;
}

BERTH__HOT berth_status berth__core_submit(berth__core *core, uint64_t now,
                                           const berth__submit *submit, berth_request_id *out,
                                           berth_refusal *refusal) {
    *out = 0;
    if (refusal != NULL) *refusal = (berth_refusal){.struct_size = (uint32_t)sizeof *refusal};
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (submit->terms.band < 1 || submit->terms.band > core->options.band_count)
        return BERTH_EINVAL;
    if (core->plain_submits && is_plain(core, submit)) {
        begin(core, now);
        if (submit_plainly(core, &submit->terms, submit->cost, out)) return BERTH_OK;
    }
    return submit_fully(core, now, submit, out, refusal);
}

/* ---- Lent ids ---- */

/* The capacity may have shrunk since it was promised: then it ends like others that are parked. */
static void evict_if_too_large(berth__core *core, uint32_t place) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0};
    const uint64_t *units = berth__units_of(core, place);
    if (berth__ledger_never_fits(&core->ledger, units) < core->options.resource_count)
        berth__life_stop(core, place, cause);
}

void berth__core_submit_lent(berth__core *core, uint64_t now, const berth__terms *terms,
                             const uint64_t *cost, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    core->queue.lent_count--;
    core->counters.submitted_total++;
    core->counters.bands[terms->band - 1].submitted_total++;
    if (berth__core_broken(core)) {
        (void)fill(core, place, terms, cost);
        if (core->failed) berth__life_fail_one(core, place);
        return;
    }
    begin(core, now);
    (void)fill(core, place, terms, cost);
    const berth__load load = berth__load_of(core, place);
    note_peak(core, &load);
    berth__life_park(core, place);
    evict_if_too_large(core, place);
}

/* ---- Tickets ---- */

/* Every reason not to hold room for so many. */
static berth_status consider_reserve(const berth__core *core, const berth__load *load,
                                     const berth__submit *submit, const uint64_t *peak,
                                     berth_refusal *refusal) {
    const uint64_t max = core->options.tickets_max;
    berth_status status = consider_for_good(core, load->band_index, peak, refusal);
    if (status == BERTH_OK)
        status = berth__limits_check(&core->options, &core->queue, load, submit->count, refusal);
    if (status == BERTH_OK && berth__has_tenants(core))
        status = berth__quota_check(core, submit->terms.tenant, load, submit->count, refusal);
    if (status == BERTH_OK) status = berth__wait_check(core, load, submit, refusal);
    if (status == BERTH_OK && core->tickets.ids.free_count == 0)
        status = refuse(refusal, BERTH_REFUSAL_TICKETS, max, max + 1);
    return status;
}

berth_status berth__core_reserve(berth__core *core, uint64_t now, const berth__submit *submit,
                                 berth_ticket_id *out, berth_refusal *refusal) {
    ask asked;
    berth_refusal reason = {.struct_size = (uint32_t)sizeof reason};
    *out = 0;
    if (refusal != NULL) *refusal = reason;
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (submit->terms.band < 1 || submit->terms.band > core->options.band_count)
        return BERTH_EINVAL;
    if (submit->ticket != 0 || submit->count == 0) return BERTH_EINVAL;
    berth_status status = price(&core->options, submit, &asked);
    if (status == BERTH_OK) status = berth__share_check(&core->options, submit);
    if (status != BERTH_OK) return status;
    const berth__load load = load_of(core, submit, asked.units);
    berth__share_add_set(&core->options, submit, asked.peak);
    begin(core, now);
    status = consider_reserve(core, &load, submit, asked.peak, &reason);
    if (status == BERTH_OK) {
        *out = berth__tickets_take(core, &load, submit->terms.tenant, submit->count);
        return BERTH_OK;
    }
    if (status == BERTH_EOVERFLOW) return status;
    core->counters.tickets_refused_total++;
    advise(core, &load, &reason);
    if (refusal != NULL) *refusal = reason;
    return status;
}

berth_status berth__core_ticket_cancel(berth__core *core, uint64_t now, berth_ticket_id ticket) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    begin(core, now);
    const uint32_t index = berth__tickets_find(core, ticket);
    if (index == BERTH__NONE) return BERTH_ESTALE;
    berth__tickets_drop(core, index);
    return BERTH_OK;
}

/* ---- Recost ---- */

/* One that was preempted also asks for the blocks of what it had generated. */
static void add_generated(const berth__core *core, uint32_t place, const berth__submit *known,
                          ask *asked) {
    const berth__kv_shape shape = {.prompt_tokens = known->terms.prompt_tokens,
                                   .max_new_tokens = known->terms.max_new_tokens,
                                   .samples = samples_of(known)};
    const uint32_t kv = core->options.kv_resource;
    const uint64_t generated = core->entries[place].tokens_generated;
    asked->units[kv] = berth__kv_units(
        &core->options, &shape, berth__add_saturating(known->terms.prompt_tokens, generated));
    if (asked->peak[kv] < asked->units[kv]) asked->peak[kv] = asked->units[kv];
}

/* The new price of a parked request; without a cost, what the old one had beside KV blocks. */
static berth_status reprice(const berth__core *core, uint32_t place, const berth__submit *known,
                            ask *out) {
    berth__submit submit = *known;
    submit.samples = core->entries[place].samples;
    if (submit.cost_count == 0) {
        submit.cost_count = core->options.resource_count;
        memcpy(submit.cost, berth__units_of(core, place),
               core->options.resource_count * sizeof *submit.cost);
        if (core->options.kv_block_tokens != 0) submit.cost[core->options.kv_resource] = 0;
    }
    const berth_status status = price(&core->options, &submit, out);
    if (status == BERTH_OK && berth__kv_grows(&core->options))
        add_generated(core, place, &submit, out);
    return status;
}

static berth_status recost(berth__core *core, uint32_t place, const berth__submit *known,
                           berth_refusal *refusal) {
    ask asked;
    const berth__load load = berth__load_of(core, place);
    const berth__load wanted = {
        .band_index = load.band_index, .size = load.size, .units = asked.units};
    berth_status status = reprice(core, place, known, &asked);
    if (status != BERTH_OK) return status;
    berth__share_add_named_set(core, place, asked.peak);
    if (never_fits(core, wanted.band_index, asked.peak, refusal))
        status = BERTH_EREFUSED;
    else
        status = berth__limits_recost(&core->options, &core->queue, &load, &wanted, refusal);
    if (status == BERTH_OK && berth__has_tenants(core))
        status = berth__quota_recost(core, place, &wanted, refusal);
    /* No hint if refused: it stays parked, and nothing is counted. */
    if (status != BERTH_OK) return status;
    berth__queue_recost(&core->queue, &load, asked.units);
    core->entries[place].prompt_tokens = known->terms.prompt_tokens;
    core->entries[place].max_new_tokens = known->terms.max_new_tokens;
    berth__hook_units(core, place, berth__units_of(core, place), asked.units);
    berth__share_rename(core, place, known);
    if (core->flows.by_key) berth__flows_rekey(core, place);
    memcpy(berth__units_of(core, place), asked.units,
           core->options.resource_count * sizeof *asked.units);
    return BERTH_OK;
}

berth_status berth__core_recost(berth__core *core, uint64_t now, berth_request_id id,
                                const berth__submit *known, berth_refusal *refusal) {
    berth_refusal reason = {.struct_size = (uint32_t)sizeof reason};
    if (refusal != NULL) *refusal = reason;
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (known->cost_count > core->options.resource_count) return BERTH_EINVAL;
    berth__life_tick(core, now);
    berth__life_expire(core);
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE || core->entries[place].gone) return BERTH_ESTALE;
    if (core->entries[place].state == BERTH__LENT) return BERTH_ESTALE;
    if (core->entries[place].outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (core->entries[place].state != BERTH__PARKED) return BERTH_EBUSY;
    const berth_status status = recost(core, place, known, &reason);
    if (status == BERTH_EREFUSED && refusal != NULL) *refusal = reason;
    return status;
}
