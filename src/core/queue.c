/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <string.h>

void berth__queue_init(berth__queue *queue, berth__link *links, uint32_t resource_count) {
    memset(queue, 0, sizeof *queue);
    queue->links = links;
    queue->resource_count = resource_count;
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) berth__list_init(&queue->lists[b]);
}

void berth__queue_add(berth__parked *sum, const berth__load *load, uint32_t resource_count) {
    sum->count++;
    sum->size += load->size;
    for (uint32_t r = 0; r < resource_count; r++) sum->units[r] += load->units[r];
}

static void subtract(berth__parked *sum, const berth__load *load, uint32_t resource_count) {
    sum->count--;
    sum->size -= load->size;
    for (uint32_t r = 0; r < resource_count; r++) sum->units[r] -= load->units[r];
}

void berth__queue_push(berth__queue *queue, uint32_t place, const berth__load *load) {
    berth__queue_put_back(queue, place, load, BERTH__NONE);
}

void berth__queue_put_back(berth__queue *queue, uint32_t place, const berth__load *load,
                           uint32_t before) {
    const uint32_t b = load->band_index;
    berth__list_insert(&queue->lists[b], queue->links, place, before);
    queue->bands_with |= 1u << b;
    berth__queue_add(&queue->bands[b], load, queue->resource_count);
    berth__queue_add(&queue->total, load, queue->resource_count);
}

void berth__queue_remove(berth__queue *queue, uint32_t place, const berth__load *load) {
    const uint32_t b = load->band_index;
    berth__list_remove(&queue->lists[b], queue->links, place);
    if (queue->lists[b].count == 0) queue->bands_with &= ~(1u << b);
    subtract(&queue->bands[b], load, queue->resource_count);
    subtract(&queue->total, load, queue->resource_count);
}

/* Checked by the limits to fit in 64 bits, all of them together. */
static void hold(berth__parked *sum, const berth__load *load, uint64_t count,
                 uint32_t resource_count) {
    sum->count += count;
    sum->size += count * load->size;
    for (uint32_t r = 0; r < resource_count; r++) sum->units[r] += count * load->units[r];
}

void berth__queue_hold(berth__queue *queue, const berth__load *load, uint32_t count) {
    hold(&queue->held[load->band_index], load, count, queue->resource_count);
    hold(&queue->held_total, load, count, queue->resource_count);
}

/* Sums wrap, so that adding the negative subtracts. */
void berth__queue_unhold(berth__queue *queue, const berth__load *load, uint32_t count) {
    hold(&queue->held[load->band_index], load, 0 - (uint64_t)count, queue->resource_count);
    hold(&queue->held_total, load, 0 - (uint64_t)count, queue->resource_count);
}

void berth__queue_recost(berth__queue *queue, const berth__load *load, const uint64_t *after) {
    berth__parked *band = &queue->bands[load->band_index];
    for (uint32_t r = 0; r < queue->resource_count; r++) {
        band->units[r] = band->units[r] - load->units[r] + after[r];
        queue->total.units[r] = queue->total.units[r] - load->units[r] + after[r];
    }
}

uint32_t berth__queue_head(const berth__queue *queue) {
    if (queue->bands_with == 0) return BERTH__NONE;
    return queue->lists[31u - (uint32_t)__builtin_clz(queue->bands_with)].head;
}

uint64_t berth__queue_ahead(const berth__queue *queue, uint32_t band_index) {
    uint64_t ahead = 0;
    for (uint32_t b = band_index; b < BERTH_BANDS_MAX; b++) ahead += queue->bands[b].count;
    return ahead;
}
