/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000.0

typedef struct kv_name {
    const char *name;
    uint32_t mode;
    uint32_t has_parameter;
} kv_name;

static const kv_name kv_names[] = {
    {"worst_case", BERTH_KV_WORST_CASE, 0}, {"optimistic", BERTH_KV_OPTIMISTIC, 1},
    {"ratio", BERTH_KV_RATIO, 1},           {"future_peak", BERTH_KV_FUTURE_PEAK, 0},
    {"predicted", BERTH_KV_PREDICTED, 1},
};

static const char *const victim_names[] = {"newest", "least_computed", "cheapest"};
static const char *const fairness_names[] = {"none", "vtc"};
static const char *const fit_names[] = {"strict", "first", "easy"};
/* Rank needs a callback, which a replay has not. */
static const char *const order_names[] = {"arrival", "deadline", "shortest", "prefix"};

/* A part from 0 to 1, to millionths. */
static int part(const char *text, uint32_t *out_ppm) {
    char *end;
    if ((*text < '0' || *text > '9') && *text != '.') return -1;
    if (strpbrk(text, "xX") != NULL) return -1;
    const double value = strtod(text, &end);
    if (*end != '\0' || !(value >= 0.0 && value <= 1.0)) return -1;
    *out_ppm = (uint32_t)(value * MILLION + 0.5);
    return 0;
}

static int set_kv(const char *text, replay_policy *out) {
    for (size_t i = 0; i < sizeof kv_names / sizeof kv_names[0]; i++) {
        const kv_name *kv = &kv_names[i];
        const size_t size = strlen(kv->name);
        uint32_t ppm = 0;
        if (strncmp(text, kv->name, size) != 0) continue;
        if (text[size] != '\0' && text[size] != ':') continue;
        if (text[size] == ':' && (!kv->has_parameter || part(text + size + 1, &ppm) != 0))
            return -1;
        out->kv_mode = kv->mode;
        out->kv_ppm = ppm;
        return 0;
    }
    return -1;
}

/* The index of a name, or -1. */
static int index_of(const char *text, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) return (int)i;
    return -1;
}

static int tokens(const char *text, const char **out_end, uint64_t *out) {
    char *end;
    if (*text < '1' || *text > '9' || strcspn(text, "/") > 9) return -1;
    *out = strtoull(text, &end, 10);
    *out_end = end;
    return 0;
}

static int set_step(const char *text, replay_policy *out) {
    const char *end;
    uint64_t chunk = 0, step;
    if (tokens(text, &end, &step) != 0) return -1;
    if (*end == '/' && tokens(end + 1, &end, &chunk) != 0) return -1;
    if (*end != '\0') return -1;
    out->step_tokens = step;
    out->prefill_tokens_max = chunk;
    return 0;
}

#define INDEX_OF(text, names) index_of(text, names, sizeof(names) / sizeof(names)[0])

static int set_victim(const char *text, replay_policy *out) {
    const int index = INDEX_OF(text, victim_names);
    if (index >= 0) out->victim = (uint32_t)index;
    return index >= 0 ? 0 : -1;
}

static int set_fairness(const char *text, replay_policy *out) {
    const int index = INDEX_OF(text, fairness_names);
    if (index >= 0) out->fairness = (uint32_t)index;
    return index >= 0 ? 0 : -1;
}

static int set_order(const char *text, replay_policy *out) {
    const int index = INDEX_OF(text, order_names);
    if (index >= 0) out->order = (uint32_t)index;
    return index >= 0 ? 0 : -1;
}

static int set_fit(const char *text, replay_policy *out) {
    const int index = INDEX_OF(text, fit_names);
    if (index >= 0) out->fit = (uint32_t)index;
    return index >= 0 ? 0 : -1;
}

static int set_wait(const char *text, replay_policy *out) {
    return part(text, &out->wait_ppm);
}

static int set_queue(const char *text, replay_policy *out) {
    return part(text, &out->queue_ppm);
}

static int set_late(const char *text, replay_policy *out) {
    return part(text, &out->late_ppm);
}

static int set_fixed(const char *text, replay_policy *out) {
    return part(text, &out->fixed_ppm);
}

static int set_pace(const char *text, replay_policy *out) {
    return part(text, &out->pace_ppm);
}

typedef struct policy_option {
    const char *name;
    int (*set)(const char *text, replay_policy *out);
    const char *wanted;
} policy_option;

static const policy_option policy_options[] = {
    {"kv", set_kv,
     "worst_case, optimistic[:WATERMARK], ratio[:FIRST], future_peak or predicted[:QUANTILE], the "
     "parameter a part from 0 to 1"},
    {"victim", set_victim, "newest, least_computed or cheapest"},
    {"fairness", set_fairness, "none or vtc"},
    {"order", set_order, "arrival, deadline, shortest or prefix"},
    {"fit", set_fit, "strict, first or easy"},
    {"step", set_step, "TOKENS or TOKENS/CHUNK, up to 9 digits each"},
    {"queue", set_queue, "a part from 0 to 1"},
    {"wait", set_wait, "a part from 0 to 1"},
    {"late", set_late, "a part from 0 to 1"},
    {"pace", set_pace, "a part from 0 to 1"},
    {"fixed", set_fixed, "a part from 0 to 1"},
};

const char *replay_policy_set(const char *name, const char *text, replay_policy *out) {
    size_t i = 0;
    while (strcmp(policy_options[i].name, name) != 0) i++;
    return policy_options[i].set(text, out) == 0 ? NULL : policy_options[i].wanted;
}

const char *replay_policy_kv_name(const replay_policy *policy) {
    for (size_t i = 0; i < sizeof kv_names / sizeof kv_names[0]; i++)
        if (kv_names[i].mode == policy->kv_mode) return kv_names[i].name;
    return "unknown";
}

const char *replay_policy_victim_name(const replay_policy *policy) {
    return victim_names[policy->victim];
}

const char *replay_policy_fairness_name(const replay_policy *policy) {
    return fairness_names[policy->fairness];
}

const char *replay_policy_order_name(const replay_policy *policy) {
    return order_names[policy->order];
}

const char *replay_policy_fit_name(const replay_policy *policy) {
    return fit_names[policy->fit];
}

int replay_policy_grows(const replay_policy *policy) {
    return policy->kv_mode != BERTH_KV_WORST_CASE;
}

static void apply_kv(const replay_policy *policy, berth_options *options) {
    options->kv_mode = policy->kv_mode;
    switch ((enum berth_kv_mode)policy->kv_mode) {
    case BERTH_KV_WORST_CASE:
    case BERTH_KV_FUTURE_PEAK: break;
    case BERTH_KV_OPTIMISTIC: options->kv_watermark_ppm = policy->kv_ppm; break;
    case BERTH_KV_RATIO: options->kv_ratio_ppm = policy->kv_ppm; break;
    case BERTH_KV_PREDICTED: options->kv_quantile_ppm = policy->kv_ppm; break;
    }
}

void replay_policy_apply(const replay_policy *policy, uint32_t tenants, berth_options *options) {
    apply_kv(policy, options);
    options->victim = policy->victim;
    options->fairness = policy->fairness;
    options->tenants_max = policy->fairness != BERTH_FAIRNESS_NONE ? tenants : 0;
    options->order = policy->order;
    options->fit = policy->fit;
    options->wait_ppm = policy->wait_ppm;
    options->prefill_tokens_max = policy->prefill_tokens_max;
}
