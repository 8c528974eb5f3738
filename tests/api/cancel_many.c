/* SPDX-License-Identifier: MIT */
/* A list of requests cancelled by one call: what each of them gets, and what others may do in the
 * midst of it. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#include <stdlib.h>

#define TURN 32u /* as the header has it */
#define MANY 100u

static void expect_counts(pool_host *host, uint64_t parked, uint64_t cancelled) {
    const berth_stats stats = pool_stats(host);
    assert_int_equal(stats.parked, parked);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_CANCELLED], cancelled);
}

static void each_id_gets_what_berth_cancel_would_have_said(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    host->options.running_max = 4;
    pool_host_start(host);
    const berth_request_id taken = pool_submit_band(host, 0);
    const berth_request_id ended = pool_submit_band(host, 0);
    const berth_request_id stopping = pool_submit_band(host, 0);
    const berth_request_id running = pool_submit_band(host, 0);
    CHECK_OK(berth_finish(host->pool, taken, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_outcome_take(host->pool, taken, NULL));
    CHECK_OK(berth_finish(host->pool, ended, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_cancel(host->pool, stopping));
    pool_submit_band(host, 0);
    pool_submit_band(host, 0);
    const berth_request_id parked = pool_submit_band(host, 0);
    const berth_request_id ids[] = {taken,      ended,  0,      stopping, running,
                                    UINT64_MAX, parked, parked, running,  1};
    static const berth_status wanted[] = {BERTH_ESTALE, BERTH_EENDED, BERTH_EINVAL, BERTH_EENDED,
                                          BERTH_OK,     BERTH_ESTALE, BERTH_OK,     BERTH_EENDED,
                                          BERTH_EENDED, BERTH_ESTALE};
    berth_status statuses[10];
    uint32_t count = 7;
    memset(statuses, 0xee, sizeof statuses);
    CHECK_OK(berth_cancel_many(host->pool, ids, 10, statuses, &count));
    for (uint32_t i = 0; i < 10; i++) CHECK(statuses[i], wanted[i]);
    assert_int_equal(count, 2);
    pool_outcome(host, parked, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    pool_outcome(host, running, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    pool_outcome(host, ended, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_STOP);
    assert_int_equal(atomic_load(&host->cancelled_count), 2); /* parked ones have nobody to tell */
    assert_int_equal(pool_stats(host).stopping, 2);
    CHECK(berth_finish(host->pool, running, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    CHECK(berth_finish(host->pool, stopping, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    CHECK_OK(berth_close(host->pool));
    while (pool_stats(host).running > 0) {
        berth_request_id id = 0;
        CHECK_OK(berth_ready_take(host->pool, &id, 1, &count));
        (void)berth_finish(host->pool, id, BERTH_FINISH_STOP, 0);
    }
    pool_host_end(host);
}

static void nothing_to_cancel_and_nothing_to_say(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    const berth_stats before = pool_stats(host);
    berth_status status = 7;
    uint32_t count = 7;
    CHECK_OK(berth_cancel_many(host->pool, NULL, 0, NULL, NULL));
    CHECK_OK(berth_cancel_many(host->pool, NULL, 0, &status, &count));
    assert_int_equal(status, 7);
    assert_int_equal(count, 0);
    const berth_stats after = pool_stats(host);
    assert_memory_equal(&before, &after, sizeof before);
    CHECK_OK(berth_cancel_many(host->pool, &id, 1, NULL, NULL));
    expect_counts(host, 0, 1);
    pool_host_end(host);
}

static void what_is_malformed_changes_nothing_and_zeroes_its_outputs(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    const berth_request_id id = pool_submit_band(host, 0);
    for (uint32_t round = 0; round < 2; round++) {
        berth_status statuses[] = {7, 7, 7};
        uint32_t count = 7;
        CHECK(berth_cancel_many(round == 0 ? NULL : host->pool, round == 0 ? &id : NULL, 2,
                                statuses, &count),
              BERTH_EINVAL);
        assert_int_equal(count, 0);
        assert_true(statuses[0] == 0 && statuses[1] == 0 && statuses[2] == 7);
    }
    CHECK(berth_cancel_many(NULL, NULL, 0, NULL, NULL), BERTH_EINVAL);
    expect_counts(host, 1, 0);
    pool_host_end(host);
}

static void a_closed_pool_cancels_lists(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    const berth_request_id ids[] = {pool_submit_band(host, 0), pool_submit_band(host, 0)};
    uint32_t count = 0;
    CHECK_OK(berth_close(host->pool));
    CHECK_OK(berth_cancel_many(host->pool, ids, 2, NULL, &count));
    assert_int_equal(count, 2);
    CHECK_OK(berth_drain(host->pool, 0));
    pool_host_end(host);
}

/* Between two calls the first one's end would have let the second one in. */
static void nobody_of_a_list_is_admitted_in_its_midst(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "kv_blocks", 10);
    pool_host_start(host);
    pool_advance(host, 10);
    const berth_request_id in = pool_submit_units(host, 0, 5);
    const berth_request_id ids[] = {pool_submit_units(host, 0, 9), pool_submit_units(host, 0, 3)};
    const berth_request_id after = pool_submit_units(host, 0, 3);
    CHECK_OK(berth_cancel_many(host->pool, ids, 2, NULL, NULL));
    const berth_outcome outcome =
        pool_outcome(host, ids[1], BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(outcome.admitted_at_ns, 0);
    assert_int_equal(outcome.ended_at_ns, 10);
    assert_int_equal(pool_stats(host).admitted_total, 2);
    CHECK_OK(berth_finish(host->pool, in, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_finish(host->pool, after, BERTH_FINISH_STOP, 0));
    pool_host_end(host);
}

/* ---- An engine: one by one and by the list ---- */

#define SIDES 2u
#define LIVES 40u

static uint64_t below(uint64_t *seed, uint64_t bound) {
    return pool_random(seed) % bound;
}

static pool_host *twin(uint64_t seed) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.running_max = 6;
    host->options.parked_max = seed % 2 ? 3000 : 60; /* a large table is looked at ahead */
    host->options.ended_max = 1 + (uint32_t)(seed % 50);
    host->options.steps_max = 1 + (uint32_t)(seed % 3);
    if (seed % 4 == 2) {
        host->options.tenants_max = 4;
        host->options.fairness = BERTH_FAIRNESS_VTC;
    }
    if (seed % 4 == 3) host->options.order = BERTH_ORDER_SHORTEST;
    pool_host_resource(host, "units", 12);
    pool_host_start(host);
    return host;
}

typedef struct lives {
    pool_host *hosts[SIDES];
    uint64_t seed;
    berth_request_id ids[LIVES];
    uint32_t count;
    uint64_t cancelled;
    pool_step steps[SIDES][3];
    uint32_t outstanding;
} lives;

static void submit_to_both(lives *l) {
    const uint64_t units = 1 + below(&l->seed, 9);
    const uint64_t tenant = below(&l->seed, 4);
    const uint64_t queue_ns = below(&l->seed, 3) ? 0 : 1 + below(&l->seed, 50);
    if (l->count == LIVES) return;
    for (uint32_t side = 0; side < SIDES; side++) {
        berth_request request =
            pool_request_units(l->hosts[side], 1 + (uint32_t)(units % 4), units);
        request.queue_ns = queue_ns;
        request.tenant = tenant;
        request.max_new_tokens = units;
        l->ids[l->count] = pool_submit(l->hosts[side], &request);
    }
    l->count++;
}

static void step_both(lives *l) {
    const uint32_t commits = l->outstanding == l->hosts[0]->options.steps_max ||
                             (l->outstanding > 0 && below(&l->seed, 2));
    const uint64_t finishes = below(&l->seed, 4);
    for (uint32_t side = 0; side < SIDES; side++) {
        pool_step *first = l->steps[side];
        pool_step *next = &first[l->outstanding];
        if (commits && finishes == 0) pool_commit_finished(l->hosts[side], first);
        if (commits && finishes != 0) pool_commit(l->hosts[side], first);
        if (commits) {
            memmove(first, first + 1, 2 * sizeof *first);
            continue;
        }
        pool_plan(l->hosts[side], next);
        if (side == 0) continue;
        assert_int_equal(next->plan.entry_count, l->steps[0][l->outstanding].plan.entry_count);
        for (uint32_t i = 0; i < next->plan.entry_count; i++)
            assert_int_equal(next->entries[i].id, l->steps[0][l->outstanding].entries[i].id);
    }
    l->outstanding += commits ? UINT32_MAX : l->steps[0][l->outstanding].plan.step_id != 0;
}

static void cancel_some(lives *l) {
    berth_request_id ids[TURN - 2];
    berth_status said[TURN - 2];
    const uint32_t count = (uint32_t)below(&l->seed, TURN - 2);
    uint32_t cancelled = 0;
    uint32_t out_count = 0;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = l->count == 0 || below(&l->seed, 6) == 0
                     ? below(&l->seed, 5) << (below(&l->seed, 2) * 24)
                     : l->ids[below(&l->seed, l->count)];
    CHECK_OK(berth_cancel_many(l->hosts[1]->pool, ids, count, said, &out_count));
    for (uint32_t i = 0; i < count; i++) {
        const berth_status status = berth_cancel(l->hosts[0]->pool, ids[i]);
        CHECK(said[i], status);
        cancelled += status == BERTH_OK;
    }
    assert_int_equal(out_count, cancelled);
    l->cancelled += cancelled;
}

static void compare_both(lives *l) {
    const berth_stats one = pool_stats(l->hosts[0]);
    const berth_stats other = pool_stats(l->hosts[1]);
    berth_request_id ready[SIDES][LIVES] = {{0}, {0}};
    uint32_t count = 0;
    assert_memory_equal(&one, &other, sizeof one);
    for (uint32_t i = 0; i < l->count; i++) {
        berth_outcome outcomes[SIDES] = {{.struct_size = sizeof outcomes[0]},
                                         {.struct_size = sizeof outcomes[1]}};
        const berth_status status = berth_wait(l->hosts[0]->pool, l->ids[i], 0, &outcomes[0]);
        CHECK(berth_wait(l->hosts[1]->pool, l->ids[i], 0, &outcomes[1]), status);
        assert_memory_equal(&outcomes[0], &outcomes[1], sizeof outcomes[0]);
    }
    for (uint32_t side = 0; side < SIDES; side++)
        (void)berth_ready_take(l->hosts[side]->pool, ready[side], LIVES, &count);
    assert_memory_equal(ready[0], ready[1], sizeof ready[0]);
    assert_int_equal(atomic_load(&l->hosts[0]->release_count),
                     atomic_load(&l->hosts[1]->release_count));
}

static uint64_t live(uint64_t seed) {
    static lives l;
    memset(&l, 0, sizeof l);
    l.seed = seed;
    for (uint32_t side = 0; side < SIDES; side++) l.hosts[side] = twin(seed);
    for (uint32_t i = 0; i < 150; i++) {
        const uint64_t what = below(&l.seed, 10);
        if (what < 4)
            submit_to_both(&l);
        else if (what < 7)
            step_both(&l);
        else if (what < 9)
            cancel_some(&l);
        else
            for (uint32_t side = 0; side < SIDES; side++) pool_advance(l.hosts[side], 5);
        compare_both(&l);
    }
    while (l.outstanding > 0) step_both(&l);
    for (uint32_t side = 0; side < SIDES; side++) pool_host_end(l.hosts[side]);
    return l.cancelled;
}

static void a_list_does_what_single_cancels_do(void **state) {
    (void)state;
    const uint32_t rounds = pool_rounds(60, 3000, 20);
    const uint64_t first = pool_seed();
    uint64_t cancelled = 0;
    for (uint32_t round = 0; round < rounds; round++) cancelled += live(first + round);
    assert_true(cancelled > 10 * rounds);
}

/* ---- Long lists ---- */

/* In no order, in a table that no cache is asked to hold, with ids of no place and of no life. */
static void a_long_list_in_no_order_cancels_all_it_names(void **state) {
    (void)state;
    enum { DEPTH = 5000, WRONG = 700 };
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.parked_max = DEPTH;
    host->options.ended_max = DEPTH;
    pool_host_start(host);
    berth_request_id *ids = calloc(DEPTH + WRONG, sizeof *ids);
    berth_status *said = calloc(DEPTH + WRONG, sizeof *said);
    uint64_t seed = pool_seed();
    uint32_t count = 0;
    assert_true(ids != NULL && said != NULL);
    for (uint32_t i = 0; i < DEPTH; i++) ids[i] = pool_submit_band(host, 1 + i % 4);
    for (uint32_t i = DEPTH; i < DEPTH + WRONG; i++) ids[i] = pool_random(&seed) | 1u << 23;
    for (uint32_t i = DEPTH + WRONG - 1; i > 0; i--) {
        const uint32_t other = (uint32_t)below(&seed, i + 1);
        const berth_request_id id = ids[i];
        ids[i] = ids[other];
        ids[other] = id;
    }
    CHECK_OK(berth_cancel_many(host->pool, ids, DEPTH + WRONG, said, &count));
    assert_int_equal(count, DEPTH);
    expect_counts(host, 0, DEPTH);
    for (uint32_t i = 0; i < DEPTH + WRONG; i++) {
        CHECK(said[i], (ids[i] & 1u << 23) != 0 ? BERTH_ESTALE : BERTH_OK);
        if (said[i] == BERTH_OK) CHECK_OK(berth_outcome_take(host->pool, ids[i], NULL));
    }
    free(ids);
    free(said);
    pool_host_end(host);
}

/* ---- In the midst of it ---- */

typedef struct midst {
    pool_thread thread;
    pool_host *host;
    berth_request_id ids[MANY];
    berth_request_id newcomer;
    uint64_t parked; /* at the first release */
    berth_status destroyed;
    berth_status submitted;
    berth_status cancelled;
    uint32_t cancelled_count;
    uint32_t calls;
} midst;

static midst in;

static void destroy_it(void *argument) {
    midst *at = argument;
    at->destroyed = berth_pool_destroy(at->host->pool);
}

/* Called once the first turn of the list has ended. */
static void look_around(pool_host *host, void *payload, uint64_t payload_size) {
    berth_stats stats = {.struct_size = sizeof stats};
    const berth_request request = {.struct_size = sizeof request};
    (void)payload;
    (void)payload_size;
    if (in.calls++ > 0) return;
    (void)berth_stats_read(host->pool, &stats);
    in.parked = stats.parked;
    in.submitted = berth_submit(host->pool, &request, &in.newcomer, NULL);
    in.cancelled = berth_cancel_many(host->pool, &in.ids[MANY - 10], 10, NULL, &in.cancelled_count);
    pool_thread_start(&in.thread, destroy_it, &in);
    pool_thread_join(&in.thread);
}

static void others_come_in_after_each_turn_and_the_pool_stays(void **state) {
    (void)state;
    memset(&in, 0, sizeof in);
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->release = look_around;
    pool_host_start(host);
    in.host = host;
    for (uint32_t i = 0; i < MANY; i++) in.ids[i] = pool_submit_band(host, 0);
    berth_status said[MANY];
    uint32_t count = 0;
    CHECK_OK(berth_cancel_many(host->pool, in.ids, MANY, said, &count));
    assert_int_equal(in.parked, MANY - TURN);
    CHECK(in.destroyed, BERTH_EBUSY);
    CHECK_OK(in.submitted);
    CHECK_OK(in.cancelled); /* a list from inside a callback, of those that are still to come */
    assert_int_equal(in.cancelled_count, 10);
    assert_int_equal(count, MANY - 10);
    for (uint32_t i = 0; i < MANY; i++) CHECK(said[i], i < MANY - 10 ? BERTH_OK : BERTH_EENDED);
    assert_int_equal(in.calls, MANY);
    expect_counts(host, 1, MANY);
    assert_true(pool_unfinished(host, in.newcomer));
    pool_host_end(host);
}

typedef struct sleeper {
    pool_thread thread;
    berth_pool *pool;
    berth_request_id id; /* 0: for a plan */
    berth_status status;
    berth_plan plan;
    berth_plan_entry entries[64];
} sleeper;

static void sleep_for_it(void *argument) {
    sleeper *call = argument;
    call->plan =
        (berth_plan){.struct_size = sizeof call->plan, .entry_max = 64, .entries = call->entries};
    pool_thread_calls(&call->thread);
    call->status = call->id == 0 ? berth_plan_wait(call->pool, &call->plan, BERTH_FOREVER)
                                 : berth_wait(call->pool, call->id, BERTH_FOREVER, NULL);
}

static void whoever_waits_for_one_of_a_list_is_woken(void **state) {
    (void)state;
    static sleeper sleepers[3];
    static pool_step step;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.running_max = 2;
    pool_host_start(host);
    berth_request_id ids[MANY];
    for (uint32_t i = 0; i < MANY; i++) ids[i] = pool_submit_band(host, 0);
    pool_plan(host, &step);
    assert_int_equal(step.result_count, 2);
    pool_commit(host, &step);
    for (uint32_t i = 0; i < MANY; i++) CHECK_OK(berth_suspend(host->pool, ids[i]));
    memset(sleepers, 0, sizeof sleepers);
    sleepers[1].id = ids[1];
    sleepers[2].id = ids[MANY - 1];
    for (uint32_t i = 0; i < 3; i++) {
        sleepers[i].pool = host->pool;
        pool_thread_start(&sleepers[i].thread, sleep_for_it, &sleepers[i]);
        pool_thread_await_blocked(&sleepers[i].thread);
    }
    CHECK_OK(berth_cancel_many(host->pool, ids, MANY, NULL, NULL));
    for (uint32_t i = 0; i < 3; i++) {
        pool_thread_join(&sleepers[i].thread);
        CHECK_OK(sleepers[i].status);
    }
    assert_int_equal(sleepers[0].plan.leave_count, 2);
    assert_int_equal(sleepers[0].plan.entry_count, 2);
    pool_host_end(host);
}

/* ---- Workers ---- */

static pool_latch door = POOL_LATCH_INIT;

static int32_t execute_at_the_door(pool_host *host, const berth_call *call) {
    (void)host;
    (void)call;
    pool_latch_wait(&door);
    return BERTH_EXECUTE_DONE;
}

static void a_workers_list_ends_who_is_parked_and_tells_who_runs(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    host->execute = execute_at_the_door;
    host->options.worker_count = 2;
    pool_host_start(host);
    pool_latch_shut(&door);
    berth_request_id ids[MANY];
    berth_status said[MANY];
    uint32_t count = 0;
    for (uint32_t i = 0; i < MANY; i++) ids[i] = pool_submit_band(host, 0);
    pool_latch_await(&door, 2);
    CHECK_OK(berth_cancel_many(host->pool, ids, MANY, said, &count));
    assert_int_equal(count, MANY);
    expect_counts(host, 0, MANY - 2); /* two are stopping: their execute has not returned */
    assert_int_equal(atomic_load(&host->cancelled_count), 2);
    pool_latch_open(&door);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    expect_counts(host, 0, MANY);
    assert_int_equal(atomic_load(&host->execute_count), 2);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("api/cancel_many", 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_id_gets_what_berth_cancel_would_have_said),
        cmocka_unit_test(nothing_to_cancel_and_nothing_to_say),
        cmocka_unit_test(what_is_malformed_changes_nothing_and_zeroes_its_outputs),
        cmocka_unit_test(a_closed_pool_cancels_lists),
        cmocka_unit_test(nobody_of_a_list_is_admitted_in_its_midst),
        cmocka_unit_test(a_list_does_what_single_cancels_do),
        cmocka_unit_test(a_long_list_in_no_order_cancels_all_it_names),
        cmocka_unit_test(others_come_in_after_each_turn_and_the_pool_stays),
        cmocka_unit_test(whoever_waits_for_one_of_a_list_is_woken),
        cmocka_unit_test(a_workers_list_ends_who_is_parked_and_tells_who_runs),
    };
    return cmocka_run_group_tests_name("api/cancel_many", tests, NULL, NULL);
}
