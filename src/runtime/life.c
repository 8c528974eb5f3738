/* SPDX-License-Identifier: MIT */
#include "runtime/life.h"
#include "base/checked.h"
#include "core/options.h"
#include "runtime/lock.h"
#include "runtime/outcome.h"
#include "runtime/pages.h"
#include "runtime/pool.h"
#include "runtime/ready.h"
#include "runtime/sink.h"
#include "runtime/store.h"
#include "runtime/terms.h"
#include "runtime/timer.h"
#include "runtime/worker.h"

#include <stdlib.h>

uint32_t berth__pool_failed(const berth_pool *pool) {
    return pool->failed | berth__core_broken(pool->core);
}

uint32_t berth__pool_idle(const berth_pool *pool) {
    return pool->parked_count == 0 && pool->inside_count == 0 && pool->inside == NULL &&
           berth__lane_is_empty(pool) && !berth__callback_is_due(pool);
}

/* ---- Create ---- */

static void *align_up(void *memory) {
    const uintptr_t mask = BERTH__LINE_SIZE - 1;
    return (unsigned char *)memory + (-(uintptr_t)memory & mask);
}

/* From ring to ring their bytes begin at another place of a cache's sets: mailboxes that are
 * written one after the other would push each other out if they lay a power of two apart. */
static berth_status make_rings(berth_pool *pool) {
    const uint32_t count = pool->options.mailboxes_max;
    const uint64_t stride = pool->options.mailbox_size + BERTH__LINE_SIZE;
    uint64_t bytes;
    const uint32_t tallied = pool->options.face != BERTH_FACE_ENGINE;
    const size_t each = sizeof *pool->rings + (tallied ? sizeof *pool->tallies : 0);
    if (!berth__mul(count, stride + each, &bytes)) return BERTH_ENOMEM;
    if (!berth__add(bytes, BERTH__LINE_SIZE, &bytes) || bytes > SIZE_MAX) return BERTH_ENOMEM;
    pool->rings_free = calloc(count, sizeof *pool->rings_free);
    pool->ring_memory = malloc((size_t)bytes);
    if (tallied) pool->open_links = calloc(count, sizeof *pool->open_links);
    if (pool->rings_free == NULL || pool->ring_memory == NULL) return BERTH_ENOMEM;
    if (tallied && pool->open_links == NULL) return BERTH_ENOMEM;
    pool->rings = align_up(pool->ring_memory);
    if (tallied) pool->tallies = (berth__tallies *)(void *)(pool->rings + count);
    unsigned char *first = (unsigned char *)pool->rings + count * each;
    /* A stack whose top is ring 0: the memory of rings that were never needed stays untouched. */
    for (uint32_t i = count; i-- > 0;) {
        berth__ring_init(&pool->rings[i], first + i * stride, pool->options.mailbox_size);
        pool->rings_free[pool->rings_free_count++] = i;
    }
    return BERTH_OK;
}

static berth_status make_tables(berth_pool *pool) {
    pool->row_count = berth__options_requests_max(&pool->options);
    pool->work_links = calloc(pool->row_count, sizeof *pool->work_links);
    const uint32_t calls = pool->executor.cancelled != NULL || pool->executor.release != NULL;
    if (calls) pool->callback_links = calloc(pool->row_count, sizeof *pool->callback_links);
    pool->ring_at_count = pool->row_count + pool->options.keys_max;
    pool->ring_at = calloc(pool->ring_at_count, sizeof *pool->ring_at);
    if (pool->work_links == NULL || (calls && pool->callback_links == NULL) ||
        pool->ring_at == NULL)
        return BERTH_ENOMEM;
    if (pool->options.worker_count == 0) return BERTH_OK;
    pool->workers = calloc(pool->options.worker_count, sizeof *pool->workers);
    pool->hands = calloc(pool->options.worker_count, sizeof *pool->hands);
    if (pool->workers == NULL || pool->hands == NULL) return BERTH_ENOMEM;
    for (uint32_t w = 0; w < pool->options.worker_count; w++)
        berth__hand_init(pool, &pool->hands[w]);
    return BERTH_OK;
}

static berth_status make_core(berth_pool *pool) {
    const size_t size = berth__core_size(&pool->options);
    if (size == 0 || size > SIZE_MAX - BERTH__LINE_SIZE) return BERTH_ENOMEM;
    pool->core_memory = calloc(1, size + BERTH__LINE_SIZE);
    if (pool->core_memory == NULL) return BERTH_ENOMEM;
    berth__pages_expect(pool->core_memory, size);
    pool->core =
        berth__core_init(align_up(pool->core_memory), &pool->options, berth__sink_take, pool);
    pool->rows = berth__core_beside(pool->core);
    pool->output_decides = berth__core_output_decides(pool->core);
    return BERTH_OK;
}

static void init_lists(berth_pool *pool) {
    berth__list_init(&pool->take);
    berth__list_init(&pool->let_go);
    berth__list_init(&pool->kept);
    berth__list_init(&pool->held);
    berth__list_init(&pool->cancelled);
    berth__list_init(&pool->release);
    berth__list_init(&pool->ready);
    berth__list_init(&pool->open);
    pool->ready_read = -1;
    pool->ready_write = -1;
}

static void free_memory(berth_pool *pool) {
    berth__registry_fini(&pool->registry);
    free(pool->work_links);
    free(pool->callback_links);
    free(pool->workers);
    free(pool->ring_at);
    free(pool->hands);
    free(pool->rings_free);
    free(pool->open_links);
    free(pool->ring_memory);
    berth__lane_fini(pool);
    free(pool->core_memory);
    free(pool);
}

static void stop_threads(berth_pool *pool) {
    berth__mutex_lock(&pool->lock);
    pool->stopping = 1;
    berth__worker_wake(pool);
    berth__timer_wake(pool);
    berth__waiter_unlock(pool);
    berth__worker_join_all(pool);
    berth__timer_join(pool);
}

static berth_status start_threads(berth_pool *pool) {
    berth_status status = berth__mutex_init(&pool->lock);
    if (status != BERTH_OK) return status;
    status = berth__worker_start_all(pool);
    if (status == BERTH_OK) status = berth__timer_start(pool);
    if (status == BERTH_OK) return BERTH_OK;
    stop_threads(pool);
    berth__mutex_fini(&pool->lock);
    return status;
}

berth_status berth__life_create(const berth_options *options, const berth_executor *executor,
                                berth_pool **out) {
    berth_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) return BERTH_ENOMEM;
    pool->options = *options;
    pool->executor = *executor;
    berth__options_normalise(&pool->options);
    pool->plain_terms = berth__terms_may_suit(&pool->options, &pool->executor);
    init_lists(pool);
    pool->ready_asked = pool->executor.ready != NULL;
    berth_status status = make_tables(pool);
    if (status == BERTH_OK) status = make_rings(pool);
    if (status == BERTH_OK)
        status = berth__registry_init(&pool->registry, &pool->options, pool->row_count);
    if (status == BERTH_OK) status = make_core(pool);
    if (status == BERTH_OK) status = berth__lane_init(pool);
    if (status == BERTH_OK) status = start_threads(pool);
    if (status != BERTH_OK) {
        free_memory(pool);
        return status;
    }
    *out = pool;
    return BERTH_OK;
}

/* ---- Destroy ---- */

/* Who still owes the pool a return? Workers and timer between two callbacks do not: they are
 * joined. What waits for a worker has not begun. */
static uint32_t is_busy(const berth_pool *pool) {
    if (!berth__lane_is_empty(pool) || berth__outcome_has_reader(pool)) return 1;
    if (pool->call_count > 1 || pool->active_count > 0 || berth__store_is_used(pool)) return 1;
    if (atomic_load_explicit(&pool->ready_writers, memory_order_acquire) > 0) return 1;
    if (pool->options.face == BERTH_FACE_ENGINE) return pool->steps_outstanding != 0;
    return pool->inside_count > pool->take.count;
}

/* What a failed core could not end is still to be released: exactly once, on every path. */
static void release_rest(berth_pool *pool) {
    berth__inside inside;
    if (pool->executor.release == NULL) return;
    berth__mutex_lock(&pool->lock);
    for (uint32_t place = 0; place < pool->row_count; place++) {
        berth__row *row = berth__row_at(pool, place);
        if (!row->owes_release) continue;
        row->owes_release = 0;
        berth__callback_enter(pool, &inside, 1);
        pool->executor.release(pool->executor.user_data, row->payload,
                               berth__core_payload_size(pool->core, row->id));
        berth__callback_leave(pool, &inside);
    }
    berth__waiter_unlock(pool);
}

berth_status berth__life_destroy(berth_pool *pool) {
    berth__lock_enter(pool);
    if (berth__callback_is_inside(pool)) return berth__lock_leave(pool, BERTH_EREENTRY);
    (void)berth__lane_close(pool);
    if (is_busy(pool)) return berth__lock_leave(pool, BERTH_EBUSY);
    pool->closed = 1;
    berth__core_close(pool->core, pool->now_ns);
    if (!berth__pool_failed(pool)) berth__core_shutdown(pool->core, pool->now_ns, 1);
    berth__lock_settle(pool);
    (void)berth__lock_leave(pool, BERTH_OK);
    stop_threads(pool);
    release_rest(pool);
    berth__ready_fini(pool);
    berth__mutex_fini(&pool->lock);
    free_memory(pool);
    return BERTH_OK;
}
