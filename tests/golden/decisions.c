/* SPDX-License-Identifier: MIT */
/*
 * Fixed programs of events, and the log of what the core decided, byte for byte as checked in: the
 * same on every compiler and at every level of optimisation. A change of a decision shows as a
 * change of these files; BERTH_TEST_GOLDEN=write writes them anew.
 */
#include "support/core_pair.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOG_SIZE (1u << 20)

typedef struct scribe {
    core_kit kit;
    uint64_t now;
    uint64_t random;
    berth_request_id ids[64];
    uint32_t count;
    uint32_t by_length; /* requests finish when they have generated all they may */
    char *text;
    size_t size;
    berth_plan_entry entries[16];
    berth_plan plan;
} scribe;

__attribute__((format(printf, 2, 3))) static void say(scribe *s, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    s->size += (size_t)vsnprintf(s->text + s->size, LOG_SIZE - s->size, format, arguments);
    va_end(arguments);
    assert_true(s->size < LOG_SIZE);
}

/* "#3" for the third request that was submitted: ids are an implementation's, names are ours. */
static uint32_t name_of(const scribe *s, berth_request_id id) {
    for (uint32_t i = 0; i < s->count; i++)
        if (s->ids[i] == id) return i;
    return 999;
}

/* What the sink was told, then the state that it left behind. */
static void tell(scribe *s) {
    static const char *const names[] = {"?", "admitted", "outcome", "ended", "gone", "preempted"};
    const berth_stats n = core_kit_stats(&s->kit);
    for (uint32_t i = 0; i < s->kit.log.count; i++) {
        const core_transition *t = &s->kit.log.items[i];
        berth__view view = {.slot = 0};
        say(s, "    %s #%u", names[t->transition], (unsigned)name_of(s, t->id));
        if (t->transition != BERTH__T_GONE &&
            berth__core_view(s->kit.core, t->id, &view) == BERTH_OK)
            say(s, " state %u outcome %u/%u slot %d", (unsigned)view.state,
                (unsigned)view.outcome.kind, (unsigned)view.outcome.detail, (int)view.slot);
        say(s, "\n");
    }
    say(s,
        "    now %" PRIu64 " parked %" PRIu64 " running %" PRIu64 " stopping %" PRIu64
        " ended %" PRIu64 " refused %" PRIu64 " used %" PRIu64 " next %" PRIu64 "\n",
        n.now_at_ns, n.parked, n.running, n.stopping, n.ended_total, n.refused_total,
        n.resources[0].used_units, berth__core_next_at(s->kit.core));
    core_kit_clear(&s->kit);
    s->kit.may_overdraw = 1;
    core_kit_must_hold(&s->kit);
}

static void submit_this(scribe *s, const berth__submit *ask) {
    const uint32_t band = ask->terms.band;
    const uint64_t units = s->by_length ? ask->terms.prompt_tokens : ask->cost[0];
    berth_request_id id;
    berth_refusal refusal;
    const berth_status status = berth__core_submit(s->kit.core, s->now, ask, &id, &refusal);
    if (status == BERTH_OK) {
        core_kit_accept(&s->kit, id);
        s->ids[s->count++] = id;
        say(s, "submit #%u band %u units %" PRIu64 "\n", (unsigned)(s->count - 1), (unsigned)band,
            units);
    } else {
        say(s,
            "submit band %u units %" PRIu64 ": refused %u limit %" PRIu64 " asked %" PRIu64
            " ahead %" PRIu64 " retry %" PRIu64 "\n",
            (unsigned)band, units, (unsigned)refusal.reason, refusal.limit, refusal.asked,
            refusal.ahead_count, refusal.retry_after_ns);
    }
    if (s->kit.options.face != BERTH_FACE_ENGINE) (void)berth__core_admit(s->kit.core, s->now);
    tell(s);
}

static void submit(scribe *s, uint32_t band, uint64_t units, uint64_t queue_ns) {
    berth__submit ask = core_ask(band, units);
    ask.terms.queue_ns = queue_ns;
    ask.terms.payload_size = 10 * units;
    submit_this(s, &ask);
}

static void cancel(scribe *s, uint32_t name) {
    say(s, "cancel #%u: %d\n", (unsigned)name,
        (int)berth__core_cancel(s->kit.core, s->now, s->ids[name], BERTH_CANCEL_CALLER));
    tell(s);
}

static void finish(scribe *s, uint32_t name) {
    const berth_request_id id = s->ids[name];
    const berth_status a = berth__core_finish(s->kit.core, s->now, id, BERTH_FINISH_STOP, 0);
    const berth_status b = berth__core_let_go(s->kit.core, s->now, id);
    (void)berth__core_admit(s->kit.core, s->now);
    say(s, "finish #%u: %d %d\n", (unsigned)name, (int)a, (int)b);
    tell(s);
}

static void plan(scribe *s) {
    s->plan = (berth_plan){.struct_size = sizeof s->plan, .entry_max = 16, .entries = s->entries};
    const berth_status status = berth__core_plan(s->kit.core, s->now, &s->plan);
    say(s, "plan: %d step %" PRIu64 " parked %" PRIu64 "\n", (int)status, s->plan.step_id,
        s->plan.parked_count);
    for (uint32_t i = 0; i < s->plan.entry_count; i++) {
        const berth_plan_entry *e = &s->entries[i];
        say(s, "    entry #%u slot %u kind %u flags %u band %u tokens %" PRIu64 " of %" PRIu64 "\n",
            (unsigned)name_of(s, e->id), (unsigned)e->slot, (unsigned)e->kind, (unsigned)e->flags,
            (unsigned)e->band, e->tokens, e->tokens_computed);
    }
    tell(s);
}

/* Commit the plan; requests whose name is a multiple of `finishing` finish (0 = nobody). */
static void commit(scribe *s, uint32_t finishing) {
    say(s, "commit: %d\n", (int)berth__core_commit_begin(s->kit.core, s->now, s->plan.step_id));
    for (uint32_t i = s->plan.leave_count; i < s->plan.entry_count; i++) {
        const berth_plan_entry *e = &s->entries[i];
        const uint32_t name = name_of(s, e->id);
        berth__progress progress = {
            .tokens_computed = e->tokens,
            .tokens_generated = e->kind == BERTH_ENTRY_DECODE,
            .finish = finishing != 0 && name % finishing == 0 ? BERTH_FINISH_STOP : 0};
        const uint64_t length = e->max_new_tokens / (name % 2 == 0 ? 1 : 3);
        if (s->by_length && e->tokens_generated + 1 >= length) progress.finish = BERTH_FINISH_STOP;
        const berth_status status = berth__core_commit_entry(s->kit.core, e->id, &progress);
        if (!s->by_length || status != BERTH_OK)
            say(s, "    result #%u: %d\n", (unsigned)name, (int)status);
    }
    berth__core_commit_end(s->kit.core);
    tell(s);
}

/* ---- The programs ---- */

static berth_options options_of(uint32_t face) {
    berth_options options = core_kit_options(face, 3, 8);
    core_kit_add_resource(&options, "units", 10);
    options.ended_max = 4;
    options.resources[0].parked_units_max = 30;
    options.bands[0].parked_max = 3;
    options.seed = 7;
    return options;
}

static void run_gate(scribe *s) {
    for (uint32_t i = 0; i < 8; i++, s->now += 100) submit(s, 1 + i % 4, 2 + i % 5, 0);
    submit(s, 4, 11, 0);
    submit(s, 1, 1, 0);
    for (uint32_t i = 0; i < 5; i++) submit(s, 3, 6, 450);
    finish(s, 0);
    cancel(s, 4);
    s->now += 500;
    berth__core_expire(s->kit.core, s->now);
    say(s, "expire\n");
    tell(s);
    for (uint32_t i = 0; i < s->count; i++, s->now += 10) finish(s, i);
    say(s, "capacity 4\n");
    (void)berth__core_capacity_set(s->kit.core, s->now, 0, 4);
    tell(s);
    for (uint32_t i = 0; i < 4; i++) submit(s, 2, 3 + i % 3, 0);
    say(s, "close, shutdown\n");
    berth__core_close(s->kit.core, s->now);
    berth__core_shutdown(s->kit.core, s->now, 1);
    tell(s);
    submit(s, 4, 1, 0);
}

static void run_engine(scribe *s) {
    for (uint32_t i = 0; i < 7; i++, s->now += 100)
        submit(s, 4 - i % 4, 1 + i, i % 3 == 0 ? 1000 : 0);
    for (uint32_t step = 0; step < 12; step++, s->now += 150) {
        plan(s);
        if (step % 4 == 1) cancel(s, step);
        if (s->plan.step_id != 0) commit(s, step % 3 == 2 ? 2 : 0);
        if (step % 5 == 3 && s->count > 5) cancel(s, step % s->count);
        submit(s, 1 + step % 4, 1 + step % 7, 700);
    }
    berth__core_shutdown(s->kit.core, s->now, 1);
    say(s, "shutdown\n");
    tell(s);
    plan(s);
}

static void run_random(scribe *s) {
    for (uint32_t i = 0; i < 400 && s->count < 60; i++) {
        const uint64_t dice = core_random_below(&s->random, 10);
        s->now += core_random_below(&s->random, 60);
        if (dice < 4 || s->count == 0) {
            const uint32_t band = 1 + (uint32_t)core_random_below(&s->random, 4);
            const uint64_t units = core_random_below(&s->random, 9);
            submit(s, band, units, core_random_below(&s->random, 300));
        } else if (dice < 6) {
            cancel(s, (uint32_t)core_random_below(&s->random, s->count));
        } else if (s->plan.step_id != 0) {
            commit(s, 1 + (uint32_t)core_random_below(&s->random, 4));
            s->plan.step_id = 0;
        } else {
            plan(s);
        }
    }
}

/* KV that grows: 40 requests on 48 tokens. Half of them end by their length, half at a third of it.
 */
static void run_tokens(scribe *s) {
    s->by_length = 1;
    for (uint32_t step = 0; step < 100; step++, s->now += 10) {
        if (s->count < 40) {
            berth__submit ask = {.terms.band = 1};
            ask.terms.prompt_tokens = 1 + core_random_below(&s->random, 10);
            ask.terms.max_new_tokens = 3 + core_random_below(&s->random, 20);
            submit_this(s, &ask);
        }
        plan(s);
        if (s->plan.step_id != 0) commit(s, 0);
    }
}

/* The same of two tenants: the outputs of the second end at a third of what they may have. */
static void run_tenants(scribe *s) {
    s->by_length = 1;
    for (uint32_t step = 0; step < 160; step++, s->now += 10) {
        if (s->count < 60) {
            berth__submit ask = {.terms.band = 1, .terms.tenant = s->count % 2};
            ask.terms.prompt_tokens = 1 + core_random_below(&s->random, 6);
            ask.terms.max_new_tokens = 3 + core_random_below(&s->random, 12);
            submit_this(s, &ask);
        }
        plan(s);
        if (s->plan.step_id != 0) commit(s, 0);
    }
}

/* The same by an engine that commits a step when it has the plan of the next one. */
static void run_flight(scribe *s) {
    scribe *next = calloc(1, sizeof *next);
    assert_non_null(next);
    s->by_length = 1;
    for (uint32_t step = 0; step < 100; step++, s->now += 10) {
        if (s->count < 40) {
            berth__submit ask = {.terms.band = 1 + step % 3};
            ask.terms.prompt_tokens = 1 + core_random_below(&s->random, 10);
            ask.terms.max_new_tokens = 3 + core_random_below(&s->random, 20);
            submit_this(s, &ask);
        }
        plan(s);
        const berth_plan made = s->plan;
        s->plan = next->plan;
        next->plan = made;
        for (uint32_t i = 0; i < 16; i++) {
            const berth_plan_entry entry = s->entries[i];
            s->entries[i] = next->entries[i];
            next->entries[i] = entry;
        }
        if (s->plan.step_id != 0) commit(s, 0);
    }
    free(next);
}

/* Who goes next: 60 requests of three tenants and three bands, on two slots. Which ends when is
 * drawn; so are the tokens that it generates first. */
static void run_next(scribe *s) {
    while (s->count < 60) {
        const uint64_t dice = core_random_below(&s->random, 7);
        s->now += core_random_below(&s->random, 40);
        if (dice < 4) {
            /* One draw per statement: arguments are evaluated in any order. */
            const uint64_t units = 1 + core_random_below(&s->random, 3);
            const uint32_t band = 1 + (uint32_t)core_random_below(&s->random, 3);
            berth__submit ask = core_ask(band, units);
            ask.terms.tenant = core_random_below(&s->random, 3);
            ask.rank = core_random_below(&s->random, 9);
            ask.terms.total_ns = core_random_below(&s->random, 3) * 400;
            ask.terms.prompt_tokens = 1 + core_random_below(&s->random, 20);
            ask.terms.max_new_tokens = 1 + core_random_below(&s->random, 20);
            submit_this(s, &ask);
            continue;
        }
        const uint64_t tokens = 1 + core_random_below(&s->random, 9);
        for (uint32_t i = 0; i < s->count; i++) {
            const uint32_t state = core_kit_view(&s->kit, s->ids[i]).state;
            if (state != BERTH__RUNNING && state != BERTH__STOPPING) continue;
            (void)berth__core_emit(s->kit.core, s->now, s->ids[i], tokens);
            finish(s, i);
            break;
        }
    }
}

/* Prompts that begin alike, of three adapters of which two fit at once. */
static void run_shared(scribe *s) {
    s->by_length = 1;
    for (uint32_t step = 0; step < 60; step++, s->now += 10) {
        berth_block_hash hashes[8];
        const uint64_t kind = core_random_below(&s->random, 3);
        for (uint64_t i = 0; i < 8; i++)
            hashes[i] = (berth_block_hash){.low = i, .high = i < 2 ? 0 : 1 + kind};
        berth__submit ask = {.terms.band = 1,
                             .block_hashes = hashes,
                             .block_hash_count = 8,
                             .set = 1 + kind,
                             .set_units = 1};
        ask.terms.prompt_tokens = 4 + core_random_below(&s->random, 12);
        ask.terms.max_new_tokens = 2 + core_random_below(&s->random, 6);
        if (s->count < 24) submit_this(s, &ask);
        plan(s);
        for (berth_block_hash gone; berth__core_prefix_tell(s->kit.core, &gone);)
            say(s, "    evicted %" PRIu64 "/%" PRIu64 "\n", gone.low, gone.high);
        if (s->plan.step_id != 0) commit(s, 0);
    }
}

/* The first that runs ends. */
static void finish_first(scribe *s) {
    for (uint32_t i = 0; i < s->count; i++) {
        berth__view view;
        if (berth__core_view(s->kit.core, s->ids[i], &view) != BERTH_OK) continue;
        if (view.state != BERTH__RUNNING) continue;
        finish(s, i);
        return;
    }
}

/* More than can be done: large ones and small ones with bounds and deadlines, some with a ticket.
 */
static void run_busy(scribe *s) {
    berth_ticket_id ticket = 0;
    for (uint32_t i = 0; i < 120 && s->count < 60; i++, s->now += 20) {
        const int large = core_random_below(&s->random, 5) == 0;
        const uint64_t units = large ? 9 : 1 + core_random_below(&s->random, 4);
        berth__submit ask = core_ask(1 + i % 2, units);
        ask.run_ns = 20 + core_random_below(&s->random, 300);
        ask.terms.queue_ns = core_random_below(&s->random, 3) == 0 ? 150 : 0;
        if (i % 7 == 0) {
            ask.count = 2;
            say(s, "reserve 2: %d\n",
                (int)berth__core_reserve(s->kit.core, s->now, &ask, &ticket, NULL));
        }
        if (i % 7 == 2 || i % 7 == 6) ask.ticket = ticket;
        submit_this(s, &ask);
        if (core_random_below(&s->random, 3) != 0) finish_first(s);
    }
}

/* ---- Comparing with what is checked in ---- */

static void path_of(char *path, size_t size, const char *name) {
    const char *end = strrchr(__FILE__, '/');
    assert_non_null(end);
    snprintf(path, size, "%.*s/%s.txt", (int)(end - __FILE__), __FILE__, name);
}

static void say_where(const char *name, const char *wanted, size_t wanted_size, const scribe *s) {
    size_t at = 0;
    unsigned line = 1;
    while (at < wanted_size && at < s->size && wanted[at] == s->text[at])
        line += wanted[at++] == '\n';
    fail_msg("%s.txt: decision differs at line %u", name, line);
}

static void compare(const scribe *s, const char *name) {
    const char *mode = getenv("BERTH_TEST_GOLDEN");
    const int write = mode != NULL && strcmp(mode, "write") == 0;
    char path[512];
    path_of(path, sizeof path, name);
    FILE *file = fopen(path, write ? "wb" : "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    if (write) {
        assert_int_equal(fwrite(s->text, 1, s->size, file), s->size);
        assert_int_equal(fclose(file), 0);
        return;
    }
    char *wanted = malloc(LOG_SIZE);
    assert_non_null(wanted);
    const size_t size = fread(wanted, 1, LOG_SIZE, file);
    (void)fclose(file);
    if (size != s->size || memcmp(wanted, s->text, size) != 0) say_where(name, wanted, size, s);
    free(wanted);
}

static void must_decide_as_before(const berth_options *options, void (*program)(scribe *),
                                  const char *name) {
    static scribe s;
    memset(&s, 0, sizeof s);
    s.random = 99;
    s.text = malloc(LOG_SIZE);
    assert_non_null(s.text);
    core_kit_init(&s.kit, options);
    program(&s);
    compare(&s, name);
    core_kit_fini(&s.kit);
    free(s.text);
}

static void a_gate_decides_as_it_always_did(void **state) {
    const berth_options options = options_of(BERTH_FACE_GATE);
    (void)state;
    must_decide_as_before(&options, run_gate, "gate");
}

static void an_engine_pool_decides_as_it_always_did(void **state) {
    const berth_options options = options_of(BERTH_FACE_ENGINE);
    (void)state;
    must_decide_as_before(&options, run_engine, "engine");
}

static void random_events_are_decided_as_they_always_were(void **state) {
    const berth_options options = options_of(BERTH_FACE_ENGINE);
    (void)state;
    must_decide_as_before(&options, run_random, "random");
}

static void every_mode_of_kv_decides_as_it_always_did(void **state) {
    static const char *const names[] = {"kv_worst_case", "kv_optimistic", "kv_ratio",
                                        "kv_future_peak", "kv_predicted"};
    (void)state;
    for (uint32_t mode = BERTH_KV_WORST_CASE; mode <= BERTH_KV_PREDICTED; mode++) {
        berth_options options = core_kit_options(BERTH_FACE_ENGINE, 6, 40);
        core_kit_add_resource(&options, "kv_blocks", 24);
        options.kv_block_tokens = 2;
        options.kv_mode = mode;
        if (mode != BERTH_KV_WORST_CASE) options.victim = mode % 3;
        must_decide_as_before(&options, run_tokens, names[mode]);
    }
}

static void every_rule_of_who_goes_next_decides_as_it_always_did(void **state) {
    static const struct {
        const char *name;
        uint32_t order;
        uint32_t fairness;
        berth_tenant_options tenant;
        berth_band_options band; /* of the lowest, its ceiling that of the next one too */
    } cases[] = {
        {.name = "next_arrival"},
        {.name = "next_deadline", .order = BERTH_ORDER_DEADLINE},
        {.name = "next_shortest", .order = BERTH_ORDER_SHORTEST},
        {.name = "next_rank", .order = BERTH_ORDER_RANK},
        {.name = "next_vtc", .fairness = BERTH_FAIRNESS_VTC},
        {.name = "next_quotas", .tenant = {.parked_max = 2, .units_max = {4}, .rate_ns = 60}},
        {.name = "next_shares", .band = {.share_ppm = 400000, .ceiling_ppm = 700000}},
        {.name = "next_aging", .band = {.aging_ns = 200}},
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        berth_options options = core_kit_options(BERTH_FACE_GATE, 2, 8);
        core_kit_add_resource(&options, "units", 5);
        options.order = cases[i].order;
        if (options.order != BERTH_ORDER_ARRIVAL) options.order_displaced_max = 4;
        options.fairness = cases[i].fairness;
        options.tenants_max = 2;
        options.tenant_defaults = cases[i].tenant;
        options.bands[0] = cases[i].band;
        options.bands[1].ceiling_ppm = cases[i].band.ceiling_ppm;
        options.displace = cases[i].band.aging_ns != 0;
        must_decide_as_before(&options, run_next, cases[i].name);
    }
}

static void what_is_shared_is_decided_as_it_always_was(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 6, 40);
    (void)state;
    core_kit_add_resource(&options, "kv_blocks", 20);
    core_kit_add_resource(&options, "adapters", 2);
    options.kv_block_tokens = 2;
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    options.prefix_blocks_max = 24;
    options.sets_max = 3;
    options.set_resource = 1;
    must_decide_as_before(&options, run_shared, "shared");
}

static void the_longest_prefix_goes_first_as_it_always_did(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 1, 40);
    (void)state;
    core_kit_add_resource(&options, "kv_blocks", 32);
    core_kit_add_resource(&options, "adapters", 3);
    options.kv_block_tokens = 2;
    options.prefix_blocks_max = 32;
    options.sets_max = 3;
    options.set_resource = 1;
    options.order = BERTH_ORDER_PREFIX;
    options.order_displaced_max = 4;
    must_decide_as_before(&options, run_shared, "shared_by_prefix");
}

static void outputs_are_predicted_by_tenant_as_they_always_were(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 6, 40);
    (void)state;
    core_kit_add_resource(&options, "kv_blocks", 24);
    options.kv_block_tokens = 2;
    options.kv_mode = BERTH_KV_PREDICTED;
    options.tenants_max = 2;
    must_decide_as_before(&options, run_tenants, "kv_predicted_by_tenant");
}

static void every_policy_of_fit_under_overload_decides_as_it_always_did(void **state) {
    static const char *const names[] = {"busy_strict", "busy_first", "busy_easy"};
    (void)state;
    for (uint32_t fit = BERTH_FIT_STRICT; fit <= BERTH_FIT_EASY; fit++) {
        berth_options options = options_of(BERTH_FACE_GATE);
        options.parked_max = 12;
        options.fit = fit;
        options.look_max = fit == BERTH_FIT_STRICT ? 0 : 4;
        options.overtake_max = fit == BERTH_FIT_STRICT ? 0 : 3;
        options.wait_ppm = 800000;
        options.ticket_ns = 100;
        options.bands[0].codel_target_ns = 50;
        options.bands[0].codel_interval_ns = 150;
        must_decide_as_before(&options, run_busy, names[fit]);
    }
}

static void the_tokens_of_a_step_are_shared_as_they_always_were(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 6, 40);
    (void)state;
    core_kit_add_resource(&options, "units", 1);
    options.step_tokens = 14;
    options.prefill_tokens_max = 5;
    options.draft_tokens = 1;
    must_decide_as_before(&options, run_tokens, "step_tokens");
}

static void two_steps_in_flight_are_planned_as_they_always_were(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 6, 40);
    (void)state;
    core_kit_add_resource(&options, "kv_blocks", 48);
    options.kv_block_tokens = 1;
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    options.steps_max = 2;
    must_decide_as_before(&options, run_flight, "flight");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shared_is_decided_as_it_always_was),
        cmocka_unit_test(the_longest_prefix_goes_first_as_it_always_did),
        cmocka_unit_test(outputs_are_predicted_by_tenant_as_they_always_were),
        cmocka_unit_test(a_gate_decides_as_it_always_did),
        cmocka_unit_test(an_engine_pool_decides_as_it_always_did),
        cmocka_unit_test(random_events_are_decided_as_they_always_were),
        cmocka_unit_test(every_rule_of_who_goes_next_decides_as_it_always_did),
        cmocka_unit_test(every_mode_of_kv_decides_as_it_always_did),
        cmocka_unit_test(every_policy_of_fit_under_overload_decides_as_it_always_did),
        cmocka_unit_test(the_tokens_of_a_step_are_shared_as_they_always_were),
        cmocka_unit_test(two_steps_in_flight_are_planned_as_they_always_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
