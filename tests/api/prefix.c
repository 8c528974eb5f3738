/* SPDX-License-Identifier: MIT */
/* Prompts that begin alike and adapters, seen from outside: the engine face on a virtual clock. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define BLOCK 4u

static berth_pool *pool;
static uint32_t tokens[64];

static berth_options options_for(uint32_t owner) {
    berth_options options;
    CHECK_OK(berth_options_init(&options, sizeof options));
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.resource_count = 2;
    memcpy(options.resources[0].name, "kv_blocks", sizeof "kv_blocks");
    options.resources[0].capacity_units = 16;
    memcpy(options.resources[1].name, "adapters", sizeof "adapters");
    options.resources[1].capacity_units = 2;
    options.kv_block_tokens = BLOCK;
    options.prefix_blocks_max = 64;
    options.prefix_owner = owner;
    options.sets_max = 2;
    options.set_resource = 1;
    return options;
}

static void open_pool(uint32_t owner) {
    const berth_options options = options_for(owner);
    CHECK_OK(berth_pool_create(&options, NULL, &pool));
    for (uint32_t i = 0; i < 64; i++) tokens[i] = i;
}

static void close_pool(void) {
    CHECK_OK(berth_pool_destroy(pool));
}

/* A prompt of the first `count` tokens, of this adapter. */
static berth_request_id submit(uint64_t count, uint64_t adapter) {
    const berth_block_key key = {
        .struct_size = sizeof key, .block_tokens = BLOCK, .adapter = adapter};
    berth_block_hash hashes[16];
    berth_request request = {.struct_size = sizeof request,
                             .prompt_tokens = count,
                             .max_new_tokens = 4,
                             .block_hashes = hashes,
                             .block_hash_count = (uint32_t)(count / BLOCK),
                             .set = adapter,
                             .set_units = adapter != 0};
    berth_request_id id;
    CHECK_OK(berth_block_hashes(&key, tokens, count, hashes, 16));
    CHECK_OK(berth_submit(pool, &request, &id, NULL));
    memset(hashes, 0, sizeof hashes); /* they were copied */
    return id;
}

static berth_plan_entry entries[16];

/* One step in which everybody does what was planned; `last` finishes. Entries as planned. */
static berth_plan step(berth_request_id last) {
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 16};
    berth_result results[16];
    uint32_t count = 0;
    CHECK_OK(berth_plan_next(pool, &plan));
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++)
        results[count++] =
            (berth_result){.id = entries[i].id,
                           .tokens_computed = entries[i].tokens,
                           .tokens_generated = 1,
                           .finish = entries[i].id == last ? BERTH_FINISH_STOP : BERTH_FINISH_NONE};
    CHECK_OK(berth_commit(pool, plan.step_id, results, count));
    return plan;
}

static void the_second_chat_computes_only_what_is_new(void **state) {
    (void)state;
    open_pool(BERTH_PREFIX_POOL);
    (void)step(submit(20, 0));
    const berth_request_id second = submit(26, 0);
    (void)step(second);
    assert_int_equal(entries[0].prefix_tokens, 20);
    assert_int_equal(entries[0].tokens_computed, 20);
    assert_int_equal(entries[0].tokens, 6);
    close_pool();
}

static void evictions_are_named_once(void **state) {
    berth_block_hash names[4];
    uint32_t count = 9;
    (void)state;
    open_pool(BERTH_PREFIX_POOL);
    (void)step(submit(40, 0)); /* 10 of 16 blocks stay cached */
    CHECK(berth_prefix_evictions(pool, names, 4, &count), BERTH_EAGAIN);
    assert_int_equal(count, 0);
    (void)step(submit(32, 7)); /* another adapter: nothing in common, 9 blocks */
    CHECK_OK(berth_prefix_evictions(pool, names, 4, &count));
    assert_int_equal(count, 3);
    CHECK(berth_prefix_evictions(pool, names, 4, &count), BERTH_EAGAIN);
    CHECK(berth_prefix_evictions(NULL, names, 4, &count), BERTH_EINVAL);
    CHECK(berth_prefix_evictions(pool, names, 0, &count), BERTH_EINVAL);
    CHECK(berth_prefix_lost(pool, names, 1, &count), BERTH_EINVAL); /* the pool owns the cache */
    close_pool();
}

static void an_engines_losses_are_believed(void **state) {
    const berth_block_key key = {.struct_size = sizeof key, .block_tokens = BLOCK};
    berth_block_hash hashes[5];
    uint32_t count;
    (void)state;
    open_pool(BERTH_PREFIX_ENGINE);
    (void)submit(20, 0);
    (void)step(0);
    CHECK_OK(berth_block_hashes(&key, tokens, 20, hashes, 5));
    CHECK_OK(berth_prefix_lost(pool, &hashes[2], 3, &count));
    assert_int_equal(count, 0); /* held by the one that runs */
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 16};
    CHECK_OK(berth_plan_next(pool, &plan));
    berth_result result = {.id = entries[0].id, .tokens_computed = 1, .prefix_tokens = 4};
    CHECK_OK(berth_commit(pool, plan.step_id, &result, 1));
    CHECK(result.status, BERTH_EINVAL); /* it was said at the first result */
    CHECK_OK(berth_cancel(pool, entries[0].id));
    CHECK_OK(berth_prefix_lost(pool, &hashes[2], 3, &count));
    assert_int_equal(count, 3); /* nobody holds them now */
    (void)step(submit(20, 0));
    assert_int_equal(entries[1].prefix_tokens, 8); /* after a LEAVE: what was not lost */
    close_pool();
}

static void adapters_are_counted_once_and_bounded(void **state) {
    berth_stats stats = {.struct_size = sizeof stats};
    (void)state;
    open_pool(BERTH_PREFIX_POOL);
    for (uint32_t i = 0; i < 3; i++) (void)submit(3, 1 + i % 2);
    (void)submit(3, 3); /* a third adapter waits */
    (void)step(0);
    CHECK_OK(berth_stats_read(pool, &stats));
    assert_int_equal(stats.running, 3);
    assert_int_equal(stats.sets_held, 2);
    assert_int_equal(stats.resources[1].used_units, 2);
    berth_drain(pool, 0);
    close_pool();
}

static void what_cannot_be_shared_is_refused(void **state) {
    const berth_block_hash hash = {1, 2};
    berth_options options = options_for(BERTH_PREFIX_POOL);
    berth_request request = {.struct_size = sizeof request, .block_hash_count = 1};
    berth_request_id id;
    (void)state;
    open_pool(BERTH_PREFIX_POOL);
    CHECK(berth_submit(pool, &request, &id, NULL), BERTH_EINVAL); /* a count without names */
    request.block_hashes = &hash;
    CHECK_OK(berth_submit(pool, &request, &id, NULL)); /* longer than its prompt: ignored */
    request.set_units = 1;
    CHECK(berth_submit(pool, &request, &id, NULL), BERTH_EINVAL);
    close_pool();
    options.prefix_blocks_max = 0;
    options.sets_max = 0;
    options.set_resource = 0;
    options.prefix_owner = 0;
    CHECK_OK(berth_pool_create(&options, NULL, &pool));
    request.set_units = 0;
    CHECK(berth_submit(pool, &request, &id, NULL), BERTH_EINVAL);
    request.block_hash_count = 0;
    CHECK_OK(berth_submit(pool, &request, &id, NULL));
    request.set = 1;
    CHECK(berth_submit(pool, &request, &id, NULL), BERTH_EINVAL);
    close_pool();
}

static void impossible_options_name_what_they_need(void **state) {
    berth_config_error error = {.struct_size = sizeof error};
    berth_options options = options_for(BERTH_PREFIX_POOL);
    (void)state;
    options.face = BERTH_FACE_GATE;
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_string_equal(error.path, "prefix_blocks_max");
    assert_non_null(strstr(error.message, "face"));
    options = options_for(BERTH_PREFIX_POOL);
    options.kv_block_tokens = 0;
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_non_null(strstr(error.message, "kv_block_tokens"));
    options = options_for(BERTH_PREFIX_ENGINE);
    options.prefix_blocks_max = 0;
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_string_equal(error.path, "prefix_owner");
    options = options_for(BERTH_PREFIX_POOL);
    options.set_resource = 2;
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_string_equal(error.path, "set_resource");
    options.sets_max = 0;
    CHECK(berth_options_check(&options, &error), BERTH_ECONFIG);
    assert_non_null(strstr(error.message, "sets_max"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_chat_computes_only_what_is_new),
        cmocka_unit_test(evictions_are_named_once),
        cmocka_unit_test(an_engines_losses_are_believed),
        cmocka_unit_test(adapters_are_counted_once_and_bounded),
        cmocka_unit_test(what_cannot_be_shared_is_refused),
        cmocka_unit_test(impossible_options_name_what_they_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
