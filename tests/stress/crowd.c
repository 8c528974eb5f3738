/* SPDX-License-Identifier: MIT */
/* A crowd on one pool: submitters, readers, cancellers and a scraper against an engine's loop or
 * workers. At the end every accepted request was ended and released exactly once. */
#include <stdio.h>
#include <stdlib.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define BOARD_SIZE 64u
#define SUBMITTERS 3u
#define OTHERS 4u /* two readers, a canceller, a scraper */

enum fault {
    FAULT_NONE,
    FAULT_SUBMIT,
    FAULT_READ,
    FAULT_SEQUENCE,
    FAULT_CANCEL,
    FAULT_TAKE,
    FAULT_LAW,
    FAULT_UNITS,
    FAULT_PLAN,
    FAULT_COMMIT,
    FAULT_FINISH
};

/* Requests are put on a board; whoever takes one off it plays with it. */
typedef struct crowd {
    pool_host *host;
    _Atomic berth_request_id board[BOARD_SIZE];
    _Atomic berth_request_id pending[BOARD_SIZE];
    atomic_uint stop;
    atomic_int fault; /* the first that a thread saw */
    atomic_uint accepted;
    atomic_uint ends_read;
    uint32_t rounds;
    uint64_t seed; /* test thread only */
    uint64_t salt; /* fixed */
} crowd;

typedef struct member {
    pool_thread thread;
    crowd *crowd;
    uint64_t random;
} member;

static void report(crowd *all, enum fault fault) {
    int none = FAULT_NONE;
    atomic_compare_exchange_strong(&all->fault, &none, (int)fault);
}

static void submitter(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    for (uint32_t round = 0; round < all->rounds; round++) {
        uint64_t dice = pool_random(&self->random);
        berth_request request = {.struct_size = sizeof request, .band = 1 + dice % 4};
        request.cost_count = 1;
        request.cost[0] = 1 + (dice >> 8) % 5;
        request.mailbox_mode = (dice >> 16) % 8 == 0 ? BERTH_MAILBOX_OUTCOME : 0;
        if ((dice >> 20) % 8 == 0) request.queue_ns = 1000 + (dice >> 24) % 1000000;
        if ((dice >> 44) % 8 == 0) request.total_ns = 1000 + (dice >> 48) % 1000;
        berth_request_id id = 0;
        berth_refusal refusal = {.struct_size = sizeof refusal};
        berth_status status = berth_submit(all->host->pool, &request, &id, &refusal);
        if (status == BERTH_OK) {
            atomic_fetch_add(&all->accepted, 1);
            atomic_store(&all->board[(dice >> 32) % BOARD_SIZE], id);
        } else if (status != BERTH_EREFUSED || refusal.reason == BERTH_REFUSAL_NONE || id != 0) {
            report(all, FAULT_SUBMIT);
        } else if (round % 16 == 0) {
            pool_sleep_ms(1);
        }
    }
}

/* Read one request to its end, checking the order; stop early when told to. */
static void read_through(crowd *all, berth_request_id id) {
    char buffer[64];
    uint64_t wanted = 0;
    while (!atomic_load(&all->stop)) {
        berth_record record = {.struct_size = sizeof record};
        berth_status status =
            berth_mailbox_read(all->host->pool, id, buffer, sizeof buffer, 5000000, &record);
        if (status == BERTH_ETIMEDOUT) continue;
        if (status == BERTH_ESTALE || status == BERTH_EBUSY) return; /* dropped, or taken over */
        if (status != BERTH_OK) {
            report(all, FAULT_READ);
            return;
        }
        if (record.kind == BERTH_RECORD_CHUNK && record.sequence < wanted)
            report(all, FAULT_SEQUENCE);
        if (record.kind == BERTH_RECORD_CHUNK) wanted = record.sequence + 1;
        if (record.kind != BERTH_RECORD_END) continue;
        if (record.sequence < wanted || record.outcome.kind == BERTH_OUTCOME_NONE)
            report(all, FAULT_SEQUENCE);
        atomic_fetch_add(&all->ends_read, 1);
        status = berth_outcome_take(all->host->pool, id, NULL);
        if (status != BERTH_OK && status != BERTH_ESTALE && status != BERTH_EBUSY)
            report(all, FAULT_TAKE);
        return;
    }
}

static void reader(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    while (!atomic_load(&all->stop)) {
        uint64_t dice = pool_random(&self->random);
        berth_request_id id = atomic_exchange(&all->board[dice % BOARD_SIZE], 0);
        if (id == 0) {
            if ((dice >> 32) % 64 == 0) pool_sleep_ms(1);
        } else if ((dice >> 32) % 16 == 0) {
            berth_mailbox_close(all->host->pool, id);
        } else {
            read_through(all, id);
        }
    }
}

static void canceller(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    while (!atomic_load(&all->stop)) {
        uint64_t dice = pool_random(&self->random);
        berth_request_id id = atomic_load(&all->board[dice % BOARD_SIZE]);
        if (id != 0 && (dice >> 32) % 4 == 0) {
            berth_status status = berth_cancel(all->host->pool, id);
            if (status != BERTH_OK && status != BERTH_EENDED && status != BERTH_ESTALE)
                report(all, FAULT_CANCEL);
        }
        if ((dice >> 34) % 64 == 0) {
            berth_request_id ids[BOARD_SIZE];
            for (uint32_t i = 0; i < BOARD_SIZE; i++) ids[i] = atomic_load(&all->board[i]);
            if (berth_cancel_many(all->host->pool, ids, BOARD_SIZE, NULL, NULL) != BERTH_OK)
                report(all, FAULT_CANCEL);
        }
        uint64_t held = (dice >> 40) % 6;
        if (id != 0) berth_charge(all->host->pool, id, &held, 1);
        if ((dice >> 36) % 16 == 0) pool_sleep_ms(1);
    }
}

static void scraper(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    while (!atomic_load(&all->stop)) {
        berth_stats stats = {.struct_size = sizeof stats};
        if (berth_stats_read(all->host->pool, &stats) != BERTH_OK || stats.broken ||
            stats.submitted_total != stats.refused_total + stats.parked + stats.running +
                                         stats.stopping + stats.ended_total)
            report(all, FAULT_LAW);
        if (stats.running + stats.stopping > stats.running_max) report(all, FAULT_UNITS);
        pool_sleep_ms(1);
    }
}

/* ---- The other side ---- */

static void engine_loop(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    static berth_plan_entry entries[64];
    static berth_result results[64];
    for (;;) {
        berth_plan plan = {.struct_size = sizeof plan, .entry_max = 64, .entries = entries};
        berth_status status = berth_plan_wait(all->host->pool, &plan, BERTH_FOREVER);
        if (status == BERTH_ECLOSED) return;
        if (status != BERTH_OK) {
            report(all, FAULT_PLAN);
            return;
        }
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
            uint64_t dice = pool_random(&self->random);
            berth_result result = {.id = entries[i].id, .tokens_generated = 1};
            result.bytes = dice % 4 != 0 ? "a token or two" : NULL;
            result.bytes_size = result.bytes != NULL ? 14 : 0;
            if (dice % 5 == 0) result.finish = 1 + (uint32_t)(dice >> 8) % 3;
            results[count++] = result;
        }
        if (plan.step_id == 0) continue;
        if (berth_commit(all->host->pool, plan.step_id, results, count) != BERTH_OK)
            report(all, FAULT_COMMIT);
        for (uint32_t i = 0; i < count; i++)
            if (results[i].status != BERTH_OK && results[i].status != BERTH_EENDED &&
                results[i].status != BERTH_EFULL)
                report(all, FAULT_COMMIT);
    }
}

static int32_t crowd_execute(pool_host *host, const berth_call *call) {
    crowd *all = host->context;
    uint64_t mixed = call->id + all->salt;
    uint64_t dice = pool_random(&mixed);
    for (uint32_t i = 0; i < dice % 6; i++) {
        berth_status status = berth_emit(host->pool, call->id, "some output", 11, 1);
        if (status != BERTH_OK && status != BERTH_EENDED && status != BERTH_EFULL)
            report(all, FAULT_COMMIT);
    }
    if ((dice >> 20) % 8 == 0) berth_finish(host->pool, call->id, BERTH_FINISH_LENGTH, 0);
    if ((dice >> 24) % 8 == 0) return -1;
    if ((dice >> 28) % 4 != 0) return BERTH_EXECUTE_DONE;
    berth_request_id none = 0;
    for (uint32_t i = 0; i < BOARD_SIZE; i++, none = 0)
        if (atomic_compare_exchange_strong(&all->pending[i], &none, call->id))
            return BERTH_EXECUTE_PENDING;
    return BERTH_EXECUTE_DONE;
}

/* Finishes what the workers left pending; until told, and then what is left. */
static void finisher(void *argument) {
    member *self = argument;
    crowd *all = self->crowd;
    for (int last = 0; !last;) {
        last = atomic_load(&all->stop) == 2;
        for (uint32_t i = 0; i < BOARD_SIZE; i++) {
            berth_request_id id = atomic_exchange(&all->pending[i], 0);
            if (id == 0) continue;
            berth_status status = berth_finish(all->host->pool, id, BERTH_FINISH_STOP, 0);
            if (status != BERTH_OK && status != BERTH_EENDED && status != BERTH_ESTALE)
                report(all, FAULT_FINISH);
        }
        pool_sleep_ms(1);
    }
}

/* ---- One run ---- */

static void start_member(member *self, crowd *all, void (*body)(void *)) {
    self->crowd = all;
    self->random = pool_random(&all->seed);
    pool_thread_start(&self->thread, body, self);
}

static void run_crowd(uint32_t face) {
    static crowd all;
    memset(&all, 0, sizeof all);
    all.seed = pool_seed();
    all.salt = all.seed;
    all.rounds = pool_rounds(8000, 150000, 3000);
    all.host = pool_host_new(face);
    all.host->options.clock = BERTH_CLOCK_SYSTEM;
    if (face == BERTH_FACE_WORKER) all.host->options.worker_count = 3;
    all.host->options.running_max = 8;
    all.host->options.parked_max = 32;
    all.host->options.ended_max = 40;
    all.host->options.mailbox_size = 256;
    all.host->execute = crowd_execute;
    all.host->context = &all;
    pool_host_resource(all.host, "kv_blocks", 20);
    pool_host_start(all.host);

    member other;
    member submitters[SUBMITTERS];
    member others[OTHERS];
    start_member(&other, &all, face == BERTH_FACE_ENGINE ? engine_loop : finisher);
    start_member(&others[0], &all, reader);
    start_member(&others[1], &all, reader);
    start_member(&others[2], &all, canceller);
    start_member(&others[3], &all, scraper);
    for (uint32_t i = 0; i < SUBMITTERS; i++) start_member(&submitters[i], &all, submitter);
    for (uint32_t i = 0; i < SUBMITTERS; i++) pool_thread_join(&submitters[i].thread);
    CHECK_OK(berth_close(all.host->pool));
    atomic_store(&all.stop, 1);
    for (uint32_t i = 0; i < OTHERS; i++) pool_thread_join(&others[i].thread);
    if (face == BERTH_FACE_ENGINE) pool_thread_join(&other.thread);
    CHECK_OK(berth_drain(all.host->pool, BERTH_FOREVER));
    atomic_store(&all.stop, 2);
    if (face != BERTH_FACE_ENGINE) pool_thread_join(&other.thread);

    assert_int_equal(atomic_load(&all.fault), FAULT_NONE);
    berth_stats stats = pool_stats(all.host);
    assert_int_equal(stats.submitted_total, SUBMITTERS * all.rounds);
    assert_int_equal(stats.ended_total, atomic_load(&all.accepted));
    assert_int_equal(stats.parked + stats.running + stats.stopping, 0);
    assert_int_equal(stats.resources[0].used_units, 0);
    assert_int_equal(stats.resources[0].parked_units, 0);
    assert_int_equal(atomic_load(&all.host->release_count), stats.ended_total);
    assert_true(atomic_load(&all.ends_read) > 0);
    pool_host_end(all.host);
}

static void a_crowd_around_an_engine_loses_nothing(void **state) {
    (void)state;
    run_crowd(BERTH_FACE_ENGINE);
}

static void a_crowd_around_workers_loses_nothing(void **state) {
    (void)state;
    run_crowd(BERTH_FACE_WORKER);
}

int main(void) {
    pool_watchdog("stress/crowd", pool_tier_long() ? 900 : 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_around_an_engine_loses_nothing),
        cmocka_unit_test(a_crowd_around_workers_loses_nothing),
    };
    return cmocka_run_group_tests_name("stress/crowd", tests, NULL, NULL);
}
