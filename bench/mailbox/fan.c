/* SPDX-License-Identifier: MIT */
#include "workloads.h"

#include "carrier.h"
#include "support/clock.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKENS 60000u /* per entrant and round, about */
#define STEPS_MIN 20u
#define STEPS_MAX 1500u
#define GAP_NS 20000u /* between steps: readers are asleep again */
#define LATE_NS 20000000000u

static const carrier_ops *const entrants[] = {&carrier_berth, &carrier_broadcast, &carrier_queues,
                                              &carrier_pipes, &carrier_eventfds};

typedef struct figures {
    uint64_t cpu_ns; /* of the producer's thread, inside the step */
    uint64_t step_ns;
    uint64_t all_ns; /* until those who wait have read it */
    uint64_t wakes;
    uint32_t steps;
} figures;

/* What this thread has really run: on a machine with other work the clock on the wall also counts
 * those who ran instead of it. */
static uint64_t own_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void spin(uint64_t ns) {
    const uint64_t start = bench_now_ns();
    while (bench_now_ns() - start < ns) continue;
}

/* False where it takes too long: something was lost. */
static bool await(const carrier *self, uint64_t tokens) {
    const uint64_t start = bench_now_ns();
    while (atomic_load_explicit(&self->seen, memory_order_acquire) < tokens) {
        if (bench_now_ns() - start > LATE_NS) return false;
        sched_yield();
    }
    return true;
}

static bool run_steps(const carrier_ops *ops, carrier *self, uint32_t steps, figures *out) {
    static uint64_t sequence;
    if (self->next[0] == 0) sequence = 0;
    *out = (figures){.steps = steps};
    const uint64_t wakes = atomic_load(&self->wakes);
    for (uint32_t i = 0; i < steps; i++) {
        const uint64_t tokens = atomic_load(&self->seen) + self->waiting;
        if (ops->prepare != NULL) ops->prepare(self);
        const uint64_t own = own_ns();
        const uint64_t start = bench_now_ns();
        ops->step(self, sequence++);
        out->step_ns += bench_now_ns() - start;
        out->cpu_ns += own_ns() - own;
        if (!await(self, tokens)) return false;
        out->all_ns += bench_now_ns() - start;
        if (sequence % DRAIN_STEPS == 0) ops->drain(self);
        spin(GAP_NS);
    }
    out->wakes = atomic_load(&self->wakes) - wakes;
    return true;
}

static void put(const workload *at, const carrier_ops *ops, uint32_t streams, const figures *got) {
    const double tokens = (double)got->steps * streams;
    char name[64];
    snprintf(name, sizeof name, "fan/%u/cpu", streams);
    bench_board_put(at->board, name, ops->name, "ns", ops->lacks, at->round,
                    (double)got->cpu_ns / tokens);
    snprintf(name, sizeof name, "fan/%u/step", streams);
    bench_board_put(at->board, name, ops->name, "ns", ops->lacks, at->round,
                    (double)got->step_ns / tokens);
    snprintf(name, sizeof name, "fan/%u/read", streams);
    bench_board_put(at->board, name, ops->name, "ns", ops->lacks, at->round,
                    (double)got->all_ns / tokens);
    snprintf(name, sizeof name, "fan/%u/wakes-per-step", streams);
    bench_board_put(at->board, name, ops->name, "wakes", ops->lacks, at->round,
                    (double)got->wakes / got->steps);
}

static bool run_one(const workload *at, const carrier_ops *ops, uint32_t streams) {
    carrier self = {.streams = streams, .waiting = (streams + 1) / 2};
    uint32_t steps = TOKENS / streams;
    figures got;
    char name[64];
    snprintf(name, sizeof name, "fan/%u/cpu", streams);
    if (streams > ops->streams_max) {
        bench_board_skip(at->board, name, ops->name, "not asked for so many");
        return true;
    }
    if (steps < STEPS_MIN) steps = STEPS_MIN;
    if (steps > STEPS_MAX) steps = STEPS_MAX;
    if (at->quick) steps = 3;
    self.next = calloc(streams, sizeof *self.next);
    if (self.next == NULL) return false;
    bool good = ops->open(&self);
    if (!good) {
        bench_board_skip(at->board, name, ops->name, "the system has not enough threads");
        free(self.next);
        return true;
    }
    good = run_steps(ops, &self, steps / 10 + 1, &got) && run_steps(ops, &self, steps, &got);
    if (good) ops->drain(&self);
    atomic_store(&self.stop, true);
    ops->close(&self);
    if (good && atomic_load(&self.wrong) == 0)
        put(at, ops, streams, &got);
    else
        fprintf(stderr, "%s at %u streams: tokens lost, doubled or torn\n", ops->name, streams);
    good = good && atomic_load(&self.wrong) == 0;
    free(self.next);
    return good;
}

bool fan_run(const workload *at, uint32_t streams) {
    bool good = true;
    for (size_t i = 0; i < sizeof entrants / sizeof entrants[0]; i++)
        good = run_one(at, entrants[i], streams) && good;
    return good;
}
