/* SPDX-License-Identifier: MIT */
#include "core/kv_ratio.h"
#include "base/checked.h"

#define PPM UINT64_C(1000000)
#define CLIP UINT64_C(4096)
#define AHEAD UINT64_C(20) /* tokens that each of those who stay is given beyond what it has */

void berth__ratio_init(berth__ratio *ratio, const berth_options *options) {
    ratio->scaled = (uint64_t)options->kv_ratio_ppm * options->kv_ratio_decay_steps;
    ratio->clipped = 0;
}

void berth__ratio_fall(berth__core *core) {
    const berth_options *o = &core->options;
    const uint64_t least_ppm = (uint64_t)o->kv_ratio_ppm * o->kv_ratio_floor_ppm / PPM;
    const uint64_t least = least_ppm * o->kv_ratio_decay_steps;
    const uint64_t step = o->kv_ratio_ppm - least_ppm;
    berth__ratio *ratio = &core->ratio;
    ratio->scaled = ratio->scaled > least + step ? ratio->scaled - step : least;
}

/* floor(part / whole) in millionths, at most a million. */
static uint64_t ppm_of(uint64_t part, uint64_t whole) {
    if (part >= whole) return PPM;
    while (part > UINT64_MAX / PPM) {
        part >>= 1;
        whole >>= 1;
    }
    return part * PPM / whole;
}

void berth__ratio_rise(berth__core *core) {
    uint64_t out = 0;
    uint64_t max_new = 1;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        const berth__entry *entry = &core->entries[p];
        const uint64_t ahead = AHEAD * entry->samples;
        out = berth__add_saturating(out, berth__add_saturating(entry->tokens_generated, ahead));
        max_new = berth__add_saturating(
            max_new, berth__mul_saturating(entry->max_new_tokens, entry->samples));
    }
    core->ratio.scaled = ppm_of(out, max_new) * core->options.kv_ratio_decay_steps;
}

uint64_t berth__ratio_of(const berth__core *core, uint64_t tokens) {
    /* At most 65,536 sequences of 4,096 tokens, times a million, times 65,536: below 2^64. With
     * more, all of what is to come is kept. */
    uint64_t product;
    if (!berth__mul(tokens, core->ratio.scaled, &product)) return tokens;
    return product / (PPM * core->options.kv_ratio_decay_steps);
}

uint64_t berth__ratio_clip(uint64_t tokens) {
    return tokens < CLIP ? tokens : CLIP;
}
