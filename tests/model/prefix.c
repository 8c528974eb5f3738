/* SPDX-License-Identifier: MIT */
/*
 * The prefix index against an obvious model: chains as arrays of block numbers, residence and
 * holders as counts per name, found by looking at everything. Every invariant after each step.
 */
#include "core/prefix.h"

#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 24u /* room in the index */
#define NAMES 40u  /* different blocks that prompts are made of: a tree, see parent_of */
#define REQUESTS 8u
#define CHAIN_MAX 6u

typedef struct model_request {
    uint32_t used;
    uint32_t chain[CHAIN_MAX]; /* names, from the root */
    uint32_t length;           /* that the index took */
    uint32_t running;
    uint32_t held; /* blocks held, from the root */
    uint32_t owns; /* 1 while it computes what is behind `held` */
    uint32_t tail;
    uint32_t held_block;
    uint32_t next;
} model_request;

typedef struct world {
    berth__prefix prefix;
    berth__block blocks[BLOCKS];
    berth__link links[BLOCKS];
    uint32_t buckets[64];
    model_request requests[REQUESTS];
    uint32_t resident[NAMES];
    uint32_t doomed[NAMES];
    uint64_t let_go_at[NAMES]; /* order of becoming cached */
    uint64_t clock;
    uint64_t random;
} world;

/* A tree of names: 0..3 are roots; every other has one parent. */
static uint32_t parent_of(uint32_t name) {
    return name < 4 ? BERTH__NONE : (name - 4) / 3;
}

static berth_block_hash hash_of(uint32_t name) {
    return (berth_block_hash){.low = (name + 1) * UINT64_C(0x9e3779b97f4a7c15), .high = name};
}

static uint32_t chain_of(uint32_t name, uint32_t *chain) {
    uint32_t reversed[CHAIN_MAX];
    uint32_t length = 0;
    for (; name != BERTH__NONE; name = parent_of(name)) reversed[length++] = name;
    for (uint32_t i = 0; i < length; i++) chain[i] = reversed[length - 1 - i];
    return length;
}

static uint32_t holders_of(const world *w, uint32_t name) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < REQUESTS; r++)
        for (uint32_t i = 0; w->requests[r].running && i < w->requests[r].held; i++)
            count += w->requests[r].chain[i] == name;
    return count;
}

/* The longest run of resident names, none of them doomed. */
static uint32_t hit_of(const world *w, const model_request *request, uint32_t depth_max) {
    uint32_t hit = 0;
    while (hit < request->length && hit < depth_max && w->resident[request->chain[hit]] &&
           !w->doomed[request->chain[hit]])
        hit++;
    return hit;
}

/* Residence as the index has it; what it gave up to make room is learnt here, and checked. */
static uint32_t block_of(const world *w, uint32_t name) {
    const berth_block_hash hash = hash_of(name);
    for (uint32_t b = 0; b < BLOCKS; b++)
        if (w->blocks[b].state != BERTH__BLOCK_FREE && w->blocks[b].hash.low == hash.low) return b;
    return BERTH__NONE;
}

static void learn_evictions(world *w, uint32_t evictions_max) {
    uint32_t evictions = 0;
    for (uint32_t name = 0; name < NAMES; name++) {
        const uint32_t block = block_of(w, name);
        const uint32_t is = block != BERTH__NONE && w->blocks[block].state == BERTH__BLOCK_RESIDENT;
        assert_true(!is || w->resident[name]);
        if (is || !w->resident[name]) continue;
        assert_int_equal(holders_of(w, name), 0); /* nothing held is ever given up */
        evictions += !w->doomed[name];
        w->resident[name] = 0;
        w->doomed[name] = 0;
    }
    assert_true(evictions <= evictions_max);
}

static void submit(world *w, model_request *request) {
    berth_block_hash hashes[CHAIN_MAX];
    const uint32_t count = chain_of((uint32_t)core_random_below(&w->random, NAMES), request->chain);
    for (uint32_t i = 0; i < count; i++) hashes[i] = hash_of(request->chain[i]);
    request->tail = berth__prefix_want(&w->prefix, hashes, count);
    request->length = berth__prefix_depth(&w->prefix, request->tail);
    assert_true(request->length <= count);
    request->used = 1;
    learn_evictions(w, count);
}

static void admit(world *w, model_request *request) {
    const uint32_t depth_max = (uint32_t)core_random_below(&w->random, CHAIN_MAX + 1);
    const uint32_t expected = hit_of(w, request, depth_max);
    uint32_t fresh = 0;
    uint32_t next;
    const uint32_t hit = berth__prefix_hit(&w->prefix, request->tail, depth_max, &next);
    assert_int_equal(berth__prefix_depth(&w->prefix, hit), expected);
    for (uint32_t i = 0; i < expected; i++) fresh += holders_of(w, request->chain[i]) == 0;
    assert_int_equal(berth__prefix_unheld(&w->prefix, hit), fresh);
    assert_int_equal(berth__prefix_acquire(&w->prefix, hit), fresh);
    request->held = expected;
    request->held_block = hit;
    request->running = 1;
    /* Somebody computes the first missing block: then this one publishes nothing. */
    uint32_t coming = 0;
    for (uint32_t r = 0; r < REQUESTS && expected < request->length; r++) {
        const model_request *other = &w->requests[r];
        if (other == request || !other->owns || other->held > expected) continue;
        coming |= other->length > expected && other->chain[expected] == request->chain[expected];
    }
    assert_int_equal(berth__prefix_owner_of(&w->prefix, next) != BERTH__NONE, coming);
    request->next =
        berth__prefix_begin(&w->prefix, request->tail, hit, (uint32_t)(request - w->requests));
    request->owns = request->next != BERTH__NONE;
    const uint32_t there = expected < request->length && w->resident[request->chain[expected]] &&
                           !w->doomed[request->chain[expected]];
    assert_int_equal(request->owns, !coming && !there && expected < request->length);
}

static void compute(world *w, model_request *request) {
    if (request->next == BERTH__NONE) return;
    const uint32_t name = request->chain[request->held];
    const uint32_t next = berth__prefix_publish(&w->prefix, request->next);
    request->held_block = request->next;
    request->next = next;
    request->owns = next != BERTH__NONE;
    request->held++;
    w->resident[name] = 1;
    w->doomed[name] = 0;
}

static void stop(world *w, model_request *request) {
    uint32_t freed = 0;
    berth__prefix_abandon(&w->prefix, request->next);
    request->running = 0;
    request->owns = 0;
    for (uint32_t i = request->held; i-- > 0;) {
        if (holders_of(w, request->chain[i]) > 0) continue;
        w->let_go_at[request->chain[i]] = ++w->clock;
        freed++;
    }
    assert_int_equal(berth__prefix_release(&w->prefix, request->held_block), freed);
    request->held = 0;
}

/* The one that nobody holds and was let go first. */
static uint32_t oldest_cached(const world *w) {
    uint32_t oldest = BERTH__NONE;
    for (uint32_t name = 0; name < NAMES; name++) {
        if (!w->resident[name] || holders_of(w, name) > 0) continue;
        if (oldest == BERTH__NONE || w->let_go_at[name] < w->let_go_at[oldest]) oldest = name;
    }
    return oldest;
}

static void model_forget(world *w, uint32_t name) {
    const uint32_t parent = parent_of(name);
    w->resident[name] = 0;
    w->doomed[name] = 0;
    if (parent == BERTH__NONE || !w->doomed[parent]) return;
    for (uint32_t other = 0; other < NAMES; other++)
        if (w->resident[other] && parent_of(other) == parent) return;
    model_forget(w, parent);
}

static void evict(world *w) {
    const uint32_t oldest = oldest_cached(w);
    assert_int_equal(berth__prefix_evict(&w->prefix), oldest != BERTH__NONE);
    if (oldest != BERTH__NONE) model_forget(w, oldest);
    learn_evictions(w, 0);
}

static void lose(world *w) {
    const uint32_t name = (uint32_t)core_random_below(&w->random, NAMES);
    const berth_block_hash hash = hash_of(name);
    const uint32_t can = w->resident[name] && !w->doomed[name] && holders_of(w, name) == 0;
    uint32_t children = 0;
    for (uint32_t other = 0; other < NAMES; other++)
        children += w->resident[other] && parent_of(other) == name;
    assert_int_equal(berth__prefix_lost(&w->prefix, &hash), can);
    if (can && children > 0) w->doomed[name] = 1;
    if (can && children == 0) model_forget(w, name);
    learn_evictions(w, 0);
}

static void listen(world *w) {
    berth_block_hash hash;
    while (berth__prefix_tell(&w->prefix, &hash)) assert_false(w->resident[hash.high]);
}

static void step(world *w) {
    model_request *request = &w->requests[core_random_below(&w->random, REQUESTS)];
    const uint64_t dice = core_random_below(&w->random, 16);
    if (dice == 0) {
        evict(w);
    } else if (dice == 1) {
        lose(w);
    } else if (dice == 2) {
        listen(w);
    } else if (!request->used) {
        submit(w, request);
    } else if (!request->running) {
        if (dice < 12) {
            admit(w, request);
        } else {
            berth__prefix_unwant(&w->prefix, request->tail);
            request->used = 0;
        }
    } else if (dice < 12) {
        compute(w, request);
    } else {
        stop(w, request);
    }
}

static void run(uint64_t seed, uint32_t tells, uint32_t steps) {
    world w;
    memset(&w, 0, sizeof w);
    assert_true(berth__prefix_bucket_count(BLOCKS) <= 64);
    berth__prefix_init(&w.prefix, w.blocks, w.links, w.buckets, BLOCKS);
    w.prefix.tells = tells;
    w.random = seed;
    for (uint32_t i = 0; i < steps; i++) {
        step(&w);
        const uint32_t line = berth__prefix_check(&w.prefix);
        if (line != 0) print_error("seed %u: prefix_check line %u\n", (unsigned)seed, line);
        assert_int_equal(line, 0);
    }
    /* Everybody leaves: all that is left is cached, or waits to be told. */
    for (uint32_t r = 0; r < REQUESTS; r++) {
        if (w.requests[r].running) stop(&w, &w.requests[r]);
        if (w.requests[r].used) berth__prefix_unwant(&w.prefix, w.requests[r].tail);
        w.requests[r].used = 0;
    }
    while (berth__prefix_evict(&w.prefix)) continue;
    berth_block_hash hash;
    while (berth__prefix_tell(&w.prefix, &hash)) continue;
    assert_int_equal(w.prefix.free.count, BLOCKS);
    assert_int_equal(w.prefix.held_count, 0);
}

static void the_index_agrees_with_an_obvious_model(void **state) {
    const uint64_t seeds = core_long_tier() ? 20000 : 300;
    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) run(seed, seed % 2, 400);
}

/* Every submit, admit, compute and stop of two requests, in every order, to a depth. */
static void every(const world *from, uint32_t depth, uint64_t *states) {
    (*states)++;
    assert_int_equal(berth__prefix_check(&from->prefix), 0);
    if (depth == 0) return;
    for (uint32_t choice = 0; choice < 10; choice++) {
        world w = *from;
        w.prefix.blocks = w.blocks;
        w.prefix.links = w.links;
        w.prefix.buckets = w.buckets;
        model_request *request = &w.requests[choice % 2];
        w.random = choice; /* the name and the depth that a submit or an admit draws */
        if (choice == 8)
            evict(&w);
        else if (choice == 9)
            lose(&w);
        else if (!request->used)
            submit(&w, request);
        else if (!request->running)
            admit(&w, request);
        else if (choice < 4)
            compute(&w, request);
        else
            stop(&w, request);
        every(&w, depth - 1, states);
    }
}

static void every_short_life_of_two_requests_keeps_the_invariants(void **state) {
    static world w;
    uint64_t states = 0;
    (void)state;
    memset(&w, 0, sizeof w);
    berth__prefix_init(&w.prefix, w.blocks, w.links, w.buckets, 4);
    every(&w, core_long_tier() ? 7 : 5, &states);
    assert_true(states > 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_agrees_with_an_obvious_model),
        cmocka_unit_test(every_short_life_of_two_requests_keeps_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
