/* SPDX-License-Identifier: MIT */
/* Many parked requests that are cancelled, or come due, whatever the depth. On an engine's pool
 * with a virtual clock that never plans: nothing but the storm moves. */
#include "ours_special.h"

#include "expect.h"
#include "shuffle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

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

static double take_all(berth_pool *pool, const berth_request_id *ids, uint32_t depth,
                       uint32_t kind) {
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < depth; i++) {
        berth_outcome outcome = {.struct_size = sizeof outcome};
        expect(berth_outcome_take(pool, ids[i], &outcome), "berth_outcome_take");
        if (outcome.kind != kind) expect(BERTH_EINVAL, "an outcome");
    }
    return (double)(peer_now_ns() - before) / depth;
}

static double cancel_all(berth_pool *pool, const berth_request_id *ids, uint32_t depth) {
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < depth; i++) expect(berth_cancel(pool, ids[i]), "berth_cancel");
    return (double)(peer_now_ns() - before) / depth;
}

static double expire_all(berth_pool *pool, uint32_t depth) {
    uint64_t now;
    expect(berth_clock_now(pool, &now), "berth_clock_now");
    uint64_t until = now + (uint64_t)(depth + 1) * SPREAD_NS;
    uint64_t before = peer_now_ns();
    expect(berth_clock_advance(pool, until), "berth_clock_advance");
    return (double)(peer_now_ns() - before) / depth;
}

typedef struct storm_figures {
    double op;
    double take;
} storm_figures;

/* The first pass touches all memory and is not counted. */
static storm_figures storm(uint32_t depth, bool by_time, bool shuffled) {
    berth_pool *pool = create(depth);
    berth_request_id *ids = malloc(depth * sizeof *ids);
    uint32_t kind = by_time ? BERTH_OUTCOME_EXPIRED : BERTH_OUTCOME_CANCELLED;
    storm_figures figures = {0, 0};
    if (ids == NULL) expect(BERTH_ENOMEM, "malloc");
    for (uint32_t pass = 0; pass < 2; pass++) {
        park(pool, ids, depth, shuffled);
        if (shuffled) shuffle(ids, depth);
        figures.op = by_time ? expire_all(pool, depth) : cancel_all(pool, ids, depth);
        figures.take = take_all(pool, ids, depth, kind);
    }
    free(ids);
    expect(berth_pool_destroy(pool), "berth_pool_destroy");
    return figures;
}

static void say_storm(uint32_t depth, bool by_time) {
    storm_figures any = storm(depth, by_time, true), in_order = storm(depth, by_time, false);
    peer_say("op", "ns", any.op);
    peer_say("in_order", "ns", in_order.op);
    peer_say("take", "ns", any.take);
}

void ours_cancel(uint32_t depth) {
    say_storm(depth, false);
}

void ours_expire(uint32_t depth) {
    say_storm(depth, true);
}
