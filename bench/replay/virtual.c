/* SPDX-License-Identifier: MIT */
#include "virtual.h"

#include <stdlib.h>

/* The engine: its plan, and its own account of who runs, to hold the pool's against. */
typedef struct engine {
    replay_host *host;
    berth_plan plan;
    berth_plan_entry *entries;
    berth_result *results;
    uint32_t next; /* row to arrive */
    uint64_t running;
    uint64_t held[REPLAY_RESOURCES];
} engine;

static int engine_init(engine *e, replay_host *host) {
    const uint32_t entry_max = 2 * host->settings->sequences;
    *e = (engine){.host = host};
    e->entries = calloc(entry_max, sizeof *e->entries);
    e->results = calloc(entry_max, sizeof *e->results);
    e->plan =
        (berth_plan){.struct_size = sizeof e->plan, .entry_max = entry_max, .entries = e->entries};
    return e->entries != NULL && e->results != NULL ? 0 : replay_broken("no memory for plans");
}

static void engine_fini(engine *e) {
    free(e->entries);
    free(e->results);
}

static int advance_to(replay_host *host, uint64_t to_ns) {
    const berth_status status = berth_clock_advance(host->pool, host->start_at_ns + to_ns);
    if (status != BERTH_OK)
        return replay_broken("the clock, to %llu ns: %s", (unsigned long long)to_ns,
                             berth_status_message(status));
    host->now_ns = to_ns;
    return 0;
}

/* Move to `to_ns`; who arrives on the way is submitted at its own moment. */
static int pass_time(engine *e, uint64_t to_ns) {
    const replay_trace *trace = e->host->trace;
    while (e->next < trace->count && trace->rows[e->next].arrive_at_ns <= to_ns) {
        replay_row *row = &trace->rows[e->next++];
        if (advance_to(e->host, row->arrive_at_ns) != 0) return -1;
        if (replay_host_submit(e->host, row) != 0) return -1;
    }
    if (advance_to(e->host, to_ns) != 0) return -1;
    return replay_host_harvest(e->host); /* who waited too long */
}

static void log_entry(engine *e, enum replay_decision kind, const berth_plan_entry *entry) {
    replay_decision_entry decision = {.kind = kind, .at_ns = e->host->now_ns};
    const replay_row *row = entry->payload;
    decision.what[0] = kind == REPLAY_DECISION_LEAVE ? entry->id : row->index;
    decision.what[1] = entry->slot;
    decision.what[2] = kind == REPLAY_DECISION_LEAVE ? 0 : e->plan.step_id;
    replay_decisions_add(e->host->decisions, &decision);
}

static void account(engine *e, const replay_row *row, int in) {
    uint64_t cost[REPLAY_RESOURCES];
    replay_row_cost(row, cost);
    e->running += in ? 1 : UINT64_MAX;
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) e->held[r] += in ? cost[r] : 0 - cost[r];
}

/* One line of the plan: what it adds to the step, and what it will have produced. */
static void compute(engine *e, const berth_plan_entry *entry, replay_load *load,
                    berth_result *result) {
    replay_row *row = entry->payload;
    if (entry->flags & BERTH_ENTRY_ADMITTED) {
        row->admitted_at_ns = e->host->now_ns;
        account(e, row, 1);
        log_entry(e, REPLAY_DECISION_ADMITTED, entry);
    }
    if (entry->kind == BERTH_ENTRY_PREFILL)
        replay_load_prefill(load, entry->tokens);
    else
        replay_load_decode(load, entry->tokens_computed + entry->tokens);
    /* The step that computes the last of the prompt yields the first token. */
    const uint64_t left = row->output_tokens - row->generated;
    *result = (berth_result){.id = entry->id,
                             .tokens_computed = entry->tokens,
                             .tokens_generated = left > 0 ? 1 : 0,
                             .finish = left > 1 ? BERTH_FINISH_NONE : BERTH_FINISH_LENGTH};
}

/* Read the plan: the load of the step, and results for its commit. */
static uint32_t read_plan(engine *e, replay_load *load) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->plan.entry_count; i++) {
        const berth_plan_entry *entry = &e->entries[i];
        if (entry->kind == BERTH_ENTRY_LEAVE)
            log_entry(e, REPLAY_DECISION_LEAVE, entry);
        else
            compute(e, entry, load, &e->results[count++]);
    }
    return count;
}

/* The host's own account against the pool's, while the step runs. */
static int check_account(const engine *e) {
    if (replay_host_check(e->host) != 0) return -1;
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++)
        if (e->held[r] != e->host->used[r])
            return replay_broken("the plan holds %llu of resource %u, the pool says %llu",
                                 (unsigned long long)e->held[r], (unsigned)r,
                                 (unsigned long long)e->host->used[r]);
    return 0;
}

static int commit(engine *e, uint32_t count) {
    replay_host *host = e->host;
    const berth_status status = berth_commit(host->pool, e->plan.step_id, e->results, count);
    if (status != BERTH_OK) return replay_broken("commit: %s", berth_status_message(status));
    for (uint32_t i = 0; i < count; i++) {
        const berth_result *result = &e->results[i];
        replay_row *row = e->entries[e->plan.leave_count + i].payload;
        if (result->status != BERTH_OK)
            return replay_broken("commit of row %u: %s", (unsigned)row->index + 1,
                                 berth_status_message(result->status));
        if (row->generated == 0 && result->tokens_generated > 0) row->first_at_ns = host->now_ns;
        row->generated += result->tokens_generated;
        if (result->finish != BERTH_FINISH_NONE) account(e, row, 0);
    }
    return replay_host_harvest(host);
}

/* One plan and its step. 1 = go on, 0 = nothing is left, -1 = broken. */
static int turn(engine *e) {
    replay_host *host = e->host;
    replay_load load = {0};
    const berth_status status = berth_plan_next(host->pool, &e->plan);
    if (status != BERTH_OK) return replay_broken("plan: %s", berth_status_message(status));
    const uint32_t count = read_plan(e, &load);
    if (count != e->running || e->plan.entry_count - e->plan.leave_count != count)
        return replay_broken("a plan lists %u requests, %llu run", (unsigned)count,
                             (unsigned long long)e->running);
    if (check_account(e) != 0) return -1;
    if (e->plan.step_id == 0) {
        if (e->plan.entry_count > 0) return 1;
        if (e->plan.parked_count > 0) return replay_broken("an idle engine, and requests wait");
        if (e->next == host->trace->count) return 0;
        return pass_time(e, host->trace->rows[e->next].arrive_at_ns) == 0 ? 1 : -1;
    }
    const uint64_t step_ns = host->settings->model->step_ns(&load);
    if (step_ns > UINT64_MAX / 4 - host->now_ns) return replay_broken("time leaves 64 bits");
    if (pass_time(e, host->now_ns + step_ns) != 0) return -1;
    return commit(e, count) == 0 ? 1 : -1;
}

int replay_virtual_run(replay_host *host) {
    engine e;
    int more = engine_init(&e, host) == 0 ? 1 : -1;
    for (uint32_t turns = 0; more > 0; turns++) {
        more = turn(&e);
        if (turns % 256 == 0) replay_host_progress(host);
    }
    engine_fini(&e);
    if (more == 0) host->progress_at = host->progress_at == REPLAY_NEVER ? REPLAY_NEVER : 1;
    replay_host_progress(host);
    return more == 0 ? replay_host_check_end(host) : -1;
}
