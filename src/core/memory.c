/* SPDX-License-Identifier: MIT */
/* The core's memory: one block, cut into aligned arrays, and its first state. */
#include "base/checked.h"
#include "core/core.h"
#include "core/kv.h"
#include "core/kv_ratio.h"
#include "core/lend.h"
#include "core/limits.h"
#include "core/options.h"
#include "core/plain.h"
#include "core/plain_step.h"
#include "core/predict.h"
#include "core/state.h"

#define LINE_SIZE UINT64_C(64)

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

/* What is cut next begins a cache line, if the memory does. */
static void begin_line(arena *from) {
    if (!berth__add(from->size, LINE_SIZE - 1, &from->size)) from->overflow = 1;
    from->size &= ~(LINE_SIZE - 1);
}

/* What not every core has: NULL then. */
static void *cut_if(arena *from, int needed, uint64_t count, size_t size) {
    return needed ? cut(from, count, size) : NULL;
}

/* The arrays of a core, in one order for measuring and for making. */
typedef struct layout {
    berth__core *core;
    uint64_t *order;
    uint64_t *agenda_at;
    uint32_t *agenda_places;
    uint64_t *armed;
    berth__link *links;
    berth__entry *entries;
    uint64_t *units;
    uint64_t *pause_due_at_ns;
    uint64_t *prefix_tokens;
    uint64_t *run_ns;
    berth__run *runs;
    uint32_t *growing;
    uint32_t *victims;
    berth__peak peak;
    berth__lengths lengths; /* its arrays */
    berth__end *ends;
    uint32_t *slots_free;
    berth__leaving *leaving;
    uint64_t *ticket_generations;
    berth__tickets tickets; /* its arrays */
    berth__flow *flows;
    berth__tree_node *flow_nodes;
    berth__link *flow_links;
    berth__tree_node *nodes;
    uint64_t *passed_before;
    berth__tenant *tenants;
    uint64_t *tenant_units;
    uint32_t *tenant_slots;
    berth__link *tenant_links;
    berth__block *blocks;
    berth__link *block_links;
    uint32_t *buckets;
    berth__want *wants;
    berth__set *sets;
    uint32_t *set_buckets;
    berth__set_name *set_names;
} layout;

static void lay_out_tickets(arena *from, const berth_options *options, layout *l) {
    const uint32_t count = options->tickets_max;
    l->ticket_generations = cut(from, count, sizeof *l->ticket_generations);
    l->tickets.links = cut(from, count, sizeof *l->tickets.links);
    l->tickets.tickets = cut(from, count, sizeof *l->tickets.tickets);
    l->tickets.units =
        cut(from, (uint64_t)count * options->resource_count, sizeof *l->tickets.units);
}

/* What only flows and tenants need; of no size where they are off. */
static void lay_out_flows(arena *from, const berth_options *options, layout *l) {
    const uint32_t on = (uint32_t)berth__flows_are_needed(options);
    const uint32_t keyed = options->order != BERTH_ORDER_ARRIVAL;
    const uint32_t places = berth__options_requests_max(options);
    const uint64_t flow_count = on ? berth__flows_count(options) : 0;
    l->flows = cut(from, flow_count, sizeof *l->flows);
    l->flow_nodes = cut(from, flow_count, sizeof *l->flow_nodes);
    l->flow_links = cut(from, on ? places : 0, sizeof *l->flow_links);
    l->nodes = cut(from, keyed ? places : 0, sizeof *l->nodes);
    l->passed_before = cut(from, keyed ? places : 0, sizeof *l->passed_before);
    l->tenants = cut(from, options->tenants_max, sizeof *l->tenants);
    l->tenant_units = cut(from, (uint64_t)options->tenants_max * options->resource_count,
                          sizeof *l->tenant_units);
    l->tenant_slots = cut(from, berth__tenants_slot_count(options), sizeof *l->tenant_slots);
    l->tenant_links = cut(from, options->tenants_max, sizeof *l->tenant_links);
}

/* What only prefixes and sets need; of no size where they are off. */
static void lay_out_shared(arena *from, const berth_options *options, layout *l) {
    const uint32_t places = berth__options_requests_max(options);
    const uint32_t blocks = options->prefix_blocks_max;
    const uint32_t sets = options->sets_max;
    l->blocks = cut(from, blocks, sizeof *l->blocks);
    l->block_links = cut(from, blocks, sizeof *l->block_links);
    l->buckets =
        cut(from, blocks == 0 ? 0 : berth__prefix_bucket_count(blocks), sizeof *l->buckets);
    l->wants = cut(from, blocks == 0 ? 0 : places, sizeof *l->wants);
    l->sets = cut(from, sets, sizeof *l->sets);
    l->set_buckets =
        cut(from, sets == 0 ? 0 : berth__sets_bucket_count(sets), sizeof *l->set_buckets);
    l->set_names = cut(from, sets == 0 ? 0 : places, sizeof *l->set_names);
}

/* How long outputs were. */
static void lay_out_lengths(arena *from, const berth_options *options, layout *l) {
    const uint32_t own_max = berth__lengths_own_max(options);
    l->lengths.bands = cut_if(from, berth__predict_needs_lengths(options), options->band_count,
                              sizeof *l->lengths.bands);
    l->lengths.own = cut(from, own_max, sizeof *l->lengths.own);
    l->lengths.links = cut(from, own_max, sizeof *l->lengths.links);
    l->lengths.own_of = cut(from, berth__lengths_pair_count(options), sizeof *l->lengths.own_of);
}

/* What few options need of a request. */
static void lay_out_rest(arena *from, const berth_options *options, layout *l) {
    const uint32_t places = berth__options_requests_max(options);
    const int is_engine = options->face == BERTH_FACE_ENGINE;
    const int credits = options->prefix_blocks_max > 0;
    l->pause_due_at_ns = cut_if(from, is_engine, places, sizeof *l->pause_due_at_ns);
    l->prefix_tokens = cut_if(from, credits, places, sizeof *l->prefix_tokens);
    l->run_ns = cut_if(from, options->fit == BERTH_FIT_EASY, places, sizeof *l->run_ns);
}

static layout lay_out(arena *from, const berth_options *options) {
    const uint32_t places = berth__options_requests_max(options);
    const uint32_t growing_max = berth__kv_grows(options) ? options->running_max : 0;
    const int predicted = options->kv_mode == BERTH_KV_PREDICTED;
    const uint32_t peak_max =
        predicted || options->kv_mode == BERTH_KV_FUTURE_PEAK ? options->running_max : 0;
    layout l;
    l.core = cut(from, 1, sizeof *l.core);
    l.order = cut(from, places, sizeof *l.order);
    l.agenda_at = cut(from, berth__agenda_max(places), sizeof *l.agenda_at);
    l.agenda_places = cut(from, berth__agenda_max(places), sizeof *l.agenda_places);
    l.armed = cut(from, places, sizeof *l.armed);
    l.links = cut(from, places, sizeof *l.links);
    begin_line(from);
    l.entries = cut(from, places, sizeof *l.entries);
    l.units = cut(from, (uint64_t)places * options->resource_count, sizeof *l.units);
    lay_out_rest(from, options, &l);
    l.runs = cut(from, options->running_max, sizeof *l.runs);
    l.growing = cut(from, growing_max, sizeof *l.growing);
    l.victims =
        cut(from, options->face == BERTH_FACE_ENGINE ? options->running_max : 0, sizeof *l.victims);
    l.peak.items = cut(from, peak_max, sizeof *l.peak.items);
    l.peak.scratch = cut(from, peak_max, sizeof *l.peak.scratch);
    l.peak.sums = cut(from, peak_max, sizeof *l.peak.sums);
    l.peak.before = cut(from, peak_max, sizeof *l.peak.before);
    l.peak.after = cut(from, peak_max, sizeof *l.peak.after);
    l.peak.count = l.peak.reserved = 0;
    lay_out_lengths(from, options, &l);
    l.ends = cut(from, options->fit == BERTH_FIT_EASY ? options->running_max : 0, sizeof *l.ends);
    l.slots_free = cut(from, options->running_max, sizeof *l.slots_free);
    l.leaving = cut(from, options->running_max, sizeof *l.leaving);
    lay_out_tickets(from, options, &l);
    lay_out_flows(from, options, &l);
    lay_out_shared(from, options, &l);
    return l;
}

size_t berth__core_size(const berth_options *options) {
    arena measure = {0};
    (void)lay_out(&measure, options);
    return measure.overflow || measure.size > SIZE_MAX ? 0 : (size_t)measure.size;
}

void *berth__core_beside(berth__core *core) {
    return core->entries[0].beside;
}

static void init_flows(berth__core *core, const layout *l) {
    core->flows.flows = l->flows;
    core->flows.flow_nodes = l->flow_nodes;
    core->flows.links = l->flow_links;
    core->flows.nodes = l->nodes;
    core->flows.passed_before = l->passed_before;
    core->tenants.tenants = l->tenants;
    core->tenants.units = l->tenant_units;
    core->tenants.slots = l->tenant_slots;
    core->tenants.links = l->tenant_links;
    berth__flows_init(&core->flows, &core->options);
    berth__bands_init(&core->bands, &core->options);
    berth__tenants_init(&core->tenants, &core->options);
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
    core->place_count = places;
    core->order = l.order;
    core->units = l.units;
    core->pause_due_at_ns = l.pause_due_at_ns;
    core->prefix_tokens = l.prefix_tokens;
    core->run_ns = l.run_ns;
    core->runs = l.runs;
    core->growing = l.growing;
    core->victims = l.victims;
    core->peak = l.peak;
    core->lengths = l.lengths;
    berth__lengths_init(&core->lengths, options);
    berth__ratio_init(&core->ratio, options);
    core->ends = l.ends;
    core->slots_free = l.slots_free;
    core->leaving = l.leaving;
    berth__ids_init(&core->ids, &l.entries->generation, BERTH__PLACE_SIZE / sizeof(uint64_t),
                    l.links, places);
    berth__agenda_init(&core->deadlines, l.agenda_at, l.agenda_places, l.armed, l.order, places);
    berth__queue_init(&core->queue, l.links, options->resource_count);
    core->tickets = l.tickets;
    berth__ids_init(&core->tickets.ids, l.ticket_generations, 1, l.tickets.links,
                    options->tickets_max);
    berth__list_init(&core->tickets.live);
    init_flows(core, &l);
    berth__ledger_init(&core->ledger, options);
    berth__rate_init(&core->rate, options->seed);
    berth__prefix_init(&core->prefix, l.blocks, l.block_links, l.buckets,
                       options->prefix_blocks_max);
    core->prefix.tells = options->prefix_owner == BERTH_PREFIX_POOL;
    berth__sets_init(&core->sets, l.sets, l.set_buckets, options->sets_max);
    core->wants = l.wants;
    core->set_names = l.set_names;
    berth__rate_init(&core->steps, 0);
    berth__list_init(&core->running);
    berth__list_init(&core->ended);
    core->plain = (uint32_t)berth__plain_suits(options);
    core->plain_submits = (uint32_t)berth__submit_is_plain(options);
    core->plain_ends = (uint32_t)berth__plain_ends_suit(options);
    core->plain_steps = (uint32_t)berth__plain_step_suits(options);
    core->minds = berth__plain_step_minds(options);
    core->unlimited = berth__limits_unlimited(options);
    core->idle_count = BERTH__NONE;
    /* A stack whose top is slot 0: the slot that was freed last is used first. */
    for (uint32_t slot = options->running_max; slot-- > 0;)
        core->slots_free[core->slots_free_count++] = slot;
    return core;
}
