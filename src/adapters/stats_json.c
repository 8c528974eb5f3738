/* SPDX-License-Identifier: MIT */
/*
 * The object is built by the tables below, one row per field of the snapshot, in the order of
 * berth.h, and written by jansson, whose building and dumping report every failed allocation.
 * jansson's integers are signed: a counter above 2^63 - 1 is written as 2^63 - 1, never negative.
 */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX UINT64_C(9223372036854775807)

enum column_kind { COLUMN_U32 = 0, COLUMN_U64 = 1, COLUMN_FLAG = 2 };

/* One key that is copied from a field. */
typedef struct column {
    const char *key;
    enum column_kind kind;
    size_t offset;
} column;

/* clang-format off */
#define C32(type, key) {#key, COLUMN_U32, offsetof(type, key)}
#define C64(type, key) {#key, COLUMN_U64, offsetof(type, key)}
#define FLAG(type, key) {#key, COLUMN_FLAG, offsetof(type, key)}

static const column head_columns[] = {
    FLAG(berth_stats, closed),
    FLAG(berth_stats, broken),
    C64(berth_stats, now_at_ns),
    C64(berth_stats, submitted_total),
    C64(berth_stats, refused_total),
    C64(berth_stats, admitted_total),
    C64(berth_stats, ended_total),
    C64(berth_stats, parked),
    C64(berth_stats, running),
    C64(berth_stats, stopping),
    C64(berth_stats, running_peak),
    C64(berth_stats, parked_peak),
    C64(berth_stats, parked_size),
};

static const column tail_columns[] = {
    C64(berth_stats, retained),
    C64(berth_stats, retained_dropped_total),
    C64(berth_stats, chunks_total),
    C64(berth_stats, chunks_dropped_total),
    C64(berth_stats, bytes_total),
    C64(berth_stats, prompt_tokens_total),
    C64(berth_stats, tokens_computed_total),
    C64(berth_stats, tokens_generated_total),
    C64(berth_stats, steps_total),
    C64(berth_stats, steps_failed_total),
    C64(berth_stats, suspended),
    C64(berth_stats, suspensions_total),
    C64(berth_stats, preemptions_total),
    C64(berth_stats, readmitted_total),
    C64(berth_stats, tokens_recomputed_total),
    C64(berth_stats, keyed),
    C64(berth_stats, keyed_owned),
    C64(berth_stats, keyed_size),
    C64(berth_stats, attached_total),
    C64(berth_stats, taken_over_total),
    C64(berth_stats, keyed_gone_total),
    C64(berth_stats, keyed_expired_total),
    C64(berth_stats, keyed_evicted_total),
    C64(berth_stats, paused),
    C64(berth_stats, pauses_total),
    C64(berth_stats, prefix_hit_tokens_total),
    C64(berth_stats, prefix_evicted_total),
    C64(berth_stats, prefix_truncated_total),
    C32(berth_stats, prefix_blocks_held),
    C32(berth_stats, prefix_blocks_cached),
    C32(berth_stats, sets_held),
    C64(berth_stats, backfills_total),
    C64(berth_stats, codel_dropped_total),
    C64(berth_stats, tickets),
    C64(berth_stats, tickets_held),
    C64(berth_stats, tickets_total),
    C64(berth_stats, tickets_refused_total),
    C64(berth_stats, tickets_expired_total),
    C64(berth_stats, drain_interval_ns),
    C32(berth_stats, active_workers),
    C32(berth_stats, worker_count),
    C32(berth_stats, running_max),
    C32(berth_stats, parked_max),
    C32(berth_stats, band_count),
    C32(berth_stats, resource_count),
};

static const column band_columns[] = {
    C64(berth_band_stats, submitted_total),
    C64(berth_band_stats, refused_total),
    C64(berth_band_stats, ended_total),
    C64(berth_band_stats, parked),
    C64(berth_band_stats, running),
    C64(berth_band_stats, stopping),
    C64(berth_band_stats, parked_size),
    C64(berth_band_stats, queue_ns_total),
    C64(berth_band_stats, admitted_total),
    C64(berth_band_stats, preemptions_total),
    C64(berth_band_stats, service_gap),
    C64(berth_band_stats, codel_dropped_total),
    C64(berth_band_stats, predicted_wait_ns),
};

static const column resource_columns[] = {
    C64(berth_resource_stats, capacity_units),
    C64(berth_resource_stats, used_units),
    C64(berth_resource_stats, used_units_peak),
    C64(berth_resource_stats, overdraft_units),
    C64(berth_resource_stats, parked_units),
};
/* clang-format on */

static const char *const face_names[] = {"engine", "worker", "gate"};
static const char *const band_names[] = {"low", "normal", "high", "critical", "5", "6", "7", "8"};

/* jansson takes NULL for a value as a failure, so a failed allocation surfaces in `set`. Every
 * step is made even after one failed; `failed` gathers them. */
static void set(json_t *object, const char *key, json_t *value, int *failed) {
    if (json_object_set_new_nocheck(object, key, value) != 0) *failed = 1;
}

static json_t *whole(uint64_t number) {
    return json_integer((json_int_t)(number < NUMBER_MAX ? number : NUMBER_MAX));
}

static json_t *column_value(const column *of, const unsigned char *from) {
    uint64_t wide;
    uint32_t narrow;
    if (of->kind == COLUMN_U64) {
        memcpy(&wide, from + of->offset, sizeof wide);
        return whole(wide);
    }
    memcpy(&narrow, from + of->offset, sizeof narrow);
    return of->kind == COLUMN_FLAG ? json_boolean(narrow != 0) : whole(narrow);
}

#define SET_COLUMNS(object, columns, from, failed)                                                 \
    set_columns(object, columns, sizeof columns / sizeof columns[0], from, failed)

static void set_columns(json_t *object, const column *columns, size_t count, const void *from,
                        int *failed) {
    for (size_t i = 0; i < count; i++)
        set(object, columns[i].key, column_value(&columns[i], from), failed);
}

/* One number per kind of outcome or reason of refusal, by its name; kind 0 is none of them. */
static json_t *named_totals(const uint64_t *totals, uint32_t count, const char *(*name)(uint32_t),
                            int *failed) {
    json_t *object = json_object();
    for (uint32_t i = 1; i < count; i++) set(object, name(i), whole(totals[i]), failed);
    return object;
}

static json_t *bands(const berth_stats *stats, int *failed) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < stats->band_count; i++) {
        json_t *object = json_object();
        set(object, "band", whole(i + 1), failed);
        set(object, "name", json_string(band_names[i]), failed);
        SET_COLUMNS(object, band_columns, &stats->bands[i], failed);
        if (json_array_append_new(array, object) != 0) *failed = 1;
    }
    return array;
}

static json_t *resources(const berth_stats *stats, int *failed) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < stats->resource_count; i++) {
        json_t *object = json_object();
        set(object, "name", json_string(stats->resources[i].name), failed);
        SET_COLUMNS(object, resource_columns, &stats->resources[i], failed);
        if (json_array_append_new(array, object) != 0) *failed = 1;
    }
    return array;
}

/* Places that no request holds; 0 if a snapshot says that more run than may. */
static uint64_t capacity_free(const berth_stats *stats) {
    const uint64_t capacity = stats->running_max;
    if (stats->running > capacity || stats->stopping > capacity - stats->running) return 0;
    return capacity - stats->running - stats->stopping;
}

/* NULL if memory ran out anywhere on the way. */
static json_t *stats_object(const berth_stats *stats) {
    json_t *object = json_object();
    int failed = 0;
    set(object, "scheduler_type", json_string("berth"), &failed);
    set(object, "face", json_string(face_names[stats->face]), &failed);
    SET_COLUMNS(object, head_columns, stats, &failed);
    set(object, "outcome_total",
        named_totals(stats->outcome_total, BERTH_OUTCOME_COUNT, berth_outcome_name, &failed),
        &failed);
    set(object, "refusal_total",
        named_totals(stats->refusal_total, BERTH_REFUSAL_COUNT, berth_refusal_name, &failed),
        &failed);
    SET_COLUMNS(object, tail_columns, stats, &failed);
    set(object, "queued_tasks", whole(stats->parked), &failed);
    set(object, "available_capacity", whole(capacity_free(stats)), &failed);
    set(object, "total_capacity", whole(stats->running_max), &failed);
    set(object, "bands", bands(stats, &failed), &failed);
    set(object, "resources", resources(stats, &failed), &failed);
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

/* A name that can be written: ended by NUL, printable ASCII. */
static int name_is_good(const char *name) {
    for (size_t i = 0; i < BERTH_NAME_SIZE; i++) {
        if (name[i] == '\0') return 1;
        if (name[i] < 0x20 || name[i] > 0x7E) return 0;
    }
    return 0;
}

static berth_status check(const berth_stats *stats) {
    if (stats->face > BERTH_FACE_GATE || stats->band_count > BERTH_BANDS_MAX ||
        stats->resource_count > BERTH_RESOURCES_MAX)
        return BERTH_EINVAL;
    for (uint32_t i = 0; i < stats->resource_count; i++)
        if (!name_is_good(stats->resources[i].name)) return BERTH_EINVAL;
    return BERTH_OK;
}

/* Where the text goes; with `bytes` NULL it is only measured. */
typedef struct output {
    char *bytes;
    size_t size;
} output;

static int append(const char *bytes, size_t size, void *data) {
    output *to = data;
    if (to->bytes != NULL) memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
    return 0;
}

/* Written aside first: memory may run out in the middle, and the caller's buffer is then to be as
 * it was. Not by json_dumps, which goes on when its buffer cannot grow for a key. */
static berth_status write_text(const json_t *object, size_t size, char *buffer) {
    output text = {malloc(size + 1), 0};
    if (text.bytes == NULL) return BERTH_ENOMEM;
    const int failed = json_dump_callback(object, append, &text, JSON_COMPACT) != 0;
    if (!failed) memcpy(buffer, text.bytes, size);
    if (!failed) buffer[size] = '\0';
    free(text.bytes);
    return failed ? BERTH_ENOMEM : BERTH_OK;
}

static berth_status write_if_it_fits(const json_t *object, char *buffer, size_t buffer_size,
                                     size_t *out_size) {
    output measure = {NULL, 0};
    berth_status status = BERTH_ESPACE;
    if (json_dump_callback(object, append, &measure, JSON_COMPACT) != 0) return BERTH_ENOMEM;
    if (measure.size < buffer_size) status = write_text(object, measure.size, buffer);
    if (status != BERTH_ENOMEM) *out_size = measure.size;
    return status;
}

berth_status berth_stats_to_json(const berth_stats *stats, char *buffer, size_t buffer_size,
                                 size_t *out_size) {
    berth_stats known;
    size_t unused;
    if (out_size == NULL) out_size = &unused;
    *out_size = 0;
    if (stats == NULL || (buffer == NULL && buffer_size != 0)) return BERTH_EINVAL;
    if (!berth__grow_in(&known, sizeof known, stats, BERTH__FIRST_STATS)) return BERTH_EINVAL;
    if (check(&known) != BERTH_OK) return BERTH_EINVAL;

    json_t *object = stats_object(&known);
    if (object == NULL) return BERTH_ENOMEM;
    const berth_status status = write_if_it_fits(object, buffer, buffer_size, out_size);
    json_decref(object);
    return status;
}
