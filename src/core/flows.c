/* SPDX-License-Identifier: MIT */
#include "core/flows.h"
#include "base/checked.h"
#include "core/bands.h"
#include "core/counters.h"
#include "core/predict.h"
#include "core/state.h"
#include "core/tenants.h"

int berth__flows_are_needed(const berth_options *options) {
    int needed = options->fairness != BERTH_FAIRNESS_NONE || options->order != BERTH_ORDER_ARRIVAL;
    for (uint32_t b = 0; b < options->band_count; b++) needed |= options->bands[b].aging_ns != 0;
    return needed;
}

uint32_t berth__flows_count(const berth_options *options) {
    const uint32_t each = options->fairness == BERTH_FAIRNESS_NONE ? 1 : options->tenants_max;
    return each * options->band_count;
}

void berth__flows_init(berth__flows *flows, const berth_options *options) {
    flows->on = (uint32_t)berth__flows_are_needed(options);
    flows->by_key = options->order != BERTH_ORDER_ARRIVAL;
    flows->flow_count = flows->on ? berth__flows_count(options) : 0;
    for (uint32_t f = 0; f < flows->flow_count; f++) {
        berth__list_init(&flows->flows[f].line);
        berth__tree_init(&flows->flows[f].tree);
    }
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) {
        flows->aged_next[b] = BERTH__NONE;
        berth__tree_init(&flows->levels[b].flows);
    }
}

/* ---- A flow among those of its level ---- */

void berth__flows_set_eligible(berth__core *core, uint32_t flow, uint32_t level,
                               uint32_t eligible) {
    berth__flows *flows = &core->flows;
    berth__level *of = &flows->levels[level];
    if (flows->flows[flow].line.count == 0) eligible = 0;
    if (flows->flows[flow].eligible == eligible) return;
    flows->flows[flow].eligible = eligible;
    if (eligible) {
        berth__counters_lift(core, flow, level);
        flows->flow_nodes[flow].turn = ++flows->turns;
        berth__tree_insert(&of->flows, flows->flow_nodes, flow);
    } else {
        berth__tree_remove(&of->flows, flows->flow_nodes, flow);
        if (of->flows.count == 0 && flows->flow_nodes[flow].key > of->floor)
            of->floor = flows->flow_nodes[flow].key;
    }
    if (of->flows.count > 0)
        flows->levels_with |= 1u << level;
    else
        flows->levels_with &= ~(1u << level);
}

/* ---- A request in its flow ---- */

/* When it came to the level that it competes in. */
static uint64_t came_at(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    if (entry->level == entry->band_index) return entry->submitted_at_ns;
    return entry->submitted_at_ns + core->options.bands[entry->band_index].aging_ns;
}

static int came_before(const berth__core *core, uint32_t a, uint32_t b) {
    const uint64_t a_at = came_at(core, a);
    const uint64_t b_at = came_at(core, b);
    return a_at < b_at || (a_at == b_at && core->order[a] < core->order[b]);
}

/* Nearly everybody is the latest; who comes back after a preemption is among the oldest. */
static void put_in_line(berth__core *core, berth__flow *flow, uint32_t place) {
    uint32_t next = BERTH__NONE;
    if (flow->line.count > 0 && came_before(core, place, flow->line.tail)) {
        next = flow->line.head;
        while (came_before(core, next, place)) next = core->flows.links[next].next;
    }
    berth__list_insert(&flow->line, core->flows.links, place, next);
}

/* `rank` is what its key was until now, where that is the rank. */
static uint64_t key_of(const berth__core *core, uint32_t place, uint64_t rank) {
    const berth__entry *entry = &core->entries[place];
    uint64_t first = berth__is_new(entry) ? entry->queue_at_ns : UINT64_MAX;
    if (core->options.order == BERTH_ORDER_RANK) return rank;
    switch ((enum berth_order)core->options.order) {
    case BERTH_ORDER_ARRIVAL: break;
    case BERTH_ORDER_DEADLINE:
        if (!entry->has_output && entry->first_output_due_at_ns < first)
            first = entry->first_output_due_at_ns;
        return entry->total_at_ns < first ? entry->total_at_ns : first;
    case BERTH_ORDER_SHORTEST:
        return berth__add_saturating(
            entry->prompt_tokens,
            berth__mul_saturating(berth__predict_output(core, place), entry->samples));
    case BERTH_ORDER_PREFIX: return UINT64_MAX - berth__prefix_tokens_of(core, place);
    }
    return 0;
}

void berth__flows_set_key(berth__core *core, uint32_t place, uint64_t rank) {
    core->flows.nodes[place].key = key_of(core, place, rank);
    core->flows.nodes[place].turn = core->order[place];
}

void berth__flows_rekey(berth__core *core, uint32_t place) {
    berth__flows *flows = &core->flows;
    berth__tree *tree = &flows->flows[core->entries[place].flow].tree;
    berth__tree_remove(tree, flows->nodes, place);
    berth__flows_set_key(core, place, flows->nodes[place].key);
    berth__tree_insert(tree, flows->nodes, place);
}

static void note_young(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    uint32_t *next = &core->flows.aged_next[entry->band_index];
    if (entry->level != entry->band_index) return;
    if (*next == BERTH__NONE || core->order[place] < core->order[*next]) *next = place;
}

void berth__flows_push(berth__core *core, uint32_t place) {
    berth__flows *flows = &core->flows;
    berth__entry *entry = &core->entries[place];
    entry->level = berth__bands_level(core, place) & 15u;
    entry->flow = core->options.fairness == BERTH_FAIRNESS_NONE
                      ? entry->level
                      : entry->tenant_index * core->options.band_count + entry->level;
    berth__flow *flow = &flows->flows[entry->flow];
    put_in_line(core, flow, place);
    if (flows->by_key) {
        berth__tree_insert(&flow->tree, flows->nodes, place);
        const uint32_t next = flows->links[place].next;
        /* Who comes back into the line has been passed as often as those behind it: so the count
         * never falls along the line, and the oldest has always seen the most. */
        flows->passed_before[place] =
            next == BERTH__NONE ? flow->passed : flows->passed_before[next];
    }
    note_young(core, place);
    berth__flows_set_eligible(core, entry->flow, entry->level,
                              berth__tenants_may_run(core, entry->tenant_index));
}

void berth__flows_remove(berth__core *core, uint32_t place) {
    berth__flows *flows = &core->flows;
    const berth__entry *entry = &core->entries[place];
    berth__flow *flow = &flows->flows[entry->flow];
    if (flows->aged_next[entry->band_index] == place)
        flows->aged_next[entry->band_index] = core->links[place].next;
    berth__list_remove(&flow->line, flows->links, place);
    if (flows->by_key) berth__tree_remove(&flow->tree, flows->nodes, place);
    if (flow->line.count == 0) berth__flows_set_eligible(core, entry->flow, entry->level, 0);
}

void berth__flows_pass(berth__core *core, uint32_t place) {
    berth__flow *flow = &core->flows.flows[core->entries[place].flow];
    if (flow->line.head != place) flow->passed++;
}

uint32_t berth__flows_first(const berth__core *core, uint32_t flow, uint32_t *alone) {
    const berth__flows *flows = &core->flows;
    const berth__flow *of = &flows->flows[flow];
    const uint32_t oldest = of->line.head;
    const uint32_t passed_max = core->options.order_displaced_max;
    *alone = 0;
    if (!flows->by_key) return oldest;
    if (passed_max != 0 && of->passed - flows->passed_before[oldest] >= passed_max) {
        *alone = 1;
        return oldest;
    }
    return of->tree.first;
}

uint32_t berth__flows_next(const berth__core *core, uint32_t place) {
    if (core->flows.by_key) return berth__tree_next(core->flows.nodes, place);
    return core->flows.links[place].next;
}
