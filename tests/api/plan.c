/* SPDX-License-Identifier: MIT */
/* The protocol between an engine's loop and its pool: plan, commit, leave. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static pool_host *host_of(uint32_t running_max) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = running_max;
    pool_host_start(host);
    return host;
}

static void step_ids_count_up_from_one(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_submit_band(host, 0);
    pool_step step;
    for (berth_step_id wanted = 1; wanted <= 5; wanted++) {
        pool_plan(host, &step);
        assert_true(step.plan.step_id == wanted);
        pool_commit(host, &step);
    }
    assert_int_equal(pool_stats(host).steps_total, 5);
    pool_host_end(host);
}

static void an_empty_plan_has_no_step(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_step step;
    pool_plan(host, &step);
    assert_true(step.plan.step_id == 0);
    assert_int_equal(step.plan.entry_count, 0);
    CHECK(berth_commit(host->pool, 0, NULL, 0), BERTH_ESTEP);
    pool_plan(host, &step); /* nothing is owed */
    pool_host_end(host);
}

static void a_second_plan_waits_for_the_commit_of_the_first(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    berth_plan again = {.struct_size = sizeof again, .entry_max = POOL_ENTRIES_MAX};
    berth_plan_entry entries[POOL_ENTRIES_MAX];
    again.entries = entries;
    berth_stats before = pool_stats(host);
    CHECK(berth_plan_next(host->pool, &again), BERTH_ESTEP);
    CHECK(berth_plan_wait(host->pool, &again, 0), BERTH_ESTEP);
    assert_true(again.step_id == 0);
    assert_int_equal(again.entry_count, 0);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_commit(host, &step);
    pool_host_end(host);
}

static void a_wrong_step_changes_nothing(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    berth_result result = {.id = id, .finish = BERTH_FINISH_STOP};
    berth_stats before = pool_stats(host);
    CHECK(berth_commit(host->pool, step.plan.step_id + 1, &result, 1), BERTH_ESTEP);
    CHECK(berth_commit(host->pool, 0, &result, 1), BERTH_ESTEP);
    CHECK(berth_commit(host->pool, UINT64_MAX, &result, 1), BERTH_ESTEP);
    CHECK(berth_commit(host->pool, step.plan.step_id, NULL, 1), BERTH_EINVAL);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    pool_commit(host, &step);
    CHECK(berth_commit(host->pool, step.plan.step_id, &result, 1), BERTH_ESTEP);
    assert_true(pool_unfinished(host, id));
    pool_host_end(host);
}

static void too_little_room_changes_nothing_and_says_how_much(void **state) {
    (void)state;
    pool_host *host = host_of(4);
    for (uint32_t i = 0; i < 3; i++) pool_submit_band(host, 0);
    berth_plan_entry entries[4];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2, .entries = entries};
    berth_stats before = pool_stats(host);
    CHECK(berth_plan_next(host->pool, &plan), BERTH_ESPACE);
    assert_true(plan.step_id == 0);
    assert_int_equal(plan.entry_count, 3);
    berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    plan.entry_max = 3;
    CHECK_OK(berth_plan_next(host->pool, &plan));
    assert_int_equal(plan.admitted_count, 3);
    assert_true(plan.step_id == 1);
    CHECK_OK(berth_commit(host->pool, plan.step_id, NULL, 0));
    pool_host_end(host);
}

static void prefill_comes_before_decode(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    berth_request request = pool_request(host, BERTH_BAND_HIGH);
    request.prompt_tokens = 100;
    request.max_new_tokens = 7;
    berth_request_id id = pool_submit(host, &request);
    pool_step step;
    pool_plan(host, &step);
    const berth_plan_entry *entry = pool_entry(&step, id);
    assert_int_equal(entry->kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(entry->flags, BERTH_ENTRY_ADMITTED);
    assert_int_equal(entry->tokens, 100);
    assert_int_equal(entry->tokens_computed, 0);
    assert_int_equal(entry->prompt_tokens, 100);
    assert_int_equal(entry->max_new_tokens, 7);
    assert_int_equal(entry->band, BERTH_BAND_HIGH);
    assert_ptr_equal(entry->payload, request.payload);
    pool_result(&step, id)->tokens_computed = 60; /* partly executed */
    pool_commit(host, &step);
    pool_plan(host, &step);
    entry = pool_entry(&step, id);
    assert_int_equal(entry->kind, BERTH_ENTRY_PREFILL);
    assert_int_equal(entry->flags, 0);
    assert_int_equal(entry->tokens, 40);
    assert_int_equal(entry->tokens_computed, 60);
    pool_result(&step, id)->tokens_generated = 1;
    pool_commit(host, &step);
    pool_plan(host, &step);
    entry = pool_entry(&step, id);
    assert_int_equal(entry->kind, BERTH_ENTRY_DECODE);
    assert_int_equal(entry->tokens, 1);
    assert_int_equal(entry->tokens_computed, 100);
    assert_int_equal(entry->tokens_generated, 1);
    pool_commit_finished(host, &step);
    berth_outcome outcome = pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(outcome.tokens_computed, 101);
    assert_int_equal(outcome.tokens_generated, 1);
    assert_int_equal(outcome.prompt_tokens, 100);
    assert_int_equal(outcome.band, BERTH_BAND_HIGH);
    pool_host_end(host);
}

static void what_results_do_not_mention_goes_on(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request request = pool_request(host, 0);
    request.prompt_tokens = 10;
    berth_request_id silent = pool_submit(host, &request);
    berth_request_id spoken = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    berth_result result = {.id = spoken, .finish = BERTH_FINISH_LENGTH};
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, &result, 1));
    CHECK_OK(result.status);
    pool_plan(host, &step);
    assert_int_equal(step.plan.entry_count, 1);
    assert_int_equal(pool_entry(&step, silent)->tokens_computed, 0);
    assert_int_equal(pool_entry(&step, silent)->tokens, 10);
    assert_int_equal(pool_entry(&step, silent)->flags, 0);
    pool_commit_finished(host, &step);
    pool_outcome(host, spoken, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_LENGTH);
    pool_host_end(host);
}

static void a_failed_entry_keeps_the_hosts_code(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request_id bad = pool_submit_band(host, 0);
    berth_request_id good = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_result(&step, bad)->finish = BERTH_FINISH_FAILED;
    pool_result(&step, bad)->code = -77;
    pool_commit(host, &step);
    berth_outcome outcome = pool_outcome(host, bad, BERTH_OUTCOME_FAILED, 0);
    assert_int_equal(outcome.code, -77);
    assert_true(pool_unfinished(host, good));
    assert_int_equal(pool_stats(host).running, 1);
    pool_host_end(host);
}

static void entries_are_independent_of_each_other(void **state) {
    (void)state;
    pool_host *host = host_of(4);
    berth_request_id ids[4];
    for (uint32_t i = 0; i < 4; i++) ids[i] = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, ids[1]));
    static char huge[8192];
    berth_result results[] = {
        {.id = ids[0], .tokens_generated = 1},                    /* fine */
        {.id = ids[1], .tokens_generated = 1},                    /* cancelled meanwhile */
        {.id = parked, .tokens_generated = 1},                    /* not in the step */
        {.id = ids[2], .finish = 99},                             /* no such finish */
        {.id = ids[2], .bytes = NULL, .bytes_size = 4},           /* again, and malformed */
        {.id = ids[3], .bytes = huge, .bytes_size = sizeof huge}, /* larger than a mailbox */
        {.id = ids[0], .finish = BERTH_FINISH_STOP},              /* the same id twice */
        {.id = 0},                                                /* no id */
        {.id = UINT64_MAX, .finish = BERTH_FINISH_STOP},          /* nobody */
    };
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, results, 9));
    CHECK_OK(results[0].status);
    CHECK(results[1].status, BERTH_EENDED);
    CHECK(results[2].status, BERTH_ESTALE);
    CHECK(results[3].status, BERTH_EINVAL);
    CHECK(results[4].status, BERTH_EINVAL);
    CHECK(results[5].status, BERTH_EINVAL);
    CHECK(results[6].status, BERTH_EINVAL);
    assert_true(results[7].status == BERTH_EINVAL || results[7].status == BERTH_ESTALE);
    CHECK(results[8].status, BERTH_ESTALE);
    assert_int_equal(pool_stats(host).running, 3);
    assert_int_equal(pool_stats(host).tokens_generated_total, 1);
    assert_true(pool_unfinished(host, ids[0]));
    assert_true(pool_unfinished(host, ids[2]));
    assert_true(pool_unfinished(host, ids[3]));
    pool_host_end(host);
}

static void a_reserved_field_that_is_set_is_refused_in_its_entry_alone(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request_id one = pool_submit_band(host, 0);
    berth_request_id two = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_result(&step, one)->reserved[1] = 1;
    pool_result(&step, one)->finish = BERTH_FINISH_STOP;
    pool_result(&step, two)->finish = BERTH_FINISH_STOP;
    pool_commit(host, &step);
    CHECK(pool_result(&step, one)->status, BERTH_EINVAL);
    CHECK_OK(pool_result(&step, two)->status);
    assert_true(pool_unfinished(host, one));
    pool_host_end(host);
}

static void late_output_after_a_cancel_is_dropped_and_counted(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, id));
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.stopping, 1); /* its units are held until the commit */
    assert_int_equal(atomic_load(&host->release_count), 0);
    pool_result(&step, id)->bytes = "late";
    pool_result(&step, id)->bytes_size = 4;
    pool_result(&step, id)->tokens_generated = 1;
    pool_commit(host, &step);
    CHECK(pool_result(&step, id)->status, BERTH_EENDED);
    stats = pool_stats(host);
    assert_int_equal(stats.stopping, 0);
    assert_int_equal(stats.chunks_dropped_total, 1);
    assert_int_equal(stats.chunks_total, 0);
    assert_int_equal(atomic_load(&host->release_count), 1);
    char buffer[8];
    berth_record end = pool_read(host, id, buffer, sizeof buffer, BERTH_RECORD_END);
    assert_int_equal(end.sequence, 0);
    assert_int_equal(end.outcome.chunks_dropped, 1);
    pool_host_end(host);
}

static void a_finish_after_a_cancel_does_not_change_the_outcome(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, id));
    CHECK(berth_cancel(host->pool, id), BERTH_EENDED);
    pool_commit_finished(host, &step);
    CHECK(pool_result(&step, id)->status, BERTH_EENDED);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    CHECK(berth_cancel(host->pool, id), BERTH_EENDED);
    pool_host_end(host);
}

static void a_slot_is_told_to_leave_before_it_is_used_again(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    berth_request_id first = pool_submit_band(host, 0);
    berth_request_id second = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    uint32_t slot = pool_entry(&step, first)->slot;
    pool_commit(host, &step);
    CHECK_OK(berth_cancel(host->pool, first)); /* in no step: its units are free at once */
    assert_int_equal(pool_stats(host).running, 0);
    assert_int_equal(pool_stats(host).stopping, 0);
    assert_int_equal(atomic_load(&host->release_count), 1);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 1);
    assert_int_equal(step.plan.entry_count, 2);
    assert_int_equal(step.entries[0].kind, BERTH_ENTRY_LEAVE);
    assert_true(step.entries[0].id == first);
    assert_int_equal(step.entries[0].slot, slot);
    assert_null(step.entries[0].payload);
    assert_true(step.entries[1].id == second);
    assert_int_equal(step.entries[1].slot, slot);
    assert_int_equal(step.entries[1].flags, BERTH_ENTRY_ADMITTED);
    berth_result gone = {.id = first, .finish = BERTH_FINISH_STOP};
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, &gone, 1));
    CHECK(gone.status, BERTH_ESTALE);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 0); /* told once */
    pool_commit(host, &step);
    pool_host_end(host);
}

static void one_who_was_cancelled_within_a_step_leaves_in_the_next(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request_id stays = pool_submit_band(host, 0);
    berth_request_id goes = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_cancel(host->pool, goes));
    CHECK_OK(berth_outcome_take(host->pool, goes, NULL)); /* the engine still learns it */
    pool_commit(host, &step);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 1);
    assert_true(pool_planned(&step, goes, BERTH_ENTRY_LEAVE));
    assert_true(pool_planned(&step, stays, BERTH_ENTRY_DECODE));
    pool_commit(host, &step);
    pool_host_end(host);
}

static void what_the_engine_finished_is_not_told_to_leave(void **state) {
    (void)state;
    pool_host *host = host_of(1);
    pool_submit_band(host, 0);
    berth_request_id next = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_plan(host, &step);
    assert_int_equal(step.plan.leave_count, 0);
    assert_int_equal(step.plan.entry_count, 1);
    assert_true(step.entries[0].id == next);
    pool_commit(host, &step);
    pool_host_end(host);
}

static void slots_are_dense_and_stable(void **state) {
    (void)state;
    pool_host *host = host_of(8);
    berth_request_id ids[8];
    uint32_t slots[8];
    for (uint32_t i = 0; i < 8; i++) ids[i] = pool_submit_band(host, 0);
    pool_step step;
    uint32_t seen = 0;
    for (uint32_t turn = 0; turn < 3; turn++) {
        pool_plan(host, &step);
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t slot = pool_entry(&step, ids[i])->slot;
            assert_in_range(slot, 0, 7);
            if (turn == 0) {
                slots[i] = slot;
                seen |= 1u << slot;
            }
            assert_int_equal(slot, slots[i]);
        }
        pool_commit(host, &step);
    }
    assert_int_equal(seen, 0xff);
    pool_host_end(host);
}

static void a_commit_of_nothing_is_a_step_that_did_nothing(void **state) {
    (void)state;
    pool_host *host = host_of(2);
    berth_request_id id = pool_submit_band(host, 0);
    pool_step step;
    pool_plan(host, &step);
    CHECK_OK(berth_commit(host->pool, step.plan.step_id, NULL, 0));
    assert_true(pool_unfinished(host, id));
    assert_int_equal(pool_stats(host).running, 1);
    assert_int_equal(pool_stats(host).steps_total, 1);
    pool_host_end(host);
}

/* The integration that this project replaces stopped for ever at request worker_count + 1. */
static void a_capacity_of_one_and_two_requests_do_not_deadlock_the_loop(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_resource(host, "sequences", 1);
    host->options.running_max = 1;
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    berth_request_id ids[2];
    for (uint32_t i = 0; i < 2; i++) ids[i] = pool_submit_units(host, 0, 1);
    pool_step step;
    uint32_t steps = 0;
    while (pool_stats(host).ended_total < 2) {
        step.plan = (berth_plan){.struct_size = sizeof step.plan,
                                 .entry_max = POOL_ENTRIES_MAX,
                                 .entries = step.entries};
        CHECK_OK(berth_plan_wait(host->pool, &step.plan, BERTH_FOREVER));
        assert_int_equal(step.plan.entry_count, 1);
        berth_result result = {.id = step.entries[0].id, .tokens_generated = 1};
        if (step.entries[0].tokens_generated == 4) result.finish = BERTH_FINISH_LENGTH;
        CHECK_OK(berth_commit(host->pool, step.plan.step_id, &result, 1));
        steps++;
    }
    assert_int_equal(steps, 10);
    for (uint32_t i = 0; i < 2; i++)
        pool_outcome(host, ids[i], BERTH_OUTCOME_COMPLETED, BERTH_FINISH_LENGTH);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/plan", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_ids_count_up_from_one),
        cmocka_unit_test(an_empty_plan_has_no_step),
        cmocka_unit_test(a_second_plan_waits_for_the_commit_of_the_first),
        cmocka_unit_test(a_wrong_step_changes_nothing),
        cmocka_unit_test(too_little_room_changes_nothing_and_says_how_much),
        cmocka_unit_test(prefill_comes_before_decode),
        cmocka_unit_test(what_results_do_not_mention_goes_on),
        cmocka_unit_test(a_failed_entry_keeps_the_hosts_code),
        cmocka_unit_test(entries_are_independent_of_each_other),
        cmocka_unit_test(a_reserved_field_that_is_set_is_refused_in_its_entry_alone),
        cmocka_unit_test(late_output_after_a_cancel_is_dropped_and_counted),
        cmocka_unit_test(a_finish_after_a_cancel_does_not_change_the_outcome),
        cmocka_unit_test(a_slot_is_told_to_leave_before_it_is_used_again),
        cmocka_unit_test(one_who_was_cancelled_within_a_step_leaves_in_the_next),
        cmocka_unit_test(what_the_engine_finished_is_not_told_to_leave),
        cmocka_unit_test(slots_are_dense_and_stable),
        cmocka_unit_test(a_commit_of_nothing_is_a_step_that_did_nothing),
        cmocka_unit_test(a_capacity_of_one_and_two_requests_do_not_deadlock_the_loop),
    };
    return cmocka_run_group_tests_name("api/plan", tests, NULL, NULL);
}
