/* SPDX-License-Identifier: MIT */
#include "core/predict.h"
#include "core/state.h"

#define SEEN_MIN 8u
#define HALF_PPM 500000u
#define MEAN_SHIFT 3u /* each output moves the mean by an eighth of the difference */
#define TOKENS_MAX (UINT64_C(1) << 40)

int berth__predict_needs_lengths(const berth_options *options) {
    return options->kv_mode == BERTH_KV_PREDICTED || options->order == BERTH_ORDER_SHORTEST;
}

uint64_t berth__predict_output(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const uint32_t index = entry->tenant_index;
    uint64_t likely = 0;
    if (index != BERTH__NONE && core->tenants.tenants[index].outputs_seen >= SEEN_MIN)
        likely = core->tenants.tenants[index].output_mean >> MEAN_SHIFT;
    else
        likely = berth__quantile_of(&core->lengths.bands[entry->band_index], HALF_PPM, 0);
    if (likely == 0) return entry->max_new_tokens;
    return entry->max_new_tokens != 0 && entry->max_new_tokens < likely ? entry->max_new_tokens
                                                                        : likely;
}

/* An exponential mean, kept with MEAN_SHIFT bits below one. */
static void learn_tenant(berth__tenant *tenant, uint64_t tokens) {
    if (tokens > TOKENS_MAX) tokens = TOKENS_MAX;
    if (tenant->outputs_seen == 0)
        tenant->output_mean = tokens << MEAN_SHIFT;
    else
        tenant->output_mean = tenant->output_mean - (tenant->output_mean >> MEAN_SHIFT) + tokens;
    if (tenant->outputs_seen < SEEN_MIN) tenant->outputs_seen++;
}

void berth__predict_learn(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    if (!berth__predict_needs_lengths(&core->options)) return;
    berth__lengths_add(&core->lengths, entry->tenant_index, entry->band_index,
                       berth__generated_each(entry));
    if (entry->tenant_index != BERTH__NONE)
        learn_tenant(&core->tenants.tenants[entry->tenant_index], berth__generated_each(entry));
}
