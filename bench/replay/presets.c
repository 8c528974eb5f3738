/* SPDX-License-Identifier: MIT */
#include "presets.h"

#include <stddef.h>
#include <string.h>

/*
 * What each engine asks before it lets a request in, and what it does when it was wrong. Numbers
 * are those engines' own defaults where they have one; all run on the same time model. What they
 * do beyond admission is not imitated, but for a prefix cache where the replay keeps one.
 */
static const replay_policy presets[] = {
    {.name = "bands", .what = "whole reservation, strict bands"},
    {.name = "fifo", .what = "whole reservation, in order of arrival", .one_band = 1},
    {.name = "vllm",
     .what = "the prompt, as long as it fits; the newest gives way",
     .one_band = 1,
     .kv_mode = BERTH_KV_OPTIMISTIC,
     .step_tokens = 8192},
    {.name = "sglang",
     .what = "the prompt and a falling part of what is to come; who has least output gives way",
     .one_band = 1,
     .kv_mode = BERTH_KV_RATIO,
     .victim = BERTH_VICTIM_LEAST_COMPUTED,
     .step_tokens = 8192},
    {.name = "trtllm",
     .what = "whole reservation, nobody is evicted",
     .one_band = 1,
     .step_tokens = 8192},
    {.name = "tgi", .what = "whole reservation, smaller steps", .one_band = 1, .step_tokens = 4096},
    {.name = "llamacpp",
     .what = "a free slot of 32; a full cache fails all",
     .one_band = 1,
     .sequences = 32,
     .kv_mode = BERTH_KV_OPTIMISTIC,
     .overcommit = 1,
     .step_tokens = 2048},
    /*
     * Ours, from what a server wants of its engine, not from any trace:
     * - KV by the peak of what is to come: nobody is evicted, and more run than by whole
     *   reservation. Small steps, so that a long prompt does not hold up those who generate, but
     *   large enough that an engine's fixed cost of a prefill is at most a tenth of it.
     * - Who is shortest goes first (nobody is passed by more than 64), tenants by their counters.
     * - Who could hardly be in time any more goes on behind those who can: nothing is lost, and it
     *   is served when there is room, at most in seven tenths of the pool.
     * - While the tokens of those who are to be in time take longer than nine tenths of the target,
     *   by the mean of each so far, as the target counts them, nobody more is let in.
     */
    {.name = "berth",
     .what = "the peak of what is to come, small steps, shortest first, the late behind the others",
     .kv_mode = BERTH_KV_FUTURE_PEAK,
     .fairness = BERTH_FAIRNESS_VTC,
     .order = BERTH_ORDER_SHORTEST,
     .fit = BERTH_FIT_EASY,
     .queue_ppm = 900000,
     .late_ppm = 700000,
     .pace_ppm = 900000,
     .fixed_ppm = 100000,
     .step_tokens = 1024},
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
    return "bands, fifo, vllm, sglang, trtllm, tgi, llamacpp or berth";
}
