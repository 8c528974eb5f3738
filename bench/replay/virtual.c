/* SPDX-License-Identifier: MIT */
/*
 * The engine has one device that computes step after step. A plan is made as soon as fewer than
 * `steps` are outstanding; its step begins when the device is done with those before, and not
 * before the host has had its time. So with one step in flight the device waits for the host after
 * each, and with more it does not, but who arrives meets steps that were planned without him:
 *
 *   one        | plan | step 1 | plan | step 2 |
 *   two        | plan | step 1 | step 2 |
 *              | plan | plan 2 | plan 3 |
 */
#include "virtual.h"
#include "account.h"
#include "pace.h"

#include <stdlib.h>

/* A step that is outstanding. */
typedef struct flight {
    berth_step_id step_id;
    uint64_t end_at_ns;
    berth_plan_entry *entries; /* of those who compute; the flight's own memory */
    uint32_t count;
    uint32_t fails; /* the KV of all that runs does not fit */
} flight;

typedef struct engine {
    replay_host *host;
    replay_account account;
    replay_pace pace;
    berth_plan plan;
    berth_result *results;
    flight flights[REPLAY_STEPS_MAX]; /* a ring */
    uint32_t oldest;
    uint32_t outstanding;
    uint32_t steps; /* that may be */
    uint32_t next;  /* row to arrive */
    uint64_t busy_until_ns;
} engine;

static int engine_init(engine *e, replay_host *host) {
    const uint32_t entry_max = 2 * (uint32_t)host->capacity[REPLAY_SEQUENCES];
    const replay_settings *s = host->settings;
    *e = (engine){.host = host, .account = {.host = host}, .steps = replay_settings_steps(s)};
    replay_pace_init(&e->pace, s->slo.tpot_ns / 1000 * s->policy.pace_ppm / 1000,
                     host->capacity[REPLAY_SEQUENCES]);
    e->plan = (berth_plan){.struct_size = sizeof e->plan, .entry_max = entry_max};
    e->plan.entries = calloc(entry_max, sizeof *e->plan.entries);
    e->results = calloc(entry_max, sizeof *e->results);
    int ready = e->plan.entries != NULL && e->results != NULL;
    for (uint32_t i = 0; i < e->steps; i++) {
        e->flights[i].entries = calloc(entry_max, sizeof *e->flights[i].entries);
        ready = ready && e->flights[i].entries != NULL;
    }
    return ready ? 0 : replay_broken("no memory for plans");
}

static void engine_fini(engine *e) {
    for (uint32_t i = 0; i < e->steps; i++) free(e->flights[i].entries);
    free(e->plan.entries);
    free(e->results);
}

/* ---- Time ---- */

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

static uint64_t next_arrival_ns(const engine *e) {
    const replay_trace *trace = e->host->trace;
    return e->next < trace->count ? trace->rows[e->next].arrive_at_ns : REPLAY_NEVER;
}

/* ---- Plans ---- */

/* Read the plan: who leaves, and the load of those who compute. */
static int read_plan(engine *e, replay_load *load) {
    uint32_t at = 0;
    for (; at < e->plan.leave_count; at++)
        if (replay_account_leave(&e->account, &e->plan.entries[at]) != 0) return -1;
    if (replay_account_forget(&e->account) != 0) return -1; /* of who left just now, too */
    for (; at < e->plan.entry_count; at++) {
        const berth_plan_entry *entry = &e->plan.entries[at];
        if (replay_account_plan(&e->account, entry, e->plan.step_id) != 0) return -1;
        if (entry->kind == BERTH_ENTRY_PREFILL)
            replay_load_prefill(load, entry->tokens);
        else
            replay_load_decode(load, entry->tokens_computed + entry->tokens);
    }
    return 0;
}

/* Everybody who runs is in the plan, but for prompts that the step's tokens do not suffice for; and
 * with other steps outstanding, for those who may end in them or are to give way after them. */
static int check_listed(const engine *e, const replay_load *load) {
    const uint64_t most = e->host->step_tokens;
    const uint64_t tokens = load->prompt_tokens + load->decoding;
    const uint64_t count = e->plan.entry_count - e->plan.leave_count;
    if (count > e->account.running ||
        (count < e->account.running && tokens != most && e->outstanding == 0))
        return replay_broken("a plan of %llu tokens lists %u requests, %llu run",
                             (unsigned long long)tokens, (unsigned)count,
                             (unsigned long long)e->account.running);
    if (most != 0 && tokens > most)
        return replay_broken("a step of %llu tokens", (unsigned long long)tokens);
    return 0;
}

/* The step of the plan is out. */
static int launch(engine *e, const replay_load *load) {
    const replay_host *host = e->host;
    flight *f = &e->flights[(e->oldest + e->outstanding++) % e->steps];
    const uint64_t ready_at_ns = host->now_ns + host->settings->host_ns;
    const uint64_t step_ns = host->settings->model->step_ns(load);
    const uint64_t begin_at_ns = ready_at_ns > e->busy_until_ns ? ready_at_ns : e->busy_until_ns;
    if (step_ns > UINT64_MAX / 4 - begin_at_ns) return replay_broken("time leaves 64 bits");
    e->busy_until_ns = f->end_at_ns = begin_at_ns + step_ns;
    f->step_id = e->plan.step_id;
    f->fails = e->account.held[REPLAY_KV_BLOCKS] > host->capacity[REPLAY_KV_BLOCKS];
    f->count = e->plan.entry_count - e->plan.leave_count;
    for (uint32_t i = 0; i < f->count; i++)
        f->entries[i] = e->plan.entries[e->plan.leave_count + i];
    return 0;
}

/* ---- Commits ---- */

/* The step that computes the last of what there is yields the next token. */
static berth_result result_of(const flight *f, const berth_plan_entry *entry) {
    const replay_row *row = entry->payload;
    berth_result result = {.id = entry->id, .tokens_computed = entry->tokens};
    if (f->fails) /* an engine that gave out more KV than it has: all that runs fails */
        return (berth_result){.id = entry->id, .finish = BERTH_FINISH_FAILED, .code = BERTH_ESPACE};
    const uint64_t left = row->output_tokens - row->generated;
    if (row->computed + entry->tokens < (uint64_t)row->prompt_tokens + row->generated)
        return result;
    result.tokens_generated = left > 0 ? 1 : 0;
    result.finish = left > 1 ? BERTH_FINISH_NONE : BERTH_FINISH_LENGTH;
    return result;
}

static int commit(engine *e, const flight *f) {
    replay_host *host = e->host;
    for (uint32_t i = 0; i < f->count; i++) e->results[i] = result_of(f, &f->entries[i]);
    const berth_status status = berth_commit(host->pool, f->step_id, e->results, f->count);
    if (status != BERTH_OK) return replay_broken("commit: %s", berth_status_message(status));
    for (uint32_t i = 0; i < f->count; i++)
        if (replay_account_settle(&e->account, &e->results[i], f->entries[i].payload) != 0)
            return -1;
    e->oldest = (e->oldest + 1) % e->steps;
    e->outstanding--;
    replay_fairness_look(&host->fairness);
    return replay_host_harvest(host);
}

/* Give out more or fewer sequences, by how those of the step who are to be in time get on. */
static int keep_pace(engine *e, const flight *f) {
    if (e->pace.token_ns_max == 0) return 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const replay_row *row = f->entries[i].payload;
        if (row->late || row->generated < 2 || row->outcome != BERTH_OUTCOME_NONE) continue;
        replay_pace_see(&e->pace, row->generated - 1, row->last_at_ns - row->first_at_ns);
    }
    if (!replay_pace_step(&e->pace, e->account.running)) return 0;
    const berth_status status = berth_capacity_set(e->host->pool, REPLAY_SEQUENCES, e->pace.room);
    return status == BERTH_OK ? 0 : replay_broken("capacity: %s", berth_status_message(status));
}

/* ---- The loop; 1 = go on, 0 = nothing is left, -1 = broken ---- */

/* The device computes, and more may be planned meanwhile if somebody comes. */
static int wait_for_step(engine *e) {
    const flight *f = &e->flights[e->oldest];
    if (e->outstanding < e->steps && next_arrival_ns(e) < f->end_at_ns)
        return pass_time(e, next_arrival_ns(e)) == 0 ? 1 : -1;
    if (pass_time(e, f->end_at_ns) != 0 || commit(e, f) != 0) return -1;
    return keep_pace(e, f) == 0 ? 1 : -1;
}

static int turn(engine *e) {
    replay_load load = {0};
    if (e->outstanding == e->steps) return wait_for_step(e);
    const berth_status status = berth_plan_next(e->host->pool, &e->plan);
    if (status != BERTH_OK) return replay_broken("plan: %s", berth_status_message(status));
    if (read_plan(e, &load) != 0 || check_listed(e, &load) != 0) return -1;
    if (replay_account_check(&e->account) != 0) return -1;
    if (e->plan.step_id != 0) return launch(e, &load) == 0 ? 1 : -1;
    if (e->plan.entry_count > 0) return 1;
    if (e->outstanding > 0) return wait_for_step(e);
    if (e->plan.parked_count > 0) return replay_broken("an idle engine, and requests wait");
    if (next_arrival_ns(e) == REPLAY_NEVER) return 0;
    return pass_time(e, next_arrival_ns(e)) == 0 ? 1 : -1;
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
