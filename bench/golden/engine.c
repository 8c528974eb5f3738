/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void golden_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("berth-golden: broken: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void must(berth_status status, const char *what) {
    if (status != BERTH_OK) golden_die("%s: %s", what, berth_status_message(status));
}

berth_options golden_options(uint32_t running_max, uint32_t jobs, uint64_t kv_tokens,
                             uint32_t block_tokens) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.running_max = running_max;
    options.mailboxes_max = running_max;
    options.mailbox_size = 256; /* outcomes only: rings stay empty */
    options.parked_max = jobs;
    options.ended_max = jobs;
    options.resource_count = 2;
    options.kv_block_tokens = block_tokens;
    options.resources[0].capacity_units = kv_tokens / block_tokens;
    options.resources[1].capacity_units = running_max;
    strcpy(options.resources[0].name, "kv_blocks");
    strcpy(options.resources[1].name, "sequences");
    return options;
}

berth_stats golden_stats(berth_pool *pool) {
    berth_stats stats = {.struct_size = sizeof stats};
    must(berth_stats_read(pool, &stats), "stats");
    if (stats.broken) golden_die("an invariant of the pool failed");
    if (stats.submitted_total !=
        stats.refused_total + stats.parked + stats.running + stats.stopping + stats.ended_total)
        golden_die("the pool's counters do not add up");
    for (uint32_t r = 0; r < stats.resource_count; r++)
        if (stats.resources[r].used_units > stats.resources[r].capacity_units)
            golden_die("more %s are used than there are", stats.resources[r].name);
    return stats;
}

static void released(void *user_data, void *payload, uint64_t payload_size) {
    golden_engine *e = user_data;
    golden_job *job = payload;
    (void)payload_size;
    job->released_next = e->released;
    e->released = job;
}

void golden_options_check(const berth_options *options) {
    berth_config_error error = {.struct_size = sizeof error};
    if (berth_options_check(options, &error) != BERTH_OK)
        golden_die("options: %s: %s", error.path, error.message);
}

void golden_engine_init(golden_engine *e, const berth_options *options) {
    const berth_executor executor = {
        .struct_size = sizeof executor, .user_data = e, .release = released};
    const uint32_t entry_max = 2 * options->running_max;
    golden_options_check(options);
    e->entries = calloc(entry_max, sizeof *e->entries);
    e->results = calloc(entry_max, sizeof *e->results);
    if (e->entries == NULL || e->results == NULL) golden_die("no memory for plans");
    e->plan =
        (berth_plan){.struct_size = sizeof e->plan, .entry_max = entry_max, .entries = e->entries};
    must(berth_pool_create(options, &executor, &e->pool), "create");
}

void golden_engine_fini(golden_engine *e) {
    must(berth_pool_destroy(e->pool), "destroy");
    free(e->entries);
    free(e->results);
}

void golden_engine_submit(golden_engine *e, golden_job *job) {
    berth_refusal refusal = {.struct_size = sizeof refusal};
    const berth_request request = {.struct_size = sizeof request,
                                   .payload = job,
                                   .prompt_tokens = job->prompt_tokens,
                                   .max_new_tokens = job->output_tokens,
                                   .cost_count = 2,
                                   .cost = {0, 1},
                                   .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                                   .queue_ns = e->queue_ns,
                                   .first_output_ns = e->first_ns,
                                   .tenant = job->tenant};
    job->arrive_at_ns = e->now_ns;
    const berth_status status = berth_submit(e->pool, &request, &job->id, &refusal);
    if (status == BERTH_EREFUSED) {
        job->state = GOLDEN_OVER;
        return;
    }
    must(status, "submit");
    job->state = GOLDEN_PARKED;
}

static void take_released(golden_engine *e) {
    while (e->released != NULL) {
        golden_job *job = e->released;
        berth_outcome outcome = {.struct_size = sizeof outcome};
        e->released = job->released_next;
        must(berth_outcome_take(e->pool, job->id, &outcome), "outcome");
        if (job->state == GOLDEN_OVER) golden_die("a job ended twice");
        if (outcome.tokens_generated != job->generated)
            golden_die("the pool counts other tokens than were generated");
        job->state = GOLDEN_OVER;
        job->outcome = outcome.kind;
        if (outcome.kind == BERTH_OUTCOME_COMPLETED && e->ended != NULL) e->ended(e, job);
    }
}

static void advance(golden_engine *e, uint64_t to_ns) {
    must(berth_clock_advance(e->pool, to_ns), "clock");
    e->now_ns = to_ns;
}

static void pass_time(golden_engine *e, uint64_t to_ns) {
    while (e->next < e->job_count && e->jobs[e->next].arrive_at_ns <= to_ns) {
        golden_job *job = &e->jobs[e->next++];
        advance(e, job->arrive_at_ns);
        golden_engine_submit(e, job);
    }
    advance(e, to_ns);
    take_released(e);
}

/* What of the plan is computed in this step, and what it produces. */
static uint32_t read_plan(golden_engine *e, golden_step *step) {
    uint32_t prompts = 0, count = 0;
    for (uint32_t i = e->plan.leave_count; i < e->plan.entry_count; i++)
        prompts += e->entries[i].kind == BERTH_ENTRY_PREFILL;
    for (uint32_t i = e->plan.leave_count; i < e->plan.entry_count; i++) {
        const berth_plan_entry *entry = &e->entries[i];
        golden_job *job = entry->payload;
        const int prefill = entry->kind == BERTH_ENTRY_PREFILL;
        if (entry->flags & BERTH_ENTRY_ADMITTED) job->state = GOLDEN_RUNNING;
        if ((entry->flags & BERTH_ENTRY_ADMITTED) && !(entry->flags & BERTH_ENTRY_RESUMED))
            job->admitted_at_ns = e->now_ns;
        if (e->prefill_alone && prompts > 0 && !prefill) continue;
        step->prompts += (uint64_t)prefill;
        step->prompt_tokens += prefill ? entry->tokens : 0;
        step->decoding += (uint64_t)!prefill;
        e->results[count++] = (berth_result){.id = entry->id, .tokens_computed = entry->tokens};
    }
    step->running = e->plan.entry_count - e->plan.leave_count;
    return count;
}

/* Does this entry's step yield a token? A prompt's last chunk does, and every decode. */
static int yields(const berth_plan_entry *entry) {
    if (entry->kind == BERTH_ENTRY_DECODE) return 1;
    return entry->tokens_computed + entry->tokens >= entry->prompt_tokens + entry->tokens_generated;
}

static void commit(golden_engine *e, uint32_t count) {
    uint32_t at = 0;
    for (uint32_t i = e->plan.leave_count; i < e->plan.entry_count && at < count; i++) {
        const berth_plan_entry *entry = &e->entries[i];
        berth_result *result = &e->results[at];
        golden_job *job = entry->payload;
        if (result->id != entry->id) continue;
        at++;
        if (!yields(entry) || job->state == GOLDEN_OVER) continue;
        result->tokens_generated = 1;
        if (job->generated + 1 == job->output_tokens) result->finish = BERTH_FINISH_LENGTH;
    }
    must(berth_commit(e->pool, e->plan.step_id, e->results, count), "commit");
    at = 0;
    for (uint32_t i = e->plan.leave_count; i < e->plan.entry_count && at < count; i++) {
        golden_job *job = e->entries[i].payload;
        if (e->results[at].id != e->entries[i].id) continue;
        const berth_result *result = &e->results[at++];
        if (result->status == BERTH_EENDED) continue;
        must(result->status, "commit of a job");
        if (result->tokens_generated == 0) continue;
        if (job->generated++ == 0) job->first_at_ns = e->now_ns;
        job->last_at_ns = e->now_ns;
    }
    take_released(e);
}

/* 0 where nothing is left to do. */
static int turn(golden_engine *e) {
    if (e->before_plan != NULL) e->before_plan(e);
    must(berth_plan_next(e->pool, &e->plan), "plan");
    if (e->plan.step_id == 0) {
        take_released(e);
        if (e->plan.entry_count > 0) return 1;
        if (e->plan.parked_count > 0) golden_die("an idle engine, and jobs wait");
        if (e->next >= e->job_count || e->jobs[e->next].arrive_at_ns == GOLDEN_NEVER) return 0;
        pass_time(e, e->jobs[e->next].arrive_at_ns);
        return 1;
    }
    golden_step step = {0};
    const uint32_t count = read_plan(e, &step);
    e->last = step;
    pass_time(e, e->now_ns + e->step_ns(&step));
    commit(e, count);
    e->steps++;
    e->running_sum += step.running;
    if (e->stepped != NULL) e->stepped(e);
    return 1;
}

void golden_engine_run(golden_engine *e, uint64_t until_ns) {
    while (e->now_ns < until_ns && turn(e))
        if (e->steps % 256 == 0) (void)golden_stats(e->pool);
    (void)golden_stats(e->pool);
}
