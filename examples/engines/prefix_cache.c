/* SPDX-License-Identifier: MIT */
/*
 * Prompts that begin alike: a system prompt and three chats with it. Berth's prefix index says how
 * much of a prompt is in the KV cache already, counts shared blocks once, lets a chat wait while
 * another one computes what both need, and names the blocks that the engine may overwrite.
 */
#include <berth.h>
#include <stdio.h>

#define BLOCK 16u
#define SYSTEM 128u /* tokens that all chats begin with */
#define CHATS 3u

static uint32_t tokens[CHATS][SYSTEM + 3 * BLOCK];

static berth_request_id submit(berth_pool *pool, uint32_t chat, uint64_t token_count) {
    const berth_block_key key = {.struct_size = sizeof key, .block_tokens = BLOCK};
    berth_block_hash hashes[(SYSTEM + 3 * BLOCK) / BLOCK];
    berth_request request = {.struct_size = sizeof request,
                             .prompt_tokens = token_count,
                             .max_new_tokens = 2,
                             .block_hashes = hashes,
                             .block_hash_count = (uint32_t)(token_count / BLOCK)};
    berth_request_id id = 0;
    berth_block_hashes(&key, tokens[chat], token_count, hashes, sizeof hashes / sizeof hashes[0]);
    if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) fprintf(stderr, "not accepted\n");
    return id;
}

/* One step: what an engine would compute, and what it need not. */
static void step(berth_pool *pool, berth_plan *plan) {
    berth_result results[8];
    berth_block_hash evicted[64];
    uint32_t count = 0;
    uint32_t named = 0;
    /* Blocks named here may be overwritten by this step. */
    while (berth_prefix_evictions(pool, evicted, 64, &named) == BERTH_OK)
        printf("    %u blocks are given up\n", (unsigned)named);
    for (uint32_t i = plan->leave_count; i < plan->entry_count; i++) {
        const berth_plan_entry *entry = &plan->entries[i];
        results[count] = (berth_result){
            .id = entry->id, .tokens_computed = entry->tokens, .tokens_generated = 1};
        if (entry->tokens_generated + 1 == entry->max_new_tokens)
            results[count].finish = BERTH_FINISH_LENGTH;
        if (entry->kind == BERTH_ENTRY_PREFILL)
            printf("step %u: slot %u computes %u tokens of its prompt, %u were there\n",
                   (unsigned)plan->step_id, (unsigned)entry->slot, (unsigned)entry->tokens,
                   (unsigned)entry->prefix_tokens);
        count++;
    }
    berth_commit(pool, plan->step_id, results, count);
}

int main(void) {
    berth_pool *pool;
    berth_options options;
    berth_plan_entry entries[8];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    berth_options_init(&options, sizeof options);
    options.running_max = 4;
    options.resource_count = 1;
    options.resources[0] = (berth_resource_options){.name = "kv_blocks", .capacity_units = 24};
    options.kv_block_tokens = BLOCK;
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    options.prefix_blocks_max =
        64; /* more than the cache has: parked prompts are known by theirs */
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;

    for (uint32_t chat = 0; chat < CHATS; chat++)
        for (uint32_t i = 0; i < SYSTEM + 3 * BLOCK; i++)
            tokens[chat][i] = i < SYSTEM ? i : 1000 * (chat + 1) + i;
    for (uint32_t chat = 0; chat < CHATS; chat++) submit(pool, chat, SYSTEM + BLOCK + 5);
    while (berth_plan_wait(pool, &plan, 0) == BERTH_OK)
        if (plan.step_id != 0) step(pool, &plan);
    puts("the first chat goes on:");
    submit(pool, 0, SYSTEM + 3 * BLOCK);
    while (berth_plan_wait(pool, &plan, 0) == BERTH_OK)
        if (plan.step_id != 0) step(pool, &plan);
    return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
}
