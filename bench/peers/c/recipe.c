/* SPDX-License-Identifier: MIT */
/* The benchmarks of the replaced crate on Berth, by its recipe: sizes, texts and mixes as there.
 * Queues are an engine's pool that plans until nothing is left; mailboxes are streams; its pool is
 * a worker's. Pools and the host's texts are made before the clock starts, and it stops when
 * everything has run. */
#include "ours_special.h"

#include "support/sample.h"
#include "expect.h"

#include <stdbool.h>
#include <string.h>

#define MEASURE_NS 100000000u
#define REPETITIONS_MIN 5u
#define REPETITIONS_MAX 100000u
#define PLANNED_MAX 128u
#define CHUNK_SIZE 64u
/* Room for all chunks of a mailbox benchmark, headers included. */
#define STREAM_SIZE (1u << 20)

typedef struct payload {
    uint32_t id;
    uint32_t result_size;
    char text[28];
    char result[28];
} payload;

typedef struct bench {
    berth_pool *pool;
    berth_request_id *ids;
    payload *payloads;
    uint32_t size;
    uint32_t (*band)(uint32_t id);
    uint64_t (*queue_ns)(uint32_t id);
} bench;

/* The median time of one repetition, per element. */
static void measure(bench *self, uint64_t (*once)(bench *self)) {
    static double took[REPETITIONS_MAX];
    size_t count = 0;
    uint64_t begun = peer_now_ns();
    once(self);
    while (count < REPETITIONS_MAX &&
           (count < REPETITIONS_MIN || peer_now_ns() - begun < MEASURE_NS))
        took[count++] = (double)once(self) / self->size;
    peer_say("op", "ns", bench_median(took, count));
}

/* ---- Mixes ---- */

static uint32_t band_normal(uint32_t id) {
    (void)id;
    return BERTH_BAND_NORMAL;
}
static uint32_t band_by_half(uint32_t id) {
    return id % 2 == 0 ? BERTH_BAND_HIGH : BERTH_BAND_NORMAL;
}
static uint32_t band_by_quarter(uint32_t id) {
    return BERTH_BAND_CRITICAL - id % 4;
}
static uint32_t band_by_tenth(uint32_t id) {
    static const uint32_t bands[10] = {4, 4, 3, 3, 3, 2, 2, 2, 1, 1};
    return bands[id % 10];
}
static uint64_t no_deadline(uint32_t id) {
    (void)id;
    return 0;
}
static uint64_t every_second_now(uint32_t id) {
    return id % 2 == 0 ? 1 : 0;
}
static uint64_t all_now(uint32_t id) {
    (void)id;
    return 1;
}
static uint64_t every_tenth_later(uint32_t id) {
    return id % 10 == 0 ? 5000000000u : 0;
}

static void submit(bench *self, uint32_t id, uint32_t mode) {
    payload *of = &self->payloads[id];
    berth_request request = {.struct_size = sizeof request,
                             .band = self->band(id),
                             .payload = of,
                             .payload_size = sizeof *of,
                             .mailbox_mode = mode,
                             .cost_count = 1,
                             .cost = {1},
                             .queue_ns = self->queue_ns(id)};
    expect(berth_submit(self->pool, &request, &self->ids[id], NULL), "berth_submit");
}

/* ---- Queues ---- */

static uint64_t enqueue_dequeue(bench *self) {
    berth_plan_entry entries[PLANNED_MAX];
    berth_result results[PLANNED_MAX];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = PLANNED_MAX};
    uint32_t ended = 0;
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < self->size; i++) submit(self, i, BERTH_MAILBOX_OUTCOME);
    while (ended < self->size) {
        expect(berth_plan_next(self->pool, &plan), "berth_plan_next");
        for (uint32_t i = 0; i < plan.entry_count; i++)
            results[i] = (berth_result){.id = entries[i].id,
                                        .tokens_computed = entries[i].tokens,
                                        .finish = BERTH_FINISH_STOP};
        expect(berth_commit(self->pool, plan.step_id, results, plan.entry_count), "berth_commit");
        ended += plan.entry_count;
    }
    return peer_now_ns() - before;
}

/* The clock moves past what is due; what is not is taken away after the time is read. */
static uint64_t prune(bench *self) {
    uint64_t now;
    expect(berth_clock_now(self->pool, &now), "berth_clock_now");
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < self->size; i++) submit(self, i, BERTH_MAILBOX_OUTCOME);
    expect(berth_clock_advance(self->pool, now + 10), "berth_clock_advance");
    uint64_t took = peer_now_ns() - before;
    berth_stats stats = {.struct_size = sizeof stats};
    berth_stats_read(self->pool, &stats);
    uint32_t due = 0;
    for (uint32_t i = 0; i < self->size; i++) due += self->queue_ns(i) != 0;
    if (stats.parked != self->size - due) expect(BERTH_EINVAL, "what is left");
    for (uint32_t i = 0; i < self->size; i++) {
        berth_cancel(self->pool, self->ids[i]);
        berth_outcome_take(self->pool, self->ids[i], NULL);
    }
    return took;
}

/* ---- Mailboxes: one request of a gate's pool, whose stream is written and read ---- */

static uint64_t deliver(bench *self) {
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < self->size; i++) {
        const payload *of = &self->payloads[i];
        expect(berth_emit(self->pool, self->ids[0], of->result, of->result_size, 1), "berth_emit");
    }
    return peer_now_ns() - before;
}

static uint64_t fetch(bench *self) {
    char text[CHUNK_SIZE];
    berth_record record = {.struct_size = sizeof record};
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < self->size; i++)
        expect(berth_mailbox_read(self->pool, self->ids[0], text, sizeof text, 0, &record),
               "berth_mailbox_read");
    return peer_now_ns() - before;
}

static uint64_t deliver_then_empty(bench *self) {
    uint64_t took = deliver(self);
    fetch(self);
    return took;
}

static uint64_t fill_then_fetch(bench *self) {
    deliver(self);
    return fetch(self);
}

static void open_stream(bench *self) {
    berth_record record = {.struct_size = sizeof record};
    submit(self, 0, BERTH_MAILBOX_STREAM);
    expect(berth_mailbox_read(self->pool, self->ids[0], NULL, 0, 0, &record), "admission");
}

/* ---- The pool ---- */

static int32_t execute(void *user_data, const berth_call *call) {
    (void)user_data;
    char text[CHUNK_SIZE];
    const payload *of = call->payload;
    int size = snprintf(text, sizeof text, "result-%u", of->id);
    expect(berth_emit(call->pool, call->id, text, (size_t)size, 1), "berth_emit");
    return BERTH_EXECUTE_DONE;
}

static uint64_t run_all(bench *self) {
    uint64_t before = peer_now_ns();
    for (uint32_t i = 0; i < self->size; i++) submit(self, i, BERTH_MAILBOX_STREAM);
    for (uint32_t i = 0; i < self->size; i++) {
        berth_status status = berth_outcome_take(self->pool, self->ids[i], NULL);
        if (status == BERTH_EAGAIN) {
            expect(berth_wait(self->pool, self->ids[i], BERTH_FOREVER, NULL), "berth_wait");
            status = berth_outcome_take(self->pool, self->ids[i], NULL);
        }
        expect(status, "berth_outcome_take");
    }
    return peer_now_ns() - before;
}

/* ---- Which is which ---- */

typedef struct recipe {
    const char *name;
    uint64_t (*once)(bench *self);
    uint32_t (*band)(uint32_t id);
    uint64_t (*queue_ns)(uint32_t id);
    uint32_t face;
    uint32_t capacity; /* 0 = as many as there are */
} recipe;

static const recipe recipes[] = {
    {"enqueue_dequeue", enqueue_dequeue, band_by_half, no_deadline, BERTH_FACE_ENGINE, 0},
    {"priority_sorting", enqueue_dequeue, band_by_quarter, no_deadline, BERTH_FACE_ENGINE, 0},
    {"prune_expired", prune, band_normal, every_second_now, BERTH_FACE_ENGINE, 0},
    {"mailbox_deliver", deliver_then_empty, band_normal, no_deadline, BERTH_FACE_GATE, 0},
    {"mailbox_fetch", fill_then_fetch, band_normal, no_deadline, BERTH_FACE_GATE, 0},
    {"submit_immediate", run_all, band_normal, no_deadline, BERTH_FACE_WORKER, 0},
    {"with_queueing", run_all, band_normal, no_deadline, BERTH_FACE_WORKER, 10},
    {"mixed_priorities", run_all, band_by_quarter, no_deadline, BERTH_FACE_WORKER, 20},
    {"deadline_checking", prune, band_normal, all_now, BERTH_FACE_ENGINE, 10},
    {"end_to_end", run_all, band_by_tenth, every_tenth_later, BERTH_FACE_WORKER, 25},
};

static void write_texts(bench *self) {
    for (uint32_t i = 0; i < self->size; i++) {
        payload *of = &self->payloads[i];
        of->id = i;
        snprintf(of->text, sizeof of->text, "payload-data-%u", i);
        int size = snprintf(of->result, sizeof of->result, "result-%u", i);
        of->result_size = (uint32_t)size;
    }
}

static void make(bench *self, const recipe *of) {
    berth_options options;
    berth_executor executor = {.struct_size = sizeof executor, .execute = execute};
    bool workers = of->face == BERTH_FACE_WORKER;
    berth_options_init(&options, sizeof options);
    options.face = of->face;
    options.parked_max = self->size;
    options.resource_count = 1;
    snprintf(options.resources[0].name, BERTH_NAME_SIZE, "units");
    options.resources[0].capacity_units = of->capacity == 0 ? self->size : of->capacity;
    if (of->once == prune) {
        options.clock = BERTH_CLOCK_VIRTUAL;
        options.ended_max = self->size;
    }
    if (workers) {
        options.worker_count = 2;
        options.mailboxes_max = self->size + options.running_max;
    }
    if (of->face == BERTH_FACE_GATE) {
        options.mailbox_size = STREAM_SIZE;
        options.running_max = 1;
    }
    expect(berth_pool_create(&options, workers ? &executor : NULL, &self->pool), "create");
}

int32_t ours_recipe(const char *name, uint32_t size) {
    const recipe *of = NULL;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if (strcmp(recipes[i].name, name) == 0) of = &recipes[i];
    if (of == NULL || size == 0) return 0;
    bench self = {.size = size, .band = of->band, .queue_ns = of->queue_ns};
    self.ids = calloc(size, sizeof *self.ids);
    self.payloads = calloc(size, sizeof *self.payloads);
    if (self.ids == NULL || self.payloads == NULL) expect(BERTH_ENOMEM, "calloc");
    write_texts(&self);
    make(&self, of);
    if (of->face == BERTH_FACE_GATE) open_stream(&self);
    measure(&self, of->once);
    if (of->face == BERTH_FACE_GATE)
        expect(berth_finish(self.pool, self.ids[0], BERTH_FINISH_STOP, 0), "berth_finish");
    while (berth_pool_destroy(self.pool) == BERTH_EBUSY) continue;
    free(self.ids);
    free(self.payloads);
    return 1;
}
