/* SPDX-License-Identifier: MIT */
#include "runtime/ready.h"
#include "base/hot.h"
#include "runtime/emit.h"
#include "runtime/lock.h"
#include "runtime/news.h"
#include "runtime/owner.h"
#include "runtime/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/eventfd.h>

static berth_status open_pair(berth_pool *pool) {
    const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return BERTH_ESYSTEM;
    pool->ready_read = descriptor;
    pool->ready_write = descriptor;
    return BERTH_OK;
}
#else
static int prepare(int descriptor) {
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0;
}

static berth_status open_pair(berth_pool *pool) {
    int pair[2];
    if (pipe(pair) != 0) return BERTH_ESYSTEM;
    if (!prepare(pair[0]) || !prepare(pair[1])) {
        close(pair[0]);
        close(pair[1]);
        return BERTH_ESYSTEM;
    }
    pool->ready_read = pair[0];
    pool->ready_write = pair[1];
    return BERTH_OK;
}
#endif

/* Eight bytes in, eight bytes out: what an eventfd takes, and a pipe too. Neither can be full, and
 * an empty one says so at once; a signal may interrupt, though. */
static void raise_descriptor(const berth_pool *pool) {
    const uint64_t one = 1;
    while (write(pool->ready_write, &one, sizeof one) < 0 && errno == EINTR) continue;
}

/* 0 if there is nothing to take out yet. */
static uint32_t lower_descriptor(const berth_pool *pool) {
    uint64_t count;
    for (;;) {
        if (read(pool->ready_read, &count, sizeof count) > 0) return 1;
        if (errno != EINTR) return 0;
    }
}

/* Where somebody is about to write, there may be nothing to take out yet: then it becomes readable
 * once more than it should, and whoever looks then finds the list empty and empties it. */
static void lower_if_empty(berth_pool *pool) {
    if (!pool->ready_raised || pool->ready.count > 0) return;
    if (lower_descriptor(pool)) pool->ready_raised = 0;
}

BERTH__HOT uint32_t berth__ready_tell_begin(berth_pool *pool) {
    if (pool->ready_read < 0) return 0;
    lower_if_empty(pool);
    if (pool->ready_raised || pool->ready.count == 0) return 0;
    pool->ready_raised = 1;
    atomic_fetch_add_explicit(&pool->ready_writers, 1, memory_order_relaxed);
    return 1;
}

void berth__ready_tell_end(berth_pool *pool) {
    raise_descriptor(pool);
    atomic_fetch_sub_explicit(&pool->ready_writers, 1, memory_order_release);
}

void berth__ready_tell(berth_pool *pool) {
    if (berth__ready_tell_begin(pool)) berth__ready_tell_end(pool);
}

/* ---- The list ---- */

BERTH__HOT void berth__ready_drop(berth_pool *pool, berth__row *row) {
    if (!row->ready) return;
    berth__emit_fold(pool, row); /* what comes next is to be listed again */
    row->ready = 0;
    berth__news_remove(pool, row);
    if (pool->ready.count == 0) pool->ready_due = 0;
}

void berth__ready_fini(berth_pool *pool) {
    if (pool->ready_read >= 0) close(pool->ready_read);
    if (pool->ready_write >= 0 && pool->ready_write != pool->ready_read) close(pool->ready_write);
}

/* Until somebody asks, streams need not be listed to put out more without the lock. */
static void begin_to_list(berth_pool *pool) {
    if (pool->ready_asked) return;
    pool->ready_asked = 1;
    berth__emit_fold_all(pool);
}

berth_status berth__ready_descriptor(berth_pool *pool, int32_t *out) {
    berth_status status = BERTH_OK;
    berth__lock_enter(pool);
    begin_to_list(pool);
    if (pool->ready_read < 0) status = open_pair(pool);
    *out = pool->ready_read;
    return berth__lock_leave(pool, status);
}

berth_status berth__ready_take(berth_pool *pool, berth_request_id *ids, uint32_t ids_max,
                               uint32_t *out_count) {
    uint32_t count = 0;
    berth__lock_enter(pool);
    begin_to_list(pool);
    while (count < ids_max && pool->ready.count > 0) {
        berth__row *row = berth__row_at(pool, pool->ready.head);
        ids[count++] = berth__owner_name(pool, row);
        berth__ready_drop(pool, row);
    }
    *out_count = count;
    return berth__lock_leave(pool, count > 0 ? BERTH_OK : BERTH_EAGAIN);
}
