/* SPDX-License-Identifier: MIT */
#include "core/options.h"
#include "core/policy.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define RUNNING_DEFAULT 64u
#define PARKED_DEFAULT 1024u
#define ENDED_DEFAULT 256u
#define BANDS_DEFAULT 4u
#define MAILBOX_SIZE_DEFAULT 4096u
#define PAUSE_NS_DEFAULT UINT64_C(10000000000)
#define LOOK_DEFAULT 64u
#define TICKETS_DEFAULT 256u
#define LENGTHS_DEFAULT 1024u
#define TICKET_NS_DEFAULT UINT64_C(10000000000)
#define KEYS_GRACE_NS_DEFAULT UINT64_C(30000000000)
#define KEYS_RETAIN_NS_DEFAULT UINT64_C(60000000000)

/* One number of the options: where it is, and what it may be besides 0, the default. */
typedef struct range {
    const char *path;
    size_t offset;
    size_t size; /* 4 or 8 bytes */
    uint64_t min;
    uint64_t max;
} range;

#define RANGE(field, min, max)                                                                     \
    { #field, offsetof(berth_options, field), sizeof(((berth_options *)0)->field), min, max }

static const range ranges[] = {
    RANGE(face, 0, BERTH_FACE_GATE),
    RANGE(clock, 0, BERTH_CLOCK_VIRTUAL),
    RANGE(running_max, 1, 1048576),
    RANGE(parked_max, 1, BERTH_REQUESTS_MAX),
    RANGE(ended_max, 1, BERTH_REQUESTS_MAX),
    RANGE(band_count, 1, BERTH_BANDS_MAX),
    RANGE(band_default, 1, BERTH_BANDS_MAX),
    RANGE(resource_count, 0, BERTH_RESOURCES_MAX),
    RANGE(kv_resource, 0, BERTH_RESOURCES_MAX - 1),
    RANGE(mailbox_size, 256, 16777216),
    RANGE(mailboxes_max, 1, BERTH_REQUESTS_MAX),
    RANGE(worker_count, 1, 1024),
    RANGE(prefix_blocks_max, 1, 1u << 28),
    RANGE(prefix_owner, 0, BERTH_PREFIX_ENGINE),
    RANGE(sets_max, 1, 65536),
    RANGE(set_resource, 0, BERTH_RESOURCES_MAX - 1),
    RANGE(worker_stack_size, 16384, UINT64_C(1) << 40),
    RANGE(kv_lengths_max, 1, 8000000),
    RANGE(reserved1, 0, 0),
    RANGE(kv_mode, 0, BERTH_KV_PREDICTED),
    RANGE(kv_watermark_ppm, 0, 1000000),
    RANGE(victim, 0, BERTH_VICTIM_CHEAPEST),
    RANGE(preempt_max, 0, 255),
    RANGE(preempt_pause_steps, 0, 1000000),
    RANGE(fairness, 0, BERTH_FAIRNESS_VTC),
    RANGE(tenants_max, 1, 1000000),
    RANGE(vtc_prompt_weight, 1, 1000),
    RANGE(vtc_output_weight, 1, 1000),
    RANGE(order, 0, BERTH_ORDER_RANK),
    RANGE(order_displaced_max, 1, UINT32_MAX),
    RANGE(displace, 0, 1),
    RANGE(kv_quantile_ppm, 1, 1000000),
    RANGE(kv_ratio_ppm, 1, 1000000),
    RANGE(kv_ratio_floor_ppm, 1, 1000000),
    RANGE(kv_ratio_decay_steps, 1, 65536),
    RANGE(draft_tokens, 0, 64),
    RANGE(steps_max, 1, BERTH__STEPS_MAX),
    RANGE(mailbox_full, BERTH_FULL_END, BERTH_FULL_PREEMPT),
    RANGE(fit, 0, BERTH_FIT_EASY),
    RANGE(look_max, 1, 65536),
    RANGE(keys_max, 1, BERTH_REQUESTS_MAX),
    RANGE(keys_retain_from, 0, BERTH_RETAIN_END),
    RANGE(tickets_max, 1, 1000000),
    RANGE(wait_ppm, 1, 1000000),
};

static berth_status wrong(berth_config_error *error, const char *path, const char *message) {
    if (error != NULL) {
        snprintf(error->path, sizeof error->path, "%s", path);
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return BERTH_ECONFIG;
}

/* "bands[2].parked_max" from a name, an index and a field; field may be "". */
static berth_status wrong_at(berth_config_error *error, const char *name, uint32_t index,
                             const char *field, const char *message) {
    char path[BERTH_NAME_SIZE * 3];
    snprintf(path, sizeof path, "%s[%u]%s%s", name, (unsigned)index, *field ? "." : "", field);
    return wrong(error, path, message);
}

static uint64_t number_at(const berth_options *options, const range *where) {
    const unsigned char *from = (const unsigned char *)options + where->offset;
    uint32_t narrow;
    uint64_t wide;
    if (where->size == sizeof wide) {
        memcpy(&wide, from, sizeof wide);
        return wide;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

static berth_status check_ranges(const berth_options *options, berth_config_error *error) {
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const uint64_t value = number_at(options, &ranges[i]);
        char message[sizeof error->message];
        if (value == 0 || (value >= ranges[i].min && value <= ranges[i].max)) continue;
        snprintf(message, sizeof message,
                 "expected 0 or a whole number from %" PRIu64 " to %" PRIu64 ", not %" PRIu64,
                 ranges[i].min, ranges[i].max, value);
        return wrong(error, ranges[i].path, message);
    }
    return BERTH_OK;
}

static int all_zero(const void *data, size_t size) {
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++)
        if (byte[i] != 0) return 0;
    return 1;
}

/* A name is 1 to 31 of [a-z0-9_], then NUL to the end of its field. */
static int name_is_good(const char *name) {
    size_t size = 0;
    while (size < BERTH_NAME_SIZE && name[size] != '\0') {
        const char c = name[size++];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return 0;
    }
    return size > 0 && size < BERTH_NAME_SIZE && all_zero(name + size, BERTH_NAME_SIZE - size);
}

static berth_status check_resource(const berth_options *options, uint32_t index,
                                   berth_config_error *error) {
    const berth_resource_options *resource = &options->resources[index];
    if (index >= options->resource_count) {
        if (all_zero(resource, sizeof *resource)) return BERTH_OK;
        return wrong_at(error, "resources", index, "", "set, but not below resource_count");
    }
    if (!name_is_good(resource->name))
        return wrong_at(error, "resources", index, "name",
                        "expected 1 to 31 lower case letters, digits or '_'");
    for (uint32_t other = 0; other < index; other++)
        if (strcmp(options->resources[other].name, resource->name) == 0)
            return wrong_at(error, "resources", index, "name", "two resources have this name");
    if (resource->capacity_units == 0)
        return wrong_at(error, "resources", index, "capacity_units", "expected 1 or more");
    if (!all_zero(resource->reserved, sizeof resource->reserved))
        return wrong_at(error, "resources", index, "reserved", "must be 0");
    return BERTH_OK;
}

static berth_status check_band(const berth_options *options, uint32_t index,
                               berth_config_error *error) {
    const berth_band_options *band = &options->bands[index];
    const uint32_t band_count = options->band_count != 0 ? options->band_count : BANDS_DEFAULT;
    if (index >= band_count) {
        if (all_zero(band, sizeof *band)) return BERTH_OK;
        return wrong_at(error, "bands", index, "", "set, but not below band_count");
    }
    for (uint32_t r = options->resource_count; r < BERTH_RESOURCES_MAX; r++)
        if (band->parked_units_max[r] != 0)
            return wrong_at(error, "bands", index, "parked_units_max",
                            "set for a resource that is not below resource_count");
    if (!all_zero(band->reserved, sizeof band->reserved))
        return wrong_at(error, "bands", index, "reserved", "must be 0");
    return BERTH_OK;
}

static berth_status check_workers(const berth_options *options, berth_config_error *error) {
    if (options->face == BERTH_FACE_WORKER) {
        if (options->clock == BERTH_CLOCK_VIRTUAL)
            return wrong(error, "clock", "virtual, but the worker face has threads");
        return BERTH_OK;
    }
    if (options->worker_count != 0)
        return wrong(error, "worker_count", "set, but only the worker face has workers");
    if (options->worker_stack_size != 0)
        return wrong(error, "worker_stack_size", "set, but only the worker face has workers");
    return BERTH_OK;
}

static berth_status check_kv(const berth_options *options, berth_config_error *error) {
    if (options->kv_block_tokens != 0) {
        if (options->kv_resource < options->resource_count) return BERTH_OK;
        return wrong(error, "kv_resource", "with kv_block_tokens it must be below resource_count");
    }
    if (options->kv_resource != 0)
        return wrong(error, "kv_resource", "set, but kv_block_tokens is 0");
    if (options->kv_block_units != 0)
        return wrong(error, "kv_block_units", "set, but kv_block_tokens is 0");
    return BERTH_OK;
}

/* An option that one mode of KV alone uses, or every mode that lets it grow. */
typedef struct kv_option {
    const char *path;
    size_t offset;
    uint32_t mode; /* BERTH_KV_WORST_CASE: every other one */
} kv_option;

#define KV_OPTION(field, mode)                                                                     \
    { #field, offsetof(berth_options, field), mode }

static const kv_option kv_options[] = {
    KV_OPTION(kv_watermark_ppm, BERTH_KV_WORST_CASE),
    KV_OPTION(victim, BERTH_KV_WORST_CASE),
    KV_OPTION(preempt_max, BERTH_KV_WORST_CASE),
    KV_OPTION(preempt_pause_steps, BERTH_KV_WORST_CASE),
    KV_OPTION(kv_quantile_ppm, BERTH_KV_PREDICTED),
    KV_OPTION(kv_lengths_max, BERTH_KV_PREDICTED),
    KV_OPTION(kv_ratio_ppm, BERTH_KV_RATIO),
    KV_OPTION(kv_ratio_floor_ppm, BERTH_KV_RATIO),
    KV_OPTION(kv_ratio_decay_steps, BERTH_KV_RATIO),
};

static berth_status check_kv_option(const berth_options *options, const kv_option *of,
                                    berth_config_error *error) {
    uint32_t value;
    memcpy(&value, (const unsigned char *)options + of->offset, sizeof value);
    if (value == 0) return BERTH_OK;
    if (options->kv_mode == BERTH_KV_WORST_CASE)
        return wrong(error, of->path, "set, but kv_mode is worst_case");
    if (of->mode == BERTH_KV_WORST_CASE || of->mode == options->kv_mode) return BERTH_OK;
    return wrong(error, of->path,
                 of->mode == BERTH_KV_RATIO ? "set, but kv_mode is not ratio"
                                            : "set, but kv_mode is not predicted");
}

/* KV grows by the tokens that an engine commits. */
static berth_status check_kv_mode(const berth_options *options, berth_config_error *error) {
    berth_status status = BERTH_OK;
    if (options->kv_mode != BERTH_KV_WORST_CASE && options->face != BERTH_FACE_ENGINE)
        return wrong(error, "kv_mode", "other than worst_case, but face is not engine");
    if (options->kv_mode != BERTH_KV_WORST_CASE && options->kv_block_tokens == 0)
        return wrong(error, "kv_mode", "other than worst_case, but kv_block_tokens is 0");
    for (size_t i = 0; i < sizeof kv_options / sizeof kv_options[0] && status == BERTH_OK; i++)
        status = check_kv_option(options, &kv_options[i], error);
    return status;
}

static berth_status check_shared(const berth_options *options, berth_config_error *error) {
    const uint32_t is_engine = options->face == BERTH_FACE_ENGINE;
    if (options->prefix_blocks_max != 0 && options->kv_block_tokens == 0)
        return wrong(error, "prefix_blocks_max", "set, but kv_block_tokens is 0");
    if (options->prefix_blocks_max != 0 && !is_engine)
        return wrong(error, "prefix_blocks_max", "set, but face is not engine");
    if (options->prefix_blocks_max == 0 && options->prefix_owner != 0)
        return wrong(error, "prefix_owner", "set, but prefix_blocks_max is 0");
    if (options->sets_max == 0 && options->set_resource != 0)
        return wrong(error, "set_resource", "set, but sets_max is 0");
    if (options->sets_max != 0 && options->set_resource >= options->resource_count)
        return wrong(error, "set_resource", "with sets_max it must be below resource_count");
    return BERTH_OK;
}

static berth_status check_fit(const berth_options *options, berth_config_error *error) {
    if (options->fit != BERTH_FIT_STRICT) return BERTH_OK;
    if (options->look_max != 0) return wrong(error, "look_max", "set, but fit is strict");
    if (options->overtake_max != 0) return wrong(error, "overtake_max", "set, but fit is strict");
    if (options->overtake_ns_max != 0)
        return wrong(error, "overtake_ns_max", "set, but fit is strict");
    return BERTH_OK;
}

/* Nothing of this makes sense where no request has a key. `given` says what was set. */
static berth_status check_keys(const berth_options *given, const berth_options *options,
                               berth_config_error *error) {
    static const char none[] = "set, but keys_max is 0";
    if (options->keys_max == 0) {
        if (given->keys_tenant_max != 0) return wrong(error, "keys_tenant_max", none);
        if (given->keys_size_max != 0) return wrong(error, "keys_size_max", none);
        if (given->keys_grace_ns != 0) return wrong(error, "keys_grace_ns", none);
        if (given->keys_retain_ns != 0) return wrong(error, "keys_retain_ns", none);
        if (given->keys_retain_from != 0) return wrong(error, "keys_retain_from", none);
        return BERTH_OK;
    }
    if (options->keys_size_max != 0 && options->keys_size_max < options->mailbox_size)
        return wrong(error, "keys_size_max", "below mailbox_size: nothing would have room");
    if ((uint64_t)berth__options_requests_max(options) + options->keys_max > BERTH_REQUESTS_MAX)
        return wrong(error, "keys_max",
                     "running_max + parked_max + ended_max + keys_max exceed 16,777,215");
    return BERTH_OK;
}

/* What a step has room for. */
static berth_status check_step(const berth_options *options, berth_config_error *error) {
    const uint64_t running_max = options->running_max != 0 ? options->running_max : RUNNING_DEFAULT;
    if (options->face != BERTH_FACE_ENGINE) {
        if (options->step_tokens != 0)
            return wrong(error, "step_tokens", "set, but face is not engine");
        if (options->prefill_tokens_max != 0)
            return wrong(error, "prefill_tokens_max", "set, but face is not engine");
        if (options->draft_tokens != 0)
            return wrong(error, "draft_tokens", "set, but face is not engine");
        if (options->steps_max > 1)
            return wrong(error, "steps_max", "more than 1, but face is not engine");
    }
    if (options->step_tokens != 0 &&
        options->step_tokens < running_max * (UINT64_C(1) + options->draft_tokens))
        return wrong(error, "step_tokens", "below running_max * (1 + draft_tokens)");
    return BERTH_OK;
}

/* What fits each by itself, but not together. Works on defaults filled in. */
static berth_status check_together(const berth_options *given, berth_config_error *error) {
    berth_options options = *given;
    berth__options_normalise(&options);
    if (options.band_default > options.band_count)
        return wrong(error, "band_default", "above band_count");
    if ((options.mailbox_size & (options.mailbox_size - 1)) != 0)
        return wrong(error, "mailbox_size", "expected a power of two");
    if (options.mailbox_full >= BERTH_FULL_PAUSE && options.face != BERTH_FACE_ENGINE)
        return wrong(error, "mailbox_full", "only an engine's plans can leave a request out");
    if (options.mailboxes_max < options.running_max)
        return wrong(error, "mailboxes_max", "below running_max");
    if ((uint64_t)options.running_max + options.parked_max + options.ended_max > BERTH_REQUESTS_MAX)
        return wrong(error, "parked_max", "running_max + parked_max + ended_max exceed 16,777,215");
    if (options.kv_lengths_max != 0 && options.tenants_max == 0)
        return wrong(error, "kv_lengths_max", "set, but tenants_max is 0");
    const berth_status status = check_keys(given, &options, error);
    return status == BERTH_OK ? berth__policy_check(given, &options, error) : status;
}

void berth__options_default(berth_options *options) {
    memset(options, 0, sizeof *options);
    options->struct_size = (uint32_t)sizeof *options;
    options->running_max = RUNNING_DEFAULT;
    options->parked_max = PARKED_DEFAULT;
    options->ended_max = ENDED_DEFAULT;
    options->band_count = BANDS_DEFAULT;
    options->mailbox_size = MAILBOX_SIZE_DEFAULT;
    options->mailbox_full = BERTH_FULL_END;
    options->pause_ns_max = PAUSE_NS_DEFAULT;
}

berth_status berth__options_check(const berth_options *options, berth_config_error *error) {
    berth_status status = check_ranges(options, error);
    for (uint32_t i = 0; i < BERTH_RESOURCES_MAX && status == BERTH_OK; i++)
        status = check_resource(options, i, error);
    for (uint32_t i = 0; i < BERTH_BANDS_MAX && status == BERTH_OK; i++)
        status = check_band(options, i, error);
    if (status == BERTH_OK) status = check_workers(options, error);
    if (status == BERTH_OK) status = check_kv(options, error);
    if (status == BERTH_OK) status = check_kv_mode(options, error);
    if (status == BERTH_OK) status = check_shared(options, error);
    if (status == BERTH_OK) status = check_fit(options, error);
    if (status == BERTH_OK) status = check_step(options, error);
    if (status == BERTH_OK) status = check_together(options, error);
    return status;
}

static void default_to(uint32_t *field, uint32_t value) {
    if (*field == 0) *field = value;
}

void berth__options_normalise(berth_options *options) {
    default_to(&options->running_max, RUNNING_DEFAULT);
    default_to(&options->parked_max, PARKED_DEFAULT);
    default_to(&options->ended_max, ENDED_DEFAULT);
    default_to(&options->band_count, BANDS_DEFAULT);
    default_to(&options->band_default, options->band_count >= 2 ? 2 : 1);
    default_to(&options->mailbox_size, MAILBOX_SIZE_DEFAULT);
    default_to(&options->mailboxes_max, 2 * options->running_max);
    default_to(&options->tickets_max, TICKETS_DEFAULT);
    if (options->ticket_ns == 0) options->ticket_ns = TICKET_NS_DEFAULT;
    default_to(&options->mailbox_full, BERTH_FULL_END);
    default_to(&options->steps_max, 1);
    if (options->pause_ns_max == 0) options->pause_ns_max = PAUSE_NS_DEFAULT;
    if (options->keys_max != 0 && options->keys_grace_ns == 0)
        options->keys_grace_ns = KEYS_GRACE_NS_DEFAULT;
    if (options->keys_max != 0 && options->keys_retain_ns == 0)
        options->keys_retain_ns = KEYS_RETAIN_NS_DEFAULT;
    if (options->face == BERTH_FACE_WORKER) default_to(&options->worker_count, 1);
    if (options->fit != BERTH_FIT_STRICT) default_to(&options->look_max, LOOK_DEFAULT);
    if (options->kv_block_tokens != 0 && options->kv_block_units == 0) options->kv_block_units = 1;
    berth__policy_normalise(options);
    if (options->kv_mode == BERTH_KV_PREDICTED) default_to(&options->kv_quantile_ppm, 900000);
    if (options->kv_mode == BERTH_KV_PREDICTED && options->tenants_max != 0)
        default_to(&options->kv_lengths_max, LENGTHS_DEFAULT);
    if (options->kv_mode == BERTH_KV_RATIO) {
        default_to(&options->kv_ratio_ppm, 700000);
        default_to(&options->kv_ratio_floor_ppm, 140000);
        default_to(&options->kv_ratio_decay_steps, 600);
    }
}

uint32_t berth__options_requests_max(const berth_options *normalised) {
    return normalised->running_max + normalised->parked_max + normalised->ended_max;
}
