/* SPDX-License-Identifier: MIT */
/* The orders inside a band: deadlines, expected tokens, prefixes, the host's rank; their bound. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void make(core_kit *kit, uint32_t order, uint32_t displaced_max) {
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 100);
    options.order = order;
    options.order_displaced_max = displaced_max;
    core_kit_init(kit, &options);
}

static berth_request_id take_in(core_kit *kit, const berth__submit *ask) {
    const berth_request_id id = core_kit_take_in(kit, 0, ask);
    core_kit_must_hold(kit);
    return id;
}

static void end(core_kit *kit, berth_request_id id, uint64_t tokens) {
    if (tokens != 0) assert_int_equal(berth__core_emit(kit->core, 0, id, tokens), BERTH_OK);
    assert_int_equal(berth__core_finish(kit->core, 0, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, 0, id), BERTH_OK);
    core_kit_must_hold(kit);
}

/* The next to go in is this one; it generates so many tokens and ends. */
static void must_serve(core_kit *kit, berth_request_id id, uint64_t tokens) {
    core_kit_clear(kit);
    assert_int_equal(berth__core_admit(kit->core, 0), 1);
    assert_true(kit->log.items[0].id == id);
    core_kit_must_hold(kit);
    end(kit, id, tokens);
}

static void the_earliest_deadline_goes_first_and_those_without_one_last(void **state) {
    core_kit kit;
    berth_request_id id[5];
    (void)state;
    make(&kit, BERTH_ORDER_DEADLINE, 0);
    berth__submit ask = core_ask(1, 0);
    id[3] = take_in(&kit, &ask);
    id[4] = take_in(&kit, &ask);
    ask.terms.total_ns = 90;
    id[2] = take_in(&kit, &ask);
    ask.terms.first_output_ns = 50;
    id[1] = take_in(&kit, &ask);
    ask.terms.queue_ns = 20;
    id[0] = take_in(&kit, &ask);
    for (int i = 0; i < 5; i++) must_serve(&kit, id[i], 0);
    core_kit_fini(&kit);
}

static void the_lowest_rank_goes_first_and_equals_by_arrival(void **state) {
    core_kit kit;
    static const uint64_t ranks[] = {UINT64_MAX, 5, 0, 5};
    berth_request_id id[4];
    (void)state;
    make(&kit, BERTH_ORDER_RANK, 0);
    for (int i = 0; i < 4; i++) {
        berth__submit ask = core_ask(1, 0);
        ask.rank = ranks[i];
        id[i] = take_in(&kit, &ask);
    }
    /* A recost keeps the rank. */
    const berth__submit known = {.terms.prompt_tokens = 3, .rank = 0};
    berth_refusal refusal;
    assert_int_equal(berth__core_recost(kit.core, 0, id[0], &known, &refusal), BERTH_OK);
    core_kit_must_hold(&kit);
    must_serve(&kit, id[2], 0);
    must_serve(&kit, id[1], 0);
    must_serve(&kit, id[3], 0);
    must_serve(&kit, id[0], 0);
    core_kit_fini(&kit);
}

static berth__submit job(uint64_t prompt, uint64_t most) {
    berth__submit ask = core_ask(1, 0);
    ask.terms.prompt_tokens = prompt;
    ask.terms.max_new_tokens = most;
    return ask;
}

static void the_shortest_goes_first_and_a_recost_moves_it(void **state) {
    core_kit kit;
    berth_refusal refusal;
    (void)state;
    make(&kit, BERTH_ORDER_SHORTEST, 0);
    const berth__submit asks[] = {job(10, 10), job(5, 5), job(1, 30)};
    const berth__submit known = job(1, 3);
    berth_request_id id[3];
    for (int i = 0; i < 3; i++) id[i] = take_in(&kit, &asks[i]);
    assert_int_equal(berth__core_recost(kit.core, 0, id[2], &known, &refusal), BERTH_OK);
    core_kit_must_hold(&kit);
    must_serve(&kit, id[2], 0);
    must_serve(&kit, id[1], 0);
    must_serve(&kit, id[0], 0);
    core_kit_fini(&kit);
}

static void what_a_band_generated_of_late_says_more_than_the_most_it_may(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, BERTH_ORDER_SHORTEST, 0);
    const berth__submit usual = job(1, 4000);
    for (int i = 0; i < 8; i++) must_serve(&kit, take_in(&kit, &usual), 10);
    const berth__submit asks[] = {job(20, 4000), job(1, 25), job(14, 0)};
    berth_request_id id[3];
    for (int i = 0; i < 3; i++) id[i] = take_in(&kit, &asks[i]);
    must_serve(&kit, id[1], 0); /* 1 + 10 */
    must_serve(&kit, id[2], 0); /* 14 + 10 */
    must_serve(&kit, id[0], 0); /* 20 + 10 */
    core_kit_fini(&kit);
}

static void a_tenant_is_expected_to_go_on_as_it_did(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 100);
    (void)state;
    options.order = BERTH_ORDER_SHORTEST;
    options.tenants_max = 4;
    core_kit_init(&kit, &options);
    berth__submit talker = job(1, 4000);
    berth__submit terse = job(1, 4000);
    talker.terms.tenant = 1;
    terse.terms.tenant = 2;
    for (int i = 0; i < 10; i++) {
        must_serve(&kit, take_in(&kit, &talker), 1000);
        must_serve(&kit, take_in(&kit, &terse), 5);
    }
    terse.terms.prompt_tokens = 500;
    const berth_request_id first = take_in(&kit, &talker);
    const berth_request_id second = take_in(&kit, &terse);
    must_serve(&kit, second, 5);
    must_serve(&kit, first, 1000);
    core_kit_fini(&kit);
}

/* A prompt of four blocks of one token, of which the first `common` are everybody's. */
static berth_request_id ask_prompt(core_kit *kit, uint32_t common) {
    static uint64_t other = 100; /* names that nobody else has */
    berth_block_hash hashes[4];
    berth__submit ask = {.terms.band = 1,
                         .terms.prompt_tokens = 4,
                         .terms.max_new_tokens = 1,
                         .block_hash_count = 4};
    for (uint32_t i = 0; i < 4; i++)
        hashes[i] = (berth_block_hash){.low = i < common ? i + 1 : other++};
    ask.block_hashes = hashes;
    return take_in(kit, &ask);
}

/* The next plan holds this one alone, which begins behind so many tokens and ends. */
static void must_run(core_kit *kit, berth_request_id id, uint64_t prefix_tokens) {
    berth_plan_entry entry[2];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entry, .entry_max = 2};
    assert_int_equal(berth__core_plan(kit->core, 0, &plan), BERTH_OK);
    assert_int_equal(plan.entry_count, 1);
    assert_true(entry[0].id == id);
    assert_int_equal(entry[0].prefix_tokens, prefix_tokens);
    const berth__progress all = {.tokens_computed = entry[0].tokens, .finish = BERTH_FINISH_STOP};
    assert_int_equal(berth__core_commit_begin(kit->core, 0, plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit->core, id, &all), BERTH_OK);
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static void the_longest_prefix_goes_first(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 1, 100);
    core_kit kit;
    berth_request_id id[4];
    (void)state;
    core_kit_add_resource(&options, "kv_blocks", 100);
    options.kv_block_tokens = 1;
    options.prefix_blocks_max = 64;
    options.order = BERTH_ORDER_PREFIX;
    core_kit_init(&kit, &options);
    must_run(&kit, ask_prompt(&kit, 4), 0);
    id[0] = ask_prompt(&kit, 0);
    id[1] = ask_prompt(&kit, 1);
    id[2] = ask_prompt(&kit, 3);
    id[3] = ask_prompt(&kit, 3);
    must_run(&kit, id[2], 3);
    must_run(&kit, id[3], 3);
    must_run(&kit, id[1], 1);
    must_run(&kit, id[0], 0);
    core_kit_fini(&kit);
}

static void nobody_is_passed_more_often_than_the_maximum(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, BERTH_ORDER_RANK, 3);
    berth__submit ask = core_ask(1, 0);
    ask.rank = 100;
    const berth_request_id last = take_in(&kit, &ask);
    const berth_request_id behind = take_in(&kit, &ask);
    ask.rank = 1;
    for (int i = 0; i < 3; i++) must_serve(&kit, take_in(&kit, &ask), 0);
    const berth_request_id fourth = take_in(&kit, &ask);
    must_serve(&kit, last, 0);
    must_serve(&kit, behind, 0); /* it was passed as often */
    must_serve(&kit, fourth, 0);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_deadline_goes_first_and_those_without_one_last),
        cmocka_unit_test(the_lowest_rank_goes_first_and_equals_by_arrival),
        cmocka_unit_test(the_shortest_goes_first_and_a_recost_moves_it),
        cmocka_unit_test(what_a_band_generated_of_late_says_more_than_the_most_it_may),
        cmocka_unit_test(a_tenant_is_expected_to_go_on_as_it_did),
        cmocka_unit_test(the_longest_prefix_goes_first),
        cmocka_unit_test(nobody_is_passed_more_often_than_the_maximum),
    };
    return cmocka_run_group_tests_name("unit/order", tests, NULL, NULL);
}
