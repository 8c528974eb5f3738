/* SPDX-License-Identifier: MIT */
/*
 * A continuous-batching engine (llama.cpp, vLLM): one loop owns the model; Berth says who is in
 * the next step. Start here if your engine has an iteration and a table of sequences.
 *
 * Six prompts share four sequences and 64 KV blocks. The high one overtakes those that wait.
 */
#include <berth.h>
#include <stdio.h>

#define SEQUENCES 4u
#define PROMPTS 6u

/* Your engine's own table, indexed by slot: here it only remembers whose KV lies where. */
static const char *sequence[SEQUENCES];

typedef struct prompt {
    const char *name;
    uint32_t band;
    uint64_t prompt_tokens, max_new_tokens;
} prompt;

static prompt prompts[PROMPTS] = {
    {"summary", BERTH_BAND_LOW, 300, 6}, {"batch-1", BERTH_BAND_LOW, 200, 4},
    {"batch-2", BERTH_BAND_LOW, 200, 4}, {"batch-3", BERTH_BAND_LOW, 200, 4},
    {"batch-4", BERTH_BAND_LOW, 200, 4}, {"chat", BERTH_BAND_HIGH, 60, 5},
};

/* Where llama_decode() or the model's forward pass would stand, for one line of the plan. */
static void compute(const berth_plan_entry *entry, berth_result *result) {
    *result = (berth_result){.id = entry->id,
                             .tokens_computed = entry->tokens, /* really done; fewer is fine */
                             .tokens_generated = 1, /* a prefill ends with the first token */
                             .bytes = "token ",
                             .bytes_size = 6};
    if (entry->tokens_generated + 1 == entry->max_new_tokens) result->finish = BERTH_FINISH_LENGTH;
}

static void run_step(const berth_plan *plan, berth_result *results) {
    printf("step %2llu:", (unsigned long long)plan->step_id);
    /* Who leaves comes first: its slot may be given to an admitted one further down. With the flag
     * PREEMPTED (options.kv_mode) it comes back later, as RESUMED: keep what it generated, and
     * compute that after its prompt. */
    for (uint32_t i = 0; i < plan->leave_count; i++) sequence[plan->entries[i].slot] = NULL;
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++) {
        const berth_plan_entry *entry = &plan->entries[i];
        const prompt *what = entry->payload;
        if (entry->flags & BERTH_ENTRY_ADMITTED) sequence[entry->slot] = what->name;
        compute(entry, &results[i - plan->leave_count]);
        printf("  %s%s%s", entry->flags & BERTH_ENTRY_ADMITTED ? "+" : "", sequence[entry->slot],
               entry->kind == BERTH_ENTRY_PREFILL ? " (prefill)" : "");
    }
    printf("  | %llu wait\n", (unsigned long long)plan->parked_count);
}

int main(void) {
    berth_pool *pool;
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.running_max = SEQUENCES;
    options.kv_block_tokens = 16; /* cost = ceil((prompt + max_new) / 16) blocks */
    options.resource_count = 1;
    options.resources[0] = (berth_resource_options){.name = "kv_blocks", .capacity_units = 64};
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;

    berth_request_id id[PROMPTS];
    for (uint32_t i = 0; i < PROMPTS; i++) {
        berth_request request = {.struct_size = sizeof request,
                                 .band = prompts[i].band,
                                 .payload = &prompts[i],
                                 .prompt_tokens = prompts[i].prompt_tokens,
                                 .max_new_tokens = prompts[i].max_new_tokens};
        if (berth_submit(pool, &request, &id[i], NULL) != BERTH_OK) return 1;
    }

    berth_plan_entry entries[2 * SEQUENCES];
    berth_result results[SEQUENCES];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2 * SEQUENCES, .entries = entries};
    /* A real engine waits with BERTH_FOREVER until berth_close() and gets BERTH_ECLOSED. */
    while (berth_plan_wait(pool, &plan, 0) == BERTH_OK) {
        run_step(&plan, results);
        if (plan.step_id == 0) continue; /* only LEAVE entries: nothing to commit */
        if (berth_commit(pool, plan.step_id, results, plan.entry_count - plan.leave_count) !=
            BERTH_OK)
            return 1;
    }

    for (uint32_t i = 0; i < PROMPTS; i++) {
        berth_outcome outcome = {.struct_size = sizeof outcome};
        if (berth_outcome_take(pool, id[i], &outcome) != BERTH_OK) return 1;
        printf("%-8s %s, %llu tokens\n", prompts[i].name, berth_outcome_name(outcome.kind),
               (unsigned long long)outcome.tokens_generated);
    }
    return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
}
