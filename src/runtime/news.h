/* SPDX-License-Identifier: MIT */
/*
 * What:    the list of mailboxes with news that nobody waits for: who comes in, who is taken out.
 * Why:     a commit puts in one for each of its results: in line with it that is a few stores.
 * Rules:   a list as in base/list.h, with its links in the rows; `row->ready` says who is in it.
 * Threads: any, under the pool lock.
 */
#ifndef BERTH__RUNTIME_NEWS_H
#define BERTH__RUNTIME_NEWS_H

#include "runtime/pool.h"

/* The first one: a host that wants to be called for it will be. */
static inline void berth__news_begin(berth_pool *pool, uint32_t place) {
    pool->ready.head = place;
    if (pool->executor.ready != NULL) pool->ready_due = 1;
}

/* A record came that nobody waits for: at the end, unless it is in already. */
static inline void berth__news_mark(berth_pool *pool, berth__row *row) {
    const uint32_t place = berth__row_place(row);
    const uint32_t last = pool->ready.tail;
    if (row->ready) return;
    row->ready = 1;
    row->ready_link = (berth__link){.previous = last, .next = BERTH__NONE};
    if (last == BERTH__NONE)
        berth__news_begin(pool, place);
    else
        berth__row_at(pool, last)->ready_link.next = place;
    pool->ready.tail = place;
    pool->ready.count++;
}

/* One that is in. */
static inline void berth__news_remove(berth_pool *pool, const berth__row *row) {
    berth__list *list = &pool->ready;
    const berth__link link = row->ready_link;
    if (link.previous == BERTH__NONE)
        list->head = link.next;
    else
        berth__row_at(pool, link.previous)->ready_link.next = link.next;
    if (link.next == BERTH__NONE)
        list->tail = link.previous;
    else
        berth__row_at(pool, link.next)->ready_link.previous = link.previous;
    list->count--;
}

#endif
