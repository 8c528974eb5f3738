/* SPDX-License-Identifier: MIT */
/*
 * A published experiment on one engine's admission, repeated on the core: how many requests are
 * preempted under a watermark of free KV. The count needs no model of time. Workload: 299,584
 * tokens of KV in blocks of 16, 450 requests in a closed loop of 128, prompts of 800 to 1,200 and
 * outputs of 4,000 to 6,000 tokens, uniform; the whole prompt is reserved at admission. The long
 * form takes the median of three seeds.
 */
#include "support/core_kit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTS 450u
#define LOOP 128u
#define RUNNING_MAX 256u
#define BLOCKS (299584u / 16u)

typedef struct engine {
    core_kit kit;
    uint64_t random;
    uint32_t begun;
    uint32_t ended;
    uint64_t steps;
    uint64_t running; /* summed over steps */
    berth_plan_entry entries[2 * RUNNING_MAX];
} engine;

static berth_options options_of(uint32_t mode, uint32_t watermark_ppm) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, RUNNING_MAX, 512);
    core_kit_add_resource(&o, "kv_blocks", BLOCKS - 1); /* one is the engine's own */
    o.kv_block_tokens = 16;
    o.kv_mode = mode;
    o.kv_watermark_ppm = watermark_ppm;
    if (mode == BERTH_KV_RATIO) o.victim = BERTH_VICTIM_LEAST_COMPUTED;
    return o;
}

static void submit_one(engine *e) {
    berth_request_id id;
    const berth__submit ask = {.terms.band = 1,
                               .terms.prompt_tokens = 800 + core_random_below(&e->random, 401),
                               .terms.max_new_tokens = 4000 + core_random_below(&e->random, 2001)};
    if (e->begun == REQUESTS) return;
    assert_int_equal(berth__core_submit(e->kit.core, 0, &ask, &id, NULL), BERTH_OK);
    core_kit_accept(&e->kit, id);
    e->begun++;
}

static void step(engine *e) {
    berth_plan plan = {
        .struct_size = sizeof plan, .entries = e->entries, .entry_max = 2 * RUNNING_MAX};
    assert_int_equal(berth__core_plan(e->kit.core, 0, &plan), BERTH_OK);
    core_kit_clear(&e->kit);
    if (plan.step_id == 0) return;
    assert_int_equal(berth__core_commit_begin(e->kit.core, 0, plan.step_id), BERTH_OK);
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
        const berth_plan_entry *entry = &e->entries[i];
        berth__progress p = {.tokens_computed = entry->tokens, .tokens_generated = 1};
        if (entry->tokens_generated + 1 == entry->max_new_tokens) p.finish = BERTH_FINISH_LENGTH;
        assert_int_equal(berth__core_commit_entry(e->kit.core, entry->id, &p), BERTH_OK);
        if (p.finish == BERTH_FINISH_NONE) continue;
        assert_int_equal(berth__core_forget(e->kit.core, entry->id, 0), BERTH_OK);
        e->ended++;
        submit_one(e);
    }
    berth__core_commit_end(e->kit.core);
    e->steps++;
    e->running += plan.entry_count - plan.leave_count;
    if (e->steps % 512 == 0) core_kit_must_hold(&e->kit);
}

/* Preemptions until all have ended; the mean of those running into `running`. */
static uint64_t run(uint32_t mode, uint32_t watermark_ppm, uint64_t seed, double *running) {
    static engine e;
    const berth_options options = options_of(mode, watermark_ppm);
    memset(&e, 0, sizeof e);
    e.random = seed;
    core_kit_init(&e.kit, &options);
    while (e.begun < LOOP) submit_one(&e);
    while (e.ended < REQUESTS) step(&e);
    core_kit_must_hold(&e.kit);
    *running = (double)e.running / (double)e.steps;
    const uint64_t preemptions = core_kit_stats(&e.kit).preemptions_total;
    core_kit_fini(&e.kit);
    return preemptions;
}

static void as_published(const char *name, uint32_t mode, uint32_t watermark_ppm,
                         uint64_t published, double running_published) {
    const uint64_t seeds = core_long_tier() ? 3 : 1;
    uint64_t n[3] = {0};
    double running = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        double mean;
        n[seed] = run(mode, watermark_ppm, core_seed(1) + seed, &mean);
        running += mean / (double)seeds;
        printf("%s: %" PRIu64 " preemptions (published %" PRIu64 "), %.1f running (%.0f)\n", name,
               n[seed], published, mean, running_published);
    }
    const uint64_t lower = n[0] < n[1] ? n[0] : n[1];
    const uint64_t upper = n[0] < n[1] ? n[1] : n[0];
    const uint64_t median = seeds == 1 ? n[0] : n[2] < lower ? lower : n[2] > upper ? upper : n[2];
    assert_true(10 * median >= 7 * published && 10 * median <= 13 * published);
    assert_true(running >= 0.95 * running_published && running <= 1.05 * running_published);
}

static void a_watermark_of_free_kv_saves_as_many_preemptions_as_published(void **state) {
    (void)state;
    as_published("optimistic, no watermark", BERTH_KV_OPTIMISTIC, 0, 1065, 75);
    as_published("watermark 2 %", BERTH_KV_OPTIMISTIC, 20000, 400, 75);
    as_published("watermark 5 %", BERTH_KV_OPTIMISTIC, 50000, 187, 74);
    as_published("watermark 10 %", BERTH_KV_OPTIMISTIC, 100000, 168, 73);
    as_published("watermark 15 %", BERTH_KV_OPTIMISTIC, 150000, 168, 71);
}

static void who_reserves_enough_is_never_preempted(void **state) {
    (void)state;
    as_published("worst case", BERTH_KV_WORST_CASE, 0, 0, 46);
    as_published("future peak", BERTH_KV_FUTURE_PEAK, 0, 0, 61);
}

static void a_ratio_of_what_is_to_come_is_between_the_two(void **state) {
    (void)state;
    as_published("ratio", BERTH_KV_RATIO, 0, 155, 74);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watermark_of_free_kv_saves_as_many_preemptions_as_published),
        cmocka_unit_test(who_reserves_enough_is_never_preempted),
        cmocka_unit_test(a_ratio_of_what_is_to_come_is_between_the_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
