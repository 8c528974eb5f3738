/* SPDX-License-Identifier: MIT */
/* A bounded ring without a lock: each slot has a turn number that says whether it is to be filled
 * or emptied, and two counters hand out slots. An empty ring is slept on by futex, and a submit
 * wakes only where somebody sleeps. No feature of ours. */
#include "entrants.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 200u

typedef struct slot {
    _Atomic uint64_t turn;
    peer_task *task;
} slot;

typedef struct ring {
    _Alignas(64) _Atomic uint64_t tail; /* producers' */
    _Alignas(64) _Atomic uint64_t head; /* workers' */
    _Alignas(64) _Atomic uint32_t bell; /* rung by a submit while somebody sleeps */
    _Atomic uint32_t sleepers;
    _Atomic bool closed;
    _Alignas(64) slot *slots;
    uint64_t mask;
    uint32_t worker_count;
    pthread_t workers[64];
} ring;

static peer_task *pop(ring *on) {
    uint64_t at = atomic_load_explicit(&on->head, memory_order_relaxed);
    for (;;) {
        slot *from = &on->slots[at & on->mask];
        uint64_t turn = atomic_load_explicit(&from->turn, memory_order_acquire);
        if (turn < at + 1) return NULL;
        if (turn > at + 1) {
            at = atomic_load_explicit(&on->head, memory_order_relaxed);
            continue;
        }
        if (!atomic_compare_exchange_weak(&on->head, &at, at + 1)) continue;
        peer_task *task = from->task;
        atomic_store_explicit(&from->turn, at + on->mask + 1, memory_order_release);
        return task;
    }
}

/* Spins a little, then announces that it sleeps, looks again, and sleeps. NULL once closed. */
static peer_task *take(ring *on) {
    for (;;) {
        for (uint32_t i = 0; i < SPINS; i++) {
            peer_task *task = pop(on);
            if (task != NULL) return task;
        }
        uint32_t bell = atomic_load(&on->bell);
        atomic_fetch_add(&on->sleepers, 1);
        peer_task *task = pop(on);
        if (task == NULL && !atomic_load(&on->closed))
            syscall(SYS_futex, &on->bell, FUTEX_WAIT_PRIVATE, bell, NULL, NULL, 0);
        atomic_fetch_sub(&on->sleepers, 1);
        if (task != NULL) return task;
        if (atomic_load(&on->closed)) return pop(on);
    }
}

static void *work(void *argument) {
    for (peer_task *task = take(argument); task != NULL; task = take(argument)) {
        peer_run(task);
        peer_task_finish(task);
    }
    return NULL;
}

static void *create(const peer_shape *shape) {
    ring *on = aligned_alloc(64, (sizeof *on + 63) / 64 * 64);
    if (on == NULL || shape->workers > 64) return NULL;
    uint64_t size = 2;
    while (size < shape->in_flight_max) size *= 2;
    *on = (ring){.mask = size - 1, .worker_count = shape->workers};
    on->slots = calloc(size, sizeof *on->slots);
    if (on->slots == NULL) return NULL;
    for (uint64_t i = 0; i < size; i++) atomic_init(&on->slots[i].turn, i);
    for (uint32_t i = 0; i < on->worker_count; i++)
        if (pthread_create(&on->workers[i], NULL, work, on) != 0) return NULL;
    return on;
}

static void ring_bell(ring *on, int count) {
    atomic_fetch_add(&on->bell, 1);
    syscall(SYS_futex, &on->bell, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* There is a slot for every task in flight, but the worker that empties it may be a moment late. */
static void submit(void *pool, peer_task *task) {
    ring *on = pool;
    uint64_t at = atomic_fetch_add(&on->tail, 1);
    slot *to = &on->slots[at & on->mask];
    while (atomic_load_explicit(&to->turn, memory_order_acquire) != at) sched_yield();
    to->task = task;
    atomic_store(&to->turn, at + 1);
    if (atomic_load(&on->sleepers) > 0) ring_bell(on, 1);
}

static void wait_for(void *pool, peer_task *task) {
    (void)pool;
    peer_task_wait(task);
}

static void destroy(void *pool) {
    ring *on = pool;
    atomic_store(&on->closed, true);
    ring_bell(on, 64);
    for (uint32_t i = 0; i < on->worker_count; i++) pthread_join(on->workers[i], NULL);
    free(on->slots);
    free(on);
}

const peer_ops peer_futex_ring = {
    .name = "futex-ring",
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
};
