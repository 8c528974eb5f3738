/* SPDX-License-Identifier: MIT */
/* Options, the life of a pool, its counters and its clock: arguments checked, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "core/options.h"
#include "runtime/clock.h"
#include "runtime/close.h"
#include "runtime/life.h"
#include "runtime/stats.h"
#include "runtime/tenant.h"

#include <string.h>

/* ---- Options ---- */

berth_status berth_options_init(berth_options *options, size_t struct_size) {
    berth_options ours;
    if (options == NULL || !berth__grow_is_good(struct_size, BERTH__FIRST_OPTIONS))
        return BERTH_EINVAL;
    berth__options_default(&ours);
    options->struct_size = (uint32_t)struct_size;
    berth__grow_out(options, &ours, sizeof ours);
    return BERTH_OK;
}

static uint32_t options_in(berth_options *ours, const berth_options *options) {
    return berth__grow_in(ours, sizeof *ours, options, BERTH__FIRST_OPTIONS);
}

berth_status berth_options_check(const berth_options *options, berth_config_error *error) {
    berth_options ours;
    berth_config_error why = {.line = 0};
    if (error != NULL && !berth__grow_is_known(error, BERTH__FIRST_CONFIG_ERROR))
        return BERTH_EINVAL;
    berth__grow_clear(error, BERTH__FIRST_CONFIG_ERROR);
    if (options == NULL || !options_in(&ours, options)) return BERTH_EINVAL;
    const berth_status status = berth__options_check(&ours, &why);
    if (error != NULL && status != BERTH_OK) berth__grow_out(error, &why, sizeof why);
    return status;
}

/* ---- Life ---- */

/* The worker face needs execute, and only it has one; a rank needs the order that asks for it. */
static berth_status check_executor(const berth_options *options, const berth_executor *executor) {
    const int has_execute = executor->execute != NULL;
    if (executor->reserved != 0) return BERTH_ECONFIG;
    if (executor->rank != NULL && options->order != BERTH_ORDER_RANK) return BERTH_ECONFIG;
    return has_execute == (options->face == BERTH_FACE_WORKER) ? BERTH_OK : BERTH_ECONFIG;
}

berth_status berth_pool_create(const berth_options *options, const berth_executor *executor,
                               berth_pool **out) {
    berth_options our_options;
    berth_executor our_executor = {.struct_size = (uint32_t)sizeof our_executor};
    if (out == NULL) return BERTH_EINVAL;
    *out = NULL;
    if (options == NULL)
        berth__options_default(&our_options);
    else if (!options_in(&our_options, options))
        return BERTH_EINVAL;
    if (executor != NULL &&
        !berth__grow_in(&our_executor, sizeof our_executor, executor, BERTH__FIRST_EXECUTOR))
        return BERTH_EINVAL;
    berth_status status = berth__options_check(&our_options, NULL);
    if (status == BERTH_OK) status = check_executor(&our_options, &our_executor);
    if (status == BERTH_OK) status = berth__life_create(&our_options, &our_executor, out);
    return status;
}

berth_status berth_close(berth_pool *pool) {
    return pool == NULL ? BERTH_EINVAL : berth__close(pool);
}

berth_status berth_drain(berth_pool *pool, uint64_t timeout_ns) {
    return pool == NULL ? BERTH_EINVAL : berth__close_drain(pool, timeout_ns);
}

berth_status berth_pool_destroy(berth_pool *pool) {
    return pool == NULL ? BERTH_OK : berth__life_destroy(pool);
}

/* ---- Counters and clock ---- */

berth_status berth_stats_read(berth_pool *pool, berth_stats *out) {
    berth_stats ours;
    if (out == NULL || !berth__grow_is_known(out, BERTH__FIRST_STATS)) return BERTH_EINVAL;
    berth__grow_clear(out, BERTH__FIRST_STATS);
    if (pool == NULL) return BERTH_EINVAL;
    berth__stats_read(pool, &ours);
    berth__grow_out(out, &ours, sizeof ours);
    return BERTH_OK;
}

berth_status berth_tenant_stats_read(berth_pool *pool, uint64_t tenant, berth_tenant_stats *out) {
    berth_tenant_stats ours;
    if (out == NULL || !berth__grow_is_known(out, BERTH__FIRST_TENANT_STATS)) return BERTH_EINVAL;
    berth__grow_clear(out, BERTH__FIRST_TENANT_STATS);
    if (pool == NULL) return BERTH_EINVAL;
    const berth_status status = berth__tenant_stats_read(pool, tenant, &ours);
    if (status == BERTH_OK) berth__grow_out(out, &ours, sizeof ours);
    return status;
}

berth_status berth_clock_now(berth_pool *pool, uint64_t *out) {
    if (out == NULL) return BERTH_EINVAL;
    *out = 0;
    return pool == NULL ? BERTH_EINVAL : berth__clock_now(pool, out);
}

berth_status berth_clock_next(berth_pool *pool, uint64_t *out) {
    if (out == NULL) return BERTH_EINVAL;
    *out = 0;
    return pool == NULL ? BERTH_EINVAL : berth__clock_next(pool, out);
}

berth_status berth_clock_advance(berth_pool *pool, uint64_t to_at_ns) {
    return pool == NULL ? BERTH_EINVAL : berth__clock_advance(pool, to_at_ns);
}
