/* SPDX-License-Identifier: MIT */
#include "base/list.h"

void berth__list_init(berth__list *list) {
    list->head = BERTH__NONE;
    list->tail = BERTH__NONE;
    list->count = 0;
}

void berth__list_insert(berth__list *list, berth__link *links, uint32_t place, uint32_t before) {
    if (before == BERTH__NONE) {
        berth__list_push(list, links, place);
        return;
    }
    links[place].previous = links[before].previous;
    links[place].next = before;
    if (links[before].previous == BERTH__NONE)
        list->head = place;
    else
        links[links[before].previous].next = place;
    links[before].previous = place;
    list->count++;
}
