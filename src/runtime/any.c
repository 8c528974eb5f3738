/* SPDX-License-Identifier: MIT */
#include "runtime/any.h"
#include "runtime/clock.h"
#include "runtime/emit.h"
#include "runtime/lock.h"
#include "runtime/mailbox.h"
#include "runtime/owner.h"
#include "runtime/news.h"
#include "runtime/pool.h"

/* The row that an id gives access to; NULL without it. */
static berth__row *find(berth_pool *pool, uint64_t id) {
    berth__row *row;
    return berth__owner_find(pool, id, &row) == BERTH_OK ? row : NULL;
}

/* The first that has a record, or cannot be read by this id (any more). */
static berth_status look(berth_pool *pool, const berth__any *any, uint32_t *out_index) {
    for (uint32_t i = 0; i < any->count; i++) {
        berth__row *row;
        const berth_status status = berth__owner_find(pool, any->ids[i], &row);
        *out_index = i;
        if (status != BERTH_OK) return status;
        if (berth__mailbox_has_record(pool, row)) return BERTH_OK;
    }
    *out_index = 0;
    return BERTH_ETIMEDOUT;
}

static void unwatch(berth_pool *pool, const berth__any *any, berth__waiter **list) {
    for (uint32_t i = 0; i < any->count; i++) {
        berth__row *row = find(pool, any->ids[i]);
        if (row != NULL && row->any == list) row->any = NULL;
    }
}

/* EBUSY, and nothing changed, if somebody waits for one of them already. */
static berth_status watch(berth_pool *pool, const berth__any *any, berth__waiter **list) {
    for (uint32_t i = 0; i < any->count; i++) {
        berth__row *row = find(pool, any->ids[i]);
        if (row->watch != NULL || (row->any != NULL && row->any != list)) {
            unwatch(pool, any, list);
            return BERTH_EBUSY;
        }
        row->any = list;
        berth__emit_fold(pool, row);
    }
    return BERTH_OK;
}

/* More than one may have got a record for the one wake-up: nobody waits for those. */
static void mark_rest(berth_pool *pool, const berth__any *any, uint32_t index) {
    for (uint32_t i = index + 1; i < any->count; i++) {
        berth__row *row = find(pool, any->ids[i]);
        if (row != NULL && berth__mailbox_has_record(pool, row)) berth__news_mark(pool, row);
    }
}

static berth_status sleep_for_any(berth_pool *pool, const berth__any *any, uint64_t timeout_ns,
                                  uint32_t *out_index) {
    const uint64_t until_ns = berth__waiter_until(timeout_ns);
    berth__waiter *list = NULL;
    berth__waiter waiter;
    berth_status status = watch(pool, any, &list);
    if (status != BERTH_OK) return status;
    status = berth__waiter_init(&waiter, &pool->callers);
    /* Their hatches are shut now: look once more for what came before that. */
    if (status == BERTH_OK && look(pool, any, out_index) == BERTH_ETIMEDOUT) {
        berth__waiter_join(&waiter, &list);
        (void)berth__waiter_sleep(pool, &waiter, until_ns);
    }
    unwatch(pool, any, &list);
    if (status != BERTH_OK) return status;
    berth__waiter_fini(&waiter);
    status = look(pool, any, out_index);
    if (status != BERTH_ETIMEDOUT) mark_rest(pool, any, *out_index);
    return status;
}

berth_status berth__any_wait(berth_pool *pool, const berth__any *any, uint64_t timeout_ns,
                             uint32_t *out_index) {
    berth__lock_enter(pool);
    if (timeout_ns != 0 && berth__callback_is_inside(pool))
        return berth__lock_leave(pool, BERTH_EREENTRY);
    berth_status status = look(pool, any, out_index);
    if (status == BERTH_ETIMEDOUT && timeout_ns != 0 && berth__clock_can_wait(pool))
        status = sleep_for_any(pool, any, timeout_ns, out_index);
    return berth__lock_leave(pool, status);
}
