/* SPDX-License-Identifier: MIT */
#include "core/lend.h"
#include "core/flows.h"
#include "core/state.h"

/* A limit of a band, its ceiling, its predicted wait: any of them could refuse a request. */
static int is_limited(const berth_options *options, uint32_t band_index) {
    const berth_band_options *band = &options->bands[band_index];
    uint64_t limits = band->parked_max | band->parked_size_max | band->bypass;
    for (uint32_t r = 0; r < options->resource_count; r++) limits |= band->parked_units_max[r];
    return limits != 0 || band->ceiling_ppm != BERTH__WHOLE_PPM;
}

int berth__lend_suits(const berth_options *options) {
    uint64_t limits = options->parked_size_max | options->wait_ppm;
    for (uint32_t r = 0; r < options->resource_count; r++)
        limits |= options->resources[r].parked_units_max;
    for (uint32_t b = 0; b < options->band_count; b++)
        if (is_limited(options, b)) return 0;
    return limits == 0 && options->face == BERTH_FACE_WORKER && options->tenants_max == 0 &&
           options->order == BERTH_ORDER_ARRIVAL && options->fit != BERTH_FIT_EASY &&
           options->kv_block_tokens == 0 && options->prefix_blocks_max == 0 &&
           options->sets_max == 0 && options->resource_count <= BERTH__LEND_COSTS;
}

uint64_t berth__core_room(const berth__core *core) {
    const berth__queue *queue = &core->queue;
    const uint64_t taken = queue->total.count + queue->held_total.count + queue->lent_count;
    return taken < core->options.parked_max ? core->options.parked_max - taken : 0;
}

uint64_t berth__core_units_max(const berth__core *core, uint32_t resource) {
    const uint64_t capacity = core->ledger.capacity[resource];
    return capacity < BERTH__LEND_UNITS_MAX ? capacity : BERTH__LEND_UNITS_MAX;
}

berth_request_id berth__core_lend(berth__core *core) {
    if (berth__core_broken(core) || core->closed || berth__core_room(core) == 0) return 0;
    const berth_request_id id = berth__ids_take(&core->ids);
    if (id == 0) return 0;
    /* The place may still be in the agenda, for whom it had before: his outcome says that he ended.
     */
    core->entries[berth__id_place(id)].state = BERTH__LENT;
    core->queue.lent_count++;
    return id;
}

void berth__core_unlend(berth__core *core, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    core->queue.lent_count--;
    core->entries[place].state = BERTH__FREE;
    berth__ids_give(&core->ids, place);
}
