/* SPDX-License-Identifier: MIT */
/*
 * What:    what is to be looked at when: places of a table, by moment, then by order of arrival.
 * Why:     most deadlines never come; setting one, putting it off and giving it up must cost next
 *          to nothing, and coming due must not miss the cache at every step.
 * Rules:   a place is armed for one moment, which it may outlive: who gives a deadline up or puts
 *          it off says nothing, and whoever takes the place looks when it comes. Nothing is missed:
 *          a place comes at the moment that it is armed for. Its order changes as the caller likes.
 * Threads: none of its own.
 *
 * The items are sorted as late as can be, as by a quicksort that only goes on where the next one
 * has to be known ("Quickheaps", Navarro and Paredes, 2010):
 *
 *   first                                      bounds[1].end        bounds[0].end           end
 *     |  the nearest, in order  |  below bounds[1].below |  below bounds[0].below |  the rest |
 *
 * Items are cut at half of the way between the earliest and the latest, so that however moments lie
 * an item is looked at 64 times at most, in sequence each time. An item whose place was armed for
 * an earlier moment meanwhile is stale: it is dropped when it comes, or when there is no room.
 */
#ifndef BERTH__BASE_AGENDA_H
#define BERTH__BASE_AGENDA_H

#include "base/list.h"

#define BERTH__BOUNDS_MAX 64u

/* Items from `end` on are not before `below`; those in front of it are. */
typedef struct berth__bound {
    uint64_t below;
    uint32_t end;
    uint32_t reserved;
} berth__bound;

typedef struct berth__agenda {
    uint64_t next_at;      /* no item comes before; UINT64_MAX if there is none */
    uint64_t *at;          /* by item */
    uint32_t *places;      /* by item */
    uint64_t *armed;       /* by place: the moment of its item that counts; UINT64_MAX = none */
    const uint64_t *order; /* by place, of arrival; looked at where moments are equal */
    uint32_t place_count;
    uint32_t max;     /* items */
    uint32_t first;   /* items that came are in front of it */
    uint32_t ordered; /* items in front of it, of one moment, are by order of arrival */
    uint32_t end;
    uint32_t is_sorted; /* those in front of the nearest bound */
    uint32_t bound_count;
    uint32_t told;      /* items in front of it were told by berth__agenda_ahead */
    uint32_t is_uneven; /* the nearest part lies in a small part of its moments */
    uint32_t reserved;
    berth__bound bounds[BERTH__BOUNDS_MAX];
} berth__agenda;

/* How many items there must be room for, so that those that are stale are rarely looked for. */
static inline uint64_t berth__agenda_max(uint32_t place_count) {
    return (uint64_t)place_count + place_count / 8 + 16;
}

/* `at` and `places` hold berth__agenda_max(place_count) items. */
void berth__agenda_init(berth__agenda *agenda, uint64_t *at, uint32_t *places, uint64_t *armed,
                        const uint64_t *order, uint32_t place_count);

/* Nothing is armed any more. O(places). */
void berth__agenda_clear(berth__agenda *agenda);

void berth__agenda_insert(berth__agenda *agenda, uint32_t place, uint64_t at);

/* The place comes at `at` or before. O(1) where it was to come before, and for moments that are
 * later than most; at times O(places), when there is no room. */
static inline void berth__agenda_arm(berth__agenda *agenda, uint32_t place, uint64_t at) {
    if (agenda->armed[place] > at) berth__agenda_insert(agenda, place, at);
}

/* The first place to be looked at, and its moment; BERTH__NONE and UINT64_MAX if nothing is armed.
 * It stays. Of several with one moment it is any. Makes next_at exact. */
uint32_t berth__agenda_first(berth__agenda *agenda, uint64_t *at);

/* That first one is not armed any more. */
void berth__agenda_drop(berth__agenda *agenda);

/* Orders of arrival may be others than they were. */
static inline void berth__agenda_begin(berth__agenda *agenda) {
    agenda->ordered = agenda->first;
}

/* The next place, if its moment is `until` or before, and that moment: it is not armed any more. By
 * moment, then by order of arrival; no order changes between begin and the last of these. */
uint32_t berth__agenda_take(berth__agenda *agenda, uint64_t until, uint64_t *at);

/* A hint: the places that come next, up to `max`, and how many they are; none of them is looked up.
 * Each is told once, after all that were told before have come. */
static inline int berth__agenda_was_told(const berth__agenda *agenda) {
    return agenda->told > agenda->first;
}
uint32_t berth__agenda_ahead(berth__agenda *agenda, uint32_t *places, uint32_t max);

/* Is each armed place among the items, and each item between its bounds? For tests: O(n²). */
int berth__agenda_is_sound(const berth__agenda *agenda);

#endif
