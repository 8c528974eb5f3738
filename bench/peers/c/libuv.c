/* SPDX-License-Identifier: MIT */
/* uv_queue_work: a loop per producer, one thread pool for the process. The outcome comes back
 * through the loop, which is the library's own way; uv_cancel() takes back what is queued. */
#include "entrants.h"

#include <stdio.h>
#include <stdlib.h>
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

const peer_ops peer_libuv = {
    .name = "libuv",
    .features = PEER_CANCEL | PEER_RESULT,
    .extra_size = sizeof(work) - sizeof(peer_task),
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
};
