/* SPDX-License-Identifier: MIT */
/* A request arrives at the very moment at which the last one ends: nothing may be stranded. */
#include <sched.h>
#include <stdio.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

/* Two threads that meet before every round. */
typedef struct meeting {
    atomic_uint arrived;
} meeting;

static void meet(meeting *point, uint32_t round) {
    atomic_fetch_add(&point->arrived, 1);
    for (uint32_t spins = 0; atomic_load(&point->arrived) < 2 * (round + 1); spins++)
        if (spins % 64 == 63) sched_yield();
}

/* ---- Gate: submit against finish, a capacity of one ---- */

typedef struct gate_race {
    pool_host *host;
    uint32_t rounds;
    meeting before;
    meeting after;
    _Atomic berth_request_id running;
    _Atomic berth_request_id next;
    atomic_uint submit_failures;
    atomic_uint finish_failures;
    atomic_uint stranded;
    atomic_uint take_failures;
} gate_race;

static void submit_side(void *argument) {
    gate_race *race = argument;
    berth_request request = {.struct_size = sizeof request};
    request.cost_count = 1;
    request.cost[0] = 1;
    for (uint32_t round = 0; round < race->rounds; round++) {
        berth_request_id id = 0;
        meet(&race->before, round);
        if (berth_submit(race->host->pool, &request, &id, NULL) != BERTH_OK)
            atomic_fetch_add(&race->submit_failures, 1);
        atomic_store(&race->next, id);
        meet(&race->after, round);
    }
}

static void finish_side(gate_race *race) {
    for (uint32_t round = 0; round < race->rounds; round++) {
        berth_request_id last = atomic_load(&race->running);
        meet(&race->before, round);
        if (berth_finish(race->host->pool, last, BERTH_FINISH_STOP, 0) != BERTH_OK)
            atomic_fetch_add(&race->finish_failures, 1);
        meet(&race->after, round);
        if (berth_outcome_take(race->host->pool, last, NULL) != BERTH_OK)
            atomic_fetch_add(&race->take_failures, 1);
        /* Both are back: the newcomer is in, whoever was first. */
        berth_request_id next = atomic_load(&race->next);
        berth_record record = {.struct_size = sizeof record};
        berth_status status = berth_mailbox_read(race->host->pool, next, NULL, 0, 0, &record);
        if (status != BERTH_OK || record.kind != BERTH_RECORD_ADMITTED)
            atomic_fetch_add(&race->stranded, 1);
        atomic_store(&race->running, next);
    }
}

static void enqueue_against_the_last_completion_strands_nothing(void **state) {
    (void)state;
    static gate_race race;
    memset(&race, 0, sizeof race);
    race.rounds = pool_rounds(50000, 1000000, 50000);
    race.host = pool_host_new(BERTH_FACE_GATE);
    race.host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_resource(race.host, "sequences", 1);
    pool_host_start(race.host);
    atomic_store(&race.running, pool_submit_units(race.host, 0, 1));
    pool_read(race.host, atomic_load(&race.running), NULL, 0, BERTH_RECORD_ADMITTED);
    pool_thread submitter;
    pool_thread_start(&submitter, submit_side, &race);
    finish_side(&race);
    pool_thread_join(&submitter);
    assert_int_equal(atomic_load(&race.submit_failures), 0);
    assert_int_equal(atomic_load(&race.finish_failures), 0);
    assert_int_equal(atomic_load(&race.stranded), 0);
    assert_int_equal(atomic_load(&race.take_failures), 0);
    berth_stats stats = pool_stats(race.host);
    assert_int_equal(stats.admitted_total, race.rounds + 1);
    assert_int_equal(stats.resources[0].used_units_peak, 1);
    assert_int_equal(stats.parked, 0);
    CHECK_OK(berth_finish(race.host->pool, atomic_load(&race.running), BERTH_FINISH_STOP, 0));
    pool_host_end(race.host);
}

/* ---- Engine and workers: submit against falling asleep ---- */

typedef struct client {
    pool_thread thread;
    pool_host *host;
    uint32_t rounds;
    uint32_t failures;
} client;

/* Submit, wait for the end, at once submit again: the other side is just going idle. */
static void run_client(void *argument) {
    client *self = argument;
    berth_request request = {.struct_size = sizeof request};
    for (uint32_t round = 0; round < self->rounds; round++) {
        berth_request_id id = 0;
        berth_outcome outcome = {.struct_size = sizeof outcome};
        if (berth_submit(self->host->pool, &request, &id, NULL) != BERTH_OK ||
            berth_wait(self->host->pool, id, BERTH_FOREVER, &outcome) != BERTH_OK ||
            outcome.kind != BERTH_OUTCOME_COMPLETED ||
            berth_outcome_take(self->host->pool, id, NULL) != BERTH_OK)
            self->failures++;
    }
}

static void start_clients(client *clients, uint32_t count, pool_host *host, uint32_t rounds) {
    for (uint32_t i = 0; i < count; i++) {
        clients[i] = (client){.host = host, .rounds = rounds};
        pool_thread_start(&clients[i].thread, run_client, &clients[i]);
    }
}

static void join_clients(client *clients, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) pool_thread_join(&clients[i].thread);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(clients[i].failures, 0);
}

static void workers_that_fall_asleep_miss_no_submit(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_WORKER);
    host->options.worker_count = 2;
    pool_host_start(host);
    uint32_t rounds = pool_rounds(10000, 200000, 5000);
    client clients[3];
    start_clients(clients, 3, host, rounds);
    join_clients(clients, 3);
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
    assert_int_equal(pool_stats(host).outcome_total[BERTH_OUTCOME_COMPLETED], 3 * rounds);
    pool_host_end(host);
}

typedef struct loop_notes {
    pool_host *host;
    uint32_t failures;
} loop_notes;

static void run_loop(void *argument) {
    loop_notes *self = argument;
    static berth_plan_entry entries[128];
    static berth_result results[128];
    for (;;) {
        berth_plan plan = {.struct_size = sizeof plan, .entry_max = 128, .entries = entries};
        berth_status status = berth_plan_wait(self->host->pool, &plan, BERTH_FOREVER);
        if (status == BERTH_ECLOSED) return;
        if (status != BERTH_OK) self->failures++;
        if (plan.step_id == 0) continue;
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++)
            results[count++] = (berth_result){.id = entries[i].id, .finish = BERTH_FINISH_STOP};
        if (berth_commit(self->host->pool, plan.step_id, results, count) != BERTH_OK)
            self->failures++;
    }
}

static void an_engine_that_falls_asleep_misses_no_submit(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.running_max = 1;
    pool_host_start(host);
    uint32_t rounds = pool_rounds(10000, 200000, 5000);
    loop_notes notes = {.host = host};
    pool_thread loop;
    pool_thread_start(&loop, run_loop, &notes);
    client clients[2];
    start_clients(clients, 2, host, rounds);
    join_clients(clients, 2);
    CHECK_OK(berth_close(host->pool));
    pool_thread_join(&loop);
    assert_int_equal(notes.failures, 0);
    assert_int_equal(pool_stats(host).outcome_total[BERTH_OUTCOME_COMPLETED], 2 * rounds);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("stress/race", pool_tier_long() ? 900 : 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enqueue_against_the_last_completion_strands_nothing),
        cmocka_unit_test(workers_that_fall_asleep_miss_no_submit),
        cmocka_unit_test(an_engine_that_falls_asleep_misses_no_submit),
    };
    return cmocka_run_group_tests_name("stress/race", tests, NULL, NULL);
}
