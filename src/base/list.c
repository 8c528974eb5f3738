/* SPDX-License-Identifier: MIT */
#include "base/list.h"

void berth__list_init(berth__list *list) {
    list->head = BERTH__NONE;
    list->tail = BERTH__NONE;
    list->count = 0;
}

void berth__list_push(berth__list *list, berth__link *links, uint32_t place) {
    links[place].previous = list->tail;
    links[place].next = BERTH__NONE;
    if (list->tail == BERTH__NONE)
        list->head = place;
    else
        links[list->tail].next = place;
    list->tail = place;
    list->count++;
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

void berth__list_remove(berth__list *list, berth__link *links, uint32_t place) {
    const berth__link link = links[place];
    if (link.previous == BERTH__NONE)
        list->head = link.next;
    else
        links[link.previous].next = link.next;
    if (link.next == BERTH__NONE)
        list->tail = link.previous;
    else
        links[link.next].previous = link.previous;
    list->count--;
}
