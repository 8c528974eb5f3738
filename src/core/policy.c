/* SPDX-License-Identifier: MIT */
#include "core/policy.h"
#include "core/bands.h"

#include <stdio.h>
#include <string.h>

#define CODEL_INTERVAL_NS_MAX UINT64_C(3600000000000)
#define CODEL_INTERVAL_TARGETS 10u
#define TENANTS_DEFAULT 1024u
#define PROMPT_WEIGHT_DEFAULT 1u
#define OUTPUT_WEIGHT_DEFAULT 2u
#define DISPLACED_DEFAULT 64u

static berth_status wrong(berth_config_error *error, const char *path, const char *message) {
    if (error != NULL) {
        snprintf(error->path, sizeof error->path, "%s", path);
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return BERTH_ECONFIG;
}

/* ---- Bands ---- */

static berth_status wrong_in_band(berth_config_error *error, uint32_t index, const char *field,
                                  const char *message) {
    char path[BERTH_NAME_SIZE * 3];
    snprintf(path, sizeof path, "bands[%u].%s", (unsigned)index, field);
    return wrong(error, path, message);
}

static berth_status check_band(const berth_options *filled, uint32_t index,
                               berth_config_error *error) {
    const berth_band_options *band = &filled->bands[index];
    if (band->bypass > 1) return wrong_in_band(error, index, "bypass", "expected 0 or 1");
    if (band->ceiling_ppm > BERTH__WHOLE_PPM)
        return wrong_in_band(error, index, "ceiling_ppm", "expected 1,000,000 or less");
    if (band->share_ppm > BERTH__WHOLE_PPM)
        return wrong_in_band(error, index, "share_ppm", "expected 1,000,000 or less");
    if (band->codel_interval_ns > CODEL_INTERVAL_NS_MAX)
        return wrong_in_band(error, index, "codel_interval_ns", "expected an hour or less");
    if (band->codel_target_ns > CODEL_INTERVAL_NS_MAX)
        return wrong_in_band(error, index, "codel_target_ns", "expected an hour or less");
    if (band->codel_interval_ns != 0 && band->codel_target_ns == 0)
        return wrong_in_band(error, index, "codel_interval_ns", "set, but codel_target_ns is 0");
    if (band->aging_ns != 0 && band->share_ppm != 0)
        return wrong_in_band(error, index, "aging_ns", "not together with the band's share_ppm");
    if (band->aging_ns != 0 && index + 1 == filled->band_count)
        return wrong_in_band(error, index, "aging_ns", "set, but no band is above it (band_count)");
    return BERTH_OK;
}

static berth_status check_bands(const berth_options *filled, berth_config_error *error) {
    uint64_t shares = 0;
    for (uint32_t b = 0; b < filled->band_count; b++) {
        const berth_status status = check_band(filled, b, error);
        if (status != BERTH_OK) return status;
        shares += filled->bands[b].share_ppm;
        if (b > 0 && filled->bands[b].ceiling_ppm < filled->bands[b - 1].ceiling_ppm)
            return wrong_in_band(error, b, "ceiling_ppm", "below ceiling_ppm of the band under it");
        if (shares > BERTH__WHOLE_PPM)
            return wrong_in_band(error, b, "share_ppm",
                                 "with share_ppm of the bands under it above 1,000,000");
    }
    return BERTH_OK;
}

/* ---- Tenants ---- */

static int all_zero(const void *data, size_t size) {
    const unsigned char *byte = data;
    for (size_t i = 0; i < size; i++)
        if (byte[i] != 0) return 0;
    return 1;
}

static berth_status wrong_in(berth_config_error *error, const char *name, const char *field,
                             const char *message) {
    char path[BERTH_NAME_SIZE * 3];
    snprintf(path, sizeof path, "%s.%s", name, field);
    return wrong(error, path, message);
}

berth_status berth__policy_check_tenant(const berth_tenant_options *tenant, const char *name,
                                        const berth_options *filled, berth_config_error *error) {
    if (tenant->weight > BERTH__TENANT_WEIGHT_MAX)
        return wrong_in(error, name, "weight", "expected 10,000 or less");
    if (tenant->rate_ns > BERTH__TENANT_RATE_NS_MAX)
        return wrong_in(error, name, "rate_ns", "expected an hour or less");
    if (tenant->rate_burst > BERTH__TENANT_BURST_MAX)
        return wrong_in(error, name, "rate_burst", "expected 1,000,000 or less");
    if (tenant->rate_burst > 0 && tenant->rate_ns == 0 && filled->tenant_defaults.rate_ns == 0)
        return wrong_in(error, name, "rate_burst", "set, but rate_ns is 0");
    if (filled->fairness == BERTH_FAIRNESS_NONE) {
        if (tenant->running_max > 0)
            return wrong_in(error, name, "running_max", "set, but fairness is none");
        if (tenant->weight > 1) return wrong_in(error, name, "weight", "set, but fairness is none");
    }
    for (uint32_t r = filled->resource_count; r < BERTH_RESOURCES_MAX; r++)
        if (tenant->units_max[r] != 0)
            return wrong_in(error, name, "units_max",
                            "set for a resource that is not below resource_count");
    if (!all_zero(tenant->reserved, sizeof tenant->reserved))
        return wrong_in(error, name, "reserved", "must be 0");
    return BERTH_OK;
}

/* ---- All ---- */

berth_status berth__policy_check(const berth_options *given, const berth_options *filled,
                                 berth_config_error *error) {
    const berth_tenant_options *defaults = &given->tenant_defaults;
    berth_status status = check_bands(filled, error);
    if (status == BERTH_OK)
        status = berth__policy_check_tenant(defaults, "tenant_defaults", filled, error);
    if (status != BERTH_OK) return status;
    if (filled->tenants_max == 0 && !all_zero(defaults, sizeof *defaults))
        return wrong(error, "tenant_defaults", "set, but tenants_max is 0");
    if (given->fairness == BERTH_FAIRNESS_NONE) {
        if (given->vtc_prompt_weight != 0)
            return wrong(error, "vtc_prompt_weight", "set, but fairness is none");
        if (given->vtc_output_weight != 0)
            return wrong(error, "vtc_output_weight", "set, but fairness is none");
    }
    if (given->order == BERTH_ORDER_PREFIX && given->prefix_blocks_max == 0)
        return wrong(error, "order", "prefix, but prefix_blocks_max is 0");
    if (given->order == BERTH_ORDER_ARRIVAL && given->order_displaced_max != 0)
        return wrong(error, "order_displaced_max", "set, but order is arrival");
    return BERTH_OK;
}

static void default_to(uint32_t *field, uint32_t value) {
    if (*field == 0) *field = value;
}

static void default_codel(berth_band_options *band) {
    if (band->codel_interval_ns != 0) return;
    band->codel_interval_ns = band->codel_target_ns * CODEL_INTERVAL_TARGETS;
    if (band->codel_interval_ns > CODEL_INTERVAL_NS_MAX)
        band->codel_interval_ns = CODEL_INTERVAL_NS_MAX;
}

void berth__policy_normalise(berth_options *options) {
    const uint32_t order = options->order;
    for (uint32_t b = 0; b < options->band_count && b < BERTH_BANDS_MAX; b++)
        default_to(&options->bands[b].ceiling_ppm, BERTH__WHOLE_PPM);
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) default_codel(&options->bands[b]);
    if (options->fairness == BERTH_FAIRNESS_VTC) {
        default_to(&options->tenants_max, TENANTS_DEFAULT);
        default_to(&options->vtc_prompt_weight, PROMPT_WEIGHT_DEFAULT);
        default_to(&options->vtc_output_weight, OUTPUT_WEIGHT_DEFAULT);
    }
    if (order == BERTH_ORDER_SHORTEST || order == BERTH_ORDER_PREFIX)
        default_to(&options->order_displaced_max, DISPLACED_DEFAULT);
}
