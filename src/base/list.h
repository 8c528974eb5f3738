/* SPDX-License-Identifier: MIT */
/*
 * What:    doubly linked lists of small numbers over one shared array of links.
 * Why:     O(1) push and removal anywhere, no pointers, no allocation; a number is a place in a
 *          table and is in at most one list that uses the same links.
 * Rules:   the caller knows which list a place is in; BERTH__NONE ends a list.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_LIST_H
#define BERTH__BASE_LIST_H

#include <stdint.h>

#define BERTH__NONE UINT32_MAX

typedef struct berth__link {
    uint32_t previous;
    uint32_t next;
} berth__link;

typedef struct berth__list {
    uint32_t head;
    uint32_t tail;
    uint32_t count;
} berth__list;

void berth__list_init(berth__list *list);
static inline void berth__list_push(berth__list *list, berth__link *links, uint32_t place);
/* `place` comes in just before `before`, which is in the list; BERTH__NONE: at the end. */
void berth__list_insert(berth__list *list, berth__link *links, uint32_t place, uint32_t before);
static inline void berth__list_remove(berth__list *list, berth__link *links, uint32_t place);

/* Every event pushes and removes a few times: these two are worth having in place. */

static inline void berth__list_push(berth__list *list, berth__link *links, uint32_t place) {
    links[place].previous = list->tail;
    links[place].next = BERTH__NONE;
    if (list->tail == BERTH__NONE)
        list->head = place;
    else
        links[list->tail].next = place;
    list->tail = place;
    list->count++;
}

static inline void berth__list_remove(berth__list *list, berth__link *links, uint32_t place) {
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

#endif
