/* SPDX-License-Identifier: MIT */
/*
 * The order by prefix against the obvious: prompts are strings of letters, what was computed is a
 * list of strings, and the next to go in is whoever had most of his in that list when he came.
 * Random lives, and all short ones.
 */
#include "support/core_kit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH 4u /* tokens of a prompt, each a block */
#define REQUESTS_MAX 200u
#define PARKED_MAX 12u
#define LETTERS 2u

typedef struct request {
    berth_request_id id;
    char prompt[LENGTH + 1];
    uint32_t found;  /* blocks, when it was submitted */
    uint32_t passed; /* by how many who came later */
    uint32_t before; /* admissions that were not of the oldest, before it came */
    uint32_t parked;
} request;

typedef struct world {
    core_kit kit;
    request requests[REQUESTS_MAX];
    uint32_t count;
    uint32_t out_of_order; /* admissions that were not of the oldest */
} world;

static berth_block_hash name_of(const char *prompt, uint32_t depth) {
    berth_block_hash hash = {.low = 1, .high = 0};
    for (uint32_t i = 0; i <= depth; i++) hash.low = hash.low * 8 + (uint64_t)(prompt[i] - 'a') + 1;
    return hash;
}

/* How much of it is there: the longest beginning that it shares with one that was computed. The
 * last token is always left to compute. */
static uint32_t found_of(const world *w, const char *prompt) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t same = 0;
        while (same < LENGTH && w->requests[i].prompt[same] == prompt[same]) same++;
        if (!w->requests[i].parked && same > most) most = same;
    }
    return most < LENGTH ? most : LENGTH - 1;
}

static void begin(world *w, uint32_t displaced_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 1, PARKED_MAX);
    memset(w, 0, sizeof *w);
    core_kit_add_resource(&o, "kv_blocks", 100);
    o.kv_block_tokens = 1;
    o.prefix_blocks_max = 64; /* there are 30 beginnings */
    o.order = BERTH_ORDER_PREFIX;
    o.order_displaced_max = displaced_max;
    core_kit_init(&w->kit, &o);
}

/* A prompt by its number, in letters. */
static void submit(world *w, uint32_t number) {
    request *r = &w->requests[w->count];
    berth_block_hash hashes[LENGTH];
    if (core_kit_stats(&w->kit).parked == PARKED_MAX || w->count == REQUESTS_MAX) return;
    for (uint32_t i = 0; i < LENGTH; i++, number /= LETTERS)
        r->prompt[i] = (char)('a' + number % LETTERS);
    for (uint32_t i = 0; i < LENGTH; i++) hashes[i] = name_of(r->prompt, i);
    const berth__submit ask = {.terms.band = 1,
                               .terms.prompt_tokens = LENGTH,
                               .terms.max_new_tokens = 1,
                               .block_hashes = hashes,
                               .block_hash_count = LENGTH};
    r->found = found_of(w, r->prompt);
    r->before = w->out_of_order;
    r->id = core_kit_take_in(&w->kit, 0, &ask);
    r->parked = 1;
    w->count++;
}

/* Of those who are parked: who found most, and of those who came first. */
static request *best_of(world *w) {
    request *best = NULL;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].parked && (best == NULL || w->requests[i].found > best->found))
            best = &w->requests[i];
    return best;
}

static request *oldest_of(world *w) {
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].parked) return &w->requests[i];
    return NULL;
}

/* One goes in, computes its prompt, and ends. */
static void serve(world *w) {
    berth_plan_entry entry[2];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entry, .entry_max = 2};
    const uint32_t max = w->kit.options.order_displaced_max;
    request *best = best_of(w);
    request *oldest = oldest_of(w);
    assert_int_equal(berth__core_plan(w->kit.core, 0, &plan), BERTH_OK);
    assert_int_equal(plan.entry_count, best != NULL);
    if (best == NULL) return;
    /* The bound: who passed the oldest before this one was it counts as if he had passed this one.
     */
    request *in = w->out_of_order - oldest->before >= max ? oldest : best;
    assert_true(entry[0].id == in->id);
    assert_true(oldest->passed <= max);
    w->out_of_order += in != oldest;
    in->parked = 0;
    for (request *r = w->requests; r < in; r++) r->passed += r->parked;
    const berth__progress all = {.tokens_computed = entry[0].tokens, .finish = BERTH_FINISH_STOP};
    assert_int_equal(berth__core_commit_begin(w->kit.core, 0, plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(w->kit.core, in->id, &all), BERTH_OK);
    berth__core_commit_end(w->kit.core);
    core_kit_must_hold(&w->kit);
}

static void who_found_most_goes_first_and_nobody_is_passed_too_often(void **state) {
    static world w;
    const uint32_t lives = core_long_tier() ? 5000 : 300;
    uint64_t random = core_seed(7);
    uint64_t out_of_order = 0;
    (void)state;
    for (uint32_t life = 0; life < lives; life++) {
        begin(&w, life % 2 == 0 ? REQUESTS_MAX : 1 + (uint32_t)core_random_below(&random, 5));
        for (uint32_t i = 0; i < 300; i++) {
            if (core_random_below(&random, 3) == 0)
                serve(&w);
            else
                submit(&w, (uint32_t)core_random_below(&random, 16));
        }
        while (oldest_of(&w) != NULL) serve(&w);
        out_of_order += w.out_of_order;
        core_kit_fini(&w.kit);
    }
    assert_true(out_of_order > lives);
}

static void every_short_program_goes_by_prefix(void **state) {
    enum { EVENTS = 6 }; /* five prompts, and to serve one */
    static const uint32_t prompts[EVENTS - 1] = {0, 8, 12, 3, 15};
    static world w;
    const uint32_t length = core_long_tier() ? 7 : 5;
    uint64_t programs = 1;
    (void)state;
    for (uint32_t i = 0; i < length; i++) programs *= EVENTS;
    for (uint64_t program = 0; program < 2 * programs; program++) {
        uint64_t rest = program / 2;
        begin(&w, program % 2 == 0 ? REQUESTS_MAX : 1);
        submit(&w, 0);
        serve(&w); /* somebody's prompt is there */
        for (uint32_t i = 0; i < length; i++, rest /= EVENTS) {
            if (rest % EVENTS == EVENTS - 1)
                serve(&w);
            else
                submit(&w, prompts[rest % EVENTS]);
        }
        while (oldest_of(&w) != NULL) serve(&w);
        core_kit_fini(&w.kit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_found_most_goes_first_and_nobody_is_passed_too_often),
        cmocka_unit_test(every_short_program_goes_by_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
