/* SPDX-License-Identifier: MIT */
/* The core's memory, and the events that are not submits or steps. */
#include "core/core.h"
#include "base/checked.h"
#include "core/admit.h"
#include "core/life.h"
#include "core/options.h"

#include <string.h>

/* ---- Memory: one block, cut into aligned arrays ---- */

typedef struct arena {
    unsigned char *base; /* NULL while only measuring */
    uint64_t size;
    int overflow;
} arena;

static void *cut(arena *from, uint64_t count, size_t size) {
    const uint64_t offset = from->size;
    uint64_t bytes;
    if (!berth__mul(count, size, &bytes) || !berth__add(offset, bytes, &from->size) ||
        !berth__add(from->size, 15, &from->size))
        from->overflow = 1;
    from->size &= ~UINT64_C(15);
    return from->base == NULL ? NULL : from->base + offset;
}

/* The arrays of a core, in one order for measuring and for making. */
typedef struct layout {
    berth__core *core;
    uint64_t *generations;
    uint8_t *taken;
    uint32_t *heap_position;
    berth__heap_entry *heap_entries;
    berth__link *links;
    berth__entry *entries;
    uint64_t *units;
    uint32_t *slots_free;
    berth__leaving *leaving;
} layout;

static layout lay_out(arena *from, const berth_options *options) {
    const uint32_t places = berth__options_requests_max(options);
    layout l;
    l.core = cut(from, 1, sizeof *l.core);
    l.generations = cut(from, places, sizeof *l.generations);
    l.taken = cut(from, places, sizeof *l.taken);
    l.heap_position = cut(from, places, sizeof *l.heap_position);
    l.heap_entries = cut(from, places, sizeof *l.heap_entries);
    l.links = cut(from, places, sizeof *l.links);
    l.entries = cut(from, places, sizeof *l.entries);
    l.units = cut(from, (uint64_t)places * options->resource_count, sizeof *l.units);
    l.slots_free = cut(from, options->running_max, sizeof *l.slots_free);
    l.leaving = cut(from, options->running_max, sizeof *l.leaving);
    return l;
}

size_t berth__core_size(const berth_options *options) {
    arena measure = {0};
    (void)lay_out(&measure, options);
    return measure.overflow || measure.size > SIZE_MAX ? 0 : (size_t)measure.size;
}

berth__core *berth__core_init(void *memory, const berth_options *options, berth__sink *sink,
                              void *sink_context) {
    arena from = {.base = memory};
    const layout l = lay_out(&from, options);
    const uint32_t places = berth__options_requests_max(options);
    berth__core *core = l.core;
    core->options = *options;
    core->sink = sink;
    core->sink_context = sink_context;
    core->links = l.links;
    core->entries = l.entries;
    core->units = l.units;
    core->slots_free = l.slots_free;
    core->leaving = l.leaving;
    berth__ids_init(&core->ids, l.generations, l.taken, l.links, places);
    berth__heap_init(&core->deadlines, l.heap_entries, l.heap_position, places);
    berth__queue_init(&core->queue, l.links, options->resource_count);
    berth__ledger_init(&core->ledger, options);
    berth__rate_init(&core->rate, options->seed);
    berth__list_init(&core->running);
    berth__list_init(&core->ended);
    core->idle_count = BERTH__NONE;
    /* A stack whose top is slot 0: the slot that was freed last is used first. */
    for (uint32_t slot = options->running_max; slot-- > 0;)
        core->slots_free[core->slots_free_count++] = slot;
    return core;
}

/* ---- Events ---- */

/* A user's id: BERTH__NONE once its outcome was taken or dropped. */
static uint32_t find_for_user(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    return place == BERTH__NONE || core->entries[place].gone ? BERTH__NONE : place;
}

/* The engine's or worker's id: good until its units are let go, and as a user's after that. */
static uint32_t find_for_engine(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (place == BERTH__NONE) return BERTH__NONE;
    const berth__entry *entry = &core->entries[place];
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
    if (held_count > core->options.resource_count) return BERTH_EINVAL;
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (core->entries[place].state == BERTH__PARKED) return BERTH_EAGAIN;
    if (core->entries[place].state == BERTH__ENDED) return BERTH_EENDED;
    return berth__life_charge(core, place, held, held_count);
}

/* End the parked requests that the capacity can never hold any more. */
static void evict_never_fits(berth__core *core) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0};
    for (uint32_t b = core->options.band_count; b-- > 0;) {
        uint32_t place = core->queue.lists[b].head;
        while (place != BERTH__NONE) {
            const uint32_t next = core->links[place].next;
            const uint32_t resource =
                berth__ledger_never_fits(&core->ledger, berth__units_of(core, place));
            if (resource < core->options.resource_count)
                berth__life_stop(core, place, cause);
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

void berth__core_expire(berth__core *core, uint64_t now) {
    (void)begin(core, now);
}

uint64_t berth__core_next_at(const berth__core *core) {
    if (core->deadlines.count == 0 || berth__core_broken(core)) return UINT64_MAX;
    return core->deadlines.entries[0].at;
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

berth_status berth__core_emit(berth__core *core, uint64_t now, berth_request_id id,
                              uint64_t tokens) {
    const berth_status status = begin(core, now);
    if (status != BERTH_OK) return status;
    const uint32_t place = find_for_engine(core, id);
    if (place == BERTH__NONE) return BERTH_ESTALE;
    berth__entry *entry = &core->entries[place];
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    if (entry->state == BERTH__PARKED) return BERTH_EAGAIN;
    entry->tokens_generated = berth__add_saturating(entry->tokens_generated, tokens);
    core->counters.tokens_generated_total =
        berth__add_saturating(core->counters.tokens_generated_total, tokens);
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
    case BERTH__ENDED: break;
    }
    return BERTH_EENDED;
}

berth_status berth__core_forget(berth__core *core, berth_request_id id, uint32_t dropped) {
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

void berth__core_count_chunk(berth__core *core, berth_request_id id, uint32_t delivered,
                             uint64_t size) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    if (delivered) {
        core->counters.chunks_total++;
        core->counters.bytes_total = berth__add_saturating(core->counters.bytes_total, size);
        return;
    }
    core->counters.chunks_dropped_total++;
    if (place != BERTH__NONE) core->entries[place].chunks_dropped++;
}

const berth_options *berth__core_options(const berth__core *core) {
    return &core->options;
}

uint32_t berth__core_broken(const berth__core *core) {
    return core->broken | core->ledger.broken;
}

void berth__core_fail(berth__core *core) {
    berth__life_fail(core);
}
