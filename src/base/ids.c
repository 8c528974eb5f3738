/* SPDX-License-Identifier: MIT */
#include "base/ids.h"
#include "base/hot.h"

void berth__ids_init(berth__ids *ids, uint64_t *generations, uint32_t stride, berth__link *links,
                     uint32_t place_count) {
    ids->generations = generations;
    ids->stride = stride;
    ids->links = links;
    ids->place_count = place_count;
    ids->retired_count = 0;
    ids->free_head = BERTH__NONE;
    ids->free_tail = BERTH__NONE;
    ids->free_count = place_count;
    ids->fresh = 0;
}

/* Written before it is read: a page that is read first is mapped twice, and other processors have
 * to be told of the second time. */
static uint32_t take_fresh(berth__ids *ids) {
    const uint32_t place = ids->fresh++;
    *berth__ids_generation(ids, place) = 0;
    return place;
}

static uint32_t take_place(berth__ids *ids) {
    const uint32_t place = ids->free_head;
    if (place == BERTH__NONE) return take_fresh(ids);
    ids->free_head = ids->links[place].next;
    return place;
}

BERTH__HOT uint64_t berth__ids_take(berth__ids *ids) {
    if (ids->free_count == 0) return 0;
    const uint32_t place = take_place(ids);
    uint64_t *generation = berth__ids_generation(ids, place);
    ids->free_count--;
    *generation = (*generation + 1) | BERTH__TAKEN;
    return berth__ids_of(ids, place);
}

BERTH__HOT void berth__ids_give(berth__ids *ids, uint32_t place) {
    uint64_t *generation = berth__ids_generation(ids, place);
    *generation &= ~BERTH__TAKEN;
    if (*generation == BERTH__GENERATION_MAX) {
        ids->retired_count++;
        return;
    }
    ids->links[place].next = BERTH__NONE;
    if (ids->free_head == BERTH__NONE)
        ids->free_head = place;
    else
        ids->links[ids->free_tail].next = place;
    ids->free_tail = place;
    ids->free_count++;
}
