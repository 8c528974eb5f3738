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
    {"worst_case", BERTH_KV_WORST_CASE, 0},
    {"optimistic", BERTH_KV_OPTIMISTIC, 1},
};

static const char *const victim_names[] = {"newest", "least_computed", "cheapest"};

const char *replay_policy_kv_wanted(void) {
    return "worst_case or optimistic[:WATERMARK], the parameter a part from 0 to 1";
}

const char *replay_policy_victim_wanted(void) {
    return "newest, least_computed or cheapest";
}

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

int replay_policy_set_kv(const char *text, replay_policy *out) {
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

int replay_policy_set_victim(const char *text, replay_policy *out) {
    const int index = index_of(text, victim_names, sizeof victim_names / sizeof victim_names[0]);
    if (index < 0) return -1;
    out->victim = (uint32_t)index;
    return 0;
}

const char *replay_policy_kv_name(const replay_policy *policy) {
    for (size_t i = 0; i < sizeof kv_names / sizeof kv_names[0]; i++)
        if (kv_names[i].mode == policy->kv_mode) return kv_names[i].name;
    return "unknown";
}

const char *replay_policy_victim_name(const replay_policy *policy) {
    return victim_names[policy->victim];
}

int replay_policy_grows(const replay_policy *policy) {
    return policy->kv_mode != BERTH_KV_WORST_CASE;
}

void replay_policy_apply(const replay_policy *policy, berth_options *options) {
    options->kv_mode = policy->kv_mode;
    options->kv_watermark_ppm = policy->kv_ppm;
    options->victim = policy->victim;
}
