/* SPDX-License-Identifier: MIT */
/* The events that are neither submits nor steps. */
#include "core/core.h"
#include "base/checked.h"
#include "base/hot.h"
#include "core/admit.h"
#include "core/hooks.h"
#include "core/kv.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/plain.h"
#include "core/policy.h"
#include "core/share.h"

/* A user's id: BERTH__NONE once its outcome was taken or dropped. */
static uint32_t find_for_user(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE || core->entries[place].state == BERTH__LENT) return BERTH__NONE;
    return core->entries[place].gone ? BERTH__NONE : place;
}

/* The engine's or worker's id: good until its units are let go, and as a user's after that. */
BERTH__HOT static uint32_t find_for_engine(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE) return BERTH__NONE;
    const berth__entry *entry = &core->entries[place];
    if (entry->state == BERTH__LENT) return BERTH__NONE;
    return entry->gone && entry->state == BERTH__ENDED ? BERTH__NONE : place;
}

static berth_status begin(berth__core *core, uint64_t now) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    berth__life_tick(core, now);
    berth__life_expire(core);
    return BERTH_OK;
}

berth_status berth__core_charge(berth__core *core, uint64_t now, berth_request_id id,
                                const uint64_t *held, uint32_t held_count) {
    uint64_t after[BERTH_RESOURCES_MAX];
    if (held_count > core->options.resource_count) return BERTH_EINVAL;
    if (berth__kv_is_named(&core->options, held, held_count)) return BERTH_EINVAL;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    if (core->entries[place].state == BERTH__ENDED) return BERTH_EENDED;
    berth__life_report(core, place, held, held_count, after);
    return berth__life_hold(core, place, after);
}

/* What it must be able to hold at once: all that it may grow to, or, once it has run, what it had
 * grown to, since it may end at any token. */
static void needs_of(const berth__core *core, uint32_t place, uint64_t *needs) {
    const berth__entry *entry = &core->entries[place];
    const berth_options *o = &core->options;
    for (uint32_t r = 0; r < o->resource_count; r++) needs[r] = berth__units_of(core, place)[r];
    if (berth__kv_grows(o) && entry->preemptions == 0)
        needs[o->kv_resource] =
            berth__kv_mode_holds(core, place, berth__kv_mode_tokens_max(core, place));
}

/* End the parked requests that the capacity can never hold any more. */
static void evict_never_fits(berth__core *core) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0};
    for (uint32_t b = core->options.band_count; b-- > 0;) {
        uint32_t place = core->queue.lists[b].head;
        while (place != BERTH__NONE) {
            const uint32_t next = core->links[place].next;
            uint64_t needs[BERTH_RESOURCES_MAX];
            needs_of(core, place, needs);
            const uint32_t resource = berth__share_never_fits(core, place, needs);
            if (resource < core->options.resource_count) berth__life_stop(core, place, cause);
            place = next;
        }
    }
}

berth_status berth__core_capacity_set(berth__core *core, uint64_t now, uint32_t resource,
                                      uint64_t capacity_units) {
    if (resource >= core->options.resource_count || capacity_units == 0) return BERTH_EINVAL;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint64_t before = core->ledger.capacity[resource];
    core->ledger.capacity[resource] = capacity_units;
    if (capacity_units < before) evict_never_fits(core);
    berth__share_reclaim(core);
    return BERTH_OK;
}

berth_status berth__core_cancel(berth__core *core, uint64_t now, berth_request_id id,
                                uint32_t cause) {
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_user(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    berth__life_stop(core, place, (berth__cause){BERTH_OUTCOME_CANCELLED, (uint8_t)cause, 0});
    return BERTH_OK;
}

uint32_t berth__core_prefix_tell(berth__core *core, berth_block_hash *out) {
    return !berth__core_broken(core) && berth__prefix_tell(&core->prefix, out);
}

uint32_t berth__core_prefix_lost(berth__core *core, const berth_block_hash *hash) {
    return !berth__core_broken(core) && berth__prefix_lost(&core->prefix, hash);
}

void berth__core_expire(berth__core *core, uint64_t now) {
    (void)begin(core, now);
}

uint64_t berth__core_next_at(berth__core *core) {
    return berth__core_next_within(core, UINT64_MAX);
}

uint64_t berth__core_next_within(berth__core *core, uint64_t until) {
    return berth__core_broken(core) ? UINT64_MAX : berth__life_next_at(core, until);
}

uint64_t berth__core_not_before(const berth__core *core) {
    return berth__core_broken(core) ? UINT64_MAX : core->deadlines.next_at;
}

berth_status berth__core_tenant_set(berth__core *core, uint64_t now, uint64_t tenant,
                                    const berth_tenant_options *options) {
    if (core->options.tenants_max == 0) return BERTH_EINVAL;
    if (options != NULL &&
        berth__policy_check_tenant(options, "tenant", &core->options, NULL) != BERTH_OK)
        return BERTH_EINVAL;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t index = options != NULL ? berth__tenants_take(core, tenant)
                                           : berth__tenants_find(&core->tenants, tenant);
    if (index != BERTH__NONE) berth__tenants_set(core, index, options);
    return index == BERTH__NONE && options != NULL ? BERTH_EREFUSED : BERTH_OK;
}

void berth__core_close(berth__core *core, uint64_t now) {
    (void)begin(core, now);
    core->closed = 1;
}

void berth__core_shutdown(berth__core *core, uint64_t now, uint32_t running) {
    static const berth__cause cause = {BERTH_OUTCOME_SHUTDOWN, 0, 0};
    (void)begin(core, now);
    while (berth__queue_head(&core->queue) != BERTH__NONE)
        berth__life_stop(core, berth__queue_head(&core->queue), cause);
    uint32_t place = running ? core->running.head : BERTH__NONE;
    while (place != BERTH__NONE) {
        const uint32_t next = core->links[place].next;
        const berth__entry *entry = &core->entries[place];
        if (!entry->in_step && entry->outcome == BERTH_OUTCOME_NONE)
            berth__life_stop(core, place, cause);
        place = next;
    }
}

void berth__core_set_idle(berth__core *core, uint32_t idle_count) {
    core->idle_count = idle_count;
}

uint32_t berth__core_admit(berth__core *core, uint64_t now) {
    return begin(core, now) == BERTH_OK ? berth__admit_all(core) : 0;
}

static void count_tokens(berth__core *core, uint32_t place, uint64_t tokens) {
    berth__entry *entry = &core->entries[place];
    entry->tokens_generated = berth__add_saturating(entry->tokens_generated, tokens);
    core->counters.tokens_generated_total =
        berth__add_saturating(core->counters.tokens_generated_total, tokens);
    berth__hook_served(core, place, 0, tokens);
}

berth_status berth__core_emit(berth__core *core, uint64_t now, berth_request_id id,
                              uint64_t tokens) {
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    const berth__entry *entry = &core->entries[place];
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (entry->state == BERTH__PARKED) return BERTH_EAGAIN;
    count_tokens(core, place, tokens);
    berth__life_output(core, place);
    return BERTH_OK;
}

berth_status berth__core_finish(berth__core *core, uint64_t now, berth_request_id id,
                                uint32_t finish, int32_t code) {
    if (finish == BERTH_FINISH_NONE || finish > BERTH_FINISH_FAILED) return BERTH_EINVAL;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    berth__life_finish(core, place, finish, code);
    return BERTH_OK;
}

berth_status berth__core_preempt(berth__core *core, uint64_t now, berth_request_id id) {
    if (!berth__is_engine(core)) return BERTH_EFACE;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    if (core->entries[place].in_step) return BERTH_EBUSY;
    berth__life_preempt(core, place);
    return BERTH_OK;
}

BERTH__HOT berth_status berth__core_complete(berth__core *core, uint64_t now, berth_request_id id,
                                             uint32_t finish, int32_t code) {
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].state == BERTH__RUNNING) {
        if (core->plain) {
            berth__plain_complete(core, place, berth__life_cause(finish, code));
            return BERTH_OK;
        }
        berth__life_finish(core, place, finish, code);
    }
    if (core->entries[place].state != BERTH__STOPPING) return BERTH_EENDED;
    berth__life_end(core, place);
    return BERTH_OK;
}

berth_status berth__core_unadmit(berth__core *core, uint64_t now, berth_request_id id) {
    if (core->options.face != BERTH_FACE_WORKER) return BERTH_EFACE;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    berth__life_unadmit(core, place);
    return BERTH_OK;
}

berth_status berth__core_let_go(berth__core *core, uint64_t now, berth_request_id id) {
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    switch ((enum berth__state)core->entries[place].state) {
    case BERTH__PARKED: return BERTH_EAGAIN;
    case BERTH__RUNNING: return BERTH_EBUSY;
    case BERTH__STOPPING: berth__life_end(core, place); return BERTH_OK;
    case BERTH__FREE:
    case BERTH__LENT:
    case BERTH__ENDED: break;
    }
    return BERTH_EENDED;
}

BERTH__HOT berth_status berth__core_forget(berth__core *core, berth_request_id id,
                                           uint32_t dropped) {
    const uint32_t place = find_for_user(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].outcome == BERTH_OUTCOME_NONE) return BERTH_EAGAIN;
    if (dropped) core->counters.retained_dropped_total++;
    berth__life_forget(core, place);
    return BERTH_OK;
}

void berth__core_pin(berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place != BERTH__NONE) core->entries[place].pinned = 1;
}

void berth__core_unpin(berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE || !core->entries[place].pinned) return;
    core->entries[place].pinned = 0;
    if (core->entries[place].state == BERTH__ENDED && core->entries[place].gone)
        berth__life_free_place(core, place);
}

void berth__core_count_chunks(berth__core *core, uint64_t count, uint64_t size) {
    core->counters.chunks_total += count;
    core->counters.bytes_total = berth__add_saturating(core->counters.bytes_total, size);
}

/* Of one that meets no deadline: its moment is all there is to it. An outcome that is being fixed
 * was there after it, whichever of the two looked at the clock first. */
static void note_first_output(berth__core *core, uint32_t place, uint64_t at_ns) {
    berth__entry *entry = &core->entries[place];
    if (entry->has_output) return;
    BERTH__ASSERT(core->broken, entry->first_output_due_at_ns == UINT64_MAX);
    entry->has_output = 1;
    const uint32_t is_late = entry->outcome != BERTH_OUTCOME_NONE && at_ns > core->now;
    entry->first_output_at_ns = is_late ? core->now : at_ns;
}

void berth__core_count_output(berth__core *core, berth_request_id id,
                              const berth__emitted *emitted) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    BERTH__ASSERT(core->broken, place != BERTH__NONE && !berth__core_output_decides(core));
    if (place == BERTH__NONE) return;
    note_first_output(core, place, emitted->first_at_ns);
    count_tokens(core, place, emitted->tokens);
    berth__core_count_chunks(core, emitted->chunks, emitted->size);
}

/* Lengths of completed outputs are learnt at the end, when all was said. */
uint32_t berth__core_output_decides(const berth__core *core) {
    return berth__is_engine(core) || core->options.fairness == BERTH_FAIRNESS_VTC;
}

void berth__core_count_chunk(berth__core *core, berth_request_id id, uint32_t delivered,
                             uint64_t size) {
    if (delivered) {
        berth__core_count_chunks(core, 1, size);
        return;
    }
    const uint32_t place = berth__ids_find(&core->ids, id);
    core->counters.chunks_dropped_total++;
    if (place != BERTH__NONE && core->entries[place].chunks_dropped < UINT32_MAX)
        core->entries[place].chunks_dropped++;
}

uint32_t berth__core_broken(const berth__core *core) {
    return core->broken | core->ledger.broken;
}

void berth__core_fail(berth__core *core) {
    berth__life_fail(core);
}
