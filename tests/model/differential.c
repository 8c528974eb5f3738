/* SPDX-License-Identifier: MIT */
/*
 * Random programs of events: the core and its obvious model must give every same answer. A program
 * that fails is shrunk and printed; BERTH_TEST_SEED=N replays the programs from seed N on.
 */
#include "support/core_pair.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS 160u
#define SHORT_PROGRAMS 4000u
#define LONG_PROGRAMS 500000u

/* ---- Making a program ---- */

typedef struct maker {
    uint64_t random;
    berth_options options;
    uint32_t names;
    uint32_t extreme; /* numbers near the ends of their range are likely */
} maker;

static uint64_t below(maker *m, uint64_t bound) {
    return core_random_below(&m->random, bound);
}

static uint64_t units(maker *m, uint64_t around) {
    if (m->extreme && below(m, 6) == 0) return UINT64_MAX - below(m, 3);
    return below(m, 12) == 0 ? below(m, 3 * around + 3) : below(m, around + 1);
}

/* 0 in half of the cases: no limit. */
static uint64_t maybe(maker *m, uint64_t bound) {
    return below(m, 2) == 0 ? 0 : 1 + below(m, bound);
}

/* What a step has room for, on an engine. */
static void make_step(maker *m, berth_options *o) {
    if (o->face != BERTH_FACE_ENGINE || below(m, 2) == 0) return;
    o->draft_tokens = below(m, 3) == 0 ? (uint32_t)below(m, 4) : 0;
    o->prefill_tokens_max = below(m, 2) == 0 ? 1 + below(m, 8) : 0;
    if (below(m, 3) != 0)
        o->step_tokens = o->running_max * (UINT64_C(1) + o->draft_tokens) + below(m, 12);
}

static void make_resources(maker *m, berth_options *o) {
    static const char *const names[] = {"kv_blocks", "sequences", "bytes"};
    const uint64_t count = below(m, 4);
    for (uint32_t r = 0; r < count; r++) {
        core_kit_add_resource(o, names[r], 1 + below(m, 24));
        if (m->extreme && below(m, 2) == 0) o->resources[r].capacity_units = UINT64_MAX;
        o->resources[r].parked_units_max = maybe(m, 40);
        for (uint32_t b = 0; b < o->band_count; b++)
            o->bands[b].parked_units_max[r] = below(m, 3) == 0 ? 1 + below(m, 30) : 0;
    }
    if (count == 0 || below(m, 3) != 0) return;
    o->kv_resource = (uint32_t)below(m, count);
    o->kv_block_tokens = 1 + (uint32_t)below(m, 8);
    o->kv_block_units = below(m, 3);
    if (o->face != BERTH_FACE_ENGINE || below(m, 3) == 0) return;
    o->kv_mode = 1 + (uint32_t)below(m, BERTH_KV_PREDICTED);
    o->kv_watermark_ppm = below(m, 2) == 0 ? 0 : (uint32_t)below(m, 400000);
    o->victim = (uint32_t)below(m, BERTH_VICTIM_CHEAPEST + 1);
    o->preempt_max = below(m, 2) == 0 ? 0 : 1 + (uint32_t)below(m, 3);
    o->preempt_pause_steps = below(m, 3) == 0 ? (uint32_t)below(m, 3) : 0;
    if (o->kv_mode == BERTH_KV_PREDICTED) o->kv_quantile_ppm = (uint32_t)below(m, 1000001);
    if (o->kv_mode == BERTH_KV_PREDICTED && below(m, 2) == 0) {
        o->tenants_max = 3; /* as many as there are: nobody is given up, or refused for it */
        o->kv_lengths_max = (uint32_t)below(m, 5);
    }
    if (o->kv_mode != BERTH_KV_RATIO) return;
    o->kv_ratio_ppm = (uint32_t)below(m, 1000001);
    o->kv_ratio_floor_ppm = (uint32_t)below(m, 1000001);
    o->kv_ratio_decay_steps = (uint32_t)below(m, 20);
}

static berth_options make_options(maker *m) {
    static const uint32_t faces[] = {BERTH_FACE_ENGINE, BERTH_FACE_ENGINE, BERTH_FACE_GATE,
                                     BERTH_FACE_WORKER};
    const uint32_t face = faces[below(m, 4)];
    const uint32_t running_max = 1 + (uint32_t)below(m, 4);
    berth_options o = core_kit_options(face, running_max, 1 + (uint32_t)below(m, 8));
    o.pause_ns_max = 1 + below(m, 40);
    o.ended_max = 1 + (uint32_t)below(m, 5);
    o.band_count = 1 + (uint32_t)below(m, 4);
    o.parked_size_max = maybe(m, 60);
    o.seed = core_random(&m->random);
    for (uint32_t b = 0; b < o.band_count; b++) {
        o.bands[b].parked_max = below(m, 3) == 0 ? 1 + (uint32_t)below(m, 4) : 0;
        o.bands[b].parked_size_max = below(m, 3) == 0 ? 1 + below(m, 40) : 0;
    }
    if (!m->extreme && below(m, 3) == 0) o.wait_ppm = 1 + (uint32_t)below(m, 1000000);
    make_resources(m, &o);
    make_step(m, &o);
    return o;
}

static uint64_t deadline(maker *m) {
    if (below(m, 3) != 0) return 0;
    return m->extreme && below(m, 8) == 0 ? UINT64_MAX : 1 + below(m, 40);
}

static void make_cost(maker *m, berth__submit *submit) {
    const uint32_t count = m->options.resource_count;
    submit->cost_count = below(m, 30) == 0 ? (uint32_t)below(m, BERTH_RESOURCES_MAX + 1) : count;
    for (uint32_t r = 0; r < submit->cost_count; r++) {
        const int kv = m->options.kv_block_tokens != 0 && r == m->options.kv_resource;
        submit->cost[r] = kv && below(m, 30) != 0 ? 0 : units(m, 8);
    }
    if (below(m, 60) == 0) submit->cost[BERTH_RESOURCES_MAX - 1] = 1;
}

static void make_submit(maker *m, core_event *e) {
    berth__submit *s = &e->submit;
    e->kind = CORE_SUBMIT;
    e->name = m->names < CORE_NAMES_MAX - 1 ? m->names++ : m->names;
    s->terms.band =
        below(m, 40) == 0 ? (uint32_t)below(m, 10) : 1 + (uint32_t)below(m, m->options.band_count);
    s->terms.payload_size = units(m, 12);
    s->terms.prompt_tokens = units(m, 20);
    s->terms.max_new_tokens = units(m, 20);
    if (below(m, 3) == 0) s->samples = (uint32_t)below(m, below(m, 20) == 0 ? 300 : 5);
    s->terms.queue_ns = deadline(m);
    s->terms.first_output_ns = deadline(m);
    s->terms.total_ns = deadline(m);
    s->terms.tenant = below(m, 3);
    make_cost(m, s);
}

static void make_charge(maker *m, core_event *e) {
    e->submit.cost_count = (uint32_t)below(m, m->options.resource_count + 1 + (below(m, 20) == 0));
    for (uint32_t r = 0; r < e->submit.cost_count; r++) e->submit.cost[r] = units(m, 8);
}

/* Events about one request, likely the latest ones. */
static void make_about(maker *m, core_event *e) {
    static const uint32_t engine[] = {CORE_CANCEL,  CORE_CANCEL,  CORE_FORGET,   CORE_FORGET,
                                      CORE_RECOST,  CORE_CHARGE,  CORE_PREEMPT,  CORE_PREEMPT,
                                      CORE_PIN,     CORE_UNPIN,   CORE_CHUNK,    CORE_IDLE,
                                      CORE_PAUSE,   CORE_PAUSE,   CORE_PAUSE,    CORE_PAUSE,
                                      CORE_SUSPEND, CORE_SUSPEND, CORE_PLAN_FAIL};
    static const uint32_t worker[] = {CORE_CANCEL, CORE_FORGET, CORE_FORGET, CORE_RECOST,
                                      CORE_CHARGE, CORE_PIN,    CORE_UNPIN,  CORE_CHUNK,
                                      CORE_EMIT,   CORE_FINISH, CORE_FINISH, CORE_FINISH,
                                      CORE_LET_GO, CORE_LET_GO, CORE_LET_GO, CORE_IDLE};
    const uint64_t reach = below(m, 4) == 0 ? m->names : m->names < 10 ? m->names : 10;
    e->kind = m->options.face == BERTH_FACE_ENGINE ? engine[below(m, sizeof engine / 4)]
                                                   : worker[below(m, sizeof worker / 4)];
    e->name = m->names - 1 - (uint32_t)below(m, reach);
    e->amount = below(m, 10);
    e->choice = (uint32_t)below(m, 2);
    e->code = (int32_t)below(m, 5) - 2;
    if (e->kind == CORE_CANCEL) e->choice = 1 + (uint32_t)below(m, 3);
    if (e->kind == CORE_FINISH) e->choice = (uint32_t)below(m, BERTH_FINISH_FAILED + 2);
    if (e->kind == CORE_PAUSE) e->choice = (uint32_t)below(m, BERTH__PAUSE_GIVE_UP + 1);
    if (e->kind == CORE_CHARGE) make_charge(m, e);
    if (e->kind == CORE_IDLE && below(m, 2) == 0) e->amount = UINT32_MAX;
    if (e->kind != CORE_RECOST) return;
    e->submit.terms.prompt_tokens = units(m, 20);
    e->submit.terms.max_new_tokens = units(m, 20);
    if (below(m, 3) != 0) make_cost(m, &e->submit);
}

static void make_turn(maker *m, core_event *e) {
    e->seed = core_random(&m->random);
    if (m->options.face != BERTH_FACE_ENGINE) {
        e->kind = below(m, 3) == 0 ? CORE_EXPIRE : CORE_ADMIT;
        return;
    }
    e->kind = below(m, 2) == 0 ? CORE_PLAN : CORE_COMMIT;
    e->amount = below(m, 20) == 0 ? below(m, 4) : UINT64_MAX;
    if (e->kind == CORE_COMMIT && below(m, 3) == 0) make_charge(m, e);
    e->choice = below(m, 3) == 0 ? (uint32_t)below(m, CORE_COMMIT_WRONG_STEP + 1) : 0;
}

static void make_event(maker *m, core_event *e) {
    const uint64_t dice = below(m, 100);
    memset(e, 0, sizeof *e);
    e->elapsed_ns = below(m, 3) == 0 ? below(m, 12) : 0;
    if (below(m, 15) == 0) e->back_ns = below(m, 30);
    if (dice < 30) {
        make_submit(m, e);
    } else if (dice < 58) {
        make_turn(m, e);
    } else if (dice < 92) {
        make_about(m, e);
    } else if (dice < 96) {
        e->kind = CORE_EXPIRE;
    } else if (dice < 99) {
        e->kind = CORE_CAPACITY;
        e->resource = (uint32_t)below(m, m->options.resource_count + 1);
        e->amount = units(m, 24);
    } else {
        e->kind = below(m, 3) == 0 ? CORE_CLOSE : CORE_SHUTDOWN;
        e->choice = (uint32_t)below(m, 2);
    }
}

static void make_program(maker *m, uint64_t seed, core_event *events) {
    memset(m, 0, sizeof *m);
    m->random = seed;
    m->names = 1;
    m->extreme = below(m, 4) == 0;
    m->options = make_options(m);
    for (uint32_t i = 0; i < EVENTS; i++) make_event(m, &events[i]);
}

/* ---- Running and shrinking ---- */

/* The index of the event after which something is wrong, or `count`. */
static uint32_t run(const berth_options *options, const core_event *events, uint32_t count,
                    char *why, size_t why_size) {
    static core_pair pair;
    uint32_t i = 0;
    core_pair_init(&pair, options);
    while (i < count) {
        const char *wrong = core_pair_apply(&pair, &events[i]);
        if (wrong != NULL) {
            snprintf(why, why_size, "%s", wrong);
            break;
        }
        i++;
    }
    core_pair_fini(&pair);
    return i;
}

/* Take events out, in runs of halving length, as long as the rest still goes wrong. */
static uint32_t shrink(const berth_options *options, core_event *events, uint32_t count) {
    static core_event fewer[EVENTS];
    char why[256];
    for (uint32_t length = count / 2; length > 0; length /= 2)
        for (uint32_t at = 0; at + length <= count;) {
            const uint32_t rest = count - at - length;
            memcpy(fewer, events, at * sizeof *events);
            memcpy(fewer + at, events + at + length, rest * sizeof *events);
            const uint32_t failed = run(options, fewer, count - length, why, sizeof why);
            if (failed == count - length) {
                at += length;
                continue;
            }
            count = failed + 1;
            memcpy(events, fewer, count * sizeof *events);
        }
    return count;
}

static void report(uint64_t seed, const maker *m, core_event *events, uint32_t failed) {
    char why[256] = "";
    const berth_options *o = &m->options;
    const uint32_t count = shrink(o, events, failed + 1);
    (void)run(o, events, count, why, sizeof why);
    fprintf(stderr, "seed %" PRIu64 ": face %u, running_max %u, parked_max %u, ended_max %u\n",
            seed, (unsigned)o->face, (unsigned)o->running_max, (unsigned)o->parked_max,
            (unsigned)o->ended_max);
    for (uint32_t r = 0; r < o->resource_count; r++)
        fprintf(stderr, "resource %s: %" PRIu64 "\n", o->resources[r].name,
                o->resources[r].capacity_units);
    for (uint32_t i = 0; i < count; i++) core_event_print(stderr, &events[i]);
    fail_msg("seed %" PRIu64 ", after %u events: %s", seed, (unsigned)count, why);
}

static void core_and_model_agree_on_every_answer(void **state) {
    static core_event events[EVENTS];
    (void)state;
    const uint64_t first = core_seed(1);
    const uint32_t programs = core_long_tier() ? LONG_PROGRAMS : SHORT_PROGRAMS;
    for (uint64_t seed = first; seed < first + programs; seed++) {
        maker m;
        char why[256];
        make_program(&m, seed, events);
        const uint32_t failed = run(&m.options, events, EVENTS, why, sizeof why);
        if (failed < EVENTS) report(seed, &m, events, failed);
    }
    printf("differential: %u programs of %u events, seeds from %" PRIu64 "\n", (unsigned)programs,
           EVENTS, first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_and_model_agree_on_every_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
