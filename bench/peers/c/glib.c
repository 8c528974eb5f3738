/* SPDX-License-Identifier: MIT */
/* GThreadPool with threads of its own; with a sort function it has priorities. */
#ifdef PEER_GLIB
#include "entrants.h"

#include <glib.h>

static void run(gpointer data, gpointer user_data) {
    (void)user_data;
    peer_run(data);
    peer_task_finish(data);
}

/* The more urgent band first. */
static gint by_band(gconstpointer left, gconstpointer right, gpointer user_data) {
    (void)user_data;
    return (gint)((const peer_task *)right)->band - (gint)((const peer_task *)left)->band;
}

static void *create(const peer_shape *shape) {
    return g_thread_pool_new(run, NULL, (gint)shape->workers, TRUE, NULL);
}

static void *create_sorted(const peer_shape *shape) {
    GThreadPool *pool = create(shape);
    if (pool != NULL) g_thread_pool_set_sort_function(pool, by_band, NULL);
    return pool;
}

static void submit(void *pool, peer_task *task) {
    g_thread_pool_push(pool, task, NULL);
}

static void wait_for(void *pool, peer_task *task) {
    (void)pool;
    peer_task_wait(task);
}

static void destroy(void *pool) {
    g_thread_pool_free(pool, FALSE, TRUE);
}

const peer_ops peer_glib = {
    .name = "glib",
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
};

const peer_ops peer_glib_sorted = {
    .name = "glib-sorted",
    .features = PEER_PRIORITY,
    .create = create_sorted,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
};
#else
typedef int peer_glib_is_not_built;
#endif
