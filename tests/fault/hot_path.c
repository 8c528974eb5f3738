/* SPDX-License-Identifier: MIT */
/* After create the hot path allocates nothing: every face is driven with the counter on, and then
 * once more with every allocation failing. */
#include "support/pool_alloc.h"
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define MS UINT64_C(1000000)

static pool_host *host_of(uint32_t face) {
    pool_host *host = pool_host_new(face);
    pool_host_resource(host, "kv_blocks", 10);
    host->options.running_max = 4;
    host->options.parked_max = 8;
    host->options.ended_max = 4;
    host->options.mailbox_size = 256;
    if (face != BERTH_FACE_ENGINE) return host;
    host->options.fairness = BERTH_FAIRNESS_VTC;
    host->options.tenants_max = 6;
    host->options.order = BERTH_ORDER_SHORTEST;
    host->options.displace = 1;
    host->options.bands[0].aging_ns = 100;
    host->options.bands[3].share_ppm = 300000;
    return host;
}

static void drive_engine(pool_host *host) {
    int32_t descriptor = -1;
    CHECK_OK(berth_ready_descriptor(host->pool, &descriptor));
    pool_step step;
    char buffer[64];
    berth_span spans[4];
    for (uint32_t round = 0; round < 300; round++) {
        berth_request request = pool_request_units(host, 1 + round % 4, 1 + round % 5);
        request.mailbox_full = 1 + round % BERTH_FULL_PAUSE;
        request.queue_ns = 1000 + round;
        request.total_ns = 5000 + round;
        request.tenant = round % 9;
        const berth_tenant_options tenant = {.weight = 1 + round % 3};
        berth_tenant_stats seen = {.struct_size = sizeof seen};
        berth_tenant_set(host->pool, round % 5, round % 2 == 0 ? &tenant : NULL);
        berth_tenant_stats_read(host->pool, round % 9, &seen);
        berth_request_id id = 0;
        berth_refusal refusal = {.struct_size = sizeof refusal};
        berth_submit(host->pool, &request, &id, &refusal);
        if (round % 7 == 0) berth_cancel(host->pool, id);
        if (round % 13 == 0) berth_cancel_many(host->pool, &id, 1, NULL, NULL);
        if (round % 11 == 0) berth_mailbox_close(host->pool, id);
        pool_plan(host, &step);
        for (uint32_t i = 0; i < step.result_count; i++) {
            step.results[i].bytes = "some bytes of output";
            step.results[i].bytes_size = 20;
            if ((round + i) % 3 == 0) step.results[i].finish = BERTH_FINISH_STOP;
        }
        if (step.plan.step_id != 0) pool_commit(host, &step);
        berth_record record = {.struct_size = sizeof record};
        berth_mailbox_read(host->pool, id, buffer, sizeof buffer, 0, &record);
        berth_wait(host->pool, id, MS, NULL);
        uint32_t count = 0;
        berth_request_id named[4] = {1};
        berth_ready_take(host->pool, named, 4, &count);
        if (count > 0) berth_mailbox_wait_any(host->pool, named, count, MS, &count);
        if (berth_mailbox_peek(host->pool, named[0], spans, 4, &count) == BERTH_OK)
            CHECK_OK(berth_mailbox_consume(host->pool, named[0], spans[0].lease, 1));
        berth_outcome_take(host->pool, id, NULL);
        berth_capacity_set(host->pool, 0, 5 + round % 6);
        pool_stats(host);
        pool_advance(host, 10);
    }
    CHECK_OK(berth_close(host->pool));
}

static void drive_gate(pool_host *host) {
    berth_request_id ids[8] = {0};
    char buffer[64];
    for (uint32_t round = 0; round < 500; round++) {
        berth_request_id *id = &ids[round % 8];
        uint64_t held = round % 3;
        berth_record record = {.struct_size = sizeof record};
        berth_finish(host->pool, *id, BERTH_FINISH_STOP, 0);
        while (berth_mailbox_read(host->pool, *id, buffer, 64, 0, &record) == BERTH_OK &&
               record.kind != BERTH_RECORD_END) {
        }
        berth_outcome_take(host->pool, *id, NULL);
        berth_request request = pool_request_units(host, 0, 1 + round % 5);
        berth_submit(host->pool, &request, id, NULL);
        berth_request known = {.struct_size = sizeof known, .cost_count = 1, .cost = {2}};
        berth_recost(host->pool, *id, &known, NULL);
        for (uint32_t i = 0; i < 5; i++) berth_emit(host->pool, *id, "output", 6, 1);
        berth_charge(host->pool, *id, &held, 1);
        if (round % 5 == 0) berth_cancel(host->pool, *id);
    }
    berth_cancel_many(host->pool, ids, 8, NULL, NULL);
    for (uint32_t i = 0; i < 8; i++) berth_finish(host->pool, ids[i], BERTH_FINISH_STOP, 0);
    CHECK_OK(berth_drain(host->pool, 0));
}

static int32_t emit_and_end(pool_host *host, const berth_call *call) {
    berth_emit(host->pool, call->id, "output", 6, 1);
    if (call->band == BERTH_BAND_LOW) return -1;
    if (call->band == BERTH_BAND_NORMAL) return BERTH_EXECUTE_DONE;
    berth_finish(host->pool, call->id, BERTH_FINISH_LENGTH, 0);
    return BERTH_EXECUTE_PENDING;
}

static void drive_workers(pool_host *host) {
    char buffer[64];
    for (uint32_t round = 0; round < 300; round++) {
        berth_request_id id = pool_submit_units(host, 1 + round % 4, 1);
        berth_record record = {.struct_size = sizeof record};
        do CHECK_OK(berth_mailbox_read(host->pool, id, buffer, 64, BERTH_FOREVER, &record));
        while (record.kind != BERTH_RECORD_END);
        CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, NULL));
        CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    }
    CHECK_OK(berth_drain(host->pool, BERTH_FOREVER));
}

static void check_face(uint32_t face, void (*drive)(pool_host *host)) {
    for (int failing = 0; failing <= 1; failing++) {
        pool_host *host = host_of(face);
        host->execute = emit_and_end;
        pool_host_start(host);
        pool_alloc_fail(failing ? 1 : 0, 1);
        drive(host);
        uint64_t count = pool_alloc_count();
        pool_alloc_fail(0, 0);
        assert_int_equal(count, 0);
        pool_host_end(host);
    }
}

static void an_engine_allocates_nothing_after_create(void **state) {
    (void)state;
    check_face(BERTH_FACE_ENGINE, drive_engine);
}

static void a_gate_allocates_nothing_after_create(void **state) {
    (void)state;
    check_face(BERTH_FACE_GATE, drive_gate);
}

static void workers_allocate_nothing_after_create(void **state) {
    (void)state;
    check_face(BERTH_FACE_WORKER, drive_workers);
}

static void create_and_destroy_balance(void **state) {
    (void)state;
    int64_t before = pool_alloc_live();
    pool_alloc_fail(0, 0);
    berth_pool *pool = NULL;
    CHECK_OK(berth_pool_create(NULL, NULL, &pool));
    assert_true(pool_alloc_count() > 0); /* the counter counts */
    assert_true(pool_alloc_live() > before);
    CHECK_OK(berth_pool_destroy(pool));
    assert_int_equal(pool_alloc_live(), before);
}

int main(void) {
    pool_watchdog("fault/hot_path", 60);
    pool_alloc_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_and_destroy_balance),
        cmocka_unit_test(an_engine_allocates_nothing_after_create),
        cmocka_unit_test(a_gate_allocates_nothing_after_create),
        cmocka_unit_test(workers_allocate_nothing_after_create),
    };
    return cmocka_run_group_tests_name("fault/hot_path", tests, NULL, NULL);
}
