/* SPDX-License-Identifier: MIT */
#include "core/lend.h"
#include "core/bands.h"
#include "core/limits.h"
#include "core/state.h"

/* Limits of the pool or a band, a ceiling, a predicted wait: any of them could refuse a request. */
static int is_limited(const berth_options *options) {
    for (uint32_t b = 0; b < options->band_count; b++)
        if (options->bands[b].bypass || options->bands[b].ceiling_ppm != BERTH__WHOLE_PPM) return 1;
    return options->wait_ppm != 0 ||
           berth__limits_unlimited(options) != (1u << options->band_count) - 1;
}

int berth__submit_is_plain(const berth_options *options) {
    return !is_limited(options) && options->tenants_max == 0 &&
           options->order == BERTH_ORDER_ARRIVAL && options->fit != BERTH_FIT_EASY &&
           options->kv_block_tokens == 0 && options->prefix_blocks_max == 0 &&
           options->sets_max == 0;
}

int berth__lend_suits(const berth_options *options) {
    return berth__submit_is_plain(options) && options->face == BERTH_FACE_WORKER &&
           options->resource_count <= BERTH__LEND_COSTS;
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
    /* The agenda may still have the place, from before: an outcome says that it ended. */
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
