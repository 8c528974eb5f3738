/* SPDX-License-Identifier: MIT */
#include "core/counters.h"
#include "base/checked.h"
#include "core/state.h"
#include "core/tenants.h"

#define ONE_BITS 20u
#define TOKENS_MAX (UINT64_C(1) << 42) /* weighted tokens of one charge */
#define COUNTER_END (UINT64_C(1) << 63)

static uint64_t price(uint64_t tokens, uint32_t weight, uint32_t tenant_weight) {
    uint64_t weighted = berth__mul_saturating(tokens, weight);
    if (weighted > TOKENS_MAX) weighted = TOKENS_MAX;
    return (weighted << ONE_BITS) / tenant_weight;
}

static uint64_t take_off(uint64_t from, uint64_t what) {
    return from > what ? from - what : 0;
}

/* `flow` is out of the tree; nobody in it changes places, for all lose the same. */
static void renormalise(berth__core *core, uint32_t flow, uint32_t level) {
    berth__flows *flows = &core->flows;
    const berth__tree *tree = &flows->levels[level].flows;
    const uint32_t step = core->options.band_count;
    uint64_t least =
        tree->count > 0 ? flows->flow_nodes[tree->first].key : flows->levels[level].floor;
    if (flows->flow_nodes[flow].key < least) least = flows->flow_nodes[flow].key;
    for (uint32_t f = level; f < flows->flow_count; f += step)
        flows->flow_nodes[f].key = take_off(flows->flow_nodes[f].key, least);
    flows->levels[level].floor = take_off(flows->levels[level].floor, least);
    if (flows->flow_nodes[flow].key >= COUNTER_END) flows->flow_nodes[flow].key = COUNTER_END - 1;
}

/* Move a flow's counter, and the flow with it. */
static void change(berth__core *core, uint32_t flow, uint32_t level, uint64_t more, uint64_t less) {
    berth__flows *flows = &core->flows;
    berth__tree *tree = &flows->levels[level].flows;
    berth__tree_node *node = &flows->flow_nodes[flow];
    if (flows->flows[flow].eligible) berth__tree_remove(tree, flows->flow_nodes, flow);
    node->key = take_off(node->key + more, less);
    if (node->key >= COUNTER_END) renormalise(core, flow, level);
    if (!flows->flows[flow].eligible) return;
    node->turn = ++flows->turns;
    berth__tree_insert(tree, flows->flow_nodes, flow);
}

static int is_on(const berth__core *core) {
    return core->options.fairness == BERTH_FAIRNESS_VTC;
}

void berth__flow_charge(berth__core *core, uint32_t place, uint64_t prompt_tokens,
                        uint64_t output_tokens) {
    const berth__entry *entry = &core->entries[place];
    berth__tenants_served(core, place, prompt_tokens, output_tokens);
    if (!is_on(core) || (prompt_tokens == 0 && output_tokens == 0)) return;
    const uint32_t weight = berth__tenants_options(core, entry->tenant_index)->weight;
    const uint64_t prompt = price(prompt_tokens, core->options.vtc_prompt_weight, weight);
    const uint64_t output = price(output_tokens, core->options.vtc_output_weight, weight);
    change(core, entry->flow, entry->level, prompt, 0);
    if (output != 0) change(core, entry->flow, entry->level, output, 0);
}

void berth__counters_admit(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t prompt = take_off(entry->prompt_tokens, berth__prefix_tokens_of(core, place));
    berth__run_of(core, place)->prompt_charged = prompt;
    if (entry->preemptions == 0) berth__flow_charge(core, place, prompt, 0);
}

static void give_back(berth__core *core, uint32_t place, uint64_t prompt_tokens) {
    const berth__entry *entry = &core->entries[place];
    const uint32_t weight = berth__tenants_options(core, entry->tenant_index)->weight;
    change(core, entry->flow, entry->level, 0,
           price(prompt_tokens, core->options.vtc_prompt_weight, weight));
}

void berth__counters_settle(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    if (!is_on(core) || !berth__is_engine(core) || entry->has_output) return;
    const uint64_t computed =
        take_off(entry->tokens_computed, berth__prefix_tokens_of(core, place));
    give_back(core, place, take_off(berth__run_of(core, place)->prompt_charged, computed));
}

void berth__counters_unadmit(berth__core *core, uint32_t place) {
    const uint64_t prompt = berth__run_of(core, place)->prompt_charged;
    berth__tenants_not_served(core, place, prompt);
    if (is_on(core)) give_back(core, place, prompt);
}

void berth__counters_lift(berth__core *core, uint32_t flow, uint32_t level) {
    const berth__flows *flows = &core->flows;
    const berth__level *of = &flows->levels[level];
    const uint64_t least = of->flows.count > 0 ? flows->flow_nodes[of->flows.first].key : of->floor;
    if (is_on(core) && flows->flow_nodes[flow].key < least)
        core->flows.flow_nodes[flow].key = least;
}

void berth__counters_clear(berth__core *core, uint32_t flow) {
    core->flows.flow_nodes[flow].key = 0;
}

uint64_t berth__counters_gap(const berth__core *core, uint32_t level) {
    const berth__tree *tree = &core->flows.levels[level].flows;
    if (tree->count == 0) return 0;
    const uint64_t least = core->flows.flow_nodes[tree->first].key;
    const uint32_t last = berth__tree_last(tree, core->flows.flow_nodes);
    return (core->flows.flow_nodes[last].key - least) >> ONE_BITS;
}

uint64_t berth__counters_of(const berth__core *core, uint32_t flow) {
    return core->flows.flow_nodes[flow].key >> ONE_BITS;
}
