/* SPDX-License-Identifier: MIT */
#include "virtual.h"
#include "pace.h"

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
    replay_pace pace;
} engine;

static int engine_init(engine *e, replay_host *host) {
    const uint32_t entry_max = 2 * (uint32_t)host->capacity[REPLAY_SEQUENCES];
    const replay_settings *s = host->settings;
    *e = (engine){.host = host};
    replay_pace_init(&e->pace, s->slo.tpot_ns / 1000 * s->policy.pace_ppm / 1000,
                     host->capacity[REPLAY_SEQUENCES]);
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
    decision.what[2] = kind == REPLAY_DECISION_LEAVE ? entry->flags : e->plan.step_id;
    replay_decisions_add(e->host->decisions, &decision);
}

/* The row runs (1) or no longer does (-1). */
static void account_running(engine *e, int by) {
    e->running += by > 0 ? 1 : UINT64_MAX;
    e->held[REPLAY_SEQUENCES] += by > 0 ? 1 : UINT64_MAX;
}

/* What the row holds of the KV cache from now on, what it shares included. */
static void account_kv(engine *e, replay_row *row, uint64_t blocks) {
    const uint64_t own = blocks - row->shared;
    e->held[REPLAY_KV_BLOCKS] += own - row->held;
    row->held = own;
}

/* It holds nothing any more. */
static void account_gone(engine *e, replay_row *row) {
    account_running(e, -1);
    replay_prefix_let_go(&e->host->prefix, row);
    account_kv(e, row, 0);
}

/* Blocks that a row holds with so many tokens in the cache; room for its prefill is there at once.
 */
static uint64_t blocks_of(const engine *e, const replay_row *row, uint64_t tokens) {
    uint64_t cost[REPLAY_RESOURCES];
    const uint64_t all = tokens > row->prefill ? tokens : row->prefill;
    if (replay_policy_grows(&e->host->settings->policy))
        return all == 0 ? 1 : (all + REPLAY_BLOCK_TOKENS - 1) / REPLAY_BLOCK_TOKENS;
    replay_row_cost(row, cost);
    return cost[REPLAY_KV_BLOCKS];
}

/* What the pool credits it with is in the cache, and all that is. */
static int begin_prefix(engine *e, const berth_plan_entry *entry) {
    replay_prefix *prefix = &e->host->prefix;
    replay_row *row = entry->payload;
    const uint64_t there = prefix->block_count > 0 ? replay_prefix_hit_tokens(prefix, row) : 0;
    if (entry->prefix_tokens != there)
        return replay_broken("row %u: %llu tokens are said to be cached, %llu are",
                             (unsigned)row->index + 1, (unsigned long long)entry->prefix_tokens,
                             (unsigned long long)there);
    if (prefix->block_count > 0) replay_prefix_hold(prefix, row);
    row->computed = there;
    return 0;
}

static int begin_run(engine *e, const berth_plan_entry *entry) {
    replay_row *row = entry->payload;
    replay_fairness *fairness = &e->host->fairness;
    account_running(e, 1);
    row->prefill = row->prompt_tokens + row->generated;
    row->parked = 0;
    replay_fairness_parked(fairness, row->tenant_rank, -1);
    log_entry(e, REPLAY_DECISION_ADMITTED, entry);
    if (begin_prefix(e, entry) != 0) return -1;
    if (entry->flags & BERTH_ENTRY_RESUMED) return 0;
    row->admitted_at_ns = e->host->now_ns;
    replay_fairness_served(fairness, row->tenant_rank, row->prompt_tokens - row->computed, 0);
    return 0;
}

/* It was preempted, or it ended before its time. */
static int leave(engine *e, const berth_plan_entry *entry) {
    replay_row *row = replay_host_row(e->host, entry->id);
    if (row == NULL) return replay_broken("who leaves was never there");
    log_entry(e, REPLAY_DECISION_LEAVE, entry);
    account_gone(e, row);
    if ((entry->flags & BERTH_ENTRY_PREEMPTED) == 0) return 0;
    row->parked = 1;
    row->preempted++;
    e->host->left_early++;
    replay_fairness_parked(&e->host->fairness, row->tenant_rank, 1);
    return 0;
}

/* One line of the plan: what it adds to the step, and what it will have produced. */
static int compute(engine *e, const berth_plan_entry *entry, replay_load *load,
                   berth_result *result) {
    replay_row *row = entry->payload;
    if (entry->flags & BERTH_ENTRY_ADMITTED && begin_run(e, entry) != 0) return -1;
    if (entry->tokens_computed != row->computed || entry->tokens_generated != row->generated)
        return replay_broken("row %u: the plan has other tokens than were committed",
                             (unsigned)row->index + 1);
    account_kv(e, row, blocks_of(e, row, entry->tokens_computed + entry->tokens));
    const uint64_t whole = (uint64_t)row->prompt_tokens + row->generated;
    const uint64_t after = entry->tokens_computed + entry->tokens;
    if (entry->kind == BERTH_ENTRY_PREFILL)
        replay_load_prefill(load, entry->tokens);
    else
        replay_load_decode(load, after);
    /* The step that computes the last of what there is yields the next token. */
    const uint64_t left = row->output_tokens - row->generated;
    *result = (berth_result){.id = entry->id, .tokens_computed = entry->tokens};
    if (after < whole) return 0;
    result->tokens_generated = left > 0 ? 1 : 0;
    result->finish = left > 1 ? BERTH_FINISH_NONE : BERTH_FINISH_LENGTH;
    return 0;
}

/* Blocks that the pool gave up to make room: what is computed from now on may be where they were.
 */
static int forget_blocks(engine *e) {
    berth_block_hash names[64];
    uint32_t count = 0;
    berth_status status;
    if (e->host->prefix.block_count == 0) return 0;
    while ((status = berth_prefix_evictions(e->host->pool, names, 64, &count)) == BERTH_OK)
        for (uint32_t i = 0; i < count; i++)
            if (replay_prefix_give_up(&e->host->prefix, &names[i]) != 0)
                return replay_broken("block %llu is given up, but is held or not there",
                                     (unsigned long long)names[i].low);
    return status == BERTH_EAGAIN ? 0 : replay_broken("%s", berth_status_message(status));
}

/* Read the plan: the load of the step, and results for its commit. */
static int read_plan(engine *e, replay_load *load, uint32_t *out_count) {
    uint32_t count = 0, at = 0;
    for (; at < e->plan.leave_count; at++)
        if (leave(e, &e->entries[at]) != 0) return -1;
    if (forget_blocks(e) != 0) return -1; /* of who left just now, too */
    for (; at < e->plan.entry_count; at++)
        if (compute(e, &e->entries[at], load, &e->results[count++]) != 0) return -1;
    *out_count = count;
    return 0;
}

/* Everybody who runs is in the plan, but for prompts that the step's tokens do not suffice for. */
static int check_listed(const engine *e, uint32_t count, const replay_load *load) {
    const uint64_t most = e->host->step_tokens;
    const uint64_t tokens = load->prompt_tokens + load->decoding;
    if (e->plan.entry_count - e->plan.leave_count != count || count > e->running ||
        (count < e->running && tokens != most))
        return replay_broken("a plan of %llu tokens lists %u requests, %llu run",
                             (unsigned long long)tokens, (unsigned)count,
                             (unsigned long long)e->running);
    if (most != 0 && tokens > most)
        return replay_broken("a step of %llu tokens", (unsigned long long)tokens);
    return 0;
}

/* The host's own account against the pool's, while the step runs. */
static int check_account(const engine *e) {
    if (replay_host_check(e->host) != 0) return -1;
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        const uint64_t held = e->held[r] + (r == REPLAY_KV_BLOCKS ? e->host->prefix.held : 0);
        if (held != e->host->used[r])
            return replay_broken("the plan holds %llu of resource %u, the pool says %llu",
                                 (unsigned long long)held, (unsigned)r,
                                 (unsigned long long)e->host->used[r]);
    }
    return 0;
}

/* What one result has made of its row. */
static int settle(engine *e, const berth_result *result, replay_row *row) {
    replay_host *host = e->host;
    if (result->status == BERTH_EENDED) return 0; /* it came too late; the next plan says LEAVE */
    if (result->status != BERTH_OK)
        return replay_broken("commit of row %u: %s", (unsigned)row->index + 1,
                             berth_status_message(result->status));
    if (result->tokens_generated > 0) {
        if (row->generated == 0) row->first_at_ns = host->now_ns;
        row->last_at_ns = host->now_ns;
    }
    row->computed += result->tokens_computed;
    if (replay_prefix_progress(&host->prefix, row) != 0)
        return replay_broken("row %u: computed what another one had computed meanwhile",
                             (unsigned)row->index + 1);
    row->generated += result->tokens_generated;
    replay_fairness_served(&host->fairness, row->tenant_rank, 0, result->tokens_generated);
    if (result->finish == BERTH_FINISH_NONE) {
        account_kv(e, row, blocks_of(e, row, row->computed));
        return 0;
    }
    account_gone(e, row);
    return 0;
}

/* An engine that gave out more KV than it has: the step fails, and with it all that runs. */
static void fail_all(engine *e, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        e->results[i] = (berth_result){
            .id = e->results[i].id, .finish = BERTH_FINISH_FAILED, .code = BERTH_ESPACE};
}

static int commit(engine *e, uint32_t count) {
    replay_host *host = e->host;
    const berth_status status = berth_commit(host->pool, e->plan.step_id, e->results, count);
    if (status != BERTH_OK) return replay_broken("commit: %s", berth_status_message(status));
    for (uint32_t i = 0; i < count; i++)
        if (settle(e, &e->results[i], e->entries[e->plan.leave_count + i].payload) != 0) return -1;
    replay_fairness_look(&host->fairness);
    return replay_host_harvest(host);
}

/* Give out more or fewer sequences, by how those of the step who are to be in time get on. */
static int keep_pace(engine *e) {
    if (e->pace.token_ns_max == 0) return 0;
    for (uint32_t i = e->plan.leave_count; i < e->plan.entry_count; i++) {
        const replay_row *row = e->entries[i].payload;
        if (row->late || row->generated < 2 || row->outcome != BERTH_OUTCOME_NONE) continue;
        replay_pace_see(&e->pace, row->generated - 1, row->last_at_ns - row->first_at_ns);
    }
    if (!replay_pace_step(&e->pace, e->running)) return 0;
    const berth_status status = berth_capacity_set(e->host->pool, REPLAY_SEQUENCES, e->pace.room);
    return status == BERTH_OK ? 0 : replay_broken("capacity: %s", berth_status_message(status));
}

/* One plan and its step. 1 = go on, 0 = nothing is left, -1 = broken. */
static int turn(engine *e) {
    replay_host *host = e->host;
    replay_load load = {0};
    const berth_status status = berth_plan_next(host->pool, &e->plan);
    if (status != BERTH_OK) return replay_broken("plan: %s", berth_status_message(status));
    uint32_t count = 0;
    if (read_plan(e, &load, &count) != 0) return -1;
    if (check_listed(e, count, &load) != 0) return -1;
    if (check_account(e) != 0) return -1;
    if (e->plan.step_id == 0) {
        if (e->plan.entry_count > 0) return 1;
        if (e->plan.parked_count > 0) return replay_broken("an idle engine, and requests wait");
        if (e->next == host->trace->count) return 0;
        return pass_time(e, host->trace->rows[e->next].arrive_at_ns) == 0 ? 1 : -1;
    }
    if (e->held[REPLAY_KV_BLOCKS] > host->capacity[REPLAY_KV_BLOCKS]) fail_all(e, count);
    const uint64_t step_ns = host->settings->model->step_ns(&load);
    if (step_ns > UINT64_MAX / 4 - host->now_ns) return replay_broken("time leaves 64 bits");
    if (pass_time(e, host->now_ns + step_ns) != 0) return -1;
    if (commit(e, count) != 0) return -1;
    return keep_pace(e) == 0 ? 1 : -1;
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
