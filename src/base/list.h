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
void berth__list_push(berth__list *list, berth__link *links, uint32_t place);
/* `place` comes in just before `before`, which is in the list; BERTH__NONE: at the end. */
void berth__list_insert(berth__list *list, berth__link *links, uint32_t place, uint32_t before);
void berth__list_remove(berth__list *list, berth__link *links, uint32_t place);

#endif
