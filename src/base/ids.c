/* SPDX-License-Identifier: MIT */
#include "base/ids.h"

void berth__ids_init(berth__ids *ids, uint64_t *generations, berth__link *links,
                     uint32_t place_count) {
    ids->generations = generations;
    ids->links = links;
    ids->place_count = place_count;
    ids->retired_count = 0;
    berth__list_init(&ids->free);
    for (uint32_t place = 0; place < place_count; place++) {
        generations[place] = 0;
        berth__list_push(&ids->free, links, place);
    }
}

uint64_t berth__ids_take(berth__ids *ids) {
    const uint32_t place = ids->free.head;
    if (place == BERTH__NONE) return 0;
    berth__list_remove(&ids->free, ids->links, place);
    ids->generations[place] = (ids->generations[place] + 1) | BERTH__TAKEN;
    return berth__ids_of(ids, place);
}

void berth__ids_give(berth__ids *ids, uint32_t place) {
    ids->generations[place] &= ~BERTH__TAKEN;
    if (ids->generations[place] == BERTH__GENERATION_MAX)
        ids->retired_count++;
    else
        berth__list_push(&ids->free, ids->links, place);
}
