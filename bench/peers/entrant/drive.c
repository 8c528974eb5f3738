/* SPDX-License-Identifier: MIT */
#include "drive.h"

#include "support/clock.h"
#include "support/sample.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRODUCERS_MAX 64u
/* Shorter gaps are spent spinning: a sleep takes longer than that by itself. */
#define SLEEP_NS_MIN 50000u

static void fail(const char *what) {
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* ---- Tasks: an array whose elements have the entrant's own bytes behind them ---- */

typedef struct tasks {
    char *bytes;
    size_t stride;
} tasks;

static tasks tasks_make(const peer_ops *ops, size_t count) {
    tasks made = {.stride = (sizeof(peer_task) + ops->extra_size + 63) / 64 * 64};
    made.bytes = aligned_alloc(64, made.stride * count);
    if (made.bytes == NULL) fail("memory for tasks");
    memset(made.bytes, 0, made.stride * count);
    return made;
}

static peer_task *task_at(tasks all, size_t index) {
    return (peer_task *)(void *)(all.bytes + index * all.stride);
}

/* Ten in a hundred are urgent and thirty normal; costs differ; nothing expires. */
static void deal(peer_task *task, uint32_t producer, uint32_t ordinal, uint32_t tenants) {
    uint32_t dealt = ordinal * 7u % 10u;
    task->state = 0;
    task->producer = producer;
    task->band = dealt == 0 ? 3 : dealt <= 3 ? 2 : 1;
    task->cost[0] = 1 + ordinal % 8u;
    task->cost[1] = 1;
    task->tenant = 1 + ordinal * 2654435761u % tenants;
    task->deadline_ns = 10000000000u;
}

/* ---- Saturated ---- */

typedef struct producer {
    const peer_ops *ops;
    void *pool;
    pthread_barrier_t *start;
    uint64_t *submit_ns; /* of each measured submit, or NULL */
    uint64_t first_at_ns;
    uint64_t last_at_ns;
    uint32_t index;
    uint32_t count;
    uint32_t window;
    uint32_t tenants;
} producer;

static void submit_one(producer *self, peer_task *task, uint32_t ordinal, uint64_t *took) {
    deal(task, self->index, ordinal, self->tenants);
    if (took == NULL) {
        self->ops->submit(self->pool, task);
        return;
    }
    uint64_t before = bench_now_ns();
    self->ops->submit(self->pool, task);
    *took = bench_now_ns() - before;
}

/* `count` tasks through the window, which is empty before and after. */
static void pump(producer *self, tasks all, uint32_t count, uint64_t *took) {
    for (uint32_t i = 0; i < count; i++) {
        peer_task *task = task_at(all, i % self->window);
        if (i >= self->window) self->ops->wait(self->pool, task);
        submit_one(self, task, i, took == NULL ? NULL : &took[i]);
    }
    uint32_t left = count < self->window ? count : self->window;
    for (uint32_t i = count - left; i < count; i++)
        self->ops->wait(self->pool, task_at(all, i % self->window));
}

static void *produce(void *argument) {
    producer *self = argument;
    tasks all = tasks_make(self->ops, self->window);
    pump(self, all, self->count / 10 + 1, NULL);
    pthread_barrier_wait(self->start);
    self->first_at_ns = bench_now_ns();
    pump(self, all, self->count, self->submit_ns);
    self->last_at_ns = bench_now_ns();
    free(all.bytes);
    return NULL;
}

static void say_tail(const char *metric, uint64_t *values, size_t count) {
    static const uint32_t permilles[] = {500, 990, 999};
    static const char *const names[] = {"p50", "p99", "p99.9"};
    for (size_t i = 0; i < 3; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s/%s", metric, names[i]);
        peer_say(name, "ns", (double)bench_percentile(values, count, permilles[i]));
    }
}

void drive_saturated(const peer_ops *ops, const peer_shape *shape, uint32_t count, uint32_t window,
                     uint32_t tail) {
    producer producers[PRODUCERS_MAX];
    pthread_t threads[PRODUCERS_MAX];
    pthread_barrier_t start;
    uint32_t wanted = shape->producers < PRODUCERS_MAX ? shape->producers : PRODUCERS_MAX;
    uint32_t each = count / wanted;
    uint64_t *took = tail ? calloc((size_t)each * wanted, sizeof *took) : NULL;
    void *pool = ops->create(shape);
    if (pool == NULL || (tail && took == NULL)) fail("create");
    pthread_barrier_init(&start, NULL, wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        producers[i] = (producer){.ops = ops,
                                  .pool = pool,
                                  .start = &start,
                                  .submit_ns = tail ? took + (size_t)each * i : NULL,
                                  .index = i,
                                  .count = each,
                                  .window = window,
                                  .tenants = shape->tenants == 0 ? 1 : shape->tenants};
        if (pthread_create(&threads[i], NULL, produce, &producers[i]) != 0) fail("a thread");
    }
    uint64_t first = UINT64_MAX, last = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        pthread_join(threads[i], NULL);
        if (producers[i].first_at_ns < first) first = producers[i].first_at_ns;
        if (producers[i].last_at_ns > last) last = producers[i].last_at_ns;
    }
    ops->destroy(pool);
    pthread_barrier_destroy(&start);
    peer_say("op", "ns", (double)(last - first) / ((double)each * wanted));
    if (tail) say_tail("submit", took, (size_t)each * wanted);
    free(took);
}

/* ---- Burst ---- */

void drive_burst(const peer_ops *ops, uint32_t count) {
    peer_shape shape = {.producers = 1, .workers = 1, .in_flight_max = count};
    void *pool = ops->create(&shape);
    if (pool == NULL) fail("create");
    tasks all = tasks_make(ops, count);
    uint64_t best = 0;
    /* The first time is the warm-up: it touches all memory. */
    for (uint32_t pass = 0; pass < 2; pass++) {
        uint64_t before = bench_now_ns();
        for (uint32_t i = 0; i < count; i++) {
            peer_task *task = task_at(all, i);
            deal(task, 0, i, 1);
            ops->submit(pool, task);
        }
        for (uint32_t i = 0; i < count; i++) ops->wait(pool, task_at(all, i));
        best = bench_now_ns() - before;
    }
    ops->destroy(pool);
    free(all.bytes);
    peer_say("op", "ns", (double)best / count);
}

/* ---- Idle ---- */

static void pause_for(uint64_t gap_ns) {
    if (gap_ns >= SLEEP_NS_MIN) {
        struct timespec gap = {.tv_sec = (time_t)(gap_ns / 1000000000u),
                               .tv_nsec = (long)(gap_ns % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
        return;
    }
    uint64_t until = bench_now_ns() + gap_ns;
    while (bench_now_ns() < until) continue;
}

void drive_idle(const peer_ops *ops, uint64_t gap_ns, uint32_t count) {
    const uint32_t warm_up = count / 10 + 5;
    peer_shape shape = {.producers = 1, .workers = 1, .in_flight_max = 1};
    uint64_t *start = calloc(count, sizeof *start), *outcome = calloc(count, sizeof *outcome);
    void *pool = ops->create(&shape);
    if (pool == NULL || start == NULL || outcome == NULL) fail("create");
    tasks all = tasks_make(ops, 1);
    peer_task *task = task_at(all, 0);
    for (uint32_t i = 0; i < warm_up + count; i++) {
        pause_for(gap_ns);
        deal(task, 0, i, 1);
        task->stamp = 1;
        uint64_t before = bench_now_ns();
        ops->submit(pool, task);
        ops->wait(pool, task);
        uint64_t after = bench_now_ns();
        if (i < warm_up) continue;
        start[i - warm_up] = task->started_at_ns - before;
        outcome[i - warm_up] = after - before;
    }
    ops->destroy(pool);
    say_tail("start", start, count);
    say_tail("outcome", outcome, count);
    free(all.bytes);
    free(start);
    free(outcome);
}

/* ---- First ---- */

void drive_first(const peer_ops *ops) {
    peer_shape shape = {.producers = 1, .workers = 1, .in_flight_max = 1};
    tasks all = tasks_make(ops, 1);
    deal(task_at(all, 0), 0, 0, 1);
    uint64_t before = bench_now_ns();
    void *pool = ops->create(&shape);
    if (pool == NULL) fail("create");
    ops->submit(pool, task_at(all, 0));
    ops->wait(pool, task_at(all, 0));
    double took = (double)(bench_now_ns() - before);
    ops->destroy(pool);
    free(all.bytes);
    peer_say("first", "ns", took);
}
