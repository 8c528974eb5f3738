/* SPDX-License-Identifier: MIT */
/*
 * The table is open addressing with linear probing, at most half full; taking one out shifts back
 * those behind it, so that there are no marks of the dead to skip. The pool's seed is mixed into
 * the hash, so that nobody chooses numbers that collide.
 */
#include "core/tenants.h"
#include "base/checked.h"
#include "core/counters.h"
#include "core/quota.h"
#include "core/state.h"

uint32_t berth__tenants_slot_count(const berth_options *options) {
    uint32_t count = 2;
    if (options->tenants_max == 0) return 0;
    while (count < 2 * options->tenants_max) count *= 2;
    return count;
}

void berth__tenants_init(berth__tenants *tenants, const berth_options *options) {
    berth__list_init(&tenants->free);
    berth__list_init(&tenants->idle);
    tenants->tenants_max = options->tenants_max;
    tenants->slots_mask = berth__tenants_slot_count(options) - 1;
    tenants->seed = options->seed;
    tenants->defaults = options->tenant_defaults;
    if (tenants->defaults.weight == 0) tenants->defaults.weight = 1;
    if (tenants->defaults.rate_burst == 0) tenants->defaults.rate_burst = 1;
    for (uint32_t i = 0; i < options->tenants_max; i++)
        berth__list_push(&tenants->free, tenants->links, i);
}

static int is_idle(const berth__tenant *tenant) {
    return !tenant->own && tenant->parked + tenant->running + tenant->held == 0;
}

/* ---- The table ---- */

/* SplitMix64. */
static uint32_t home_of(const berth__tenants *tenants, uint64_t id) {
    uint64_t x = (id ^ tenants->seed) + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(x ^ x >> 31) & tenants->slots_mask;
}

/* Where this tenant is, or where it would go. */
static uint32_t slot_of(const berth__tenants *tenants, uint64_t id) {
    uint32_t slot = home_of(tenants, id);
    while (tenants->slots[slot] != 0 && tenants->tenants[tenants->slots[slot] - 1].id != id)
        slot = (slot + 1) & tenants->slots_mask;
    return slot;
}

uint32_t berth__tenants_find(const berth__tenants *tenants, uint64_t id) {
    if (tenants->tenants_max == 0) return BERTH__NONE;
    const uint32_t slot = tenants->slots[slot_of(tenants, id)];
    return slot == 0 ? BERTH__NONE : slot - 1;
}

/* Whoever stands behind the gap and would rather stand in it moves up. */
static void take_out(berth__tenants *tenants, uint64_t id) {
    const uint32_t mask = tenants->slots_mask;
    uint32_t gap = slot_of(tenants, id);
    for (uint32_t at = (gap + 1) & mask; tenants->slots[at] != 0; at = (at + 1) & mask) {
        const uint32_t home = home_of(tenants, tenants->tenants[tenants->slots[at] - 1].id);
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        tenants->slots[gap] = tenants->slots[at];
        gap = at;
    }
    tenants->slots[gap] = 0;
}

static void collect(berth__core *core, uint32_t index) {
    berth__tenants *tenants = &core->tenants;
    take_out(tenants, tenants->tenants[index].id);
    berth__lengths_forget(&core->lengths, index);
    berth__list_remove(&tenants->idle, tenants->links, index);
    berth__list_push(&tenants->free, tenants->links, index);
    tenants->known_count--;
    tenants->collected_total++;
}

static void make_known(berth__core *core, uint32_t index, uint64_t id) {
    berth__tenants *tenants = &core->tenants;
    tenants->slots[slot_of(tenants, id)] = index + 1;
    tenants->tenants[index] = (berth__tenant){.id = id, .options = tenants->defaults};
    tenants->known_count++;
    if (core->options.fairness == BERTH_FAIRNESS_NONE) return;
    for (uint32_t b = 0; b < core->options.band_count; b++)
        berth__counters_clear(core, index * core->options.band_count + b);
}

uint32_t berth__tenants_take(berth__core *core, uint64_t id) {
    berth__tenants *tenants = &core->tenants;
    uint32_t index = berth__tenants_find(tenants, id);
    if (index != BERTH__NONE || tenants->tenants_max == 0) return index;
    if (tenants->free.count == 0 && tenants->idle.count > 0) collect(core, tenants->idle.head);
    index = tenants->free.head;
    if (index == BERTH__NONE) return index;
    berth__list_remove(&tenants->free, tenants->links, index);
    make_known(core, index, id);
    berth__list_push(&tenants->idle, tenants->links, index);
    return index;
}

/* It may have become idle, or ceased to be. */
static void sort_out(berth__core *core, uint32_t index, int was_idle) {
    berth__tenants *tenants = &core->tenants;
    const int idle = is_idle(&tenants->tenants[index]);
    if (was_idle && !idle) berth__list_remove(&tenants->idle, tenants->links, index);
    if (!was_idle && idle) berth__list_push(&tenants->idle, tenants->links, index);
}

/* ---- Options ---- */

const berth_tenant_options *berth__tenants_options(const berth__core *core, uint32_t index) {
    return index == BERTH__NONE ? &core->tenants.defaults : &core->tenants.tenants[index].options;
}

uint32_t berth__tenants_may_run(const berth__core *core, uint32_t index) {
    if (index == BERTH__NONE) return 1;
    const berth__tenant *tenant = &core->tenants.tenants[index];
    return tenant->options.running_max == 0 || tenant->running < tenant->options.running_max;
}

/* Its flows compete, or wait aside, as its running requests allow. */
static void follow_running(berth__core *core, uint32_t index) {
    const uint32_t may_run = berth__tenants_may_run(core, index);
    if (core->options.fairness == BERTH_FAIRNESS_NONE) return;
    for (uint32_t b = 0; b < core->options.band_count; b++)
        berth__flows_set_eligible(core, index * core->options.band_count + b, b, may_run);
}

static void fill_in(berth_tenant_options *options, const berth_tenant_options *defaults) {
    if (options->weight == 0) options->weight = defaults->weight;
    if (options->parked_max == 0) options->parked_max = defaults->parked_max;
    if (options->running_max == 0) options->running_max = defaults->running_max;
    if (options->rate_burst == 0) options->rate_burst = defaults->rate_burst;
    if (options->rate_ns == 0) options->rate_ns = defaults->rate_ns;
    for (uint32_t r = 0; r < BERTH_RESOURCES_MAX; r++)
        if (options->units_max[r] == 0) options->units_max[r] = defaults->units_max[r];
}

void berth__tenants_set(berth__core *core, uint32_t index, const berth_tenant_options *options) {
    berth__tenants *tenants = &core->tenants;
    berth__tenant *tenant = &tenants->tenants[index];
    const int was_idle = is_idle(tenant);
    tenant->own = options != NULL;
    tenant->options = options != NULL ? *options : tenants->defaults;
    fill_in(&tenant->options, &tenants->defaults);
    sort_out(core, index, was_idle);
    follow_running(core, index);
}

/* ---- What becomes of a request ---- */

static berth__tenant *tenant_of(berth__core *core, uint32_t place) {
    const uint32_t index = core->entries[place].tenant_index;
    return index == BERTH__NONE ? NULL : &core->tenants.tenants[index];
}

uint64_t *berth__tenants_units_of(const berth__core *core, uint32_t index, uint32_t resource) {
    return &core->tenants.units[(size_t)index * core->options.resource_count + resource];
}

void berth__tenants_refused(berth__core *core, uint64_t id) {
    const uint32_t index = berth__tenants_find(&core->tenants, id);
    if (index == BERTH__NONE) return;
    core->tenants.tenants[index].submitted_total++;
    core->tenants.tenants[index].refused_total++;
}

void berth__tenants_accepted(berth__core *core, uint32_t place) {
    berth__tenant *tenant = tenant_of(core, place);
    if (tenant == NULL) return;
    tenant->submitted_total++;
    tenant->rate_at_ns = berth__quota_next_at(tenant->rate_at_ns, core->now, &tenant->options);
    berth__tenants_units(core, place, NULL, berth__units_of(core, place));
}

void berth__tenants_move(berth__core *core, uint32_t place, int32_t parked, int32_t running) {
    const uint32_t index = core->entries[place].tenant_index;
    berth__tenant *tenant = tenant_of(core, place);
    if (tenant == NULL) return;
    const int was_idle = is_idle(tenant);
    tenant->parked += (uint32_t)parked;
    tenant->running += (uint32_t)running;
    sort_out(core, index, was_idle);
    if (running != 0 && tenant->options.running_max != 0) follow_running(core, index);
}

void berth__tenants_hold(berth__core *core, const berth__load *load, int64_t count) {
    if (load->tenant_index == BERTH__NONE) return;
    berth__tenant *tenant = &core->tenants.tenants[load->tenant_index];
    const int was_idle = is_idle(tenant);
    tenant->held += (uint32_t)count;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        *berth__tenants_units_of(core, load->tenant_index, r) += (uint64_t)count * load->units[r];
    sort_out(core, load->tenant_index, was_idle);
}

void berth__tenants_clear(berth__tenants *tenants) {
    for (uint32_t i = 0; i < tenants->tenants_max; i++) {
        tenants->tenants[i].parked = 0;
        tenants->tenants[i].running = 0;
        tenants->tenants[i].held = 0;
    }
}

void berth__tenants_units(berth__core *core, uint32_t place, const uint64_t *before,
                          const uint64_t *after) {
    const uint32_t index = core->entries[place].tenant_index;
    if (index == BERTH__NONE) return;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        *berth__tenants_units_of(core, index, r) +=
            (after == NULL ? 0 : after[r]) - (before == NULL ? 0 : before[r]);
}

void berth__tenants_served(berth__core *core, uint32_t place, uint64_t prompt_tokens,
                           uint64_t output_tokens) {
    berth__tenant *tenant = tenant_of(core, place);
    if (tenant == NULL) return;
    tenant->prompt_tokens_total = berth__add_saturating(tenant->prompt_tokens_total, prompt_tokens);
    tenant->output_tokens_total = berth__add_saturating(tenant->output_tokens_total, output_tokens);
}

void berth__tenants_not_served(berth__core *core, uint32_t place, uint64_t prompt_tokens) {
    berth__tenant *tenant = tenant_of(core, place);
    if (tenant != NULL) tenant->prompt_tokens_total -= prompt_tokens;
}
