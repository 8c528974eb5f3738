/* SPDX-License-Identifier: MIT */
/*
 * What a head that does not fit costs, under the three policies of fit. Workload: one resource of
 * 1,000 units; Poisson arrivals; 3 % large jobs of 500 to 900 units, the rest lognormal(3.2, 0.8)
 * cut to 5 to 120; run time lognormal(1.6, 0.8) s cut to 0.5 to 60 s; the upper bound that a job
 * states is 1 to 3 times that. Saturated (3.6 arrivals a second), the utilisation of the resource
 * is published as 0.80 for strict, 0.96 for first fit and 0.94 for EASY; at a load that strict
 * cannot sustain, the longest wait of a large job as 10,564 s and 170 s.
 */
#include "support/core_kit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAPACITY 1000u
#define RUNNING_MAX 1024u
#define PARKED_MAX 150000u
#define SECOND 1e9
#define LARGE 500u

typedef struct job {
    double arrives;
    double runs;
    double ends; /* once it runs */
    uint64_t units;
    uint64_t bound_ns;
    berth_request_id id;
} job;

typedef struct machine {
    core_kit kit;
    uint64_t random;
    job *jobs;
    uint32_t count;
    uint32_t ended;
    uint32_t running[RUNNING_MAX]; /* a heap by the end of the job */
    uint32_t running_count;
    uint32_t *job_of; /* by place */
    double used_s;    /* units * seconds, while measured */
} machine;

typedef struct workload {
    double per_second;
    double seconds;
    uint32_t parked_max;
    uint32_t reserved;
} workload;

typedef struct figures {
    double utilisation;
    double large_wait_max_s;
    uint64_t backfills;
} figures;

/* ---- Random numbers, by the test's own stream ---- */

static double uniform(machine *m) {
    return ((double)(core_random(&m->random) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(machine *m) {
    const double radius = sqrt(-2 * log(uniform(m)));
    return radius * cos(6.283185307179586 * uniform(m));
}

static double cut(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

static void draw(machine *m, const workload *load) {
    double at = 0;
    m->count = 0;
    for (;;) {
        at += -log(uniform(m)) / load->per_second;
        if (at >= load->seconds) return;
        job *j = &m->jobs[m->count++];
        const int large = uniform(m) < 0.03;
        const double small_units = cut(exp(3.2 + 0.8 * normal(m)), 5, 120);
        j->arrives = at * SECOND;
        j->units = large ? LARGE + core_random_below(&m->random, 401) : (uint64_t)small_units;
        j->runs = cut(exp(1.6 + 0.8 * normal(m)), 0.5, 60) * SECOND;
        j->bound_ns = (uint64_t)(j->runs * (1 + 2 * uniform(m))) + 1;
    }
}

/* ---- The machine: jobs run for their time on a gate ---- */

static int ends_before(const machine *m, uint32_t one, uint32_t other) {
    return m->jobs[m->running[one]].ends < m->jobs[m->running[other]].ends;
}

static void swap(machine *m, uint32_t one, uint32_t other) {
    const uint32_t moved = m->running[one];
    m->running[one] = m->running[other];
    m->running[other] = moved;
}

static void start(machine *m, uint32_t job_index) {
    uint32_t at = m->running_count++;
    m->running[at] = job_index;
    for (; at > 0 && ends_before(m, at, (at - 1) / 2); at = (at - 1) / 2) swap(m, at, (at - 1) / 2);
}

static uint32_t take_first(machine *m) {
    const uint32_t first = m->running[0];
    m->running[0] = m->running[--m->running_count];
    for (uint32_t at = 0, next; (next = 2 * at + 1) < m->running_count; at = next) {
        if (next + 1 < m->running_count && ends_before(m, next + 1, next)) next++;
        if (!ends_before(m, next, at)) break;
        swap(m, next, at);
    }
    return first;
}

/* Admit, start what went in; the longest wait of a large job goes into `f`. */
static void admit(machine *m, double now, figures *f) {
    core_kit_clear(&m->kit);
    (void)berth__core_admit(m->kit.core, (uint64_t)now);
    for (uint32_t i = 0; i < m->kit.log.count; i++) {
        if (m->kit.log.items[i].transition != BERTH__T_ADMITTED) continue;
        const uint32_t place = (uint32_t)(m->kit.log.items[i].id & 0xffffffu);
        job *j = &m->jobs[m->job_of[place]];
        const double wait_s = (now - j->arrives) / SECOND;
        j->ends = now + j->runs;
        start(m, m->job_of[place]);
        if (j->units >= LARGE && wait_s > f->large_wait_max_s) f->large_wait_max_s = wait_s;
    }
}

static void submit(machine *m, uint32_t job_index) {
    job *j = &m->jobs[job_index];
    berth__submit ask = core_ask(1, j->units);
    ask.run_ns = j->bound_ns;
    if (berth__core_submit(m->kit.core, (uint64_t)j->arrives, &ask, &j->id, NULL) != BERTH_OK) {
        m->ended++; /* refused */
        return;
    }
    core_kit_accept(&m->kit, j->id);
    m->job_of[j->id & 0xffffffu] = job_index;
}

static void end(machine *m, uint64_t now) {
    const job *j = &m->jobs[take_first(m)];
    assert_int_equal(berth__core_finish(m->kit.core, now, j->id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(m->kit.core, now, j->id), BERTH_OK);
    assert_int_equal(berth__core_forget(m->kit.core, j->id, 0), BERTH_OK);
    m->ended++;
}

/* Arrivals and ends in order of time, until everything has ended. */
static void live(machine *m, const workload *load, figures *f) {
    const double measured = load->seconds * SECOND;
    double now = 0;
    uint32_t next = 0;
    while (m->ended < m->count) {
        const uint64_t used = core_kit_stats(&m->kit).resources[0].used_units;
        const double before = now;
        const int arrives =
            next < m->count &&
            (m->running_count == 0 || m->jobs[next].arrives < m->jobs[m->running[0]].ends);
        now = arrives ? m->jobs[next].arrives : m->jobs[m->running[0]].ends;
        const double until = now < measured ? now : measured;
        if (until > before) m->used_s += (double)used * (until - before) / SECOND;
        if (arrives)
            submit(m, next++);
        else
            end(m, (uint64_t)now);
        admit(m, now, f);
        if ((next + m->ended) % 8192 == 0) core_kit_must_hold(&m->kit);
    }
}

static figures run(uint32_t fit, workload load, uint64_t seed) {
    static machine m;
    figures f = {0};
    berth_options o = core_kit_options(BERTH_FACE_GATE, RUNNING_MAX, load.parked_max);
    core_kit_add_resource(&o, "units", CAPACITY);
    o.fit = fit;
    memset(&m, 0, sizeof m);
    m.random = seed;
    m.jobs = calloc((size_t)(load.per_second * load.seconds * 1.2) + 100, sizeof *m.jobs);
    m.job_of = calloc(RUNNING_MAX + PARKED_MAX + 1024, sizeof *m.job_of);
    core_kit_init(&m.kit, &o);
    draw(&m, &load);
    live(&m, &load, &f);
    f.utilisation = m.used_s / (CAPACITY * load.seconds);
    f.backfills = core_kit_stats(&m.kit).backfills_total;
    core_kit_fini(&m.kit);
    free(m.jobs);
    free(m.job_of);
    return f;
}

/* ---- What must hold ---- */

static figures report(const char *name, uint32_t fit, workload load) {
    const figures f = run(fit, load, core_seed(1));
    printf(
        "%s, %.1f/s, at most %u parked: utilisation %.3f, longest wait of a large job %.0f s, %lu "
        "past the head\n",
        name, load.per_second, load.parked_max, f.utilisation, f.large_wait_max_s,
        (unsigned long)f.backfills);
    return f;
}

static void saturated_easy_uses_almost_as_much_as_first_fit(void **state) {
    const workload saturated = {
        .per_second = 3.6, .seconds = core_long_tier() ? 40000 : 6000, .parked_max = PARKED_MAX};
    (void)state;
    const figures strict = report("strict", BERTH_FIT_STRICT, saturated);
    const figures first = report("first fit", BERTH_FIT_FIRST, saturated);
    const figures easy = report("EASY", BERTH_FIT_EASY, saturated);
    assert_true(strict.utilisation > 0.78 && strict.utilisation < 0.82);
    assert_true(first.utilisation > 0.94 && first.utilisation < 0.98);
    assert_true(easy.utilisation >= 0.93);
    assert_int_equal(strict.backfills, 0);
}

static void easy_keeps_large_jobs_from_waiting(workload load) {
    const figures first = report("first fit", BERTH_FIT_FIRST, load);
    const figures easy = report("EASY", BERTH_FIT_EASY, load);
    assert_true(20 * easy.large_wait_max_s <= first.large_wait_max_s);
}

/* Strict can sustain 2.2 of these jobs a second, EASY 2.6. */
static void a_load_that_strict_cannot_sustain_makes_no_large_job_wait_under_easy(void **state) {
    (void)state;
    easy_keeps_large_jobs_from_waiting((workload){
        .per_second = 2.4, .seconds = core_long_tier() ? 40000 : 20000, .parked_max = PARKED_MAX});
}

/* More than anybody can do: the queue is bounded, and what it cannot take is refused. */
static void nor_does_an_overload_behind_a_bounded_queue(void **state) {
    const double rates[] = {3.0, 2.8, 3.2};
    (void)state;
    for (uint32_t i = 0; i < (core_long_tier() ? 3u : 1u); i++)
        easy_keeps_large_jobs_from_waiting((workload){
            .per_second = rates[i], .seconds = core_long_tier() ? 40000 : 20000, .parked_max = 64});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saturated_easy_uses_almost_as_much_as_first_fit),
        cmocka_unit_test(a_load_that_strict_cannot_sustain_makes_no_large_job_wait_under_easy),
        cmocka_unit_test(nor_does_an_overload_behind_a_bounded_queue),
    };
    return cmocka_run_group_tests_name("sim/backfill", tests, NULL, NULL);
}
