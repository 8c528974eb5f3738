/* SPDX-License-Identifier: MIT */
#include "core/check_flows.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) return (uint32_t)__LINE__;                                               \
    } while (0)

static int is_held(const berth__entry *entry) {
    return entry->state == BERTH__RUNNING || entry->state == BERTH__STOPPING;
}

/* ---- Flows ---- */

static uint32_t check_tree(const berth__core *core, uint32_t f) {
    const berth__flow *flow = &core->flows.flows[f];
    const berth__tree_node *nodes = core->flows.nodes;
    uint32_t count = 0;
    uint32_t last = BERTH__NONE;
    for (uint32_t place = flow->tree.first; place != BERTH__NONE;
         place = berth__tree_next(nodes, place)) {
        MUST(core->entries[place].state == BERTH__PARKED && core->entries[place].flow == f);
        MUST(nodes[place].turn == core->order[place]);
        MUST(last == BERTH__NONE || nodes[last].key < nodes[place].key ||
             (nodes[last].key == nodes[place].key && nodes[last].turn < nodes[place].turn));
        MUST(core->options.order_displaced_max == 0 ||
             flow->passed - core->flows.passed_before[place] <= core->options.order_displaced_max);
        last = place;
        count++;
    }
    MUST(count == flow->line.count && count == flow->tree.count);
    return 0;
}

static uint32_t check_flow(const berth__core *core, uint32_t f, uint64_t *parked) {
    const berth__flow *flow = &core->flows.flows[f];
    const uint32_t level = f % core->options.band_count;
    const int fair = core->options.fairness != BERTH_FAIRNESS_NONE;
    const uint32_t tenant = fair ? f / core->options.band_count : BERTH__NONE;
    uint32_t count = 0;
    for (uint32_t place = flow->line.head; place != BERTH__NONE;
         place = core->flows.links[place].next) {
        const berth__entry *entry = &core->entries[place];
        MUST(entry->state == BERTH__PARKED && entry->flow == f && entry->level == level);
        MUST(level == entry->band_index || level == entry->band_index + 1u);
        MUST(level == berth__bands_level(core, place));
        MUST(!fair || entry->tenant_index == tenant);
        count++;
    }
    MUST(count == flow->line.count);
    MUST(flow->eligible == (count > 0 && berth__tenants_may_run(core, tenant)));
    *parked += count;
    return core->flows.by_key ? check_tree(core, f) : 0;
}

static uint32_t check_level(const berth__core *core, uint32_t level) {
    const berth__flows *flows = &core->flows;
    const berth__tree *tree = &flows->levels[level].flows;
    uint32_t count = 0;
    uint64_t least = 0;
    for (uint32_t f = level; f < flows->flow_count; f += core->options.band_count)
        count += flows->flows[f].eligible;
    MUST(count == tree->count);
    MUST((count > 0) == (flows->levels_with >> level & 1u));
    for (uint32_t f = tree->first; f != BERTH__NONE; f = berth__tree_next(flows->flow_nodes, f)) {
        MUST(flows->flows[f].eligible && flows->flow_nodes[f].key >= least);
        MUST(flows->flow_nodes[f].key < UINT64_C(1) << 63);
        least = flows->flow_nodes[f].key;
        count--;
    }
    MUST(count == 0);
    return 0;
}

/* ---- Shares ---- */

static uint32_t check_share(const berth__core *core, uint32_t level) {
    uint64_t slots = 0;
    uint64_t used[BERTH_RESOURCES_MAX] = {0};
    for (uint32_t place = 0; place < core->ids.place_count; place++) {
        if (!is_held(&core->entries[place]) || core->entries[place].level != level) continue;
        slots++;
        for (uint32_t r = 0; r < core->options.resource_count; r++)
            used[r] += berth__units_of(core, place)[r];
    }
    MUST(slots == core->bands.slots[level]);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        MUST(used[r] == core->bands.used[level][r]);
    return 0;
}

/* ---- Tenants ---- */

/* Requests that its tickets stand for; their units are added. */
static uint32_t held_of(const berth__core *core, uint32_t index, uint64_t *units) {
    const berth__tickets *tickets = &core->tickets;
    uint32_t held = 0;
    for (uint32_t i = tickets->live.head; i != BERTH__NONE; i = tickets->links[i].next) {
        const berth__load load = berth__tickets_load(core, i);
        if (load.tenant_index != index) continue;
        held += tickets->tickets[i].count;
        for (uint32_t r = 0; r < core->options.resource_count; r++)
            units[r] += tickets->tickets[i].count * load.units[r];
    }
    return held;
}

static uint32_t check_tenant(const berth__core *core, uint32_t index) {
    const berth__tenant *tenant = &core->tenants.tenants[index];
    uint64_t units[BERTH_RESOURCES_MAX] = {0};
    uint32_t parked = 0;
    uint32_t running = 0;
    for (uint32_t place = 0; place < core->ids.place_count; place++) {
        const berth__entry *entry = &core->entries[place];
        const int held = is_held(entry);
        if ((!held && entry->state != BERTH__PARKED) || entry->tenant_index != index) continue;
        MUST(entry->tenant == tenant->id);
        parked += !held;
        running += (uint32_t)held;
        for (uint32_t r = 0; r < core->options.resource_count; r++)
            units[r] += berth__units_of(core, place)[r];
    }
    MUST(parked == tenant->parked && running == tenant->running);
    MUST(tenant->held == held_of(core, index, units));
    if (parked + running + tenant->held > 0)
        MUST(berth__tenants_find(&core->tenants, tenant->id) == index);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        MUST(units[r] == *berth__tenants_units_of(core, index, r));
    return 0;
}

static uint32_t check_tenants(const berth__core *core) {
    const berth__tenants *tenants = &core->tenants;
    uint32_t busy = 0;
    for (uint32_t i = 0; i < tenants->tenants_max; i++) {
        const uint32_t line = check_tenant(core, i);
        if (line != 0) return line;
        const berth__tenant *t = &tenants->tenants[i];
        busy += t->own || t->parked + t->running + t->held > 0;
    }
    MUST(tenants->free.count + tenants->known_count == tenants->tenants_max);
    MUST(tenants->idle.count + busy == tenants->known_count);
    for (uint32_t i = tenants->idle.head; i != BERTH__NONE; i = tenants->links[i].next)
        MUST(berth__tenants_find(tenants, tenants->tenants[i].id) == i);
    return 0;
}

uint32_t berth__check_flows(const berth__core *core) {
    uint64_t parked = 0;
    uint32_t line = 0;
    for (uint32_t f = 0; f < core->flows.flow_count && line == 0; f++)
        line = check_flow(core, f, &parked);
    for (uint32_t b = 0; b < core->options.band_count && line == 0; b++) {
        if (core->flows.on) line = check_level(core, b);
        if (line == 0 && core->bands.with_share != 0) line = check_share(core, b);
    }
    if (line != 0) return line;
    MUST(!core->flows.on || parked == core->queue.total.count);
    return check_tenants(core);
}
