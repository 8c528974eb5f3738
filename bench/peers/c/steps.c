/* SPDX-License-Identifier: MIT */
/* The engine face between admissions: so many run and hold all there is, so many wait, and each
 * step computes a token for everyone who runs. */
#include "ours_special.h"

#include "expect.h"
#include "support/sample.h"

#include <stdio.h>
#include <stdlib.h>

/* Steps are taken until so many, or for so long; their median is said, which a step that another
 * process interrupts does not move. */
#define STEPS_MIN 50u
#define STEPS_MAX 20000u
#define MEASURE_NS 20000000u

typedef struct engine {
    berth_pool *pool;
    berth_plan plan;
    berth_result *results;
} engine;

static void submit(berth_pool *pool, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        berth_request_id id;
        berth_request request = {.struct_size = sizeof request,
                                 .band = 1 + i % 3,
                                 .prompt_tokens = 16,
                                 .max_new_tokens = 1u << 30,
                                 .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                                 .cost_count = 2,
                                 .cost = {4, 1},
                                 .total_ns = 3600000000000u + i};
        expect(berth_submit(pool, &request, &id, NULL), "berth_submit");
    }
}

static void make(engine *self, uint32_t running, uint32_t parked) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    /* Slots are left over: it is a resource that keeps the head of the queue out. */
    options.running_max = running + 64;
    options.parked_max = running + parked;
    options.resource_count = 2;
    snprintf(options.resources[0].name, BERTH_NAME_SIZE, "kv_blocks");
    options.resources[0].capacity_units = 4u * running;
    snprintf(options.resources[1].name, BERTH_NAME_SIZE, "sequences");
    options.resources[1].capacity_units = 2u * running;
    expect(berth_pool_create(&options, NULL, &self->pool), "berth_pool_create");
    self->plan =
        (berth_plan){.struct_size = sizeof self->plan, .entry_max = 2 * options.running_max};
    self->plan.entries = calloc(self->plan.entry_max, sizeof *self->plan.entries);
    self->results = calloc(self->plan.entry_max, sizeof *self->results);
    if (self->plan.entries == NULL || self->results == NULL) expect(BERTH_ENOMEM, "calloc");
}

/* Returns what plan and commit took; the engine's own loop between them is not counted. */
static uint64_t step(engine *self) {
    uint64_t before = peer_now_ns();
    expect(berth_plan_next(self->pool, &self->plan), "berth_plan_next");
    uint64_t planned = peer_now_ns() - before;
    for (uint32_t i = 0; i < self->plan.entry_count; i++)
        self->results[i] = (berth_result){.id = self->plan.entries[i].id,
                                          .tokens_computed = self->plan.entries[i].tokens,
                                          .tokens_generated = 1};
    before = peer_now_ns();
    expect(berth_commit(self->pool, self->plan.step_id, self->results, self->plan.entry_count),
           "berth_commit");
    return planned + (peer_now_ns() - before);
}

void ours_engine(uint32_t running, uint32_t parked) {
    engine self;
    make(&self, running, parked);
    submit(self.pool, running);
    step(&self);
    submit(self.pool, parked);
    for (uint32_t i = 0; i < 3; i++) step(&self);
    if (self.plan.entry_count != running || self.plan.parked_count != parked)
        expect(BERTH_EINVAL, "the plan");
    static double took[STEPS_MAX];
    uint64_t total = 0;
    size_t steps = 0;
    while (steps < STEPS_MIN || (total < MEASURE_NS && steps < STEPS_MAX)) {
        uint64_t one = step(&self);
        took[steps++] = (double)one;
        total += one;
    }
    if (self.plan.admitted_count != 0) expect(BERTH_EINVAL, "the last plan");
    peer_say("op", "ns", bench_median(took, steps));
    berth_pool_destroy(self.pool);
    free(self.plan.entries);
    free(self.results);
}
