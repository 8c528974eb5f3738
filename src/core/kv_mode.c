/* SPDX-License-Identifier: MIT */
#include "core/kv_mode.h"
#include "base/checked.h"
#include "core/kv.h"

#define PPM UINT64_C(1000000)

uint64_t berth__kv_mode_units(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    return berth__kv_units(&core->options,
                           berth__add_saturating(entry->prompt_tokens, entry->tokens_generated));
}

uint64_t berth__kv_mode_free(const berth__core *core) {
    const uint32_t r = core->options.kv_resource;
    const uint64_t capacity = core->ledger.capacity[r];
    return capacity > core->ledger.used[r] ? capacity - core->ledger.used[r] : 0;
}

/* floor(watermark * blocks), in units; ppm is at most a million, so nothing overflows. */
static uint64_t watermark(const berth__core *core) {
    const berth_options *o = &core->options;
    const uint64_t ppm = o->kv_watermark_ppm;
    const uint64_t blocks = berth__kv_blocks(o, core->ledger.capacity[o->kv_resource]);
    return (blocks / PPM * ppm + blocks % PPM * ppm / PPM) * o->kv_block_units;
}

int berth__kv_mode_admits(const berth__core *core, uint32_t place) {
    const uint64_t asked = berth__units_of(core, place)[core->options.kv_resource];
    const uint64_t left = berth__kv_mode_free(core);
    if (!berth__kv_grows(&core->options) || core->running.count == 0) return 1;
    return asked <= left && watermark(core) <= left - asked;
}
