/* SPDX-License-Identifier: MIT */
#include "presets.h"

#include <stddef.h>
#include <string.h>

static const replay_policy presets[] = {
    {.name = "bands", .what = "whole reservation, strict bands"},
    {.name = "fifo", .what = "whole reservation, in order of arrival", .one_band = 1},
    {.name = "vllm",
     .what = "the prompt, as long as it fits; the newest gives way",
     .one_band = 1,
     .kv_mode = BERTH_KV_OPTIMISTIC},
    {.name = "trtllm", .what = "whole reservation: nobody is evicted", .one_band = 1},
    {.name = "tgi", .what = "whole reservation", .one_band = 1},
};

const replay_policy *replay_preset_at(uint32_t index) {
    return index < sizeof presets / sizeof presets[0] ? &presets[index] : NULL;
}

const replay_policy *replay_preset_find(const char *name) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0) return &presets[i];
    return NULL;
}

const char *replay_preset_wanted(void) {
    return "bands, fifo, vllm, trtllm or tgi";
}
