/* SPDX-License-Identifier: MIT */
#include "deal.h"
#include "random.h"

#include <stdlib.h>

/* A card of 0..99, the remainder's bias being below 2^-57. */
static uint32_t band_of(const replay_settings *settings, uint32_t index) {
    const uint32_t card = (uint32_t)(replay_random_at(settings->seed, index) % 100);
    if (card < settings->shares[BERTH_BAND_HIGH]) return BERTH_BAND_HIGH;
    if (card < settings->shares[BERTH_BAND_HIGH] + settings->shares[BERTH_BAND_NORMAL])
        return BERTH_BAND_NORMAL;
    return BERTH_BAND_LOW;
}

/* The k-th tenant's share, of 2^20 for the first: 1/k. */
static uint64_t share_of(uint32_t k) {
    return (UINT64_C(1) << 20) / k;
}

/* Tenants 1 to `tenants`, by a card of their shares' sum. */
static void deal_tenants(const replay_settings *settings, replay_trace *trace) {
    uint64_t sum = 0;
    for (uint32_t k = 1; k <= settings->tenants; k++) sum += share_of(k);
    for (uint32_t i = 0; i < trace->count; i++) {
        uint64_t card = replay_random_at(~settings->seed, i) % sum;
        uint32_t k = 1;
        for (; card >= share_of(k); k++) card -= share_of(k);
        trace->rows[i].tenant = k;
    }
}

static int by_number(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

typedef struct tenant_size {
    uint64_t tenant;
    uint64_t requests;
} tenant_size;

/* Most requests first; among equals by number. */
static int by_size(const void *left, const void *right) {
    const tenant_size *a = left, *b = right;
    if (a->requests != b->requests) return a->requests < b->requests ? 1 : -1;
    return (a->tenant > b->tenant) - (a->tenant < b->tenant);
}

typedef struct tenant_rank {
    uint64_t tenant;
    uint32_t rank;
} tenant_rank;

/* From the rows' numbers, sorted, to sizes; how many tenants there are. */
static uint32_t count_sizes(const uint64_t *numbers, uint32_t count, tenant_size *out) {
    uint32_t tenants = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || numbers[i] != numbers[i - 1])
            out[tenants++] = (tenant_size){.tenant = numbers[i]};
        out[tenants - 1].requests++;
    }
    return tenants;
}

static void set_ranks(replay_trace *trace, const tenant_rank *ranks) {
    for (uint32_t i = 0; i < trace->count; i++) {
        const tenant_rank *of =
            bsearch(&trace->rows[i].tenant, ranks, trace->tenant_count, sizeof *ranks, by_number);
        trace->rows[i].tenant_rank = of->rank;
    }
}

static int rank_tenants(replay_trace *trace) {
    uint64_t *numbers = malloc(trace->count * sizeof *numbers);
    tenant_size *sizes = malloc(trace->count * sizeof *sizes);
    tenant_rank *ranks = malloc(trace->count * sizeof *ranks);
    int result = -1;
    if (numbers == NULL || sizes == NULL || ranks == NULL) goto out;
    for (uint32_t i = 0; i < trace->count; i++) numbers[i] = trace->rows[i].tenant;
    qsort(numbers, trace->count, sizeof *numbers, by_number);
    trace->tenant_count = count_sizes(numbers, trace->count, sizes);
    qsort(sizes, trace->tenant_count, sizeof *sizes, by_size);
    for (uint32_t i = 0; i < trace->tenant_count; i++) {
        numbers[i] = sizes[i].tenant;
        ranks[i] = (tenant_rank){sizes[i].tenant, i};
    }
    qsort(ranks, trace->tenant_count, sizeof *ranks, by_number); /* the number comes first in it */
    set_ranks(trace, ranks);
    trace->tenants = numbers;
    numbers = NULL;
    result = 0;
out:
    free(numbers);
    free(sizes);
    free(ranks);
    return result;
}

int replay_deal(const replay_settings *settings, replay_trace *trace) {
    for (uint32_t i = 0; i < trace->count; i++) {
        replay_row *row = &trace->rows[i];
        row->band = band_of(settings, i);
        row->arrive_at_ns = (uint64_t)((double)row->arrive_at_ns / settings->speed);
    }
    if (settings->tenants != 0) deal_tenants(settings, trace);
    return rank_tenants(trace);
}
