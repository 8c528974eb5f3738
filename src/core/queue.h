/* SPDX-License-Identifier: MIT */
/*
 * What:    the parked requests: one FIFO per band, and what they add up to.
 * Why:     strict bands, true FIFO inside a band by order of arrival, whatever the timestamps.
 * Rules:   push and remove are O(resources) at any depth; totals always equal the sum of the parts.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_QUEUE_H
#define BERTH__CORE_QUEUE_H

#include "base/list.h"
#include "berth.h"

/* What parked requests add up to, in one band or in all. */
typedef struct berth__parked {
    uint64_t count;
    uint64_t size; /* payload bytes */
    uint64_t units[BERTH_RESOURCES_MAX];
} berth__parked;

typedef struct berth__queue {
    berth__link *links;
    berth__list lists[BERTH_BANDS_MAX];
    berth__parked bands[BERTH_BANDS_MAX];
    berth__parked total;
    berth__parked held[BERTH_BANDS_MAX]; /* by tickets; in no list, and in no sum above */
    berth__parked held_total;
    uint64_t lent_count; /* room for so many more, given away by lend.h */
    uint32_t resource_count;
    uint32_t bands_with; /* bit b is set while band index b has someone parked */
} berth__queue;

/* What a request adds to the sums. */
typedef struct berth__load {
    uint32_t band_index;
    uint32_t tenant_index; /* BERTH__NONE where it is not known */
    uint64_t size;
    const uint64_t *units;
} berth__load;

void berth__queue_init(berth__queue *queue, berth__link *links, uint32_t resource_count);
void berth__queue_push(berth__queue *queue, uint32_t place, const berth__load *load);

/* One that was in before comes back: just before `before`, a parked request of its band, or at the
 * end (BERTH__NONE). */
void berth__queue_put_back(berth__queue *queue, uint32_t place, const berth__load *load,
                           uint32_t before);
void berth__queue_remove(berth__queue *queue, uint32_t place, const berth__load *load);

/* A parked request of this load now asks for `after`. */
void berth__queue_recost(berth__queue *queue, const berth__load *load, const uint64_t *after);

/* Tickets hold room for so many requests of this load, and give it up. */
void berth__queue_hold(berth__queue *queue, const berth__load *load, uint32_t count);
void berth__queue_unhold(berth__queue *queue, const berth__load *load, uint32_t count);

void berth__queue_add(berth__parked *sum, const berth__load *load, uint32_t resource_count);

/* Who is next: the first of the highest band; BERTH__NONE if nobody is parked. O(1). */
uint32_t berth__queue_head(const berth__queue *queue);

/* Does anybody come before a newcomer of this band? */
static inline int berth__queue_is_clear(const berth__queue *queue, uint32_t band_index) {
    return queue->bands_with >> band_index == 0;
}

/* How many come before a newcomer of this band. */
uint64_t berth__queue_ahead(const berth__queue *queue, uint32_t band_index);

#endif
