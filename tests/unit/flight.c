/* SPDX-License-Identifier: MIT */
/* Several steps in flight: what later plans hold, and what is held until the last one is over. */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct made {
    berth_plan plan;
    berth_plan_entry entries[16];
} made;

static berth_options options_of(uint32_t steps_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    o.steps_max = steps_max;
    return o;
}

/* Blocks of one token, so that every decode needs another one. */
static void start_growing(core_kit *kit, berth_options o, uint64_t capacity) {
    core_kit_add_resource(&o, "kv_blocks", capacity);
    o.kv_block_tokens = 1;
    o.kv_mode = BERTH_KV_OPTIMISTIC;
    core_kit_init(kit, &o);
}

static berth_request_id ask(core_kit *kit, uint32_t band, uint64_t prompt, uint64_t max_new) {
    const berth__submit submit = {
        .terms.band = band, .terms.prompt_tokens = prompt, .terms.max_new_tokens = max_new};
    return core_kit_take_in(kit, 0, &submit);
}

static void plan(core_kit *kit, made *m) {
    m->plan = (berth_plan){.struct_size = sizeof m->plan, .entries = m->entries, .entry_max = 16};
    assert_int_equal(berth__core_plan(kit->core, 0, &m->plan), BERTH_OK);
    core_kit_must_hold(kit);
}

static const berth_plan_entry *entry_of(const made *m, berth_request_id id) {
    for (uint32_t i = m->plan.leave_count; i < m->plan.entry_count; i++)
        if (m->entries[i].id == id) return &m->entries[i];
    return NULL;
}

static void must_be(const made *m, berth_request_id id, uint64_t from, uint64_t tokens) {
    const berth_plan_entry *entry = entry_of(m, id);
    assert_non_null(entry);
    assert_int_equal(entry->tokens_computed, from);
    assert_int_equal(entry->tokens, tokens);
}

/* Everybody does what was planned, and generates one in a decode; `last` finishes with it. */
static void commit(core_kit *kit, const made *m, berth_request_id last) {
    assert_int_equal(berth__core_commit_begin(kit->core, 0, m->plan.step_id), BERTH_OK);
    for (uint32_t i = m->plan.leave_count; i < m->plan.entry_count; i++) {
        const berth_plan_entry *e = &m->entries[i];
        const int stops = core_kit_view(kit, e->id).state == BERTH__STOPPING;
        const berth__progress p = {.tokens_computed = e->tokens,
                                   .tokens_generated = e->kind == BERTH_ENTRY_DECODE,
                                   .finish = e->id == last ? BERTH_FINISH_STOP : 0};
        assert_int_equal(berth__core_commit_entry(kit->core, e->id, &p),
                         stops ? BERTH_EENDED : BERTH_OK);
    }
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

/* One result alone; the rest is not mentioned. */
static void commit_one(core_kit *kit, const made *m, berth_request_id id, uint64_t tokens) {
    const berth__progress p = {.tokens_computed = tokens};
    assert_int_equal(berth__core_commit_begin(kit->core, 0, m->plan.step_id), BERTH_OK);
    assert_int_equal(berth__core_commit_entry(kit->core, id, &p), BERTH_OK);
    berth__core_commit_end(kit->core);
    core_kit_must_hold(kit);
}

static void a_plan_goes_on_from_where_the_steps_before_it_end(void **state) {
    berth_options o = options_of(4);
    core_kit kit;
    made m[6];
    (void)state;
    o.prefill_tokens_max = 4;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 1, 10, 3);
    for (int i = 0; i < 4; i++) plan(&kit, &m[i]);
    must_be(&m[0], id, 0, 4);
    must_be(&m[1], id, 4, 4);
    must_be(&m[2], id, 8, 2);
    must_be(&m[3], id, 10, 1);
    assert_int_equal(entry_of(&m[0], id)->flags, BERTH_ENTRY_ADMITTED);
    assert_int_equal(entry_of(&m[1], id)->flags, 0);
    assert_int_equal(entry_of(&m[2], id)->kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(entry_of(&m[3], id)->kind, BERTH_ENTRY_DECODE);
    assert_int_equal(berth__core_plan(kit.core, 0, &m[4].plan), BERTH_ESTEP);
    assert_int_equal(berth__core_has_plan(kit.core), 0);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[4]);
    must_be(&m[4], id, 11, 1);
    commit(&kit, &m[1], 0);
    plan(&kit, &m[5]); /* its three tokens may all come of what is in flight */
    assert_int_equal(m[5].plan.entry_count, 0);
    assert_int_equal(m[5].plan.step_id, 0);
    commit(&kit, &m[2], 0); /* this one generated nothing with its prompt */
    plan(&kit, &m[5]);
    must_be(&m[5], id, 12, 1);
    core_kit_fini(&kit);
}

static void steps_are_committed_in_order(void **state) {
    const berth_options o = options_of(2);
    core_kit kit;
    made m[2];
    (void)state;
    core_kit_init(&kit, &o);
    (void)ask(&kit, 1, 4, 9);
    plan(&kit, &m[0]);
    plan(&kit, &m[1]);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[1].plan.step_id), BERTH_ESTEP);
    assert_int_equal(berth__core_plan_fail(kit.core, 0, m[1].plan.step_id), BERTH_ESTEP);
    commit(&kit, &m[0], 0);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[0].plan.step_id), BERTH_ESTEP);
    commit(&kit, &m[1], 0);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[1].plan.step_id), BERTH_ESTEP);
    assert_int_equal(core_kit_stats(&kit).steps_total, 2);
    core_kit_fini(&kit);
}

static void who_finished_is_held_until_its_last_step_ends(void **state) {
    berth_options o = options_of(2);
    core_kit kit;
    made m[3];
    (void)state;
    o.running_max = 1;
    start_growing(&kit, o, 20);
    const berth_request_id id = ask(&kit, 1, 4, 9);
    const berth_request_id next = ask(&kit, 1, 3, 9);
    plan(&kit, &m[0]);
    plan(&kit, &m[1]);
    commit(&kit, &m[0], id);
    assert_int_equal(core_kit_view(&kit, id).state, BERTH__STOPPING);
    assert_int_equal(core_kit_view(&kit, id).units[0], 5);
    plan(&kit, &m[2]); /* neither its slot nor its KV are free */
    assert_int_equal(m[2].plan.entry_count, 0);
    commit(&kit, &m[1], 0);
    assert_int_equal(core_kit_view(&kit, id).state, BERTH__ENDED);
    assert_int_equal(core_kit_view(&kit, id).outcome.tokens_computed, 4);
    plan(&kit, &m[2]); /* the engine knows that it finished it */
    assert_int_equal(m[2].plan.leave_count, 0);
    must_be(&m[2], next, 0, 3);
    core_kit_fini(&kit);
}

static void who_is_cancelled_leaves_after_its_last_step(void **state) {
    berth_options o = options_of(3);
    core_kit kit;
    made m[5];
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 1, 4, 9);
    const berth_request_id other = ask(&kit, 1, 4, 9);
    plan(&kit, &m[0]);
    plan(&kit, &m[1]);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    plan(&kit, &m[2]);
    assert_int_equal(m[2].plan.leave_count, 0);
    assert_null(entry_of(&m[2], id));
    commit(&kit, &m[0], 0);
    plan(&kit, &m[3]);
    assert_int_equal(m[3].plan.leave_count, 0);
    commit(&kit, &m[1], 0);
    assert_int_equal(core_kit_view(&kit, id).state, BERTH__ENDED);
    plan(&kit, &m[4]);
    assert_int_equal(m[4].plan.leave_count, 1);
    assert_true(m[4].entries[0].id == id);
    assert_non_null(entry_of(&m[4], other));
    core_kit_fini(&kit);
}

static void what_was_not_computed_is_planned_again(void **state) {
    berth_options o = options_of(2);
    core_kit kit;
    made m[4];
    (void)state;
    o.prefill_tokens_max = 4;
    start_growing(&kit, o, 40);
    const berth_request_id id = ask(&kit, 1, 8, 9);
    plan(&kit, &m[0]);
    plan(&kit, &m[1]);
    commit_one(&kit, &m[0], id, 1);
    plan(&kit, &m[2]); /* 1, and 4 in flight */
    must_be(&m[2], id, 5, 3);
    commit_one(&kit, &m[1], id, 4);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[2].plan.step_id), BERTH_OK);
    berth__core_commit_end(kit.core); /* it is not mentioned */
    core_kit_must_hold(&kit);
    plan(&kit, &m[3]);
    must_be(&m[3], id, 5, 3);
    core_kit_fini(&kit);
}

static void kv_is_held_for_all_that_is_in_flight(void **state) {
    core_kit kit;
    made m[3];
    (void)state;
    start_growing(&kit, options_of(3), 40);
    const berth_request_id id = ask(&kit, 1, 5, 9);
    for (int i = 0; i < 3; i++) plan(&kit, &m[i]);
    assert_int_equal(core_kit_view(&kit, id).units[0], 7);
    commit(&kit, &m[0], 0);
    assert_int_equal(core_kit_view(&kit, id).units[0], 7);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[1].plan.step_id), BERTH_OK);
    berth__core_commit_end(kit.core);
    assert_int_equal(core_kit_view(&kit, id).units[0], 6);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

/* The lower band is in a step when the higher one runs out: it drains, nobody is admitted, and once
 * it is in no step it is the one that goes. */
static void who_is_to_give_way_leaves_its_steps_first(void **state) {
    core_kit kit;
    made m[4];
    (void)state;
    start_growing(&kit, options_of(2), 12);
    const berth_request_id high = ask(&kit, 3, 5, 7);
    const berth_request_id low = ask(&kit, 1, 5, 7);
    plan(&kit, &m[0]);
    assert_non_null(entry_of(&m[0], low));
    plan(&kit, &m[1]); /* the last two blocks */
    assert_non_null(entry_of(&m[1], low));
    const berth_request_id parked = ask(&kit, 1, 0, 1);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[2]);
    assert_int_equal(m[2].plan.entry_count, 0); /* low drains, high has to wait for it */
    assert_int_equal(core_kit_stats(&kit).preemptions_total, 0);
    commit(&kit, &m[1], 0);
    plan(&kit, &m[2]);
    assert_int_equal(m[2].plan.leave_count, 1);
    assert_true(m[2].entries[0].id == low);
    assert_int_equal(m[2].entries[0].flags, BERTH_ENTRY_PREEMPTED);
    must_be(&m[2], high, 6, 1);
    assert_int_equal(core_kit_view(&kit, parked).state, BERTH__PARKED);
    core_kit_fini(&kit);
}

/* Room for one block is left, and it is not given to a newcomer while another needs two. */
static void nobody_is_admitted_while_one_drains(void **state) {
    const berth__submit two = {
        .terms.band = 3, .terms.prompt_tokens = 5, .terms.max_new_tokens = 4, .samples = 2};
    core_kit kit;
    made m[3];
    (void)state;
    start_growing(&kit, options_of(2), 14);
    const berth_request_id high = core_kit_take_in(&kit, 0, &two);
    const berth_request_id low = ask(&kit, 1, 5, 4);
    plan(&kit, &m[0]);
    plan(&kit, &m[1]);
    must_be(&m[1], high, 5, 2);
    must_be(&m[1], low, 5, 1);
    const berth_request_id parked = ask(&kit, 3, 1, 1);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[2]);
    assert_int_equal(m[2].plan.entry_count, 0);
    assert_int_equal(core_kit_view(&kit, parked).state, BERTH__PARKED);
    core_kit_fini(&kit);
}

static void what_a_plan_gave_to_one_that_drains_is_taken_back(void **state) {
    core_kit kit;
    made m[3];
    (void)state;
    start_growing(&kit, options_of(2), 12);
    const berth_request_id low = ask(&kit, 1, 5, 7);
    plan(&kit, &m[0]);
    const berth_request_id high = ask(&kit, 3, 5, 7);
    plan(&kit, &m[1]);
    must_be(&m[1], low, 5, 1);
    must_be(&m[1], high, 0, 5);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[2]); /* low comes first, and takes the last block: high gets it */
    assert_null(entry_of(&m[2], low));
    must_be(&m[2], high, 5, 1);
    assert_int_equal(core_kit_view(&kit, low).units[0], 6);
    core_kit_fini(&kit);
}

static void only_one_at_a_time_is_asked_to_give_way(void **state) {
    core_kit kit;
    made m[3];
    (void)state;
    start_growing(&kit, options_of(2), 17);
    const berth_request_id idle = ask(&kit, 1, 5, 7);
    (void)ask(&kit, 3, 5, 7);
    const berth_request_id low = ask(&kit, 1, 5, 7);
    plan(&kit, &m[0]);
    assert_int_equal(m[0].plan.entry_count, 3);
    assert_int_equal(berth__core_suspend(kit.core, 0, idle, 1), BERTH_OK);
    plan(&kit, &m[1]);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[2]); /* the newest drains; who is in no step need not go as well */
    assert_null(entry_of(&m[2], low));
    assert_int_equal(core_kit_view(&kit, idle).state, BERTH__RUNNING);
    assert_int_equal(core_kit_stats(&kit).preemptions_total, 0);
    core_kit_fini(&kit);
}

static void who_drains_goes_on_if_room_was_made_otherwise(void **state) {
    core_kit kit;
    made m[6];
    (void)state;
    start_growing(&kit, options_of(3), 14);
    const berth_request_id high = ask(&kit, 3, 5, 7);
    const berth_request_id low = ask(&kit, 1, 5, 7);
    for (int i = 0; i < 3; i++) plan(&kit, &m[i]);
    commit(&kit, &m[0], 0);
    plan(&kit, &m[3]);
    assert_int_equal(m[3].plan.entry_count, 0);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 30), BERTH_OK);
    plan(&kit, &m[3]); /* it is still in two steps */
    must_be(&m[3], high, 7, 1);
    assert_null(entry_of(&m[3], low));
    commit(&kit, &m[1], 0);
    commit(&kit, &m[2], 0);
    plan(&kit, &m[4]);
    must_be(&m[4], low, 7, 1);
    assert_int_equal(core_kit_stats(&kit).preemptions_total, 0);
    core_kit_fini(&kit);
}

static void a_step_that_failed_takes_all_after_it_along(void **state) {
    core_kit kit;
    made m[3];
    (void)state;
    start_growing(&kit, options_of(3), 40);
    const berth_request_id first = ask(&kit, 1, 5, 9);
    const berth_request_id second = ask(&kit, 1, 5, 9);
    for (int i = 0; i < 3; i++) plan(&kit, &m[i]);
    assert_int_equal(berth__core_plan_fail(kit.core, 0, m[0].plan.step_id), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_stats(&kit).steps_failed_total, 3);
    assert_int_equal(core_kit_view(&kit, second).state, BERTH__PARKED);
    assert_int_equal(core_kit_view(&kit, first).units[0], 5);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, m[1].plan.step_id), BERTH_ESTEP);
    plan(&kit, &m[0]);
    must_be(&m[0], first, 0, 5);
    core_kit_fini(&kit);
}

static void who_is_suspended_in_flight_is_in_no_further_step(void **state) {
    const berth_options o = options_of(3);
    core_kit kit;
    made m[4];
    (void)state;
    core_kit_init(&kit, &o);
    const berth_request_id id = ask(&kit, 1, 4, 9);
    const berth_request_id slow = ask(&kit, 1, 4, 9);
    plan(&kit, &m[0]);
    assert_int_equal(berth__core_suspend(kit.core, 0, id, 1), BERTH_OK);
    plan(&kit, &m[1]);
    assert_null(entry_of(&m[1], id));
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_EBUSY);
    assert_int_equal(berth__core_pause(kit.core, 0, slow, 1), BERTH_OK);
    plan(&kit, &m[2]);
    assert_int_equal(m[2].plan.step_id, 0);
    commit(&kit, &m[0], 0);
    assert_int_equal(berth__core_preempt(kit.core, 0, id), BERTH_OK);
    assert_int_equal(berth__core_preempt(kit.core, 0, slow), BERTH_EBUSY);
    assert_int_equal(berth__core_suspend(kit.core, 0, id, 0), BERTH_OK);
    plan(&kit, &m[2]); /* it was preempted: it comes back from the start, in the same plan */
    must_be(&m[2], id, 0, 4);
    commit(&kit, &m[1], slow);
    commit(&kit, &m[2], id);
    core_kit_fini(&kit);
}

/* Steps that nobody makes end no pause of admission: the only other one that runs is suspended. */
static void where_all_are_held_up_admission_is_not_paused(void **state) {
    berth_options o = options_of(1);
    core_kit kit;
    made m;
    (void)state;
    o.preempt_pause_steps = 5;
    start_growing(&kit, o, 40);
    const berth_request_id stays = ask(&kit, 1, 4, 9);
    const berth_request_id gives = ask(&kit, 1, 4, 9);
    plan(&kit, &m);
    assert_int_equal(berth__core_plan_fail(kit.core, 0, m.plan.step_id), BERTH_OK);
    assert_int_equal(core_kit_view(&kit, gives).state, BERTH__PARKED);
    assert_int_equal(berth__core_suspend(kit.core, 0, stays, 1), BERTH_OK);
    plan(&kit, &m); /* it leaves, and nobody is admitted */
    assert_int_equal(m.plan.entry_count, 1);
    assert_int_equal(m.plan.leave_count, 1);
    assert_int_equal(berth__core_has_plan(kit.core), 1);
    plan(&kit, &m);
    must_be(&m, gives, 0, 4);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_goes_on_from_where_the_steps_before_it_end),
        cmocka_unit_test(steps_are_committed_in_order),
        cmocka_unit_test(who_finished_is_held_until_its_last_step_ends),
        cmocka_unit_test(who_is_cancelled_leaves_after_its_last_step),
        cmocka_unit_test(what_was_not_computed_is_planned_again),
        cmocka_unit_test(kv_is_held_for_all_that_is_in_flight),
        cmocka_unit_test(who_is_to_give_way_leaves_its_steps_first),
        cmocka_unit_test(nobody_is_admitted_while_one_drains),
        cmocka_unit_test(what_a_plan_gave_to_one_that_drains_is_taken_back),
        cmocka_unit_test(only_one_at_a_time_is_asked_to_give_way),
        cmocka_unit_test(who_drains_goes_on_if_room_was_made_otherwise),
        cmocka_unit_test(a_step_that_failed_takes_all_after_it_along),
        cmocka_unit_test(who_is_suspended_in_flight_is_in_no_further_step),
        cmocka_unit_test(where_all_are_held_up_admission_is_not_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
