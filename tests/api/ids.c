/* SPDX-License-Identifier: MIT */
/* Stale, wrong and repeated ids, and calls that belong to another face. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

/* Every call that takes an id says the same about one that names nothing. */
static void expect_stale(pool_host *host, berth_request_id id) {
    uint64_t held = 0;
    berth_request known = {.struct_size = sizeof known};
    berth_record record = {.struct_size = sizeof record};
    berth_outcome outcome = {.struct_size = sizeof outcome, .kind = 3};
    CHECK(berth_recost(host->pool, id, &known, NULL), BERTH_ESTALE);
    CHECK(berth_charge(host->pool, id, &held, 0), BERTH_ESTALE);
    CHECK(berth_cancel(host->pool, id), BERTH_ESTALE);
    berth_status status = BERTH_OK;
    CHECK_OK(berth_cancel_many(host->pool, &id, 1, &status, NULL));
    CHECK(status, BERTH_ESTALE);
    CHECK(berth_wait(host->pool, id, 0, &outcome), BERTH_ESTALE);
    assert_int_equal(outcome.kind, BERTH_OUTCOME_NONE);
    CHECK(berth_wait(host->pool, id, BERTH_FOREVER, NULL), BERTH_ESTALE);
    CHECK(berth_outcome_take(host->pool, id, &outcome), BERTH_ESTALE);
    CHECK(berth_mailbox_read(host->pool, id, NULL, 0, 0, &record), BERTH_ESTALE);
    CHECK(berth_mailbox_read(host->pool, id, NULL, 0, BERTH_FOREVER, &record), BERTH_ESTALE);
    assert_int_equal(record.kind, BERTH_RECORD_NONE);
    CHECK(berth_mailbox_close(host->pool, id), BERTH_ESTALE);
    if (host->options.face == BERTH_FACE_ENGINE) return;
    CHECK(berth_emit(host->pool, id, "x", 1, 1), BERTH_ESTALE);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_ESTALE);
}

static void ids_that_name_nothing_are_stale(void **state) {
    (void)state;
    static const uint32_t faces[] = {BERTH_FACE_ENGINE, BERTH_FACE_GATE};
    for (uint32_t i = 0; i < 2; i++) {
        pool_host *host = pool_host_new(faces[i]);
        pool_host_start(host);
        berth_request_id id = pool_submit_band(host, 0);
        berth_request_id wrong[] = {
            id + (UINT64_C(1) << 24),              /* a later life of its place */
            id ^ 1,                                /* a place next to it */
            id ^ (UINT64_C(1) << 63),              /* another generation */
            (id & 0xffffff),                       /* no generation */
            (id & ~UINT64_C(0xffffff)) | 0xffffff, /* no such place */
            UINT64_MAX,
            1,
        };
        berth_stats before = pool_stats(host);
        for (uint32_t k = 0; k < 7; k++)
            if (wrong[k] != 0 && wrong[k] != id) expect_stale(host, wrong[k]);
        CHECK(berth_cancel(host->pool, 0), BERTH_EINVAL);
        berth_stats after = pool_stats(host);
        assert_memory_equal(&before, &after, sizeof before);
        assert_true(pool_unfinished(host, id));
        if (faces[i] == BERTH_FACE_GATE)
            CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
        pool_host_end(host);
    }
}

static void a_taken_id_is_stale_for_ever(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 1;
    host->options.parked_max = 1;
    host->options.ended_max = 1;
    pool_host_start(host);
    static berth_request_id old[500];
    for (uint32_t i = 0; i < 500; i++) {
        old[i] = pool_submit_band(host, 0);
        CHECK_OK(berth_finish(host->pool, old[i], BERTH_FINISH_STOP, 0));
        CHECK_OK(berth_outcome_take(host->pool, old[i], NULL));
    }
    berth_request_id alive = pool_submit_band(host, 0); /* its place had many lives */
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(old[i] != alive);
        expect_stale(host, old[i]);
    }
    assert_true(pool_unfinished(host, alive));
    CHECK_OK(berth_finish(host->pool, alive, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

static void an_id_of_another_pool_is_not_taken_for_ones_own(void **state) {
    (void)state;
    pool_host *one = pool_host_new(BERTH_FACE_ENGINE);
    pool_host *two = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(one);
    pool_host_start(two);
    for (uint32_t i = 0; i < 10; i++) pool_submit_band(one, 0);
    berth_request_id last = pool_submit_band(one, 0);
    expect_stale(two, last);
    pool_host_end(one);
    pool_host_end(two);
}

static void repeated_calls_are_harmless(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(berth_finish(host->pool, id, BERTH_FINISH_FAILED, 1), BERTH_EENDED);
        CHECK(berth_cancel(host->pool, id), BERTH_EENDED);
        pool_outcome(host, id, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    }
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    CHECK(berth_outcome_take(host->pool, id, NULL), BERTH_ESTALE);
    assert_int_equal(atomic_load(&host->release_count), 1);
    pool_host_end(host);
}

static void cancelled_ids_do_not_pile_up(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 1;
    host->options.parked_max = 4;
    host->options.ended_max = 4;
    pool_host_start(host);
    for (uint32_t i = 0; i < 5000; i++) {
        berth_request_id id = pool_submit_band(host, 0);
        CHECK_OK(berth_cancel(host->pool, id));
    }
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.parked, 0);
    assert_int_equal(stats.retained, 4);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_CANCELLED], 5000);
    pool_step step;
    pool_plan(host, &step);
    assert_int_equal(step.plan.entry_count, 0); /* they never ran: nobody has to leave */
    pool_host_end(host);
}

static void the_engines_pool_refuses_the_calls_of_others(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request_id id = pool_submit_band(host, 0);
    CHECK(berth_emit(host->pool, id, "x", 1, 1), BERTH_EFACE);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EFACE);
    pool_host_end(host);
}

static void the_other_pools_refuse_the_calls_of_an_engine(void **state) {
    (void)state;
    static const uint32_t faces[] = {BERTH_FACE_WORKER, BERTH_FACE_GATE};
    for (uint32_t i = 0; i < 2; i++) {
        pool_host *host = pool_host_new(faces[i]);
        pool_host_start(host);
        berth_plan_entry entries[4];
        berth_plan plan = {.struct_size = sizeof plan, .entry_max = 4, .entries = entries};
        CHECK(berth_plan_next(host->pool, &plan), BERTH_EFACE);
        CHECK(berth_plan_wait(host->pool, &plan, BERTH_FOREVER), BERTH_EFACE);
        CHECK(berth_commit(host->pool, 1, NULL, 0), BERTH_EFACE);
        pool_host_end(host);
    }
}

static void a_parked_request_cannot_emit_or_finish(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 1;
    pool_host_start(host);
    berth_request_id in = pool_submit_band(host, 0);
    berth_request_id parked = pool_submit_band(host, 0);
    CHECK(berth_emit(host->pool, parked, "x", 1, 1), BERTH_EAGAIN);
    CHECK(berth_finish(host->pool, parked, BERTH_FINISH_STOP, 0), BERTH_EAGAIN);
    assert_true(pool_unfinished(host, parked));
    CHECK_OK(berth_finish(host->pool, in, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, parked, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/ids", 60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_name_nothing_are_stale),
        cmocka_unit_test(a_taken_id_is_stale_for_ever),
        cmocka_unit_test(an_id_of_another_pool_is_not_taken_for_ones_own),
        cmocka_unit_test(repeated_calls_are_harmless),
        cmocka_unit_test(cancelled_ids_do_not_pile_up),
        cmocka_unit_test(the_engines_pool_refuses_the_calls_of_others),
        cmocka_unit_test(the_other_pools_refuse_the_calls_of_an_engine),
        cmocka_unit_test(a_parked_request_cannot_emit_or_finish),
    };
    return cmocka_run_group_tests_name("api/ids", tests, NULL, NULL);
}
