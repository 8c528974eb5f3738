/* SPDX-License-Identifier: MIT */
#include "core/ticket.h"
#include "base/checked.h"
#include "core/hooks.h"
#include "core/state.h"

#include <string.h>

static uint64_t *units_of(const berth__core *core, uint32_t index) {
    return core->tickets.units + (size_t)index * core->options.resource_count;
}

uint32_t berth__tickets_find(const berth__core *core, berth_ticket_id id) {
    return id == 0 ? BERTH__NONE : berth__ids_find(&core->tickets.ids, id);
}

berth__load berth__tickets_load(const berth__core *core, uint32_t index) {
    const berth__ticket *ticket = &core->tickets.tickets[index];
    return (berth__load){.band_index = ticket->band_index,
                         .tenant_index = ticket->tenant_index,
                         .size = ticket->size,
                         .units = units_of(core, index)};
}

berth_ticket_id berth__tickets_take(berth__core *core, const berth__load *load, uint64_t tenant,
                                    uint32_t count) {
    const berth_ticket_id id = berth__ids_take(&core->tickets.ids);
    const uint32_t index = berth__id_place(id);
    core->tickets.tickets[index] = (berth__ticket){
        .expires_at_ns = berth__add_saturating(core->now, core->options.ticket_ns),
        .size = load->size,
        .tenant = tenant,
        .count = count,
        .band_index = load->band_index,
        .tenant_index = berth__has_tenants(core) ? berth__tenants_take(core, tenant) : BERTH__NONE};
    if (core->options.resource_count > 0)
        memcpy(units_of(core, index), load->units,
               core->options.resource_count * sizeof *load->units);
    const berth__load held = berth__tickets_load(core, index);
    berth__queue_hold(&core->queue, &held, count);
    berth__tenants_hold(core, &held, (int64_t)count);
    berth__list_push(&core->tickets.live, core->tickets.links, index);
    core->counters.tickets_total++;
    return id;
}

/* It stands for so many fewer; with none left it is gone. */
static void give_up(berth__core *core, uint32_t index, uint32_t count) {
    berth__ticket *ticket = &core->tickets.tickets[index];
    const berth__load held = berth__tickets_load(core, index);
    berth__queue_unhold(&core->queue, &held, count);
    berth__tenants_hold(core, &held, -(int64_t)count);
    ticket->count -= count;
    if (ticket->count > 0) return;
    berth__list_remove(&core->tickets.live, core->tickets.links, index);
    berth__ids_give(&core->tickets.ids, index);
}

void berth__tickets_use(berth__core *core, uint32_t index) {
    give_up(core, index, 1);
}

void berth__tickets_drop(berth__core *core, uint32_t index) {
    give_up(core, index, core->tickets.tickets[index].count);
}

void berth__tickets_expire(berth__core *core) {
    const berth__tickets *tickets = &core->tickets;
    while (tickets->live.count > 0 &&
           tickets->tickets[tickets->live.head].expires_at_ns <= core->now) {
        berth__tickets_drop(core, tickets->live.head);
        core->counters.tickets_expired_total++;
    }
}

void berth__tickets_clear(berth__core *core) {
    while (core->tickets.live.count > 0) {
        const uint32_t index = core->tickets.live.head;
        berth__list_remove(&core->tickets.live, core->tickets.links, index);
        berth__ids_give(&core->tickets.ids, index);
    }
}

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) return (uint32_t)__LINE__;                                               \
    } while (0)

static int same(const berth__parked *a, const berth__parked *b, uint32_t resource_count) {
    for (uint32_t r = 0; r < resource_count; r++)
        if (a->units[r] != b->units[r]) return 0;
    return a->count == b->count && a->size == b->size;
}

uint32_t berth__tickets_check(const berth__core *core) {
    const berth__tickets *tickets = &core->tickets;
    berth__parked total = {0};
    berth__parked bands[BERTH_BANDS_MAX] = {{0}};
    uint64_t at_ns = 0;
    MUST(tickets->live.count + tickets->ids.free_count + tickets->ids.retired_count ==
         core->options.tickets_max);
    for (uint32_t i = tickets->live.head; i != BERTH__NONE; i = tickets->links[i].next) {
        const berth__ticket *ticket = &tickets->tickets[i];
        MUST(ticket->count > 0 && ticket->expires_at_ns >= at_ns);
        at_ns = ticket->expires_at_ns;
        for (uint32_t n = 0; n < ticket->count; n++) {
            const berth__load held = berth__tickets_load(core, i);
            berth__queue_add(&total, &held, core->options.resource_count);
            berth__queue_add(&bands[ticket->band_index], &held, core->options.resource_count);
        }
    }
    MUST(same(&total, &core->queue.held_total, core->options.resource_count));
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++)
        MUST(same(&bands[b], &core->queue.held[b], core->options.resource_count));
    return 0;
}
