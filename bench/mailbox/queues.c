/* SPDX-License-Identifier: MIT */
/* A mutex, a condition and a bounded queue per stream; a thread per reader who waits. */
#include "carrier.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 32u
#define STACK_SIZE (64u * 1024)

typedef struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    token slots[SLOTS];
    uint32_t first;
    uint32_t count;
    carrier *of;
    pthread_t reader;
    bool has_reader;
} queue;

static bool pop(queue *from, token *out) {
    if (from->count == 0) return false;
    *out = from->slots[from->first];
    from->first = (from->first + 1) % SLOTS;
    from->count--;
    return true;
}

static void *run_reader(void *argument) {
    queue *from = argument;
    carrier *self = from->of;
    token got = {0};
    for (;;) {
        pthread_mutex_lock(&from->lock);
        while (!atomic_load(&self->stop) && !pop(from, &got)) {
            pthread_cond_wait(&from->changed, &from->lock);
            carrier_woken(self);
        }
        pthread_mutex_unlock(&from->lock);
        if (atomic_load(&self->stop)) return NULL;
        carrier_note(self, &got, true);
    }
}

static bool open_it(carrier *self) {
    pthread_attr_t attributes;
    queue *queues = self->own = calloc(self->streams, sizeof *queues);
    if (queues == NULL) return false;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bool good = true;
    for (uint32_t i = 0; i < self->streams; i++) {
        queues[i].of = self;
        pthread_mutex_init(&queues[i].lock, NULL);
        pthread_cond_init(&queues[i].changed, NULL);
        if (i >= self->waiting || !good) continue;
        good = pthread_create(&queues[i].reader, &attributes, run_reader, &queues[i]) == 0;
        queues[i].has_reader = good;
    }
    pthread_attr_destroy(&attributes);
    return good;
}

static void step(carrier *self, uint64_t sequence) {
    queue *queues = self->own;
    for (uint32_t i = 0; i < self->streams; i++) {
        queue *to = &queues[i];
        pthread_mutex_lock(&to->lock);
        to->slots[(to->first + to->count++) % SLOTS] = token_of(i, sequence);
        pthread_cond_signal(&to->changed);
        pthread_mutex_unlock(&to->lock);
    }
}

static void drain(carrier *self) {
    queue *queues = self->own;
    token got = {0};
    for (uint32_t i = self->waiting; i < self->streams; i++) {
        pthread_mutex_lock(&queues[i].lock);
        while (pop(&queues[i], &got)) carrier_note(self, &got, false);
        pthread_mutex_unlock(&queues[i].lock);
    }
}

static void close_it(carrier *self) {
    queue *queues = self->own;
    for (uint32_t i = 0; i < self->streams; i++) {
        pthread_mutex_lock(&queues[i].lock);
        pthread_cond_signal(&queues[i].changed);
        pthread_mutex_unlock(&queues[i].lock);
        if (queues[i].has_reader) pthread_join(queues[i].reader, NULL);
        pthread_cond_destroy(&queues[i].changed);
        pthread_mutex_destroy(&queues[i].lock);
    }
    free(queues);
}

const carrier_ops carrier_queues = {.name = "queue-per-stream",
                                    .lacks = "outcome, cancel, event loop",
                                    .streams_max = UINT32_MAX,
                                    .open = open_it,
                                    .step = step,
                                    .drain = drain,
                                    .close = close_it};
