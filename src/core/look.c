/* SPDX-License-Identifier: MIT */
/* Looking at the core without changing it: one request, all counters. */
#include "base/hot.h"
#include "core/core.h"
#include "base/touch.h"
#include "core/counters.h"
#include "core/cursor.h"
#include "core/life.h"
#include "core/wait.h"

#include <string.h>

/* Smaller tables are in the cache next to the processor anyway. */
#define LARGE_FROM 2048u

/* Field by field: made aside and copied it would take twice as long. */
static inline void outcome_of(const berth__entry *entry, berth_outcome *restrict out) {
    const uint32_t fixed = entry->outcome != BERTH_OUTCOME_NONE;
    const int was_admitted = entry->state != BERTH__PARKED || !berth__is_new(entry);
    out->struct_size = (uint32_t)sizeof *out;
    out->kind = entry->outcome;
    out->detail = entry->detail;
    out->code = fixed ? entry->code : 0;
    out->band = entry->band_index + 1u;
    out->reserved = 0;
    out->prompt_tokens = entry->prompt_tokens;
    out->tokens_computed = entry->tokens_computed;
    out->tokens_generated = entry->tokens_generated;
    out->chunks_dropped = entry->chunks_dropped;
    out->submitted_at_ns = entry->submitted_at_ns;
    out->admitted_at_ns = was_admitted ? entry->admitted_at_ns : 0;
    out->first_output_at_ns = entry->has_output ? entry->first_output_at_ns : 0;
    out->ended_at_ns = fixed ? entry->ended_at_ns : 0;
    out->tenant = entry->tenant;
    memset(out->reserved1, 0, sizeof out->reserved1);
}

BERTH__HOT berth_status berth__core_view(const berth__core *core, berth_request_id id,
                                         berth__view *out) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE || core->entries[place].state == BERTH__LENT) {
        memset(out, 0, sizeof *out);
        return BERTH_ESTALE;
    }
    const berth__entry *entry = &core->entries[place];
    *out = (berth__view){.id = id,
                         .state = entry->state,
                         .slot = entry->slot,
                         .in_step = entry->in_step != 0,
                         .gone = entry->gone,
                         .payload_size = entry->payload_size,
                         .max_new_tokens = entry->max_new_tokens,
                         .samples = entry->samples};
    outcome_of(entry, &out->outcome);
    if (core->options.resource_count > 0)
        memcpy(out->units, berth__units_of(core, place),
               core->options.resource_count * sizeof *out->units);
    return BERTH_OK;
}

/* As berth__ids_find, by what is fixed: who has not the lock shares no line with who gives ids. */
static uint32_t find(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    if (place >= core->place_count) return BERTH__NONE;
    const uint64_t out = id >> BERTH__PLACE_BITS | BERTH__TAKEN;
    return core->entries[place].generation == out ? place : BERTH__NONE;
}

BERTH__HOT berth_status berth__core_outcome(const berth__core *core, berth_request_id id,
                                            berth_outcome *out) {
    const uint32_t place = find(core, id);
    if (place == BERTH__NONE || core->entries[place].state == BERTH__LENT) return BERTH_ESTALE;
    outcome_of(&core->entries[place], out);
    return BERTH_OK;
}

void berth__core_brief(const berth__core *core, berth_request_id id, berth__brief *out) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    const berth__entry *entry = &core->entries[place];
    *out = (berth__brief){.slot = entry->slot,
                          .payload_size = entry->payload_size,
                          .band = entry->band_index + 1u,
                          .prompt_tokens = entry->prompt_tokens,
                          .max_new_tokens = entry->max_new_tokens,
                          .first_output_decides =
                              !entry->has_output && entry->first_output_due_at_ns != UINT64_MAX};
}

uint64_t berth__core_payload_size(const berth__core *core, berth_request_id id) {
    return core->entries[berth__id_place(id)].payload_size;
}

berth_request_id berth__core_oldest_ended(const berth__core *core, berth_request_id after) {
    const uint32_t from = after == 0 ? BERTH__NONE : berth__ids_find(&core->ids, after);
    const uint32_t place = from == BERTH__NONE ? core->ended.head : core->links[from].next;
    return place == BERTH__NONE ? 0 : berth__ids_of(&core->ids, place);
}

void berth__core_expect_end(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    berth__expect_write(entry);
    berth__expect_write(entry->beside + BERTH__BESIDE_SIZE - 1);
    berth__expect_write(&core->links[place]);
    if (core->options.resource_count > 0) berth__expect_write(berth__units_of(core, place));
}

void berth__core_expect(const berth__core *core, uint32_t place) {
    berth__core_expect_end(core, place);
    berth__expect_write(&core->entries[place].prompt_tokens);
}

static void touch(const berth__core *core, uint32_t place) {
    berth__touch(&core->entries[place]);
    berth__touch(core->entries[place].beside + BERTH__BESIDE_SIZE - 1);
    berth__touch(&core->links[place]);
    if (core->options.resource_count > 0) berth__touch(berth__units_of(core, place));
}

static void touch_neighbours(const berth__core *core, uint32_t place) {
    const berth__link link = core->links[place];
    if (link.previous != BERTH__NONE) berth__touch(&core->links[link.previous]);
    if (link.next != BERTH__NONE) berth__touch(&core->links[link.next]);
}

/* A prefetch may be dropped, a load is waited for: first all of the one, then all of the other. The
 * neighbours in line come when it is known who they are. */
void berth__core_expect_ends(const berth__core *core, const uint32_t *places, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) berth__core_expect_end(core, places[i]);
    for (uint32_t i = 0; i < count; i++) touch(core, places[i]);
    for (uint32_t i = 0; i < count; i++) touch_neighbours(core, places[i]);
}

uint32_t berth__core_is_large(const berth__core *core) {
    return core->ids.place_count >= LARGE_FROM;
}

BERTH__HOT uint32_t berth__core_expect_next(const berth__core *core, uint32_t *places,
                                            uint32_t max) {
    berth__cursor cursor;
    uint32_t count = 0;
    uint32_t place = berth__cursor_first(core, &cursor);
    while (place != BERTH__NONE && count < max) {
        places[count++] = place;
        berth__core_expect(core, place);
        place = berth__cursor_next(core, &cursor);
    }
    return count;
}

static void resource_stats(const berth__core *core, uint32_t r, berth_resource_stats *out) {
    memcpy(out->name, core->options.resources[r].name, sizeof out->name);
    out->capacity_units = core->ledger.capacity[r];
    out->used_units = core->ledger.used[r];
    out->used_units_peak = core->ledger.used_peak[r];
    out->overdraft_units = berth__ledger_overdraft(&core->ledger, r);
    out->parked_units = core->queue.total.units[r];
}

void berth__core_stats(const berth__core *core, berth_stats *out) {
    *out = core->counters;
    out->struct_size = (uint32_t)sizeof *out;
    out->face = core->options.face;
    out->closed = core->closed;
    out->broken = berth__core_broken(core);
    out->now_at_ns = core->now;
    out->parked = core->queue.total.count;
    out->parked_size = core->queue.total.size;
    out->retained = core->ended.count;
    out->tickets = core->tickets.live.count;
    out->tickets_held = core->queue.held_total.count;
    out->prefix_evicted_total = core->prefix.evicted_total;
    out->prefix_truncated_total = core->prefix.truncated_total;
    out->prefix_blocks_held = core->prefix.held_count;
    out->prefix_blocks_cached = core->prefix.cached.count;
    out->sets_held = core->sets.held_count;
    out->drain_interval_ns = berth__rate_interval(&core->rate);
    out->worker_count = core->options.worker_count;
    out->running_max = core->options.running_max;
    out->parked_max = core->options.parked_max;
    out->band_count = core->options.band_count;
    out->resource_count = core->options.resource_count;
    for (uint32_t b = 0; b < core->options.band_count; b++) {
        out->bands[b].parked_size = core->queue.bands[b].size;
        out->bands[b].predicted_wait_ns = berth__wait_of_band(core, b);
        if (core->flows.on) out->bands[b].service_gap = berth__counters_gap(core, b);
    }
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        resource_stats(core, r, &out->resources[r]);
}

berth_status berth__core_tenant_stats(const berth__core *core, uint64_t tenant,
                                      berth_tenant_stats *out) {
    const uint32_t index = berth__tenants_find(&core->tenants, tenant);
    *out = (berth_tenant_stats){.struct_size = (uint32_t)sizeof *out};
    if (core->options.tenants_max == 0) return BERTH_EINVAL;
    if (index == BERTH__NONE) return BERTH_OK;
    const berth__tenant *from = &core->tenants.tenants[index];
    out->known = 1;
    out->tenant = tenant;
    out->weight = from->options.weight;
    out->submitted_total = from->submitted_total;
    out->refused_total = from->refused_total;
    out->parked = from->parked;
    out->running = from->running;
    out->prompt_tokens_total = from->prompt_tokens_total;
    out->tokens_generated_total = from->output_tokens_total;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        out->units[r] = *berth__tenants_units_of(core, index, r);
    return BERTH_OK;
}
