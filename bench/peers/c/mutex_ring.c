/* SPDX-License-Identifier: MIT */
/* The queue that everybody writes first: a ring, one mutex, one condition. No feature of ours. */
#include "entrants.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct ring {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    peer_task **slots; /* in_flight_max of them: never full */
    uint64_t head;
    uint64_t tail;
    uint64_t mask;
    uint32_t worker_count;
    bool closed;
    pthread_t workers[64];
} ring;

static void *work(void *argument) {
    ring *on = argument;
    pthread_mutex_lock(&on->lock);
    for (;;) {
        while (on->head == on->tail && !on->closed) pthread_cond_wait(&on->filled, &on->lock);
        if (on->head == on->tail) break;
        peer_task *task = on->slots[on->head++ & on->mask];
        pthread_mutex_unlock(&on->lock);
        peer_run(task);
        peer_task_finish(task);
        pthread_mutex_lock(&on->lock);
    }
    pthread_mutex_unlock(&on->lock);
    return NULL;
}

static void *create(const peer_shape *shape) {
    ring *on = calloc(1, sizeof *on);
    if (on == NULL || shape->workers > 64) return NULL;
    uint64_t size = 1;
    while (size < shape->in_flight_max) size *= 2;
    on->slots = calloc(size, sizeof(peer_task *));
    on->mask = size - 1;
    on->worker_count = shape->workers;
    pthread_mutex_init(&on->lock, NULL);
    pthread_cond_init(&on->filled, NULL);
    if (on->slots == NULL) return NULL;
    for (uint32_t i = 0; i < on->worker_count; i++)
        if (pthread_create(&on->workers[i], NULL, work, on) != 0) return NULL;
    return on;
}

static void submit(void *pool, peer_task *task) {
    ring *on = pool;
    pthread_mutex_lock(&on->lock);
    on->slots[on->tail++ & on->mask] = task;
    pthread_mutex_unlock(&on->lock);
    pthread_cond_signal(&on->filled);
}

static void wait_for(void *pool, peer_task *task) {
    (void)pool;
    peer_task_wait(task);
}

static void destroy(void *pool) {
    ring *on = pool;
    pthread_mutex_lock(&on->lock);
    on->closed = true;
    pthread_mutex_unlock(&on->lock);
    pthread_cond_broadcast(&on->filled);
    for (uint32_t i = 0; i < on->worker_count; i++) pthread_join(on->workers[i], NULL);
    pthread_cond_destroy(&on->filled);
    pthread_mutex_destroy(&on->lock);
    free(on->slots);
    free(on);
}

const peer_ops peer_mutex_ring = {
    .name = "mutex-ring",
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
};
