/* SPDX-License-Identifier: MIT */
#include "base/agenda.h"
#include "base/hot.h"
#include "base/touch.h"

#include <string.h>

/* So few are put in order one by one. */
#define FEW 32u

/* So far from the end of those in order one more may come in. */
#define REACH 64u

void berth__agenda_init(berth__agenda *agenda, uint64_t *at, uint32_t *places, uint64_t *armed,
                        const uint64_t *order, uint32_t place_count) {
    agenda->at = at;
    agenda->places = places;
    agenda->armed = armed;
    agenda->order = order;
    agenda->place_count = place_count;
    agenda->max = (uint32_t)berth__agenda_max(place_count);
    berth__agenda_clear(agenda);
}

/* Room in front of all items: who comes before them all is put there. */
static uint32_t headroom(const berth__agenda *agenda) {
    return (agenda->max - agenda->place_count) / 4;
}

static void empty(berth__agenda *agenda) {
    agenda->next_at = UINT64_MAX;
    agenda->first = headroom(agenda);
    agenda->ordered = agenda->first;
    agenda->told = agenda->first;
    agenda->end = agenda->first;
    agenda->is_sorted = 1;
    agenda->bound_count = 0;
    agenda->is_uneven = 0;
}

void berth__agenda_clear(berth__agenda *agenda) {
    for (uint32_t place = 0; place < agenda->place_count; place++)
        agenda->armed[place] = UINT64_MAX;
    empty(agenda);
}

static uint32_t near_end(const berth__agenda *agenda) {
    return agenda->bound_count == 0 ? agenda->end : agenda->bounds[agenda->bound_count - 1].end;
}

static uint64_t near_below(const berth__agenda *agenda) {
    return agenda->bound_count == 0 ? UINT64_MAX : agenda->bounds[agenda->bound_count - 1].below;
}

static int is_stale(const berth__agenda *agenda, uint32_t item) {
    return agenda->armed[agenda->places[item]] != agenda->at[item];
}

static void put(berth__agenda *agenda, uint32_t item, uint64_t at, uint32_t place) {
    agenda->at[item] = at;
    agenda->places[item] = place;
}

static void move(berth__agenda *agenda, uint32_t to, uint32_t from) {
    put(agenda, to, agenda->at[from], agenda->places[from]);
}

/* ---- Coming in ---- */

/* Stale items go, and all but one of a place for the same moment; what remains keeps its sequence
 * and its bounds, with headroom in front. A place is not armed while the rest is looked through, so
 * that its other items are stale. */
static void make_room(berth__agenda *agenda) {
    const uint32_t start = headroom(agenda);
    uint32_t bound = agenda->bound_count;
    uint32_t to = 0;
    for (uint32_t item = agenda->first; item < agenda->end; item++) {
        while (bound > 0 && agenda->bounds[bound - 1].end == item)
            agenda->bounds[--bound].end = start + to;
        if (is_stale(agenda, item)) continue;
        agenda->armed[agenda->places[item]] = UINT64_MAX;
        move(agenda, to++, item);
    }
    for (uint32_t item = 0; item < to; item++)
        agenda->armed[agenda->places[item]] = agenda->at[item];
    while (bound > 0) agenda->bounds[--bound].end = start + to;
    memmove(agenda->at + start, agenda->at, to * sizeof *agenda->at);
    memmove(agenda->places + start, agenda->places, to * sizeof *agenda->places);
    agenda->first = start;
    agenda->ordered = start;
    agenda->told = start;
    agenda->end = start + to;
}

/* Into a hole behind those that are in order. */
static void slide(berth__agenda *agenda, uint32_t hole, uint64_t at, uint32_t place) {
    for (; hole > agenda->first && agenda->at[hole - 1] > at; hole--) move(agenda, hole, hole - 1);
    put(agenda, hole, at, place);
}

/* Does it come before all items? Of those that are not in order nobody knows. */
static int is_before_all(const berth__agenda *agenda, uint64_t at) {
    return agenda->is_sorted && agenda->first < near_end(agenda) && at < agenda->at[agenda->first];
}

/* A hole where it belongs, from the far end: the first item of each part that it comes before makes
 * room at the end of that part. */
static uint32_t make_hole(berth__agenda *agenda, uint64_t at) {
    uint32_t hole = agenda->end++;
    for (uint32_t b = 0; b < agenda->bound_count && at < agenda->bounds[b].below; b++) {
        move(agenda, hole, agenda->bounds[b].end);
        hole = agenda->bounds[b].end++;
    }
    return hole;
}

void berth__agenda_insert(berth__agenda *agenda, uint32_t place, uint64_t at) {
    agenda->armed[place] = UINT64_MAX; /* what it has is stale */
    if (agenda->first == agenda->end) empty(agenda);
    if (agenda->end == agenda->max) make_room(agenda);
    agenda->armed[place] = at;
    if (at < agenda->next_at) agenda->next_at = at;
    if (agenda->first > 0 && is_before_all(agenda, at)) {
        put(agenda, --agenda->first, at, place);
        agenda->ordered = agenda->first;
        return;
    }
    const uint32_t hole = make_hole(agenda, at);
    if (hole + 1 < near_end(agenda) || !agenda->is_sorted) {
        put(agenda, hole, at, place);
    } else if (hole - agenda->first <= REACH || agenda->at[hole - REACH] <= at) {
        slide(agenda, hole, at, place);
    } else {
        put(agenda, hole, at, place);
        agenda->is_sorted = 0;
    }
}

/* ---- Coming out ---- */

/* What take() will look up of them is asked for together: places are all over the table. */
static void sort_few(berth__agenda *agenda, uint32_t end) {
    const uint32_t first = agenda->first;
    for (uint32_t item = first; item < end; item++)
        berth__touch(&agenda->armed[agenda->places[item]]);
    for (uint32_t item = first + 1; item < end; item++)
        slide(agenda, item, agenda->at[item], agenda->places[item]);
    for (uint32_t item = first + 1; item < end; item++) {
        if (agenda->at[item] != agenda->at[item - 1]) continue;
        berth__touch(&agenda->order[agenda->places[item - 1]]);
        berth__touch(&agenda->order[agenda->places[item]]);
    }
}

/* Those of [first, end) that come before `below` go to the front; where the others begin. No branch
 * depends on a moment: half of them would go wrong. */
static uint32_t divide(berth__agenda *agenda, uint32_t end, uint64_t below) {
    uint64_t *at = agenda->at;
    uint32_t *places = agenda->places;
    uint32_t others = agenda->first;
    for (uint32_t item = others; item < end; item++) {
        const uint64_t item_at = at[item];
        const uint32_t item_place = places[item];
        at[item] = at[others];
        places[item] = places[others];
        at[others] = item_at;
        places[others] = item_place;
        others += item_at < below;
    }
    return others;
}

/* The earliest and the latest moment of the nearest part. */
static void measure(const berth__agenda *agenda, uint32_t end, uint64_t *earliest,
                    uint64_t *latest) {
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint32_t item = agenda->first; item < end; item++) {
        const uint64_t at = agenda->at[item];
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    *earliest = least;
    *latest = most;
}

/* Too many bounds: the farthest is given up, and what it told apart is one part again. */
static void add_bound(berth__agenda *agenda, uint64_t below, uint32_t end) {
    if (agenda->bound_count == BERTH__BOUNDS_MAX) {
        for (uint32_t b = 1; b < BERTH__BOUNDS_MAX; b++) agenda->bounds[b - 1] = agenda->bounds[b];
        agenda->bound_count--;
    }
    agenda->bounds[agenda->bound_count++] = (berth__bound){.below = below, .end = end};
}

/* Cut the nearest part in two; if all are of one moment, it is in order. Its moments are between
 * next_at and the bound. Where the last cut left hardly any on one side they are somewhere in
 * between, and are measured. */
static void cut(berth__agenda *agenda, uint32_t end) {
    const uint32_t first = agenda->first;
    uint64_t earliest = agenda->next_at;
    uint64_t latest = near_below(agenda) - 1;
    if (agenda->bound_count == 0 || agenda->is_uneven) measure(agenda, end, &earliest, &latest);
    if (earliest == latest) {
        agenda->is_sorted = 1;
        return;
    }
    const uint64_t below = earliest + (latest - earliest) / 2 + 1;
    const uint32_t others = divide(agenda, end, below);
    const uint32_t few = (end - first) / 8;
    agenda->is_uneven = others - first <= few || end - others <= few;
    if (others == first)
        agenda->next_at = below;
    else if (others == end)
        agenda->bounds[agenda->bound_count - 1].below = below;
    else
        add_bound(agenda, below, others);
}

/* Put the nearest part in order; 0 if there are no items. */
static int sort(berth__agenda *agenda) {
    while (agenda->first < agenda->end) {
        const uint32_t end = near_end(agenda);
        if (agenda->first == end) {
            agenda->next_at = agenda->bounds[--agenda->bound_count].below;
            agenda->is_sorted = 0;
            agenda->is_uneven = 0;
        } else if (agenda->is_sorted) {
            return 1;
        } else if (end - agenda->first <= FEW) {
            sort_few(agenda, end);
            agenda->is_sorted = 1;
        } else {
            cut(agenda, end);
        }
    }
    return 0;
}

static inline int sort_nearest(berth__agenda *agenda) {
    return (agenda->is_sorted && agenda->first < near_end(agenda)) || sort(agenda);
}

/* ---- Of one moment ---- */

/* Below `item` of a heap of `count`, with the last on top; its keys are where moments were. */
static void sift_down(uint64_t *keys, uint32_t *places, uint32_t item, uint32_t count) {
    const uint64_t key = keys[item];
    const uint32_t place = places[item];
    while (2 * item + 1 < count) {
        uint32_t child = 2 * item + 1;
        if (child + 1 < count && keys[child] < keys[child + 1]) child++;
        if (keys[child] <= key) break;
        keys[item] = keys[child];
        places[item] = places[child];
        item = child;
    }
    keys[item] = key;
    places[item] = place;
}

static void heap_sort(uint64_t *keys, uint32_t *places, uint32_t count) {
    for (uint32_t item = count / 2; item-- > 0;) sift_down(keys, places, item, count);
    while (count-- > 1) {
        const uint64_t key = keys[count];
        const uint32_t place = places[count];
        keys[count] = keys[0];
        places[count] = places[0];
        keys[0] = key;
        places[0] = place;
        sift_down(keys, places, 0, count);
    }
}

static int is_tied(const berth__agenda *agenda) {
    const uint32_t next = agenda->first + 1;
    return next < near_end(agenda) && agenda->at[next] == agenda->at[agenda->first];
}

/* The first and all of its moment go by order of arrival, as it is now. While they are sorted, the
 * order stands where their moment was, so that it is looked up once each. */
static BERTH__APART void order_ties(berth__agenda *agenda) {
    const uint32_t first = agenda->first;
    const uint32_t end = near_end(agenda);
    const uint64_t at = agenda->at[first];
    uint32_t item = first;
    int in_order = 1;
    for (; item < end && agenda->at[item] == at; item++) {
        agenda->at[item] = agenda->order[agenda->places[item]];
        in_order &= item == first || agenda->at[item - 1] <= agenda->at[item];
    }
    if (!in_order) heap_sort(agenda->at + first, agenda->places + first, item - first);
    agenda->ordered = item;
    while (item-- > first) agenda->at[item] = at;
}

/* Of those in order; past stale ones, and through parts that are still to be put in order. */
static BERTH__APART uint32_t find_first(berth__agenda *agenda, uint64_t *at) {
    while (sort_nearest(agenda)) {
        const uint32_t first = agenda->first;
        agenda->next_at = *at = agenda->at[first];
        if (!is_stale(agenda, first)) return agenda->places[first];
        agenda->first++;
    }
    empty(agenda);
    *at = UINT64_MAX;
    return BERTH__NONE;
}

/* Mostly there is one, and it is not stale. */
static inline uint32_t look_at_first(berth__agenda *agenda, uint64_t *at) {
    const uint32_t first = agenda->first;
    if (!agenda->is_sorted || first >= near_end(agenda) || is_stale(agenda, first))
        return find_first(agenda, at);
    agenda->next_at = *at = agenda->at[first];
    return agenda->places[first];
}

uint32_t berth__agenda_first(berth__agenda *agenda, uint64_t *at) {
    return look_at_first(agenda, at);
}

void berth__agenda_drop(berth__agenda *agenda) {
    agenda->armed[agenda->places[agenda->first++]] = UINT64_MAX;
}

uint32_t berth__agenda_take(berth__agenda *agenda, uint64_t until, uint64_t *at) {
    if (agenda->next_at > until) return BERTH__NONE;
    uint32_t place = look_at_first(agenda, at);
    if (place == BERTH__NONE || *at > until) return BERTH__NONE;
    if (agenda->first >= agenda->ordered) {
        agenda->ordered = agenda->first + 1;
        if (is_tied(agenda)) {
            order_ties(agenda);
            place = find_first(agenda, at);
        }
    }
    berth__agenda_drop(agenda);
    return place;
}

uint32_t berth__agenda_ahead(berth__agenda *agenda, uint32_t *places, uint32_t max) {
    if (berth__agenda_was_told(agenda) || !sort_nearest(agenda)) return 0;
    const uint32_t first = agenda->first;
    const uint32_t left = near_end(agenda) - first;
    const uint32_t count = left < max ? left : max;
    for (uint32_t i = 0; i < count; i++) places[i] = agenda->places[first + i];
    agenda->told = first + count;
    return count;
}

/* ---- For tests ---- */

static int has_item(const berth__agenda *agenda, uint32_t place) {
    for (uint32_t item = agenda->first; item < agenda->end; item++)
        if (agenda->places[item] == place && !is_stale(agenda, item)) return 1;
    return 0;
}

int berth__agenda_is_sound(const berth__agenda *agenda) {
    for (uint32_t place = 0; place < agenda->place_count; place++)
        if (agenda->armed[place] != UINT64_MAX && !has_item(agenda, place)) return 0;
    for (uint32_t item = agenda->first; item < agenda->end; item++) {
        if (agenda->at[item] < agenda->next_at) return 0;
        if (agenda->is_sorted && item > agenda->first && item < near_end(agenda) &&
            agenda->at[item - 1] > agenda->at[item])
            return 0;
        for (uint32_t b = 0; b < agenda->bound_count; b++)
            if ((item < agenda->bounds[b].end) != (agenda->at[item] < agenda->bounds[b].below))
                return 0;
    }
    return 1;
}
