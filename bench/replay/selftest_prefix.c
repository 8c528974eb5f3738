/* SPDX-License-Identifier: MIT */
#include "selftest_prefix.h"
#include "check.h"
#include "deal.h"
#include "prefix.h"
#include "random.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define NAMED_TOKENS 64u /* of a name in the generated prompts below */

/* Five prompts by hand, far apart, and what is found of each while nothing is given up. */
typedef struct known_prompt {
    uint32_t tokens;
    uint32_t id_count;
    uint64_t ids[2];
    uint32_t named;      /* KV blocks that have names */
    uint32_t hit_tokens; /* of those before it */
} known_prompt;

static const known_prompt known_prompts[] = {
    {1024, 2, {1, 2}, 63, 0},    /* the first */
    {1024, 2, {1, 2}, 63, 1008}, /* the same; its last token is computed, so its last block is */
    {1000, 2, {1, 3}, 62, 512},  /* another second block */
    {1024, 2, {2, 1}, 63, 0},    /* the same names behind other prefixes */
    {700, 2, {1, 2}, 43, 688},   /* a part of the second block */
    {1024, 1, {1}, 32, 512},     /* less names than blocks */
    {5, 1, {1}, 0, 0},           /* no full block */
};

#define KNOWN (sizeof known_prompts / sizeof known_prompts[0])

static int make_known(replay_trace *out) {
    *out = (replay_trace){.hash_tokens = 512};
    for (uint32_t i = 0; i < KNOWN; i++) {
        const known_prompt *of = &known_prompts[i];
        const replay_row row = {.arrive_at_ns = i * SECOND_NS,
                                .prompt_tokens = of->tokens,
                                .output_tokens = 2,
                                .hash_at = out->hash_count,
                                .hash_count = of->id_count};
        for (uint32_t k = 0; k < of->id_count; k++)
            if (replay_trace_add_hash(out, of->ids[k]) != 0) return -1;
        if (replay_trace_add(out, &row) != 0) return -1;
    }
    return 0;
}

static int begins_alike(replay_prefix *prefix, const replay_trace *trace, uint32_t a, uint32_t b,
                        uint32_t blocks) {
    static berth_block_hash names[64];
    const uint32_t of_a = replay_prefix_name(prefix, &trace->rows[a]);
    memcpy(names, prefix->names, of_a * sizeof *names);
    const uint32_t of_b = replay_prefix_name(prefix, &trace->rows[b]);
    uint32_t same = 0;
    while (same < of_a && same < of_b && names[same].low == prefix->names[same].low) same++;
    for (uint32_t k = same; k < of_a; k++) /* and nothing behind that */
        for (uint32_t m = 0; m < of_b; m++)
            if (names[k].low == prefix->names[m].low) return 0;
    return same == blocks;
}

static void check_names(void) {
    replay_trace trace;
    replay_prefix prefix;
    const int ready = make_known(&trace) == 0 && replay_prefix_init(&prefix, &trace) == 0;
    replay_check(ready, "the names of a small trace are read");
    if (!ready) return;
    replay_check(replay_prefix_has_names(&trace), "a trace with names has names");
    for (uint32_t i = 0; i < KNOWN; i++)
        replay_check(replay_prefix_name(&prefix, &trace.rows[i]) == known_prompts[i].named,
                     "KV blocks that a name covers are named, but for that of the last token");
    replay_check(begins_alike(&prefix, &trace, 0, 1, 63), "equal names are equal blocks");
    replay_check(begins_alike(&prefix, &trace, 0, 2, 32), "another name is another block");
    replay_check(begins_alike(&prefix, &trace, 0, 3, 0), "another prefix is another block");
    replay_check(begins_alike(&prefix, &trace, 0, 4, 43), "a part of a block is its first part");
    replay_check(begins_alike(&prefix, &trace, 0, 5, 32), "what has no name is nobody's");
    replay_prefix_fini(&prefix);
    trace.hash_count = 0;
    replay_check(!replay_prefix_has_names(&trace), "a trace without names has none");
    replay_trace_fini(&trace);
}

/* Its own account must tell what an engine could not do. */
static void check_account(void) {
    const berth_block_hash first = {.low = 0}, beyond = {.low = 1000000}, strange = {.high = 1};
    replay_trace trace;
    replay_prefix prefix;
    if (make_known(&trace) != 0 || replay_prefix_init(&prefix, &trace) != 0) return;
    replay_row *a = &trace.rows[0], *b = &trace.rows[1];
    replay_prefix_hold(&prefix, a);
    replay_prefix_hold(&prefix, b);
    replay_check(prefix.held == 0 && prefix.hit_tokens == 0 && prefix.asked_tokens == 2048,
                 "an empty cache gives nothing");
    a->computed = 40;
    replay_check(replay_prefix_progress(&prefix, a) == 0 && a->shared == 2 && prefix.held == 2,
                 "complete blocks are there, and held");
    b->computed = 16;
    replay_check(replay_prefix_progress(&prefix, b) != 0, "who computes them again is told");
    replay_check(replay_prefix_give_up(&prefix, &first) != 0, "who is held is not given up");
    replay_prefix_let_go(&prefix, a);
    replay_check(prefix.held == 0 && replay_prefix_hit_tokens(&prefix, b) == 32,
                 "what nobody holds stays");
    replay_prefix_hold(&prefix, b);
    replay_prefix_hold(&prefix, a);
    replay_check(prefix.held == 2, "a block that two hold counts once");
    replay_prefix_let_go(&prefix, b);
    replay_check(prefix.held == 2, "until the last of them goes");
    replay_prefix_let_go(&prefix, a);
    replay_check(replay_prefix_give_up(&prefix, &first) == 0 && prefix.resident_count == 1 &&
                     replay_prefix_hit_tokens(&prefix, b) == 0,
                 "behind what was given up nothing is found");
    replay_check(replay_prefix_give_up(&prefix, &first) != 0 &&
                     replay_prefix_give_up(&prefix, &beyond) != 0 &&
                     replay_prefix_give_up(&prefix, &strange) != 0,
                 "what is not there is not given up");
    replay_prefix_fini(&prefix);
    replay_trace_fini(&trace);
}

static const replay_settings lonely = {
    .policy = {.name = "bands"},
    .slo = {.ttft_ns = 2000000000, .tpot_ns = 100000000, .plus_prompt = 1},
    .shares = {0, 0, 100, 0},
    .speed = 1.0,
    .kv_tokens = 65536,
    .seed = 1,
    .sequences = 8,
    .steps = 1,
    .prefix_cache = 1,
};

/* One at a time: what is found is known, and so is the time that the rest takes. */
static void check_found(void) {
    replay_settings settings = lonely;
    replay_trace trace;
    replay_report with, without;
    replay_load whole = {0}, rest = {0};
    uint64_t hit_tokens = 0, tokens = 0;
    settings.model = replay_model_at(0);
    for (uint32_t i = 0; i < KNOWN; i++) {
        hit_tokens += known_prompts[i].hit_tokens;
        tokens += known_prompts[i].tokens;
    }
    if (make_known(&trace) != 0 || replay_deal(&settings, &trace) != 0) return;
    trace.rows[0].tenant_rank = 0;
    replay_check(replay_run(&settings, &trace, &with) == 0 && with.has_prefix &&
                     with.prefix_hit_tokens == hit_tokens && with.prefix_asked_tokens == tokens &&
                     with.prefix_evicted == 0,
                 "alone, each finds what those before it have in common with it");
    trace.count = 2;
    replay_load_prefill(&whole, 1024);
    replay_load_prefill(&rest, 16);
    replay_check(replay_run(&settings, &trace, &with) == 0 &&
                     with.all.ttft.p50_ns == settings.model->step_ns(&rest) &&
                     with.all.ttft.max_ns == settings.model->step_ns(&whole),
                 "what is found takes no time, the rest what the model says");
    settings.prefix_cache = 0;
    replay_check(replay_run(&settings, &trace, &without) == 0 && !without.has_prefix &&
                     without.prefix_hit_tokens == 0 &&
                     without.all.ttft.p50_ns == settings.model->step_ns(&whole),
                 "without a cache each prompt is computed whole");
    replay_trace_fini(&trace);
}

/* Chats of five, each prompt as far as a card says like the others of its chat. */
static int make_chats(const replay_settings *settings, replay_trace *out) {
    if (replay_generator_run(&settings->generator, settings->seed, out) != 0) return -1;
    out->hash_tokens = NAMED_TOKENS;
    for (uint32_t i = 0; i < out->count; i++) {
        replay_row *row = &out->rows[i];
        const uint64_t alike = replay_random_at(77, i) % 40;
        row->hash_at = out->hash_count;
        row->hash_count = row->prompt_tokens / NAMED_TOKENS;
        for (uint64_t k = 0; k < row->hash_count; k++)
            if (replay_trace_add_hash(out, k < alike ? i % 5 * 1000 + k : 10000 * (i + 1) + k) != 0)
                return -1;
    }
    return replay_deal(settings, out);
}

/* Every way to admit and every order, on a cache that is short of room. */
static void check_chats(void) {
    static const char *const modes[] = {"worst_case", "optimistic", "ratio:0.5", "future_peak",
                                        "predicted:0.5"};
    replay_settings settings = lonely;
    char what[96];
    settings.model = replay_model_at(0);
    settings.kv_tokens = 8192;
    settings.tenants = 3;
    settings.generator = (replay_generator){.requests = 150,
                                            .rate = 10.0,
                                            .gap_cv = 1.5,
                                            .prompt_median = 900.0,
                                            .prompt_sigma = 1.0,
                                            .output_median = 60.0,
                                            .output_sigma = 1.0,
                                            .prompt_max = 6000,
                                            .output_max = 1000};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0] * 2; i++) {
        replay_trace trace;
        replay_report with, again, without;
        replay_settings one = settings, plain;
        replay_policy_set("kv", modes[i / 2], &one.policy);
        if (i % 2 == 1) replay_policy_set("order", "prefix", &one.policy);
        if (i % 2 == 1) replay_policy_set("fit", "easy", &one.policy);
        if (i % 2 == 1) replay_policy_set("step", "700", &one.policy);
        one.steps = 1 + (uint32_t)(i % 3); /* several in flight, too */
        plain = one;
        plain.prefix_cache = 0;
        plain.policy.order = BERTH_ORDER_ARRIVAL;
        snprintf(what, sizeof what, "kv %s with a prefix cache, order %s: laws, hits, evictions",
                 modes[i / 2], replay_policy_order_name(&one.policy));
        const int ran =
            make_chats(&settings, &trace) == 0 && replay_run(&one, &trace, &with) == 0 &&
            replay_run(&one, &trace, &again) == 0 && replay_run(&plain, &trace, &without) == 0;
        replay_check(ran && with.hash == again.hash && with.prefix_hit_tokens > 0 &&
                         with.prefix_evicted > 0 &&
                         with.all.completed + with.all.refused_total == with.all.submitted,
                     what);
        replay_check(ran && (i % 2 == 1 || with.duration_ns < without.duration_ns),
                     "in order of arrival all is done sooner with a cache");
        if (ran) replay_trace_fini(&trace);
    }
}

void replay_self_test_prefix(void) {
    check_names();
    check_account();
    check_found();
    check_chats();
}
