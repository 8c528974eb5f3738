/* SPDX-License-Identifier: MIT */
#include "workloads.h"

#include <berth.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS 20u
#define CHUNKS 1000u
#define TURNS 20000u
#define TOKEN "thirty-two bytes of a token's text"
#define TOKEN_SIZE 32u

/* The only function that is looked at: what it calls counts, what calls it does not. */
typedef void operation(void *of);
extern void measured(operation *what, void *of);
__attribute__((noinline)) void measured(operation *what, void *of) {
    what(of);
    __asm__ volatile("" ::: "memory"); /* no tail call: it would be left too early */
}

static void expect(berth_status status, const char *call) {
    if (status == BERTH_OK) return;
    fprintf(stderr, "%s: %s\n", call, berth_status_name(status));
    exit(1);
}

typedef struct state {
    berth_pool *pool;
    berth_request_id *ids;
    uint32_t at; /* which of them the operation is about */
    uint32_t tenants;
    uint32_t grows;   /* KV, in blocks of 16 tokens */
    uint32_t streams; /* each result brings a chunk, which is read before the next step */
    berth_plan plan;
    berth_result *results;
} state;

/* Slots are left over: it is a resource that keeps the head of the queue out. */
static void make_fair(state *self, uint32_t face, uint32_t running, uint32_t parked,
                      uint32_t tenants) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    self->tenants = tenants;
    options.fairness = tenants > 0 ? BERTH_FAIRNESS_VTC : BERTH_FAIRNESS_NONE;
    options.tenants_max = tenants;
    options.face = face;
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.running_max = running + 64;
    options.parked_max = running + parked;
    options.ended_max = parked + 64;
    options.resource_count = 2;
    snprintf(options.resources[0].name, BERTH_NAME_SIZE, "kv_blocks");
    options.resources[0].capacity_units = 4u * running;
    snprintf(options.resources[1].name, BERTH_NAME_SIZE, "sequences");
    options.resources[1].capacity_units = 2u * running;
    options.kv_block_tokens = self->grows ? 16 : 0;
    options.kv_mode = self->grows ? BERTH_KV_OPTIMISTIC : BERTH_KV_WORST_CASE;
    expect(berth_pool_create(&options, NULL, &self->pool), "berth_pool_create");
    self->ids = calloc((size_t)running + parked, sizeof *self->ids);
    self->plan =
        (berth_plan){.struct_size = sizeof self->plan, .entry_max = 2 * options.running_max};
    self->plan.entries = calloc(self->plan.entry_max, sizeof *self->plan.entries);
    self->results = calloc(self->plan.entry_max, sizeof *self->results);
    if (self->ids == NULL || self->plan.entries == NULL || self->results == NULL)
        expect(BERTH_ENOMEM, "calloc");
}

static void make(state *self, uint32_t face, uint32_t running, uint32_t parked) {
    make_fair(self, face, running, parked, 0);
}

static void end(state *self) {
    expect(berth_pool_destroy(self->pool), "berth_pool_destroy");
    free(self->ids);
    free(self->plan.entries);
    free(self->results);
}

/* ---- Operations ---- */

static void submit_with(state *self, uint32_t mode) {
    berth_request request = {.struct_size = sizeof request,
                             .band = 1 + self->at % 3,
                             .prompt_tokens = 16,
                             .max_new_tokens = self->grows ? 1000 : 1u << 20,
                             .mailbox_mode = mode,
                             .cost_count = 2,
                             .cost = {self->grows ? 0 : 4, 1},
                             .queue_ns = 1000000u + self->at * 7919u % 1000u,
                             .payload = &self->ids[self->at],
                             .tenant = self->tenants > 0 ? self->at % self->tenants : 0};
    expect(berth_submit(self->pool, &request, &self->ids[self->at], NULL), "berth_submit");
}

static void submit(void *of) {
    const state *self = of;
    submit_with(of, self->streams ? BERTH_MAILBOX_STREAM : BERTH_MAILBOX_OUTCOME);
}

static void cancel(void *of) {
    state *self = of;
    expect(berth_cancel(self->pool, self->ids[self->at]), "berth_cancel");
}

/* All up to here, as one list. */
static void cancel_many(void *of) {
    state *self = of;
    uint32_t count;
    expect(berth_cancel_many(self->pool, self->ids, self->at, NULL, &count), "berth_cancel_many");
    if (count != self->at) expect(BERTH_EINVAL, "the list");
}

static void take(void *of) {
    state *self = of;
    expect(berth_outcome_take(self->pool, self->ids[self->at], NULL), "berth_outcome_take");
}

static void advance(void *of) {
    state *self = of;
    uint64_t now;
    expect(berth_clock_now(self->pool, &now), "berth_clock_now");
    expect(berth_clock_advance(self->pool, now + 2000000u), "berth_clock_advance");
}

static void plan(void *of) {
    state *self = of;
    expect(berth_plan_next(self->pool, &self->plan), "berth_plan_next");
}

static void commit(void *of) {
    state *self = of;
    expect(berth_commit(self->pool, self->plan.step_id, self->results, self->plan.entry_count),
           "berth_commit");
}

/* One request runs at a time. It ends, one of the same tenant comes, and the tenant that has had
 * least goes next. */
static void turn(void *of) {
    state *self = of;
    plan(self);
    const berth_plan_entry *entry = &self->plan.entries[self->plan.leave_count];
    self->at = (uint32_t)((berth_request_id *)entry->payload - self->ids);
    self->results[0] = (berth_result){.id = entry->id,
                                      .tokens_computed = entry->tokens,
                                      .tokens_generated = 1,
                                      .finish = BERTH_FINISH_STOP};
    expect(berth_commit(self->pool, self->plan.step_id, self->results, 1), "berth_commit");
    take(self);
    submit(self);
}

/* Submit, admitted at once, finish, outcome. */
static void whole_life(void *of) {
    state *self = of;
    submit(self);
    expect(berth_finish(self->pool, self->ids[self->at], BERTH_FINISH_STOP, 0), "berth_finish");
    take(self);
}

static void emit(void *of) {
    state *self = of;
    expect(berth_emit(self->pool, self->ids[0], TOKEN, TOKEN_SIZE, 1), "berth_emit");
}

static void read_one(void *of) {
    state *self = of;
    char text[64];
    berth_record record = {.struct_size = sizeof record};
    expect(berth_mailbox_read(self->pool, self->ids[0], text, sizeof text, 0, &record),
           "berth_mailbox_read");
}

/* ---- Workloads ---- */

static void for_each(state *self, uint32_t count, operation *what, int counts) {
    for (self->at = 0; self->at < count; self->at++) {
        if (counts)
            measured(what, self);
        else
            what(self);
    }
}

static uint64_t run_submit(uint32_t depth, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_ENGINE, 1, depth);
    for_each(&self, depth, submit, 1);
    end(&self);
    return depth;
}

static uint64_t run_cancel(uint32_t depth, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_ENGINE, 1, depth);
    for_each(&self, depth, submit, 0);
    for_each(&self, depth, cancel, 1);
    end(&self);
    return depth;
}

static uint64_t run_cancel_many(uint32_t depth, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_ENGINE, 1, depth);
    for_each(&self, depth, submit, 0);
    measured(cancel_many, &self);
    end(&self);
    return depth;
}

static uint64_t run_expire(uint32_t depth, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_ENGINE, 1, depth);
    for_each(&self, depth, submit, 0);
    measured(advance, &self);
    end(&self);
    return depth;
}

static uint64_t run_take(uint32_t depth, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_ENGINE, 1, depth);
    for_each(&self, depth, submit, 0);
    for_each(&self, depth, cancel, 0);
    for_each(&self, depth, take, 1);
    end(&self);
    return depth;
}

static uint64_t run_life(uint32_t count, uint32_t unused) {
    state self = {.grows = 0};
    (void)unused;
    make(&self, BERTH_FACE_GATE, 64, count);
    for_each(&self, count, whole_life, 1);
    end(&self);
    return count;
}

static uint64_t stream(operation *counts) {
    state self = {.grows = 0};
    make(&self, BERTH_FACE_GATE, 1, 1);
    self.at = 0;
    submit_with(&self, BERTH_MAILBOX_STREAM);
    read_one(&self); /* that it is in */
    for (uint32_t i = 0; i < CHUNKS; i++) {
        if (counts == emit)
            measured(emit, &self);
        else
            emit(&self);
        if (counts == read_one)
            measured(read_one, &self);
        else
            read_one(&self);
    }
    expect(berth_finish(self.pool, self.ids[0], BERTH_FINISH_STOP, 0), "berth_finish");
    end(&self);
    return CHUNKS;
}

static uint64_t run_emit(uint32_t unused, uint32_t unused_too) {
    (void)unused;
    (void)unused_too;
    return stream(emit);
}

static uint64_t run_read(uint32_t unused, uint32_t unused_too) {
    (void)unused;
    (void)unused_too;
    return stream(read_one);
}

/* What an engine does between the two calls. */
static void compute(state *self) {
    for (uint32_t i = 0; i < self->plan.entry_count; i++)
        self->results[i] = (berth_result){.id = self->plan.entries[i].id,
                                          .tokens_computed = self->plan.entries[i].tokens,
                                          .tokens_generated = 1,
                                          .bytes = self->streams ? TOKEN : NULL,
                                          .bytes_size = self->streams ? TOKEN_SIZE : 0};
}

/* Readers keep up. */
static void read_ready(state *self) {
    berth_request_id id;
    berth_span spans[2];
    uint32_t count;
    while (berth_ready_take(self->pool, &id, 1, &count) == BERTH_OK) {
        expect(berth_mailbox_peek(self->pool, id, spans, 2, &count), "berth_mailbox_peek");
        expect(berth_mailbox_consume(self->pool, id, spans[0].lease, 1), "berth_mailbox_consume");
    }
}

static uint64_t steps(state *self, uint32_t running, uint32_t parked, operation *counts) {
    make(self, BERTH_FACE_ENGINE, running, parked);
    for_each(self, running, submit, 0);
    plan(self);
    compute(self);
    commit(self);
    for (self->at = running; self->at < running + parked; self->at++) submit(self);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (self->streams) read_ready(self);
        if (counts == plan)
            measured(plan, self);
        else
            plan(self);
        if (self->plan.entry_count != running || self->plan.admitted_count != 0)
            expect(BERTH_EINVAL, "the plan");
        compute(self);
        if (counts == commit)
            measured(commit, self);
        else
            commit(self);
    }
    end(self);
    return STEPS;
}

static uint64_t run_plan(uint32_t running, uint32_t parked) {
    return steps(&(state){.grows = 0}, running, parked, plan);
}

static uint64_t run_plan_growing(uint32_t running, uint32_t parked) {
    return steps(&(state){.grows = 1}, running, parked, plan);
}

static uint64_t run_commit(uint32_t running, uint32_t parked) {
    return steps(&(state){.grows = 0}, running, parked, commit);
}

static uint64_t run_commit_growing(uint32_t running, uint32_t parked) {
    return steps(&(state){.grows = 1}, running, parked, commit);
}

static uint64_t run_commit_streaming(uint32_t running, uint32_t parked) {
    return steps(&(state){.streams = 1}, running, parked, commit);
}

static uint64_t run_turn(uint32_t depth, uint32_t tenants) {
    state self = {.grows = 0};
    make_fair(&self, BERTH_FACE_ENGINE, 1, depth, tenants);
    for_each(&self, depth, submit, 0);
    for (uint32_t i = 0; i < TURNS; i++) measured(turn, &self);
    end(&self);
    return TURNS;
}

const counted counted_all[] = {
    {"submit/10000", run_submit, 10000, 0},
    {"cancel/10000", run_cancel, 10000, 0},
    {"cancel_many/10000", run_cancel_many, 10000, 0},
    {"expire/10000", run_expire, 10000, 0},
    {"take/10000", run_take, 10000, 0},
    {"life/1000", run_life, 1000, 0},
    {"emit", run_emit, 0, 0},
    {"read", run_read, 0, 0},
    {"commit/256/0", run_commit, 256, 0},
    {"commit/256/0/kv", run_commit_growing, 256, 0},
    {"commit/256/0/chunk", run_commit_streaming, 256, 0},
    {"plan/256/0", run_plan, 256, 0},
    {"plan/256/0/kv", run_plan_growing, 256, 0},
    {"plan/1024/0", run_plan, 1024, 0},
    {"plan/256/10000", run_plan, 256, 10000},
    {"plan/256/1000000", run_plan, 256, 1000000},
    {"turn/10000/0", run_turn, 10000, 0},
    {"turn/10000/1", run_turn, 10000, 1},
    {"turn/10000/10000", run_turn, 10000, 10000},
};
const size_t counted_count = sizeof counted_all / sizeof counted_all[0];
