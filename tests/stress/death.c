/* SPDX-License-Identifier: MIT */
/* The end of a pool while others are still at it, and many readers at once. */
#include <stdio.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define SUBMITTERS 2u
#define STREAMS 24u
#define CHUNKS 200u

typedef struct mourner {
    pool_thread thread;
    pool_host *host;
    berth_request_id id;
    berth_status status;
    uint32_t outcome_kind;
    atomic_uint accepted;
    uint32_t failures;
} mourner;

static void submit_until_closed(void *argument) {
    mourner *self = argument;
    berth_request request = {.struct_size = sizeof request};
    for (;;) {
        berth_request_id id = 0;
        berth_refusal refusal = {.struct_size = sizeof refusal};
        berth_status status = berth_submit(self->host->pool, &request, &id, &refusal);
        if (status == BERTH_OK) atomic_fetch_add(&self->accepted, 1);
        if (status == BERTH_ECLOSED) {
            if (refusal.reason != BERTH_REFUSAL_CLOSED || id != 0) self->failures++;
            return;
        }
        if (status != BERTH_OK && status != BERTH_EREFUSED) self->failures++;
    }
}

static int32_t emit_one(pool_host *host, const berth_call *call) {
    berth_emit(host->pool, call->id, "x", 1, 1);
    return BERTH_EXECUTE_DONE;
}

/* Drained while two threads submit: what was accepted has ended, what came later was refused. */
static void a_drain_in_the_middle_of_submits_resolves_them_all(void **state) {
    (void)state;
    uint32_t rounds = pool_rounds(60, 2000, 40);
    for (uint32_t round = 0; round < rounds; round++) {
        pool_host *host = pool_host_new(BERTH_FACE_WORKER);
        host->options.worker_count = 2;
        host->options.parked_max = 64;
        host->execute = emit_one;
        pool_host_start(host);
        mourner submitters[SUBMITTERS];
        memset(submitters, 0, sizeof submitters);
        for (uint32_t i = 0; i < SUBMITTERS; i++) {
            submitters[i].host = host;
            pool_thread_start(&submitters[i].thread, submit_until_closed, &submitters[i]);
        }
        while (atomic_load(&submitters[0].accepted) < round % 8) pool_sleep_ms(1);
        CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
        berth_stats stats = pool_stats(host);
        assert_int_equal(stats.parked + stats.running + stats.stopping, 0);
        uint32_t accepted = 0;
        for (uint32_t i = 0; i < SUBMITTERS; i++) {
            pool_thread_join(&submitters[i].thread);
            assert_int_equal(submitters[i].failures, 0);
            accepted += atomic_load(&submitters[i].accepted);
        }
        assert_int_equal(pool_stats(host).ended_total, accepted);
        assert_int_equal(atomic_load(&host->release_count), accepted);
        pool_host_end(host);
    }
}

static void wait_for_the_end(void *argument) {
    mourner *self = argument;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    pool_thread_calls(&self->thread);
    self->status = berth_wait(self->host->pool, self->id, BERTH_FOREVER, &outcome);
    self->outcome_kind = outcome.kind;
}

/* Destroy says EBUSY until the last waiter has left, and then works: no waiter touches a freed
 * pool. */
static void destroy_lets_the_last_waiter_leave_first(void **state) {
    (void)state;
    uint32_t rounds = pool_rounds(30, 500, 20);
    for (uint32_t round = 0; round < rounds; round++) {
        pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
        host->options.clock = BERTH_CLOCK_SYSTEM;
        pool_host_start(host);
        berth_request_id id = pool_submit_band(host, 0);
        mourner waiters[3];
        memset(waiters, 0, sizeof waiters);
        for (uint32_t i = 0; i < 3; i++) {
            waiters[i].host = host;
            waiters[i].id = id;
            pool_thread_start(&waiters[i].thread, wait_for_the_end, &waiters[i]);
            pool_thread_await_blocked(&waiters[i].thread);
        }
        CHECK(berth_pool_destroy(host->pool), BERTH_EBUSY);
        CHECK_OK(berth_drain(host->pool, 0));
        berth_status status = BERTH_EBUSY;
        while (status == BERTH_EBUSY) status = berth_pool_destroy(host->pool);
        CHECK_OK(status);
        for (uint32_t i = 0; i < 3; i++) {
            pool_thread_join(&waiters[i].thread);
            CHECK_OK(waiters[i].status);
            assert_int_equal(waiters[i].outcome_kind, BERTH_OUTCOME_SHUTDOWN);
        }
        assert_int_equal(atomic_load(&host->release_count), 1);
        pool_host_start(host); /* a last empty pool, for the host's own end */
        atomic_store(&host->payload_count, 0);
        atomic_store(&host->release_count, 0);
        pool_host_end(host);
    }
}

/* Workers that were never given anything, or only just: destroy takes them along. */
static void pools_come_and_go(void **state) {
    (void)state;
    uint32_t rounds = pool_rounds(100, 3000, 50);
    for (uint32_t round = 0; round < rounds; round++) {
        pool_host *host = pool_host_new(BERTH_FACE_WORKER);
        host->options.worker_count = 1 + round % 4;
        pool_host_start(host);
        if (round % 2) {
            pool_submit_band(host, 0);
            CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
        }
        pool_host_end(host);
    }
}

/* ---- Many readers ---- */

typedef struct stream {
    pool_thread thread;
    pool_host *host;
    berth_request_id id;
    uint32_t number;
    uint32_t chunks;
    uint32_t failures;
    uint32_t outcome_kind;
} stream;

static void read_stream(void *argument) {
    stream *self = argument;
    for (;;) {
        unsigned char bytes[8] = {0};
        berth_record record = {.struct_size = sizeof record};
        berth_status status = berth_mailbox_read(self->host->pool, self->id, bytes, sizeof bytes,
                                                 BERTH_FOREVER, &record);
        if (status != BERTH_OK) {
            self->failures++;
            return;
        }
        if (record.kind == BERTH_RECORD_END) {
            self->outcome_kind = record.outcome.kind;
            if (record.sequence != self->chunks) self->failures++;
            return;
        }
        if (record.sequence != self->chunks || record.size != 2 || bytes[0] != self->number ||
            bytes[1] != (self->chunks & 0xff))
            self->failures++;
        self->chunks++;
    }
}

/* The engine's turn: one chunk for each stream. */
static void one_turn(pool_host *host, pool_step *step, const stream *streams) {
    static unsigned char bytes[STREAMS][2];
    for (uint32_t i = 0; i < step->result_count; i++) {
        const berth_plan_entry *entry = pool_entry(step, step->results[i].id);
        uint32_t number = 0;
        while (streams[number].id != entry->id) number++;
        bytes[i][0] = (unsigned char)number;
        bytes[i][1] = (unsigned char)(entry->tokens_generated & 0xff);
        step->results[i].bytes = bytes[i];
        step->results[i].bytes_size = 2;
        step->results[i].tokens_generated = 1;
        if (entry->tokens_generated + 1 == CHUNKS) step->results[i].finish = BERTH_FINISH_LENGTH;
    }
    pool_commit(host, step);
}

static void many_readers_each_get_their_own_stream_whole(void **state) {
    (void)state;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.running_max = STREAMS;
    host->options.mailbox_size = 1u << 16; /* nobody is a slow reader here */
    pool_host_start(host);
    static stream streams[STREAMS];
    memset(streams, 0, sizeof streams);
    for (uint32_t i = 0; i < STREAMS; i++) {
        streams[i].host = host;
        streams[i].number = i;
        streams[i].id = pool_submit_band(host, 0);
        pool_thread_start(&streams[i].thread, read_stream, &streams[i]);
    }
    pool_step step;
    for (uint32_t turn = 0; turn < CHUNKS; turn++) {
        pool_plan(host, &step);
        assert_int_equal(step.result_count, STREAMS);
        one_turn(host, &step, streams);
    }
    for (uint32_t i = 0; i < STREAMS; i++) pool_thread_join(&streams[i].thread);
    for (uint32_t i = 0; i < STREAMS; i++) {
        assert_int_equal(streams[i].failures, 0);
        assert_int_equal(streams[i].chunks, CHUNKS);
        assert_int_equal(streams[i].outcome_kind, BERTH_OUTCOME_COMPLETED);
    }
    assert_int_equal(pool_stats(host).chunks_total, STREAMS * CHUNKS);
    pool_host_end(host);
}

int main(void) {
    pool_watchdog("stress/death", pool_tier_long() ? 600 : 120);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_in_the_middle_of_submits_resolves_them_all),
        cmocka_unit_test(destroy_lets_the_last_waiter_leave_first),
        cmocka_unit_test(pools_come_and_go),
        cmocka_unit_test(many_readers_each_get_their_own_stream_whole),
    };
    return cmocka_run_group_tests_name("stress/death", tests, NULL, NULL);
}
