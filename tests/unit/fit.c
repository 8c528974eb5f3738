/* SPDX-License-Identifier: MIT */
/* Does it fit, what is in its way, and who passes a head that does not fit. */
#include "core/fit.h"
#include "core/backfill.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static berth_options options_of(uint32_t fit) {
    berth_options o = core_kit_options(BERTH_FACE_GATE, 4, 16);
    core_kit_add_resource(&o, "kv", 10);
    core_kit_add_resource(&o, "other", 10);
    o.fit = fit;
    return o;
}

static berth_request_id submit(core_kit *kit, uint64_t kv, uint64_t other, uint64_t run_ns) {
    berth__submit ask = {.terms.band = 1, .cost_count = 2, .run_ns = run_ns};
    ask.cost[0] = kv;
    ask.cost[1] = other;
    return core_kit_take_in(kit, 0, &ask);
}

static uint32_t admitted(core_kit *kit, berth_request_id id) {
    return core_kit_view(kit, id).state == BERTH__RUNNING;
}

static void end(core_kit *kit, uint64_t now, berth_request_id id) {
    assert_int_equal(berth__core_finish(kit->core, now, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, now, id), BERTH_OK);
    (void)berth__core_admit(kit->core, now);
    core_kit_must_hold(kit);
}

static uint32_t place_of(berth_request_id id) {
    return berth__id_place(id);
}

static void what_is_in_the_way_is_told(void **state) {
    core_kit kit;
    uint32_t resource = 9;
    const berth_options options = options_of(BERTH_FIT_STRICT);
    (void)state;
    core_kit_init(&kit, &options);
    const berth_request_id first = submit(&kit, 6, 1, 0);
    assert_int_equal(berth__fit_check(kit.core, place_of(first), NULL), BERTH__FIT_YES);
    berth__core_set_idle(kit.core, 0);
    assert_int_equal(berth__fit_check(kit.core, place_of(first), NULL), BERTH__FIT_IDLE);
    berth__core_set_idle(kit.core, BERTH__NONE);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    const berth_request_id second = submit(&kit, 4, 10, 0);
    assert_int_equal(berth__fit_check(kit.core, place_of(second), &resource), BERTH__FIT_RESOURCE);
    assert_int_equal(resource, 1);
    const uint64_t held[] = {11};
    assert_int_equal(berth__core_charge(kit.core, 0, first, held, 1), BERTH_OK);
    assert_int_equal(berth__fit_check(kit.core, place_of(second), &resource), BERTH__FIT_OVERDRAFT);
    assert_int_equal(resource, 0);
    assert_true(berth__fit_is_for_all(BERTH__FIT_OVERDRAFT));
    assert_false(berth__fit_is_for_all(BERTH__FIT_RESOURCE));
    core_kit_fini(&kit);
}

static void without_a_free_slot_nobody_fits(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FIT_EASY);
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 4; i++) (void)submit(&kit, 1, 0, 5);
    assert_int_equal(berth__core_admit(kit.core, 0), 4);
    const berth_request_id fifth = submit(&kit, 1, 0, 5);
    assert_int_equal(berth__fit_check(kit.core, place_of(fifth), NULL), BERTH__FIT_SLOT);
    assert_true(berth__fit_is_for_all(BERTH__FIT_SLOT));
    core_kit_fini(&kit);
}

static void the_shadow_is_the_first_end_at_which_the_head_fits(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FIT_EASY);
    (void)state;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 3, 1, 30);
    (void)submit(&kit, 3, 1, 10);
    (void)submit(&kit, 2, 1, 20);
    assert_int_equal(berth__core_admit(kit.core, 0), 3);
    const berth_request_id head = submit(&kit, 6, 2, 5);
    const berth__shadow s = berth__backfill_shadow(kit.core, place_of(head));
    assert_int_equal(s.start_at_ns, 20); /* 2 free, 3 at 10, 2 at 20 */
    assert_int_equal(s.spare[0], 1);
    assert_int_equal(s.spare[1], 7);
    assert_int_equal(s.spare_slots, 2);
    const berth_request_id late = submit(&kit, 2, 0, 21);
    const berth_request_id small = submit(&kit, 1, 0, 0);
    const berth_request_id soon = submit(&kit, 2, 0, 20);
    assert_false(berth__backfill_may_pass(kit.core, place_of(late), &s));
    assert_true(berth__backfill_may_pass(kit.core, place_of(small), &s));
    assert_true(berth__backfill_may_pass(kit.core, place_of(soon), &s));
    core_kit_fini(&kit);
}

static void what_passes_uses_up_what_is_spare(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FIT_EASY);
    (void)state;
    core_kit_init(&kit, &options);
    const berth_request_id runs = submit(&kit, 6, 0, 10);
    (void)berth__core_admit(kit.core, 0);
    const berth_request_id head = submit(&kit, 8, 0, 10);
    const berth_request_id one = submit(&kit, 1, 0, 100);
    const berth_request_id two = submit(&kit, 1, 0, 0);
    const berth_request_id three = submit(&kit, 1, 0, 100);
    assert_int_equal(berth__core_admit(kit.core, 0), 2);
    assert_true(admitted(&kit, one) && admitted(&kit, two));
    assert_false(admitted(&kit, three));
    assert_int_equal(core_kit_stats(&kit).backfills_total, 2);
    end(&kit, 10, runs);
    assert_true(admitted(&kit, head));
    core_kit_fini(&kit);
}

static void nobody_passes_a_head_behind_something_without_a_bound(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FIT_EASY);
    (void)state;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 6, 0, 0);
    (void)berth__core_admit(kit.core, 0);
    (void)submit(&kit, 8, 0, 10);
    (void)submit(&kit, 1, 0, 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    core_kit_fini(&kit);
}

static void first_fit_passes_a_head_but_no_higher_band(void **state) {
    core_kit kit;
    const berth_options options = options_of(BERTH_FIT_FIRST);
    (void)state;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 6, 0, 0);
    (void)berth__core_admit(kit.core, 0);
    (void)submit(&kit, 8, 0, 0);
    const berth_request_id small = submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_true(admitted(&kit, small));
    const berth__submit urgent = core_ask(2, 9);
    (void)core_kit_take_in(&kit, 0, &urgent);
    (void)submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    core_kit_fini(&kit);
}

static void a_head_is_overtaken_so_often_and_not_once_more(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FIT_FIRST);
    (void)state;
    options.overtake_max = 1;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 6, 0, 0);
    (void)berth__core_admit(kit.core, 0);
    (void)submit(&kit, 8, 0, 0);
    for (uint32_t i = 0; i < 2; i++) (void)submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    core_kit_fini(&kit);
}

static void what_runs_drains_for_a_head_that_has_waited_long(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FIT_FIRST);
    (void)state;
    options.overtake_ns_max = 100;
    core_kit_init(&kit, &options);
    const berth_request_id runs = submit(&kit, 6, 0, 0);
    (void)berth__core_admit(kit.core, 0);
    const berth_request_id head = submit(&kit, 8, 0, 0);
    for (uint32_t i = 0; i < 2; i++) (void)submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 99), 2);
    (void)submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 100), 0);
    end(&kit, 101, runs);
    assert_true(admitted(&kit, head));
    core_kit_fini(&kit);
}

static void no_one_is_looked_at_beyond_look_max(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FIT_FIRST);
    (void)state;
    options.look_max = 2;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 6, 0, 0);
    (void)berth__core_admit(kit.core, 0);
    for (uint32_t i = 0; i < 3; i++) (void)submit(&kit, 8, 0, 0);
    (void)submit(&kit, 1, 0, 0);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    core_kit_fini(&kit);
}

/* An engine's request has a bound without run_ns: its tokens, at the time that steps take. */
static void tokens_left_and_the_time_of_a_step_make_a_bound(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_options options = options_of(BERTH_FIT_EASY);
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    (void)state;
    options.face = BERTH_FACE_ENGINE;
    core_kit_init(&kit, &options);
    berth__submit ask = {
        .terms.band = 1, .cost_count = 1, .terms.prompt_tokens = 7, .terms.max_new_tokens = 5};
    ask.cost[0] = 6;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    assert_true(berth__backfill_ends_at(kit.core, place_of(id)) == UINT64_MAX);
    const berth__progress p = {.tokens_computed = 7, .tokens_generated = 1};
    assert_int_equal(berth__core_commit_begin(kit.core, 20, plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit.core, id, &p), BERTH_OK);
    berth__core_commit_end(kit.core);
    assert_int_equal(berth__backfill_ends_at(kit.core, place_of(id)), 20 + 5 * 20);
    core_kit_fini(&kit);
}

static void without_a_limit_of_tokens_there_is_no_bound(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_options options = options_of(BERTH_FIT_EASY);
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    (void)state;
    options.face = BERTH_FACE_ENGINE;
    core_kit_init(&kit, &options);
    berth__submit ask = {.terms.band = 1, .cost_count = 1, .cost = {6}, .terms.prompt_tokens = 7};
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    const berth__progress p = {.tokens_computed = 7, .tokens_generated = 9};
    assert_int_equal(berth__core_commit_begin(kit.core, 20, plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit.core, id, &p), BERTH_OK);
    berth__core_commit_end(kit.core);
    assert_true(berth__backfill_ends_at(kit.core, place_of(id)) == UINT64_MAX);
    /* Behind it nobody passes a head that does not fit. */
    ask.terms.max_new_tokens = 1;
    const berth_request_id head = core_kit_take_in(&kit, 20, &ask);
    ask.cost[0] = 1;
    const berth_request_id small = core_kit_take_in(&kit, 20, &ask);
    assert_int_equal(berth__core_plan(kit.core, 20, &plan), BERTH_OK);
    assert_false(admitted(&kit, head) || admitted(&kit, small));
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_the_way_is_told),
        cmocka_unit_test(without_a_free_slot_nobody_fits),
        cmocka_unit_test(the_shadow_is_the_first_end_at_which_the_head_fits),
        cmocka_unit_test(what_passes_uses_up_what_is_spare),
        cmocka_unit_test(nobody_passes_a_head_behind_something_without_a_bound),
        cmocka_unit_test(first_fit_passes_a_head_but_no_higher_band),
        cmocka_unit_test(a_head_is_overtaken_so_often_and_not_once_more),
        cmocka_unit_test(what_runs_drains_for_a_head_that_has_waited_long),
        cmocka_unit_test(no_one_is_looked_at_beyond_look_max),
        cmocka_unit_test(without_a_limit_of_tokens_there_is_no_bound),
        cmocka_unit_test(tokens_left_and_the_time_of_a_step_make_a_bound),
    };
    return cmocka_run_group_tests_name("unit/fit", tests, NULL, NULL);
}
