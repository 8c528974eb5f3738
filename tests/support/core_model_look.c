/* SPDX-License-Identifier: MIT */
/* Making a model, saving it, and looking at it: everything that could be counted is counted anew.
 */
#include "support/core_model.h"

#include <stdlib.h>
#include <string.h>

#define UNUSED (UINT64_MAX / 2) /* ticks of places that were never taken */

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) abort();
    return memory;
}

void core_model_init(core_model *model, const berth_options *normalised) {
    memset(model, 0, sizeof *model);
    model->options = *normalised;
    model->idle_count = UINT32_MAX;
    model->ratio = (uint64_t)normalised->kv_ratio_ppm * normalised->kv_ratio_decay_steps;
    model->place_count = berth__options_requests_max(normalised);
    model->requests = zeroed(model->place_count, sizeof *model->requests);
    model->slot_freed = zeroed(normalised->running_max, sizeof *model->slot_freed);
    model->leaving = zeroed(normalised->running_max, sizeof *model->leaving);
    model->own_lengths = zeroed(normalised->kv_lengths_max + 1u, sizeof *model->own_lengths);
    /* Places are taken from 0 up, after all that were used; slots too: what became free last is
     * the lowest slot. */
    for (uint32_t i = 0; i < model->place_count; i++) model->requests[i].freed = UNUSED + i;
    for (uint32_t s = normalised->running_max; s-- > 0;) model->slot_freed[s] = ++model->ticks;
}

void core_model_fini(core_model *model) {
    free(model->requests);
    free(model->slot_freed);
    free(model->leaving);
    free(model->own_lengths);
    free(model->log.items);
    memset(model, 0, sizeof *model);
}

/* ---- Saving ---- */

#define PARTS 4

typedef struct part {
    void *data;
    size_t size;
} part;

static void parts_of(const core_model *model, part parts[PARTS]) {
    parts[0] = (part){model->requests, model->place_count * sizeof *model->requests};
    parts[1] = (part){model->slot_freed, model->options.running_max * sizeof *model->slot_freed};
    parts[2] = (part){model->leaving, model->options.running_max * sizeof *model->leaving};
    parts[3] =
        (part){model->own_lengths, model->options.kv_lengths_max * sizeof *model->own_lengths};
}

size_t core_model_state_size(const core_model *model) {
    part parts[PARTS];
    parts_of(model, parts);
    return sizeof *model + parts[0].size + parts[1].size + parts[2].size + parts[3].size;
}

void core_model_save(const core_model *model, void *state) {
    unsigned char *to = state;
    part parts[PARTS];
    parts_of(model, parts);
    memcpy(to, model, sizeof *model);
    to += sizeof *model;
    for (int i = 0; i < PARTS; to += parts[i].size, i++) memcpy(to, parts[i].data, parts[i].size);
}

void core_model_restore(core_model *model, const void *state) {
    const unsigned char *from = state;
    const core_log log = model->log;
    part parts[PARTS];
    memcpy(model, from, sizeof *model);
    model->log = log;
    model->log.count = 0;
    parts_of(model, parts);
    from += sizeof *model;
    for (int i = 0; i < PARTS; from += parts[i].size, i++)
        memcpy(parts[i].data, from, parts[i].size);
}

/* ---- Looking ---- */

berth_status core_model_view(const core_model *model, berth_request_id id, berth__view *out) {
    const core_model_request *r = core_model_find(model, id);
    memset(out, 0, sizeof *out);
    if (r == NULL) return BERTH_ESTALE;
    out->id = r->id;
    out->state = r->state;
    out->slot = r->slot;
    out->in_step = r->in_step;
    out->gone = r->gone;
    out->payload_size = r->payload_size;
    memcpy(out->units, r->units, model->options.resource_count * sizeof *out->units);
    out->outcome = r->outcome;
    out->max_new_tokens = r->max_new_tokens;
    out->samples = r->samples;
    return BERTH_OK;
}

static void count_request(const core_model *model, const core_model_request *r, berth_stats *out) {
    berth_band_stats *band = &out->bands[r->outcome.band - 1];
    const int held = r->state == BERTH__RUNNING || r->state == BERTH__STOPPING;
    if (r->state == BERTH__PARKED) {
        out->parked++;
        band->parked++;
        out->parked_size += r->payload_size;
        band->parked_size += r->payload_size;
    }
    out->suspended += r->suspended;
    out->running += r->state == BERTH__RUNNING;
    out->paused += r->state == BERTH__RUNNING && r->pause_due != UINT64_MAX;
    band->running += r->state == BERTH__RUNNING;
    out->stopping += r->state == BERTH__STOPPING;
    band->stopping += r->state == BERTH__STOPPING;
    out->retained += r->state == BERTH__ENDED && !r->gone;
    for (uint32_t i = 0; i < model->options.resource_count; i++) {
        if (held) out->resources[i].used_units += r->units[i];
        if (r->state == BERTH__PARKED) out->resources[i].parked_units += r->units[i];
    }
}

void core_model_stats(const core_model *model, berth_stats *out) {
    const berth_options *o = &model->options;
    *out = model->counters;
    out->struct_size = (uint32_t)sizeof *out;
    out->face = o->face;
    out->closed = model->closed;
    out->now_at_ns = model->now;
    out->worker_count = o->worker_count;
    out->running_max = o->running_max;
    out->parked_max = o->parked_max;
    out->band_count = o->band_count;
    out->resource_count = o->resource_count;
    for (uint32_t i = 0; i < model->place_count; i++)
        if (model->requests[i].state != BERTH__FREE) count_request(model, &model->requests[i], out);
    for (uint32_t i = 0; i < o->resource_count; i++) {
        berth_resource_stats *resource = &out->resources[i];
        memcpy(resource->name, o->resources[i].name, sizeof resource->name);
        resource->capacity_units = o->resources[i].capacity_units;
        resource->used_units_peak = model->used_peak[i];
        if (resource->used_units > resource->capacity_units)
            resource->overdraft_units = resource->used_units - resource->capacity_units;
    }
}
