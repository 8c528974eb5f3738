/* SPDX-License-Identifier: MIT */
/* Many parked requests that are cancelled, or come due, whatever the depth. On an engine's pool
 * with a virtual clock that never plans: nothing but the storm moves. */
#include "ours_special.h"

#include "expect.h"
#include "shuffle.h"
#include "support/sample.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* A storm is timed in so many slices, whose median is said: a slice that another process interrupts
 * does not move it. */
#define SLICES 50u
/* Deadlines lie this far apart on average; their order is not that of arrival. */
#define SPREAD_NS 1000u

static berth_pool *create(uint32_t depth) {
    berth_options options;
    berth_pool *pool;
    berth_options_init(&options, sizeof options);
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.parked_max = depth;
    options.ended_max = depth;
    expect(berth_pool_create(&options, NULL, &pool), "berth_pool_create");
    return pool;
}

/* Shuffled, deadlines are not in the order of arrival; else they are, as with one timeout. */
static void park(berth_pool *pool, berth_request_id *ids, uint32_t depth, bool shuffled) {
    for (uint32_t i = 0; i < depth; i++) {
        berth_request request = {.struct_size = sizeof request,
                                 .band = 1 + i % 3,
                                 .mailbox_mode = BERTH_MAILBOX_OUTCOME};
        uint64_t place = shuffled ? i * 2654435761u % depth : i;
        request.queue_ns = 1 + place * SPREAD_NS;
        expect(berth_submit(pool, &request, &ids[i], NULL), "berth_submit");
    }
}

/* One slice: requests from `first` up to `end`. */
typedef void slice(berth_pool *pool, const berth_request_id *ids, uint32_t first, uint32_t end);

static void cancel_slice(berth_pool *pool, const berth_request_id *ids, uint32_t first,
                         uint32_t end) {
    for (uint32_t i = first; i < end; i++) expect(berth_cancel(pool, ids[i]), "berth_cancel");
}

/* The slice is one list. */
static void cancel_many_slice(berth_pool *pool, const berth_request_id *ids, uint32_t first,
                              uint32_t end) {
    uint32_t count;
    expect(berth_cancel_many(pool, ids + first, end - first, NULL, &count), "berth_cancel_many");
    if (count != end - first) expect(BERTH_EINVAL, "a list");
}

/* The clock goes on by as much as so many deadlines lie apart. */
static void expire_slice(berth_pool *pool, const berth_request_id *ids, uint32_t first,
                         uint32_t end) {
    uint64_t now;
    (void)ids;
    expect(berth_clock_now(pool, &now), "berth_clock_now");
    now += (uint64_t)(end - first) * SPREAD_NS;
    expect(berth_clock_advance(pool, now), "berth_clock_advance");
}

static void take_slice(berth_pool *pool, const berth_request_id *ids, uint32_t first,
                       uint32_t end) {
    for (uint32_t i = first; i < end; i++) {
        berth_outcome outcome = {.struct_size = sizeof outcome};
        expect(berth_outcome_take(pool, ids[i], &outcome), "berth_outcome_take");
        if (outcome.kind != BERTH_OUTCOME_CANCELLED && outcome.kind != BERTH_OUTCOME_EXPIRED)
            expect(BERTH_EINVAL, "an outcome");
    }
}

/* The median over the slices of the time for one request. */
static double in_slices(slice *of, berth_pool *pool, const berth_request_id *ids, uint32_t depth) {
    double took[SLICES];
    for (uint32_t i = 0; i < SLICES; i++) {
        uint32_t first = (uint32_t)((uint64_t)depth * i / SLICES);
        uint32_t end = (uint32_t)((uint64_t)depth * (i + 1) / SLICES);
        uint64_t before = peer_now_ns();
        of(pool, ids, first, end);
        took[i] = (double)(peer_now_ns() - before) / (end - first);
    }
    return bench_median(took, SLICES);
}

typedef struct storm_figures {
    double op;
    double take;
} storm_figures;

/* The first pass touches all memory and is not counted. */
static storm_figures storm(uint32_t depth, slice *of, bool shuffled) {
    berth_pool *pool = create(depth);
    berth_request_id *ids = malloc(depth * sizeof *ids);
    storm_figures figures = {0, 0};
    if (ids == NULL) expect(BERTH_ENOMEM, "malloc");
    for (uint32_t pass = 0; pass < 2; pass++) {
        park(pool, ids, depth, shuffled);
        if (shuffled) shuffle(ids, depth);
        figures.op = in_slices(of, pool, ids, depth);
        figures.take = in_slices(take_slice, pool, ids, depth);
    }
    free(ids);
    expect(berth_pool_destroy(pool), "berth_pool_destroy");
    return figures;
}

static void say_storm(uint32_t depth, slice *of) {
    storm_figures any = storm(depth, of, true), in_order = storm(depth, of, false);
    peer_say("op", "ns", any.op);
    peer_say("in_order", "ns", in_order.op);
    peer_say("take", "ns", any.take);
}

void ours_cancel(uint32_t depth) {
    say_storm(depth, cancel_slice);
    peer_say("many", "ns", storm(depth, cancel_many_slice, true).op);
    peer_say("many_in_order", "ns", storm(depth, cancel_many_slice, false).op);
}

void ours_expire(uint32_t depth) {
    say_storm(depth, expire_slice);
}
