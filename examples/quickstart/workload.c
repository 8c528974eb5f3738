/* SPDX-License-Identifier: MIT */
#include "workload.h"

#include <berth.h>
#include <string.h>

uint64_t workload_random(uint64_t *state, uint64_t bound) {
    uint64_t value = (*state += UINT64_C(0x9e3779b97f4a7c15));
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (value ^ (value >> 31)) % bound;
}

/* One in ten is urgent, three in ten are ordinary, the rest can wait. */
static uint32_t deal_band(uint64_t *state) {
    uint64_t draw = workload_random(state, 10);
    if (draw < 1) return BERTH_BAND_HIGH;
    return draw < 4 ? BERTH_BAND_NORMAL : BERTH_BAND_LOW;
}

/* The longest reply among the high requests that arrive while the burst is at its height. */
static uint32_t pick_watched(const workload *work) {
    uint32_t best = work->count / 2;
    uint64_t longest = 0;
    for (uint32_t i = work->count / 2; i < work->count; i++) {
        const workload_item *item = &work->item[i];
        if (item->band != BERTH_BAND_HIGH || item->output_tokens <= longest) continue;
        longest = item->output_tokens;
        best = i;
    }
    return best;
}

void workload_deal(workload *work, uint64_t seed) {
    uint64_t state = seed;
    for (uint32_t i = 0; i < work->count; i++) {
        workload_item *item = &work->item[i];
        item->index = i;
        item->band = deal_band(&state);
        /* A client asks for some more than it gets, in whole KV blocks of 16 tokens. */
        item->max_new_tokens = (item->output_tokens * 5 / 4 / 16 + 1) * 16;
        uint64_t draw = workload_random(&state, 16);
        uint64_t patience = (150 + workload_random(&state, 600)) * MILLISECOND;
        item->cancel_ns = draw == 0 ? patience : 0;
    }
    work->watched = pick_watched(work);
    work->item[work->watched].band = BERTH_BAND_HIGH;
    work->item[work->watched].cancel_ns = 0;
}

void workload_generate(workload *work, uint64_t seed) {
    uint64_t state = seed;
    memset(work, 0, sizeof *work);
    work->count = WORKLOAD_COUNT;
    for (uint32_t i = 0; i < work->count; i++) {
        workload_item *item = &work->item[i];
        uint64_t scale = UINT64_C(16) << workload_random(&state, 5);
        item->at_ns = i * WORKLOAD_BURST_NS / work->count;
        item->prompt_tokens = scale + workload_random(&state, scale);
        item->output_tokens = 8 + workload_random(&state, 73);
    }
    workload_deal(work, seed + 1);
}
