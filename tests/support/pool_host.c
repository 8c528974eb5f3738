/* SPDX-License-Identifier: MIT */
#include "support/pool_host.h"

#include <stdio.h>
#include <stdlib.h>

void pool_check(berth_status got, berth_status wanted, const char *call, const char *file,
                int line) {
    if (got == wanted) return;
    print_error("%s\n    is %s, not %s\n", call, berth_status_name(got), berth_status_name(wanted));
    _fail(file, line);
}

/* ---- Callbacks ---- */

static int32_t on_execute(void *user_data, const berth_call *call) {
    pool_host *host = user_data;
    atomic_fetch_add(&host->execute_count, 1);
    return host->execute != NULL ? host->execute(host, call) : BERTH_EXECUTE_DONE;
}

static void on_cancelled(void *user_data, berth_request_id id, void *payload) {
    pool_host *host = user_data;
    (void)payload;
    atomic_store(&host->cancelled_id, id);
    atomic_fetch_add(&host->cancelled_count, 1);
    if (host->cancelled != NULL) host->cancelled(host, id);
}

static void on_release(void *user_data, void *payload, uint64_t payload_size) {
    pool_host *host = user_data;
    atomic_uint *cell = payload;
    if (cell != NULL) atomic_fetch_add(cell, 1);
    if (host->release != NULL) host->release(host, payload, payload_size);
    atomic_fetch_add(&host->release_count, 1);
}

static int32_t on_cost(void *user_data, const berth_request *request, uint64_t *cost,
                       uint32_t count) {
    pool_host *host = user_data;
    return host->cost(host, request, cost, count);
}

/* ---- Life ---- */

pool_host *pool_host_new(uint32_t face) {
    pool_host *host = calloc(1, sizeof *host);
    assert_non_null(host);
    CHECK_OK(berth_options_init(&host->options, sizeof host->options));
    host->options.face = face;
    host->options.clock = face == BERTH_FACE_WORKER ? BERTH_CLOCK_SYSTEM : BERTH_CLOCK_VIRTUAL;
    if (face == BERTH_FACE_WORKER) host->options.worker_count = 1;
    host->executor.struct_size = sizeof host->executor;
    host->executor.user_data = host;
    host->executor.release = on_release;
    if (face == BERTH_FACE_WORKER) host->executor.execute = on_execute;
    if (face != BERTH_FACE_ENGINE) host->executor.cancelled = on_cancelled;
    return host;
}

void pool_host_resource(pool_host *host, const char *name, uint64_t capacity_units) {
    uint32_t index = host->options.resource_count++;
    berth_resource_options *resource = &host->options.resources[index];
    snprintf(resource->name, sizeof resource->name, "%s", name);
    resource->capacity_units = capacity_units;
}

void pool_host_start(pool_host *host) {
    berth_config_error error = {.struct_size = sizeof error};
    berth_status status = berth_options_check(&host->options, &error);
    if (status != BERTH_OK) print_error("%s: %s\n", error.path, error.message);
    assert_int_equal(status, BERTH_OK);
    if (host->cost != NULL) host->executor.cost = on_cost;
    CHECK_OK(berth_pool_create(&host->options, &host->executor, &host->pool));
    assert_non_null(host->pool);
}

void pool_host_end(pool_host *host) {
    berth_stats stats = pool_stats(host);
    uint64_t accepted = stats.submitted_total - stats.refused_total;
    CHECK_OK(berth_pool_destroy(host->pool));
    if (host->executor.release != NULL)
        assert_int_equal(atomic_load(&host->release_count), accepted);
    uint64_t released = 0;
    uint32_t payload_count = atomic_load(&host->payload_count);
    for (uint32_t i = 0; i < payload_count && i < POOL_PAYLOADS_MAX; i++) {
        uint32_t count = atomic_load(&host->payloads[i]);
        assert_in_range(count, 0, 1);
        released += count;
    }
    assert_in_range(released, 0, accepted);
    free(host);
}

/* ---- Looking ---- */

static void check_band_law(const berth_stats *stats) {
    berth_band_stats sum = {0};
    for (uint32_t i = 0; i < stats->band_count; i++) {
        const berth_band_stats *band = &stats->bands[i];
        assert_int_equal(band->submitted_total, band->refused_total + band->parked + band->running +
                                                    band->stopping + band->ended_total);
        sum.submitted_total += band->submitted_total;
        sum.refused_total += band->refused_total;
        sum.ended_total += band->ended_total;
        sum.parked += band->parked;
        sum.running += band->running;
        sum.stopping += band->stopping;
        sum.parked_size += band->parked_size;
        sum.admitted_total += band->admitted_total;
    }
    assert_int_equal(sum.submitted_total, stats->submitted_total);
    assert_int_equal(sum.refused_total, stats->refused_total);
    assert_int_equal(sum.ended_total, stats->ended_total);
    assert_int_equal(sum.parked, stats->parked);
    assert_int_equal(sum.running, stats->running);
    assert_int_equal(sum.stopping, stats->stopping);
    assert_int_equal(sum.parked_size, stats->parked_size);
    assert_int_equal(sum.admitted_total, stats->admitted_total);
}

berth_stats pool_stats(pool_host *host) {
    berth_stats stats = {.struct_size = sizeof stats};
    CHECK_OK(berth_stats_read(host->pool, &stats));
    assert_int_equal(stats.broken, 0);
    assert_int_equal(stats.submitted_total, stats.refused_total + stats.parked + stats.running +
                                                stats.stopping + stats.ended_total);
    uint64_t outcomes = 0;
    uint64_t refusals = 0;
    for (uint32_t i = 0; i < BERTH_OUTCOMES_MAX; i++) outcomes += stats.outcome_total[i];
    for (uint32_t i = 0; i < BERTH_REFUSALS_MAX; i++) refusals += stats.refusal_total[i];
    assert_int_equal(outcomes, stats.ended_total);
    assert_int_equal(refusals, stats.refused_total);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_NONE], 0);
    assert_int_equal(stats.refusal_total[BERTH_REFUSAL_NONE], 0);
    assert_in_range(stats.running + stats.stopping, 0, stats.running_max);
    assert_in_range(stats.parked, 0, stats.parked_max);
    for (uint32_t i = 0; i < stats.resource_count; i++) {
        const berth_resource_stats *resource = &stats.resources[i];
        uint64_t over = resource->used_units > resource->capacity_units
                            ? resource->used_units - resource->capacity_units
                            : 0;
        assert_int_equal(resource->overdraft_units, over);
    }
    check_band_law(&stats);
    return stats;
}

/* ---- Requests ---- */

berth_request pool_request(pool_host *host, uint32_t band) {
    uint32_t index = atomic_fetch_add(&host->payload_count, 1);
    assert_in_range(index, 0, POOL_PAYLOADS_MAX - 1);
    return (berth_request){
        .struct_size = sizeof(berth_request), .band = band, .payload = &host->payloads[index]};
}

berth_request pool_request_units(pool_host *host, uint32_t band, uint64_t units) {
    berth_request request = pool_request(host, band);
    request.cost_count = 1;
    request.cost[0] = units;
    return request;
}

berth_request_id pool_submit(pool_host *host, const berth_request *request) {
    berth_request_id id = 0;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_status status = berth_submit(host->pool, request, &id, &refusal);
    if (status != BERTH_OK) print_error("refused: %s\n", berth_refusal_name(refusal.reason));
    assert_int_equal(status, BERTH_OK);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_NONE);
    assert_true(id != 0);
    return id;
}

berth_request_id pool_submit_band(pool_host *host, uint32_t band) {
    berth_request request = pool_request(host, band);
    return pool_submit(host, &request);
}

berth_request_id pool_submit_units(pool_host *host, uint32_t band, uint64_t units) {
    berth_request request = pool_request_units(host, band, units);
    return pool_submit(host, &request);
}

berth_refusal pool_refused(pool_host *host, const berth_request *request, uint32_t reason) {
    berth_request_id id = 1;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_status wanted = reason == BERTH_REFUSAL_CLOSED ? BERTH_ECLOSED : BERTH_EREFUSED;
    CHECK(berth_submit(host->pool, request, &id, &refusal), wanted);
    assert_int_equal(id, 0);
    if (refusal.reason != reason)
        print_error("reason is %s, not %s\n", berth_refusal_name(refusal.reason),
                    berth_refusal_name(reason));
    assert_int_equal(refusal.reason, reason);
    return refusal;
}

berth_outcome pool_outcome(pool_host *host, berth_request_id id, uint32_t kind, uint32_t detail) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK_OK(berth_wait(host->pool, id, 0, &outcome));
    if (outcome.kind != kind)
        print_error("outcome is %s, not %s\n", berth_outcome_name(outcome.kind),
                    berth_outcome_name(kind));
    assert_int_equal(outcome.kind, kind);
    assert_int_equal(outcome.detail, detail);
    return outcome;
}

int pool_unfinished(pool_host *host, berth_request_id id) {
    return berth_wait(host->pool, id, 0, NULL) == BERTH_ETIMEDOUT;
}

berth_record pool_read(pool_host *host, berth_request_id id, char *buffer, size_t buffer_size,
                       uint32_t kind) {
    berth_record record = {.struct_size = sizeof record};
    CHECK_OK(berth_mailbox_read(host->pool, id, buffer, buffer_size, 0, &record));
    assert_int_equal(record.kind, kind);
    return record;
}

void pool_advance(pool_host *host, uint64_t by_ns) {
    uint64_t now = 0;
    CHECK_OK(berth_clock_now(host->pool, &now));
    CHECK_OK(berth_clock_advance(host->pool, now + by_ns));
}

/* ---- Steps ---- */

void pool_plan(pool_host *host, pool_step *step) {
    step->plan = (berth_plan){
        .struct_size = sizeof step->plan, .entry_max = POOL_ENTRIES_MAX, .entries = step->entries};
    step->result_count = 0;
    CHECK_OK(berth_plan_next(host->pool, &step->plan));
    for (uint32_t i = step->plan.leave_count; i < step->plan.entry_count; i++) {
        const berth_plan_entry *entry = &step->entries[i];
        step->results[step->result_count++] =
            (berth_result){.id = entry->id, .tokens_computed = entry->tokens};
    }
    assert_true((step->plan.step_id != 0) == (step->result_count != 0));
}

const berth_plan_entry *pool_entry(const pool_step *step, berth_request_id id) {
    for (uint32_t i = 0; i < step->plan.entry_count; i++)
        if (step->entries[i].id == id) return &step->entries[i];
    fail_msg("the request is not in the plan");
    return NULL;
}

berth_result *pool_result(pool_step *step, berth_request_id id) {
    for (uint32_t i = 0; i < step->result_count; i++)
        if (step->results[i].id == id) return &step->results[i];
    fail_msg("the request has no result");
    return NULL;
}

int pool_planned(const pool_step *step, berth_request_id id, uint32_t kind) {
    for (uint32_t i = 0; i < step->plan.entry_count; i++)
        if (step->entries[i].id == id) return step->entries[i].kind == kind;
    return 0;
}

void pool_commit(pool_host *host, pool_step *step) {
    CHECK_OK(berth_commit(host->pool, step->plan.step_id, step->results, step->result_count));
}

void pool_commit_finished(pool_host *host, pool_step *step) {
    for (uint32_t i = 0; i < step->result_count; i++) step->results[i].finish = BERTH_FINISH_STOP;
    pool_commit(host, step);
}

void pool_run_out(pool_host *host) {
    for (;;) {
        pool_step step;
        pool_plan(host, &step);
        if (step.plan.step_id != 0) pool_commit_finished(host, &step);
        if (step.plan.entry_count == 0) return;
    }
}
