/* SPDX-License-Identifier: MIT */
#include "berth.h"

#include "core/kv.h"

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *berth_version(void) {
    return VERSION(BERTH_VERSION_MAJOR, BERTH_VERSION_MINOR, BERTH_VERSION_PATCH);
}

typedef struct status_text {
    berth_status status;
    const char *name;
    const char *message;
} status_text;

static const status_text statuses[] = {
#define STATUS(name, number, message) {number, "BERTH_" #name, message},
    BERTH_STATUS_MAP(STATUS)
#undef STATUS
};

static const status_text *find(berth_status status) {
    static const status_text unknown = {0, "BERTH_UNKNOWN", "unknown status"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].status == status) return &statuses[i];
    return &unknown;
}

const char *berth_status_name(berth_status status) {
    return find(status)->name;
}

const char *berth_status_message(berth_status status) {
    return find(status)->message;
}

const char *berth_refusal_name(uint32_t reason) {
    static const char *const names[BERTH_REFUSAL_COUNT] = {
        [BERTH_REFUSAL_NONE] = "none",
        [BERTH_REFUSAL_CLOSED] = "closed",
        [BERTH_REFUSAL_NEVER_FITS] = "never_fits",
        [BERTH_REFUSAL_PARKED] = "parked",
        [BERTH_REFUSAL_PARKED_SIZE] = "parked_size",
        [BERTH_REFUSAL_PARKED_COST] = "parked_cost",
        [BERTH_REFUSAL_BAND] = "band",
        [BERTH_REFUSAL_BAND_SIZE] = "band_size",
        [BERTH_REFUSAL_BAND_COST] = "band_cost",
        [BERTH_REFUSAL_SLOTS] = "slots",
        [BERTH_REFUSAL_TENANT] = "tenant",
        [BERTH_REFUSAL_TENANT_COST] = "tenant_cost",
        [BERTH_REFUSAL_TENANT_RATE] = "tenant_rate",
        [BERTH_REFUSAL_TENANTS] = "tenants",
        [BERTH_REFUSAL_BYPASS] = "bypass",
        [BERTH_REFUSAL_KEYS] = "keys",
        [BERTH_REFUSAL_KEYS_TENANT] = "keys_tenant",
        [BERTH_REFUSAL_KEYS_SIZE] = "keys_size",
        [BERTH_REFUSAL_DEADLINE] = "deadline",
        [BERTH_REFUSAL_TICKETS] = "tickets",
    };
    return reason < BERTH_REFUSAL_COUNT ? names[reason] : "unknown";
}

const char *berth_outcome_name(uint32_t kind) {
    static const char *const names[BERTH_OUTCOME_COUNT] = {
        [BERTH_OUTCOME_NONE] = "none",         [BERTH_OUTCOME_COMPLETED] = "completed",
        [BERTH_OUTCOME_FAILED] = "failed",     [BERTH_OUTCOME_CANCELLED] = "cancelled",
        [BERTH_OUTCOME_EXPIRED] = "expired",   [BERTH_OUTCOME_EVICTED] = "evicted",
        [BERTH_OUTCOME_SHUTDOWN] = "shutdown", [BERTH_OUTCOME_INTERNAL] = "internal",
    };
    return kind < BERTH_OUTCOME_COUNT ? names[kind] : "unknown";
}

berth_status berth_kv_cost(uint64_t prompt_tokens, uint64_t max_new_tokens, uint32_t block_tokens,
                           uint64_t block_size, uint64_t *out_blocks, uint64_t *out_size) {
    const berth__kv_block block = {.tokens = block_tokens, .units = block_size};
    if (out_blocks != NULL) *out_blocks = 0;
    if (out_size != NULL) *out_size = 0;
    return berth__kv_cost(prompt_tokens, max_new_tokens, block, out_blocks, out_size);
}
