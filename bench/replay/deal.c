/* SPDX-License-Identifier: MIT */
#include "deal.h"
#include "random.h"

/* A card of 0..99, the remainder's bias being below 2^-57. */
static uint32_t band_of(const replay_settings *settings, uint32_t index) {
    const uint32_t card = (uint32_t)(replay_random_at(settings->seed, index) % 100);
    if (card < settings->shares[BERTH_BAND_HIGH]) return BERTH_BAND_HIGH;
    if (card < settings->shares[BERTH_BAND_HIGH] + settings->shares[BERTH_BAND_NORMAL])
        return BERTH_BAND_NORMAL;
    return BERTH_BAND_LOW;
}

void replay_deal(const replay_settings *settings, replay_trace *trace) {
    for (uint32_t i = 0; i < trace->count; i++) {
        replay_row *row = &trace->rows[i];
        row->band = band_of(settings, i);
        row->arrive_at_ns = (uint64_t)((double)row->arrive_at_ns / settings->speed);
    }
}
