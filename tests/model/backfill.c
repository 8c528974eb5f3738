/* SPDX-License-Identifier: MIT */
/*
 * The policies of fit against an obvious model: a list of jobs, looked through from the start after
 * every event. In every life of four small jobs, and in random ones with two resources, two bands,
 * limits of overtaking and jobs that say no bound or exceed theirs. Where all bounds hold, and for
 * one band, also the promise of EASY: the head starts no later than was worked out for it when it
 * became the head.
 */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOBS_MAX 64u
#define NEVER UINT64_MAX

typedef struct job {
    uint64_t arrives;
    uint64_t bound; /* 0 = none stated */
    uint64_t runs;
    uint64_t units[2];
    uint32_t band;
    uint32_t state; /* 0 to come, 1 parked, 2 running, 3 ended */
    uint64_t began;
    uint64_t promised; /* NEVER: nothing */
    uint32_t overtaken;
    uint32_t reserved;
    berth_request_id id;
} job;

typedef struct world {
    core_kit kit;
    job jobs[JOBS_MAX];
    uint32_t count;
    uint32_t promises; /* 1 = every bound holds, and there is one band */
    uint64_t now;
} world;

/* ---- The model ---- */

static uint64_t free_units(const world *w, uint32_t r) {
    uint64_t units = w->kit.options.resources[r].capacity_units;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->jobs[i].state == 2) units -= w->jobs[i].units[r];
    return units;
}

static uint32_t running(const world *w) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->count; i++) count += w->jobs[i].state == 2;
    return count;
}

static int fits(const world *w, const job *j) {
    return running(w) < w->kit.options.running_max && j->units[0] <= free_units(w, 0) &&
           j->units[1] <= free_units(w, 1);
}

/* The parked job after `after` in order of band, then arrival; NULL if there is none. */
static job *next_in_line(world *w, const job *after) {
    for (uint32_t band = after == NULL ? 2 : after->band; band >= 1; band--) {
        const int same = after != NULL && after->band == band;
        for (uint32_t i = same ? (uint32_t)(after - w->jobs) + 1 : 0; i < w->count; i++)
            if (w->jobs[i].state == 1 && w->jobs[i].band == band) return &w->jobs[i];
    }
    return NULL;
}

static uint64_t latest_end(const world *w, const job *j) {
    const uint64_t at = (j->state == 2 ? j->began : w->now) + j->bound;
    if (j->bound == 0) return NEVER;
    return at > w->now ? at : w->now;
}

/* What is free at a moment if everybody runs to his bound. */
static void free_at(const world *w, uint64_t at, uint64_t *units, uint64_t *slots) {
    *slots = w->kit.options.running_max - running(w);
    for (uint32_t r = 0; r < 2; r++) units[r] = free_units(w, r);
    for (uint32_t i = 0; i < w->count; i++) {
        const job *j = &w->jobs[i];
        if (j->state != 2 || latest_end(w, j) > at) continue;
        ++*slots;
        units[0] += j->units[0];
        units[1] += j->units[1];
    }
}

/* The first end at which the head would fit; NEVER if no known one is late enough. */
static uint64_t earliest_start(const world *w, const job *head) {
    uint64_t best = NEVER;
    for (uint32_t i = 0; i < w->count; i++) {
        uint64_t units[2];
        uint64_t slots;
        if (w->jobs[i].state != 2) continue;
        const uint64_t at = latest_end(w, &w->jobs[i]);
        if (at >= best) continue;
        free_at(w, at, units, &slots);
        if (slots > 0 && head->units[0] <= units[0] && head->units[1] <= units[1]) best = at;
    }
    return best;
}

/* Would the head still start in time if this job started now? Worked out by letting it. */
static int delays_nothing(world *w, const job *head, job *j) {
    const uint64_t start = earliest_start(w, head);
    if (start == NEVER) return 0;
    j->state = 2;
    j->began = w->now;
    const uint64_t after = earliest_start(w, head);
    j->state = 1;
    return after <= start;
}

static int may_be_overtaken(const world *w, const job *head) {
    const berth_options *o = &w->kit.options;
    if (o->overtake_max != 0 && head->overtaken >= o->overtake_max) return 0;
    return o->overtake_ns_max == 0 || w->now - head->arrives < o->overtake_ns_max;
}

static job *choose(world *w) {
    job *head = next_in_line(w, NULL);
    if (head == NULL || fits(w, head)) return head;
    if (w->promises && head->promised == NEVER) head->promised = earliest_start(w, head);
    if (w->kit.options.fit == BERTH_FIT_STRICT || !may_be_overtaken(w, head)) return NULL;
    job *j = head;
    for (uint32_t looked = 0; looked < w->kit.options.look_max; looked++) {
        j = next_in_line(w, j);
        if (j == NULL) return NULL;
        if (!fits(w, j)) continue;
        if (w->kit.options.fit == BERTH_FIT_FIRST ? j->band != head->band
                                                  : !delays_nothing(w, head, j))
            continue;
        head->overtaken++;
        return j;
    }
    return NULL;
}

/* ---- Side by side ---- */

static void admit_both(world *w) {
    uint32_t at = 0;
    core_kit_clear(&w->kit);
    (void)berth__core_admit(w->kit.core, w->now);
    for (job *j = choose(w); j != NULL; j = choose(w)) {
        j->state = 2;
        j->began = w->now;
        assert_true(at < w->kit.log.count);
        assert_int_equal(w->kit.log.items[at].transition, BERTH__T_ADMITTED);
        assert_int_equal(w->kit.log.items[at++].id, j->id);
        if (w->kit.options.fit == BERTH_FIT_EASY) assert_true(w->now <= j->promised);
    }
    assert_int_equal(at, w->kit.log.count);
}

static void arrive(world *w, job *j) {
    berth__submit ask = {.terms.band = j->band, .cost_count = 2, .run_ns = j->bound};
    ask.cost[0] = j->units[0];
    ask.cost[1] = j->units[1];
    j->id = core_kit_take_in(&w->kit, w->now, &ask);
    j->state = 1;
    j->promised = NEVER;
}

static void end(world *w, job *j) {
    assert_int_equal(berth__core_finish(w->kit.core, w->now, j->id, BERTH_FINISH_STOP, 0),
                     BERTH_OK);
    assert_int_equal(berth__core_let_go(w->kit.core, w->now, j->id), BERTH_OK);
    assert_int_equal(berth__core_forget(w->kit.core, j->id, 0), BERTH_OK);
    j->state = 3;
}

/* The job of the next event: an end before an arrival at the same moment. */
static job *next_event(world *w, uint64_t *at) {
    job *next = NULL;
    *at = NEVER;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->jobs[i].state == 2 && w->jobs[i].began + w->jobs[i].runs < *at) {
            next = &w->jobs[i];
            *at = next->began + next->runs;
        }
    for (uint32_t i = 0; i < w->count; i++)
        if (w->jobs[i].state == 0 && w->jobs[i].arrives < *at) {
            next = &w->jobs[i];
            *at = next->arrives;
        }
    return next;
}

static void live(world *w, const berth_options *options, int deep) {
    uint64_t at;
    core_kit_init(&w->kit, options);
    w->now = 0;
    for (job *j = next_event(w, &at); j != NULL; j = next_event(w, &at)) {
        w->now = at;
        if (j->state == 0)
            arrive(w, j);
        else
            end(w, j);
        admit_both(w);
        if (deep) core_kit_must_hold(&w->kit);
    }
    for (uint32_t i = 0; i < w->count; i++) assert_int_equal(w->jobs[i].state, 3);
    core_kit_fini(&w->kit);
}

static berth_options options_of(uint32_t fit, uint64_t capacity, uint32_t running_max) {
    berth_options o = core_kit_options(BERTH_FACE_GATE, running_max, JOBS_MAX);
    core_kit_add_resource(&o, "kv", capacity);
    core_kit_add_resource(&o, "other", capacity);
    o.fit = fit;
    o.band_count = 2;
    return o;
}

/* ---- The tests ---- */

/* Four jobs of 1 to 3 of 3 units, bounds of 1 to 3, which they run to or not, 0 or 1 apart. */
static void every_short_life_agrees_with_the_model_and_keeps_the_promise(void **state) {
    static world w;
    const uint32_t kinds = 3 * 3 * 2 * 2;
    const uint32_t step = core_long_tier() ? 1 : 29;
    const berth_options options[] = {options_of(BERTH_FIT_EASY, 3, 3),
                                     options_of(BERTH_FIT_FIRST, 3, 3)};
    (void)state;
    for (uint32_t life = 0; life < kinds * kinds * kinds * kinds; life += step) {
        uint32_t rest = life;
        uint64_t at = 0;
        memset(&w, 0, sizeof w);
        w.promises = 1;
        for (w.count = 0; w.count < 4; w.count++, rest /= kinds) {
            const uint32_t kind = rest % kinds;
            job *j = &w.jobs[w.count];
            at += kind / 18;
            *j = (job){.arrives = at, .band = 1, .bound = 1 + kind / 3 % 3};
            j->units[0] = 1 + kind % 3;
            j->runs = kind / 9 % 2 || j->bound == 1 ? j->bound : j->bound - 1;
        }
        live(&w, &options[life % 2], 0);
    }
}

static void draw(world *w, uint64_t *random) {
    uint64_t at = 0;
    w->count = 16 + (uint32_t)core_random_below(random, JOBS_MAX - 15);
    w->promises = core_random_below(random, 2) == 0;
    for (uint32_t i = 0; i < w->count; i++) {
        job *j = &w->jobs[i];
        at += core_random_below(random, 4);
        *j = (job){.arrives = at, .band = 1, .bound = 1 + core_random_below(random, 20)};
        j->units[0] = core_random_below(random, core_random_below(random, 5) == 0 ? 11 : 4);
        j->units[1] = core_random_below(random, core_random_below(random, 5) == 0 ? 11 : 4);
        j->runs = 1 + core_random_below(random, j->bound);
        if (w->promises) continue;
        j->band = 1 + (uint32_t)core_random_below(random, 2);
        if (core_random_below(random, 6) == 0) j->bound = 0;
        if (core_random_below(random, 6) == 0) j->runs += 10; /* longer than it said */
    }
}

static void random_lives_agree_with_the_model_and_keep_the_promise(void **state) {
    static world w;
    uint64_t random = core_seed(11);
    const uint32_t lives = core_long_tier() ? 20000 : 600;
    (void)state;
    for (uint32_t i = 0; i < lives; i++) {
        berth_options o = options_of(i % 3, 10, 3 + (uint32_t)core_random_below(&random, 6));
        if (i % 3 != BERTH_FIT_STRICT) {
            o.look_max = 1 + (uint32_t)core_random_below(&random, 8);
            if (core_random_below(&random, 2)) o.overtake_max = 1 + (uint32_t)(random % 3);
            if (core_random_below(&random, 3) == 0) o.overtake_ns_max = 1 + random % 20;
        }
        memset(&w, 0, sizeof w);
        draw(&w, &random);
        live(&w, &o, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_life_agrees_with_the_model_and_keeps_the_promise),
        cmocka_unit_test(random_lives_agree_with_the_model_and_keep_the_promise),
    };
    return cmocka_run_group_tests_name("model/backfill", tests, NULL, NULL);
}
