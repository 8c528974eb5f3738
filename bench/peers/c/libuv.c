/* SPDX-License-Identifier: MIT */
/* uv_queue_work: a loop per producer, one thread pool for the process. The outcome comes back
 * through the loop, which is the library's own way; uv_cancel() takes back what is queued. */
#include "entrants.h"

#include "shuffle.h"
#include "support/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct work {
    peer_task task; /* first: the driver's pointer is both */
    uv_work_t uv;
    int ended;
} work;

typedef struct loops {
    uv_loop_t *of; /* by producer */
    uint32_t count;
} loops;

static void *create(const peer_shape *shape) {
    char threads[16];
    loops *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    /* Read by libuv at the first uv_queue_work of the process. */
    snprintf(threads, sizeof threads, "%u", shape->workers);
    setenv("UV_THREADPOOL_SIZE", threads, 1);
    made->count = shape->producers;
    made->of = calloc(made->count, sizeof *made->of);
    if (made->of == NULL) return NULL;
    for (uint32_t i = 0; i < made->count; i++)
        if (uv_loop_init(&made->of[i]) != 0) return NULL;
    return made;
}

static void run(uv_work_t *uv) {
    peer_run(uv->data);
}

static void ended(uv_work_t *uv, int status) {
    (void)status;
    ((work *)uv->data)->ended = 1;
}

static void submit(void *pool, peer_task *task) {
    loops *made = pool;
    work *of = (work *)task;
    of->ended = 0;
    of->uv.data = of;
    if (uv_queue_work(&made->of[task->producer], &of->uv, run, ended) != 0) exit(1);
}

static void wait_for(void *pool, peer_task *task) {
    loops *made = pool;
    while (!((work *)task)->ended) uv_run(&made->of[task->producer], UV_RUN_ONCE);
}

static void destroy(void *pool) {
    loops *made = pool;
    for (uint32_t i = 0; i < made->count; i++) uv_loop_close(&made->of[i]);
    free(made->of);
    free(made);
}

/* ---- Storms: uv_cancel() of queued work, and timers that come due ---- */

/* The median of so many slices of the storm is said, as for Berth. */
#define SLICES 50u

static uv_sem_t gate;

static void block(uv_work_t *uv) {
    (void)uv;
    uv_sem_wait(&gate);
}

static void count_ended(uv_work_t *uv, int status) {
    if (status == UV_ECANCELED) ++*(uint32_t *)uv->data;
}

/* The only thread is kept busy, so all of it is queued; the outcomes come through the loop. */
static void cancel(uint32_t depth) {
    uv_loop_t loop;
    uv_work_t blocker;
    uv_work_t *queued = calloc(depth, sizeof *queued);
    uint64_t *order = calloc(depth, sizeof *order), before;
    uint32_t ended_count = 0;
    double took[SLICES];
    setenv("UV_THREADPOOL_SIZE", "1", 1);
    if (queued == NULL || order == NULL || uv_loop_init(&loop) != 0 || uv_sem_init(&gate, 0) != 0)
        exit(1);
    blocker.data = &ended_count;
    uv_queue_work(&loop, &blocker, block, count_ended);
    for (uint32_t i = 0; i < depth; i++) {
        order[i] = i;
        queued[i].data = &ended_count;
        uv_queue_work(&loop, &queued[i], run, count_ended);
    }
    shuffle(order, depth);
    for (uint32_t k = 0; k < SLICES; k++) {
        uint32_t first = (uint32_t)((uint64_t)depth * k / SLICES);
        uint32_t end = (uint32_t)((uint64_t)depth * (k + 1) / SLICES);
        before = peer_now_ns();
        for (uint32_t i = first; i < end; i++)
            if (uv_cancel((uv_req_t *)&queued[order[i]]) != 0) exit(1);
        took[k] = (double)(peer_now_ns() - before) / (end - first);
    }
    peer_say("op", "ns", bench_median(took, SLICES));
    before = peer_now_ns();
    while (ended_count < depth) uv_run(&loop, UV_RUN_ONCE);
    peer_say("take", "ns", (double)(peer_now_ns() - before) / depth);
    uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(queued);
    free(order);
}

static void due(uv_timer_t *timer) {
    ++*(uint32_t *)timer->data;
}

/* The loop's own timers, all due when the clock starts. */
static void expire(uint32_t depth) {
    const uint32_t spread_ms = 50;
    uv_loop_t loop;
    uv_timer_t *timers = calloc(depth, sizeof *timers);
    uint32_t count = 0;
    if (timers == NULL || uv_loop_init(&loop) != 0) exit(1);
    for (uint32_t i = 0; i < depth; i++) {
        uv_timer_init(&loop, &timers[i]);
        timers[i].data = &count;
        uv_timer_start(&timers[i], due, 1 + i * 2654435761u % spread_ms, 0);
    }
    uv_sleep(spread_ms + 10);
    uint64_t before = peer_now_ns();
    while (count < depth) uv_run(&loop, UV_RUN_NOWAIT);
    peer_say("op", "ns", (double)(peer_now_ns() - before) / depth);
    for (uint32_t i = 0; i < depth; i++) uv_close((uv_handle_t *)&timers[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(timers);
}

static int32_t special(int argc, char **argv) {
    if (argc < 4) return 0;
    uint32_t depth = (uint32_t)strtoul(argv[3], NULL, 10);
    if (strcmp(argv[2], "cancel") == 0)
        cancel(depth);
    else if (strcmp(argv[2], "expire") == 0)
        expire(depth);
    else
        return 0;
    return 1;
}

const peer_ops peer_libuv = {
    .name = "libuv",
    .features = PEER_CANCEL | PEER_RESULT,
    .extra_size = sizeof(work) - sizeof(peer_task),
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
    .special = special,
};
