/* SPDX-License-Identifier: MIT */
#include "fairness.h"

#define PROMPT_WEIGHT 1.0
#define OUTPUT_WEIGHT 2.0

void replay_fairness_init(replay_fairness *f, uint32_t tenants) {
    *f = (replay_fairness){.tenants = tenants < REPLAY_FAIRNESS_TENANTS ? tenants
                                                                        : REPLAY_FAIRNESS_TENANTS};
}

/* A stretch begins for every pair of this tenant. */
static void begin(replay_fairness *f, uint32_t tenant) {
    for (uint32_t other = 0; other < f->tenants; other++) {
        const uint32_t i = tenant < other ? tenant : other;
        const uint32_t j = tenant < other ? other : tenant;
        f->low[i][j] = f->high[i][j] = f->service[i] - f->service[j];
    }
}

void replay_fairness_parked(replay_fairness *f, uint32_t tenant, int by) {
    if (tenant >= f->tenants) return;
    if (by > 0 && f->parked[tenant] == 0) begin(f, tenant);
    f->parked[tenant] += by > 0 ? 1 : UINT64_MAX;
}

void replay_fairness_served(replay_fairness *f, uint32_t tenant, uint64_t prompt_tokens,
                            uint64_t output_tokens) {
    if (tenant >= f->tenants) return;
    f->service[tenant] +=
        PROMPT_WEIGHT * (double)prompt_tokens + OUTPUT_WEIGHT * (double)output_tokens;
}

void replay_fairness_look(replay_fairness *f) {
    for (uint32_t i = 0; i < f->tenants; i++) {
        if (f->parked[i] == 0) continue;
        for (uint32_t j = i + 1; j < f->tenants; j++) {
            if (f->parked[j] == 0) continue;
            const double difference = f->service[i] - f->service[j];
            if (difference < f->low[i][j]) f->low[i][j] = difference;
            if (difference > f->high[i][j]) f->high[i][j] = difference;
            if (f->high[i][j] - f->low[i][j] <= f->gap) continue;
            f->gap = f->high[i][j] - f->low[i][j];
            f->pair[0] = i;
            f->pair[1] = j;
        }
    }
}
