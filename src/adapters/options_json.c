/* SPDX-License-Identifier: MIT */
/*
 * The text is checked as JSON first, then walked by the tables below over a copy of the options;
 * the caller's are written once, at the very end. `resources` goes first, wherever it stands,
 * because `kv_resource` and `parked_units_max` may call resources by name.
 *
 *   text ── json_text: syntax ── walk: keys, types, numbers ── options_check: ranges, sense
 *               line, column       line, column, key path        path; its place is looked up
 */
#include "berth.h"

#include "adapters/json_text.h"
#include "base/first.h"
#include "base/grow.h"
#include "core/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX UINT64_C(9223372036854775807)
#define PATH_NAME_MAX 40

typedef struct walk {
    berth__json_text text;
    berth_options options;
    berth_config_error error;
    char path[sizeof((berth_config_error *)0)->path];
    int resources_turn; /* 1 while only `resources` is applied, 0 for all else */
} walk;

enum field_kind {
    FIELD_U32 = 0,
    FIELD_U64 = 1,
    FIELD_CHOICE = 2, /* a u32 that goes by name */
    FIELD_NAME = 3,
    FIELD_RESOURCE = 4,
    FIELD_BANDS = 5,
    FIELD_RESOURCES = 6,
    FIELD_UNITS = 7, /* one u64 per resource */
    FIELD_TENANT = 8
};

/* The names of a choice, by number. */
typedef struct choice {
    const char *const *names;
    uint32_t count;
} choice;

/* One key: what it is, where it goes, and what its numbers may be. */
typedef struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    uint64_t range[2];
    choice choices;
} field;

typedef struct table {
    const field *fields;
    size_t count; /* at most 64 */
} table;

static const char *const band_names[] = {"low", "normal", "high", "critical"};
static const char *const face_names[] = {"engine", "worker", "gate"};
static const char *const prefix_owner_names[] = {"pool", "engine"};
static const char *const clock_names[] = {"system", "virtual"};
static const char *const kv_mode_names[] = {"worst_case", "optimistic", "ratio", "future_peak",
                                            "predicted"};
static const char *const fit_names[] = {"strict", "first", "easy"};
static const char *const retain_names[] = {"activity", "end"};
static const char *const victim_names[] = {"newest", "least_computed", "cheapest"};
static const char *const fairness_names[] = {"none", "vtc"};
static const char *const order_names[] = {"arrival", "deadline", "shortest", "prefix", "rank"};
static const char *const full_names[] = {"default", "end", "coalesce", "pause", "preempt"};

/* clang-format off */
#define FIELD(type, key, kind, min, max) {#key, kind, offsetof(type, key), {min, max}, {NULL, 0}}
#define CHOICE(type, key, names)                                                                   \
    {#key, FIELD_CHOICE, offsetof(type, key), {0, 0}, {names, sizeof names / sizeof names[0]}}
#define U32(type, key) FIELD(type, key, FIELD_U32, 0, UINT32_MAX)
#define U64(type, key) FIELD(type, key, FIELD_U64, 0, NUMBER_MAX)
#define TABLE(fields) {fields, sizeof fields / sizeof fields[0]}

static const field option_fields[] = {
    CHOICE(berth_options, face, face_names),
    CHOICE(berth_options, clock, clock_names),
    U32(berth_options, running_max),
    U32(berth_options, parked_max),
    U32(berth_options, ended_max),
    U64(berth_options, parked_size_max),
    U32(berth_options, band_count),
    U32(berth_options, band_default),
    FIELD(berth_options, bands, FIELD_BANDS, 0, 0),
    U32(berth_options, resource_count),
    FIELD(berth_options, kv_resource, FIELD_RESOURCE, 0, BERTH_RESOURCES_MAX - 1),
    FIELD(berth_options, resources, FIELD_RESOURCES, 0, 0),
    U32(berth_options, kv_block_tokens),
    U64(berth_options, kv_block_units),
    U32(berth_options, mailbox_size),
    U32(berth_options, mailboxes_max),
    U32(berth_options, worker_count),
    U64(berth_options, worker_stack_size),
    U64(berth_options, queue_ns_max),
    U64(berth_options, seed),
    CHOICE(berth_options, kv_mode, kv_mode_names),
    U32(berth_options, kv_watermark_ppm),
    CHOICE(berth_options, victim, victim_names),
    U32(berth_options, preempt_max),
    U32(berth_options, preempt_pause_steps),
    CHOICE(berth_options, fairness, fairness_names),
    U32(berth_options, tenants_max),
    U32(berth_options, vtc_prompt_weight),
    U32(berth_options, vtc_output_weight),
    CHOICE(berth_options, order, order_names),
    U32(berth_options, order_displaced_max),
    U32(berth_options, displace),
    FIELD(berth_options, tenant_defaults, FIELD_TENANT, 0, 0),
    CHOICE(berth_options, mailbox_full, full_names),
    U64(berth_options, pause_ns_max),
    U32(berth_options, keys_max),
    U32(berth_options, keys_tenant_max),
    U64(berth_options, keys_size_max),
    U64(berth_options, keys_grace_ns),
    U64(berth_options, keys_retain_ns),
    U32(berth_options, tickets_max),
    U64(berth_options, ticket_ns),
    CHOICE(berth_options, keys_retain_from, retain_names),
    U32(berth_options, kv_quantile_ppm),
    U32(berth_options, kv_lengths_max),
    U32(berth_options, kv_ratio_ppm),
    U32(berth_options, kv_ratio_floor_ppm),
    U32(berth_options, kv_ratio_decay_steps),
    U32(berth_options, prefix_blocks_max),
    CHOICE(berth_options, prefix_owner, prefix_owner_names),
    U32(berth_options, sets_max),
    FIELD(berth_options, set_resource, FIELD_RESOURCE, 0, BERTH_RESOURCES_MAX - 1),
    CHOICE(berth_options, fit, fit_names),
    U32(berth_options, look_max),
    U32(berth_options, overtake_max),
    U64(berth_options, overtake_ns_max),
    U64(berth_options, step_tokens),
    U64(berth_options, prefill_tokens_max),
    U32(berth_options, draft_tokens),
    U32(berth_options, steps_max),
    U32(berth_options, wait_ppm),
};

static const field band_fields[] = {
    U32(berth_band_options, parked_max),
    U64(berth_band_options, parked_size_max),
    FIELD(berth_band_options, parked_units_max, FIELD_UNITS, 0, NUMBER_MAX),
    U32(berth_band_options, bypass),
    U32(berth_band_options, ceiling_ppm),
    U32(berth_band_options, share_ppm),
    U64(berth_band_options, aging_ns),
    U64(berth_band_options, codel_target_ns),
    U64(berth_band_options, codel_interval_ns),
};

static const field tenant_fields[] = {
    U32(berth_tenant_options, weight),
    U32(berth_tenant_options, parked_max),
    U32(berth_tenant_options, running_max),
    U32(berth_tenant_options, rate_burst),
    U64(berth_tenant_options, rate_ns),
    FIELD(berth_tenant_options, units_max, FIELD_UNITS, 0, NUMBER_MAX),
};

/* `name` comes last: where the key of an object is the name, the table is used without it. */
static const field resource_fields[] = {
    FIELD(berth_resource_options, capacity_units, FIELD_U64, 1, NUMBER_MAX),
    U64(berth_resource_options, parked_units_max),
    FIELD(berth_resource_options, name, FIELD_NAME, 0, 0),
};
/* clang-format on */

static const table option_table = TABLE(option_fields);
static const table band_table = TABLE(band_fields);
static const table tenant_table = TABLE(tenant_fields);
static const table resource_table = TABLE(resource_fields);
static const table named_resource_table = {resource_fields, 2};

static berth_status set_members(walk *on, const berth__json_member *of, table by, void *target);

/* ---- Saying what is wrong ---- */

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static berth_status
fail(walk *on, size_t at, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(on->error.message, sizeof on->error.message, format, arguments);
    va_end(arguments);
    memcpy(on->error.path, on->path, sizeof on->error.path);
    berth__json_place(on->text, at, &on->error.line, &on->error.column);
    return BERTH_ECONFIG;
}

/* Text of the host's file, fit to be shown: printable ASCII, at most `max` characters. */
static void show(char *out, size_t max, const char *from, size_t size) {
    size_t used = 0;
    for (; used < size && used < max; used++)
        out[used] = from[used] >= 0x20 && from[used] < 0x7F ? from[used] : '?';
    out[used] = '\0';
}

/* Add a key or an index to the path; returns the length to cut it back to. */
static size_t path_push(walk *on, const berth__json_member *member) {
    const size_t length = strlen(on->path);
    char name[PATH_NAME_MAX + 1];
    show(name, PATH_NAME_MAX, member->name, strlen(member->name));
    snprintf(on->path + length, sizeof on->path - length, "%s%s", length > 0 ? "." : "", name);
    return length;
}

static size_t path_push_index(walk *on, uint32_t index) {
    const size_t length = strlen(on->path);
    snprintf(on->path + length, sizeof on->path - length, "[%u]", (unsigned)index);
    return length;
}

static berth_status wrong_type(walk *on, const berth__json_member *member, const char *expected) {
    static const char *const kinds[] = {[BERTH__JSON_OBJECT] = "an object",
                                        [BERTH__JSON_ARRAY] = "an array",
                                        [BERTH__JSON_STRING] = "a string",
                                        [BERTH__JSON_INTEGER] = "",
                                        [BERTH__JSON_REAL] = "",
                                        [BERTH__JSON_TRUE] = "true",
                                        [BERTH__JSON_FALSE] = "false",
                                        [BERTH__JSON_NULL] = "null"};
    const berth__json_value value = member->value;
    char literal[PATH_NAME_MAX + 1];
    const char *got = kinds[value.kind];
    if (value.kind == BERTH__JSON_INTEGER || value.kind == BERTH__JSON_REAL ||
        value.kind == BERTH__JSON_STRING) {
        show(literal, PATH_NAME_MAX, on->text.bytes + value.begin, value.end - value.begin);
        got = literal;
    }
    return fail(on, member->at, "expected %s, got %s", expected, got);
}

/* ---- Values ---- */

static berth_status read_whole(walk *on, const berth__json_member *member, const uint64_t range[2],
                               uint64_t *out) {
    char expected[80];
    if (berth__json_whole(on->text, member->value, range, out)) return BERTH_OK;
    snprintf(expected, sizeof expected, "a whole number from %llu to %llu",
             (unsigned long long)range[0], (unsigned long long)range[1]);
    return wrong_type(on, member, expected);
}

/* The index of a name among `count`; `count` itself if it is none of them. */
static uint32_t find_name(const char *const *names, uint32_t count, const char *name) {
    uint32_t index = 0;
    while (index < count && strcmp(names[index], name) != 0) index++;
    return index;
}

/* Until options_check has run, the caller's resource_count may be anything. */
static uint32_t resources_known(const berth_options *options) {
    return options->resource_count < BERTH_RESOURCES_MAX ? options->resource_count
                                                         : BERTH_RESOURCES_MAX;
}

/* The index of the resource of this name; resources_known() if there is none. */
static uint32_t find_resource(const berth_options *options, const char *name) {
    const uint32_t known = resources_known(options);
    uint32_t index = 0;
    while (index < known && strncmp(options->resources[index].name, name, BERTH_NAME_SIZE) != 0)
        index++;
    return index;
}

/* "low" to "critical", or "1" to "8"; BERTH_BANDS_MAX if it is neither. */
static uint32_t find_band(const char *name) {
    const uint32_t named = (uint32_t)(sizeof band_names / sizeof band_names[0]);
    const uint32_t index = find_name(band_names, named, name);
    if (index < named) return index;
    if (name[0] >= '1' && name[0] <= '8' && name[1] == '\0') return (uint32_t)(name[0] - '1');
    return BERTH_BANDS_MAX;
}

static berth_status set_choice(walk *on, const berth__json_member *member, choice of,
                               uint32_t *target) {
    char name[BERTH_NAME_SIZE];
    char expected[128] = "";
    if (member->value.kind == BERTH__JSON_STRING &&
        berth__json_string(on->text, member->value, name, sizeof name)) {
        const uint32_t index = find_name(of.names, of.count, name);
        if (index < of.count) {
            *target = index;
            return BERTH_OK;
        }
    }
    for (uint32_t i = 0; i < of.count; i++) {
        const size_t length = strlen(expected);
        const char *joint = i == 0 ? "" : i + 1 == of.count ? " or " : ", ";
        snprintf(expected + length, sizeof expected - length, "%s\"%s\"", joint, of.names[i]);
    }
    return wrong_type(on, member, expected);
}

/* The letters of a name are left to options_check, which says the same of every name. */
static berth_status set_name(walk *on, const berth__json_member *member, char *target) {
    char name[BERTH_NAME_SIZE] = {0};
    if (member->value.kind != BERTH__JSON_STRING ||
        !berth__json_string(on->text, member->value, name, sizeof name))
        return wrong_type(on, member, "1 to 31 lower case letters, digits or '_'");
    memset(target, 0, BERTH_NAME_SIZE);
    memcpy(target, name, strlen(name));
    return BERTH_OK;
}

static berth_status set_resource_index(walk *on, const berth__json_member *member, const field *by,
                                       uint32_t *target) {
    char name[BERTH_NAME_SIZE];
    uint64_t number;
    if (member->value.kind == BERTH__JSON_STRING) {
        const uint32_t known = resources_known(&on->options);
        const uint32_t index = berth__json_string(on->text, member->value, name, sizeof name)
                                   ? find_resource(&on->options, name)
                                   : known;
        if (index >= known) return wrong_type(on, member, "the name of a resource");
        *target = index;
        return BERTH_OK;
    }
    if (!berth__json_whole(on->text, member->value, by->range, &number))
        return wrong_type(on, member, "the name of a resource or its index");
    *target = (uint32_t)number;
    return BERTH_OK;
}

/* ---- Sections: an array by index, or an object by name ---- */

static berth_status refuse_repeated(walk *on, size_t at) {
    return fail(on, at, "this key was given before");
}

/* The resource that `name` calls, or a new one after the last; RESOURCES_MAX if none is left. */
static uint32_t find_or_add_resource(berth_options *options, const char *name) {
    const uint32_t index = find_resource(options, name);
    if (index < resources_known(options) || index == BERTH_RESOURCES_MAX) return index;
    memset(&options->resources[index], 0, sizeof options->resources[index]);
    memcpy(options->resources[index].name, name, strlen(name));
    options->resource_count = index + 1;
    return index;
}

static berth_status pick_resource(walk *on, const berth__json_member *member, uint32_t *out) {
    berth_options *options = &on->options;
    if (member->name[0] == '\0' || strlen(member->name) >= BERTH_NAME_SIZE)
        return fail(on, member->at, "expected 1 to 31 lower case letters, digits or '_'");
    *out = find_or_add_resource(options, member->name);
    if (*out < BERTH_RESOURCES_MAX) return BERTH_OK;
    return fail(on, member->at, "there are at most %u resources", BERTH_RESOURCES_MAX);
}

static berth_status pick_band(walk *on, const berth__json_member *member, uint32_t *out) {
    *out = find_band(member->name);
    if (*out < BERTH_BANDS_MAX) return BERTH_OK;
    return fail(on, member->at, "expected low, normal, high, critical, or 1 to 8");
}

static berth_status pick_unit(walk *on, const berth__json_member *member, uint32_t *out) {
    *out = find_resource(&on->options, member->name);
    if (*out < resources_known(&on->options)) return BERTH_OK;
    return fail(on, member->at, "no resource has this name");
}

static berth_status set_resource(walk *on, const berth__json_member *member, uint32_t index) {
    berth_options *options = &on->options;
    const int is_element = member->name[0] == '\0';
    if (index >= options->resource_count) {
        memset(options->resources + options->resource_count, 0,
               (index + 1 - options->resource_count) * sizeof options->resources[0]);
        options->resource_count = index + 1;
    }
    return set_members(on, member, is_element ? resource_table : named_resource_table,
                       &options->resources[index]);
}

static berth_status set_band(walk *on, const berth__json_member *member, uint32_t index) {
    return set_members(on, member, band_table, &on->options.bands[index]);
}

/* What a section is made of: how a key finds its place, and what one entry sets. */
typedef struct section {
    const char *expected;
    berth_status (*pick)(walk *on, const berth__json_member *member, uint32_t *out);
    berth_status (*set)(walk *on, const berth__json_member *member, uint32_t index);
} section;

static const section band_section = {"an array or an object of bands", pick_band, set_band};
static const section resource_section = {"an array or an object of resources", pick_resource,
                                         set_resource};
static const section unit_section = {"an array of numbers or an object by resource", pick_unit,
                                     NULL};

/* The place of one entry: by index in an array, by its key in an object, and each only once. */
static berth_status pick_once(walk *on, const section *by, const berth__json_member *member,
                              uint32_t *seen, uint32_t *index) {
    const berth_status status = by->pick(on, member, index);
    if (status != BERTH_OK) return status;
    if (*seen & UINT32_C(1) << *index) return refuse_repeated(on, member->at);
    *seen |= UINT32_C(1) << *index;
    return BERTH_OK;
}

/* Both forms of a section. `units` is what unit_section sets; the others know their place. */
static berth_status set_section(walk *on, const berth__json_member *of, const section *by,
                                const field *units_field, uint64_t *units) {
    berth__json_iterator iterator;
    berth__json_member member;
    berth_status status = BERTH_OK;
    uint32_t seen = 0;
    if (of->value.kind != BERTH__JSON_ARRAY && of->value.kind != BERTH__JSON_OBJECT)
        return wrong_type(on, of, by->expected);

    berth__json_enter(on->text, of->value, &iterator);
    while (status == BERTH_OK && berth__json_next(&iterator, &member)) {
        uint32_t index = member.index;
        const size_t length =
            iterator.is_object ? path_push(on, &member) : path_push_index(on, member.index);
        if (iterator.is_object)
            status = pick_once(on, by, &member, &seen, &index);
        else if (index >= BERTH_BANDS_MAX)
            status = fail(on, member.at, "there are at most %u of these", BERTH_BANDS_MAX);
        if (status == BERTH_OK)
            status = by->set != NULL ? by->set(on, &member, index)
                                     : read_whole(on, &member, units_field->range, &units[index]);
        on->path[length] = '\0';
    }
    return status;
}

_Static_assert(BERTH_BANDS_MAX == BERTH_RESOURCES_MAX, "set_section bounds both by one number");

/* ---- The walk ---- */

static berth_status set_u32(walk *on, const field *by, const berth__json_member *member,
                            void *target) {
    uint64_t number = 0;
    const berth_status status = read_whole(on, member, by->range, &number);
    if (status == BERTH_OK) *(uint32_t *)target = (uint32_t)number;
    return status;
}

static berth_status set_field(walk *on, const field *by, const berth__json_member *member,
                              void *target) {
    switch (by->kind) {
    case FIELD_U32: return set_u32(on, by, member, target);
    case FIELD_U64: return read_whole(on, member, by->range, target);
    case FIELD_CHOICE: return set_choice(on, member, by->choices, target);
    case FIELD_NAME: return set_name(on, member, target);
    case FIELD_RESOURCE: return set_resource_index(on, member, by, target);
    case FIELD_BANDS: return set_section(on, member, &band_section, NULL, NULL);
    case FIELD_RESOURCES: return set_section(on, member, &resource_section, NULL, NULL);
    case FIELD_TENANT: return set_members(on, member, tenant_table, target);
    case FIELD_UNITS: return set_section(on, member, &unit_section, by, target);
    }
    return BERTH_EINVAL;
}

static size_t find_field(table by, const char *key) {
    size_t index = 0;
    while (index < by.count && strcmp(by.fields[index].key, key) != 0) index++;
    return index;
}

/* The options themselves are walked twice: resources, then the rest. */
static int is_its_turn(const walk *on, table by, const field *one) {
    if (by.fields != option_fields) return 1;
    return on->resources_turn == (one->kind == FIELD_RESOURCES);
}

static berth_status set_members(walk *on, const berth__json_member *of, table by, void *target) {
    berth__json_iterator iterator;
    berth__json_member member;
    berth_status status = BERTH_OK;
    uint64_t seen = 0;
    if (of->value.kind != BERTH__JSON_OBJECT) return wrong_type(on, of, "an object");

    berth__json_enter(on->text, of->value, &iterator);
    while (status == BERTH_OK && berth__json_next(&iterator, &member)) {
        const size_t length = path_push(on, &member);
        const size_t index = find_field(by, member.name);
        if (index == by.count)
            status = fail(on, member.at, "unknown key");
        else if (seen & UINT64_C(1) << index)
            status = refuse_repeated(on, member.at);
        else if (is_its_turn(on, by, &by.fields[index]))
            status = set_field(on, &by.fields[index], &member,
                               (unsigned char *)target + by.fields[index].offset);
        if (index < by.count) seen |= UINT64_C(1) << index;
        on->path[length] = '\0';
    }
    return status;
}

/* ---- Places of what options_check finds ---- */

/* The member of `of` that one part of a path means: a key, or an index with its section's name. */
static int find_member(const walk *on, berth__json_value of, const char *section_name,
                       const char *part, berth__json_member *out) {
    berth__json_iterator iterator;
    if (of.kind != BERTH__JSON_OBJECT && of.kind != BERTH__JSON_ARRAY) return 0;
    berth__json_enter(on->text, of, &iterator);
    while (berth__json_next(&iterator, out)) {
        uint32_t index = out->index;
        if (*part != '[') {
            if (strcmp(out->name, part) == 0) return 1;
            continue;
        }
        if (iterator.is_object)
            index = strcmp(section_name, "bands") == 0 ? find_band(out->name)
                                                       : find_resource(&on->options, out->name);
        if (index == (uint32_t)(part[1] - '0')) return 1;
    }
    return 0;
}

/* "bands[2].parked_max" in parts: "bands", "[2", "parked_max". Deepest part that the text names. */
static void find_place(walk *on) {
    char path[sizeof on->error.path];
    const char *before = "";
    berth__json_value value = berth__json_root(on->text);
    memcpy(path, on->error.path, sizeof path);

    for (char *part = path; part != NULL && *part != '\0';) {
        berth__json_member member;
        char *next = part + 1 + strcspn(part + 1, ".[");
        const char separator = *next;
        *next = '\0';
        char *close = strchr(part, ']');
        if (close != NULL) *close = '\0';
        if (!find_member(on, value, before, part, &member)) return;
        berth__json_place(on->text, member.at, &on->error.line, &on->error.column);

        value = member.value;
        before = part;
        if (separator == '\0') return;
        if (separator == '[') *next = '[';
        part = separator == '[' ? next : next + 1;
    }
}

/* ---- The interface ---- */

static berth_status apply(walk *on) {
    berth__json_member root = {.value = berth__json_root(on->text)};
    root.at = root.value.begin;
    on->resources_turn = 1;
    berth_status status = set_members(on, &root, option_table, &on->options);
    if (status != BERTH_OK) return status;
    on->resources_turn = 0;
    status = set_members(on, &root, option_table, &on->options);
    if (status != BERTH_OK) return status;

    status = berth__options_check(&on->options, &on->error);
    if (status != BERTH_OK) find_place(on);
    return status;
}

berth_status berth_options_from_json(berth_options *options, const char *text, size_t text_size,
                                     berth_config_error *error) {
    walk on = {.text = {text, text_size}};
    size_t at = 0;
    const char *message = NULL;
    if (error != NULL && !berth__grow_is_known(error, BERTH__FIRST_CONFIG_ERROR))
        return BERTH_EINVAL;
    berth__grow_clear(error, BERTH__FIRST_CONFIG_ERROR);
    if (options == NULL || text == NULL) return BERTH_EINVAL;
    if (!berth__grow_in(&on.options, sizeof on.options, options, BERTH__FIRST_OPTIONS))
        return BERTH_EINVAL;

    berth_status status = berth__json_check(on.text, &at, &message);
    status = status == BERTH_OK ? apply(&on) : fail(&on, at, "%s", message);
    if (status == BERTH_OK)
        berth__grow_out(options, &on.options, sizeof on.options);
    else if (error != NULL)
        berth__grow_out(error, &on.error, sizeof on.error);
    return status;
}
