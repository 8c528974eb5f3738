/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "engine.h"

#include <string.h>
#include <time.h>

#include "workload.h"

/* How long a step takes: a base, each running request, each prompt token. */
#define STEP_BASE_NS (3 * MILLISECOND)
#define STEP_RUNNING_NS (MILLISECOND / 4)
#define STEP_PROMPT_TOKEN_NS (20 * UINT64_C(1000))

/* What every reply says: one word is one token. */
static const char *const WORDS[] = {
    "A ",      "berth ",    "is ",    "a ",        "ship's ",  "place ",  "at ",       "the ",
    "quay. ",  "Quay ",     "is ",    "scarce, ",  "ships ",   "differ ", "in ",       "length ",
    "and ",    "urgency, ", "and ",   "somebody ", "must ",    "say ",    "who ",      "comes ",
    "in ",     "now, ",     "who ",   "waits ",    "outside ", "and ",    "who ",      "is ",
    "told ",   "to ",       "come ",  "back ",     "later. ",  "Here ",   "requests ", "are ",
    "ships, ", "KV ",       "cache ", "is ",       "quay, ",   "and ",    "the ",      "engine ",
    "never ",  "waits ",    "for ",   "anyone. ",
};
#define WORD_COUNT (sizeof WORDS / sizeof WORDS[0])

void engine_sleep(uint64_t duration_ns) {
    struct timespec rest = {(time_t)(duration_ns / SECOND), (long)(duration_ns % SECOND)};
    while (nanosleep(&rest, &rest) != 0) continue;
}

static uint64_t blocks_of(uint64_t tokens) {
    return (tokens + ENGINE_KV_BLOCK_TOKENS - 1) / ENGINE_KV_BLOCK_TOKENS;
}

/* The KV cache as the engine sees it: what its slots occupy, whatever the pool believes. */
static void count_blocks(quick_engine *engine) {
    uint64_t blocks = 0;
    for (uint32_t slot = 0; slot < ENGINE_SLOTS; slot++)
        blocks += blocks_of(engine->slot_tokens[slot]);
    if (blocks > engine->blocks_peak) engine->blocks_peak = blocks;
    if (blocks > ENGINE_KV_BLOCKS) engine->steps_over++;
}

/* One line of the plan, computed: a prefill ends with the first token, a decode adds one. */
static void compute(const berth_plan_entry *entry, berth_result *result) {
    const workload_item *item = entry->payload;
    const char *word = WORDS[entry->tokens_generated % WORD_COUNT];
    memset(result, 0, sizeof *result);
    result->id = entry->id;
    result->tokens_computed = entry->tokens;
    result->tokens_generated = 1;
    result->bytes = word;
    result->bytes_size = strlen(word);
    if (entry->tokens_generated + 1 >= item->output_tokens)
        result->finish = BERTH_FINISH_STOP;
    else if (entry->tokens_generated + 1 >= entry->max_new_tokens)
        result->finish = BERTH_FINISH_LENGTH;
}

/* Runs the step: what leaves is forgotten first, because its slot may be given out again. */
static uint32_t run_step(quick_engine *engine, const berth_plan *plan, berth_result *results) {
    uint64_t step_ns = STEP_BASE_NS;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->leave_count; i++) engine->slot_tokens[plan->entries[i].slot] = 0;
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++) {
        const berth_plan_entry *entry = &plan->entries[i];
        engine->slot_tokens[entry->slot] = entry->tokens_computed + entry->tokens;
        step_ns += STEP_RUNNING_NS;
        if (entry->kind == BERTH_ENTRY_PREFILL) step_ns += entry->tokens * STEP_PROMPT_TOKEN_NS;
        compute(entry, &results[count++]);
    }
    if (count == 0) return 0;
    count_blocks(engine);
    engine_sleep(step_ns);
    engine->busy_ns += step_ns;
    return count;
}

/* After the commit: slots of requests that finished here are free at once. */
static void settle(quick_engine *engine, const berth_plan *plan, const berth_result *results) {
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++) {
        const berth_result *result = &results[i - plan->leave_count];
        if (result->status == BERTH_OK) {
            engine->tokens += result->tokens_generated;
            if (result->finish != BERTH_FINISH_NONE) engine->slot_tokens[plan->entries[i].slot] = 0;
        } else if (result->status != BERTH_EENDED && result->status != BERTH_EFULL) {
            engine->failed_in = "an entry of berth_commit";
            engine->failed = result->status;
        }
    }
    engine->steps++;
}

void *engine_run(void *context) {
    quick_engine *engine = context;
    berth_plan_entry entries[2 * ENGINE_SLOTS];
    berth_result results[2 * ENGINE_SLOTS];
    berth_plan plan = {
        .struct_size = sizeof plan, .entry_max = 2 * ENGINE_SLOTS, .entries = entries};
    for (;;) {
        berth_status status = berth_plan_wait(engine->pool, &plan, BERTH_FOREVER);
        if (status == BERTH_ECLOSED) return NULL;
        engine->failed_in = "berth_plan_wait";
        if (status == BERTH_OK) {
            uint32_t count = run_step(engine, &plan, results);
            if (plan.step_id == 0) continue;
            engine->failed_in = "berth_commit";
            status = berth_commit(engine->pool, plan.step_id, results, count);
            if (status == BERTH_OK) settle(engine, &plan, results);
        }
        if (status != BERTH_OK) engine->failed = status;
        if (engine->failed != BERTH_OK) return NULL;
    }
}
