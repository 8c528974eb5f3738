/* SPDX-License-Identifier: MIT */
/* One vector of results for all, one mutex, everyone woken for each: as a popular server does it.
 * There every client is a thread; here one thread looks for all who wait, which is the cheaper
 * half of it. */
#include "carrier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct broadcast {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    token *results;
    size_t count;
    size_t max;
    pthread_t reader;
} broadcast;

/* The oldest result below `before`, in order; false if there is none. The caller has the lock. */
static bool take(broadcast *own, uint64_t from, uint64_t before, token *out) {
    for (size_t i = 0; i < own->count; i++) {
        if (own->results[i].stream < from || own->results[i].stream >= before) continue;
        *out = own->results[i];
        memmove(&own->results[i], &own->results[i + 1], (own->count - i - 1) * sizeof(token));
        own->count--;
        return true;
    }
    return false;
}

static void *run_reader(void *argument) {
    carrier *self = argument;
    broadcast *own = self->own;
    token got = {0};
    for (;;) {
        pthread_mutex_lock(&own->lock);
        while (!atomic_load(&self->stop) && !take(own, 0, self->waiting, &got)) {
            pthread_cond_wait(&own->changed, &own->lock);
            carrier_woken(self);
        }
        pthread_mutex_unlock(&own->lock);
        if (atomic_load(&self->stop)) return NULL;
        carrier_note(self, &got, true);
    }
}

static bool open_it(carrier *self) {
    broadcast *own = self->own = calloc(1, sizeof *own);
    if (own == NULL) return false;
    own->max = (size_t)self->streams * (DRAIN_STEPS + 1);
    own->results = calloc(own->max, sizeof *own->results);
    if (own->results == NULL) return false;
    pthread_mutex_init(&own->lock, NULL);
    pthread_cond_init(&own->changed, NULL);
    return pthread_create(&own->reader, NULL, run_reader, self) == 0;
}

static void step(carrier *self, uint64_t sequence) {
    broadcast *own = self->own;
    for (uint32_t i = 0; i < self->streams; i++) {
        const token made = token_of(i, sequence);
        pthread_mutex_lock(&own->lock);
        own->results[own->count++] = made;
        pthread_cond_broadcast(&own->changed);
        pthread_mutex_unlock(&own->lock);
    }
}

/* In one go: what is left is taken by nobody else. */
static void drain(carrier *self) {
    broadcast *own = self->own;
    pthread_mutex_lock(&own->lock);
    for (size_t i = 0; i < own->count; i++) carrier_note(self, &own->results[i], false);
    own->count = 0;
    pthread_mutex_unlock(&own->lock);
}

static void close_it(carrier *self) {
    broadcast *own = self->own;
    pthread_mutex_lock(&own->lock);
    pthread_cond_broadcast(&own->changed);
    pthread_mutex_unlock(&own->lock);
    pthread_join(own->reader, NULL);
    pthread_cond_destroy(&own->changed);
    pthread_mutex_destroy(&own->lock);
    free(own->results);
    free(own);
}

const carrier_ops carrier_broadcast = {.name = "broadcast",
                                       .lacks = "outcome, cancel, bound",
                                       .streams_max = UINT32_MAX,
                                       .open = open_it,
                                       .step = step,
                                       .drain = drain,
                                       .close = close_it};
