/* SPDX-License-Identifier: MIT */
#include "core/kv_peak.h"
#include "base/checked.h"

#include <string.h>

static int goes_before(const berth__peak_item *a, const berth__peak_item *b) {
    return a->left != b->left ? a->left > b->left : a->admission < b->admission;
}

static uint64_t multiply_saturating(uint64_t a, uint64_t b) {
    uint64_t product;
    return berth__mul(a, b, &product) ? product : UINT64_MAX;
}

/* What the first `rank` hold when the last of them ends. */
static uint64_t at_the_end_of(uint64_t sum, uint64_t left, uint64_t rank) {
    return berth__add_saturating(sum, multiply_saturating(left, rank));
}

static void sum_up(berth__peak *peak) {
    uint64_t sum = 0;
    uint64_t most = 0;
    for (uint32_t i = 0; i < peak->count; i++) {
        sum = berth__add_saturating(sum, peak->items[i].current);
        const uint64_t here = at_the_end_of(sum, peak->items[i].left, (uint64_t)i + 1);
        if (here > most) most = here;
        peak->sums[i] = sum;
        peak->before[i] = most;
    }
    most = 0;
    for (uint32_t i = peak->count; i-- > 0;) {
        const uint64_t here = at_the_end_of(peak->sums[i], peak->items[i].left, (uint64_t)i + 2);
        if (here > most) most = here;
        peak->after[i] = most;
    }
}

/* How many from `from` on are in order. */
static uint32_t run_at(const berth__peak *peak, uint32_t from) {
    uint32_t end = from + 1;
    while (end < peak->count && !goes_before(&peak->items[end], &peak->items[end - 1])) end++;
    return end - from;
}

/* Two neighbours of `a` and `b` items, each in order, become one. */
static void merge(berth__peak *peak, uint32_t from, uint32_t a, uint32_t b) {
    berth__peak_item *out = peak->items + from;
    const berth__peak_item *right = peak->items + from + a;
    const berth__peak_item *left = peak->scratch;
    const berth__peak_item *const left_end = left + a;
    const berth__peak_item *const right_end = right + b;
    memcpy(peak->scratch, out, a * sizeof *out);
    while (left < left_end)
        *out++ = right < right_end && goes_before(right, left) ? *right++ : *left++;
}

/* One pass of a natural merge sort: every second run joins the one before it. How many are left. */
static uint32_t merge_runs(berth__peak *peak) {
    uint32_t runs = 0;
    for (uint32_t at = 0; at < peak->count; runs++) {
        const uint32_t a = run_at(peak, at);
        const uint32_t b = at + a < peak->count ? run_at(peak, at + a) : 0;
        if (b > 0) merge(peak, at, a, b);
        at += a + b;
    }
    return runs;
}

void berth__peak_sort(berth__peak *peak) {
    while (merge_runs(peak) > 1) {
    }
    sum_up(peak);
}

/* How many are before one that has so much left. */
static uint32_t rank_of(const berth__peak *peak, uint64_t left) {
    uint32_t low = 0;
    uint32_t high = peak->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (peak->items[middle].left >= left)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void berth__peak_insert(berth__peak *peak, const berth__peak_item *item) {
    const uint32_t at = rank_of(peak, item->left);
    memmove(peak->items + at + 1, peak->items + at, (peak->count - at) * sizeof *item);
    peak->items[at] = *item;
    peak->count++;
    sum_up(peak);
}

uint64_t berth__peak_with(const berth__peak *peak, uint64_t current, uint64_t left) {
    const uint32_t at = rank_of(peak, left);
    const uint64_t sum = berth__add_saturating(at > 0 ? peak->sums[at - 1] : 0, current);
    uint64_t most = at_the_end_of(sum, left, (uint64_t)at + 1);
    if (at > 0 && peak->before[at - 1] > most) most = peak->before[at - 1];
    if (at == peak->count) return most;
    const uint64_t behind = berth__add_saturating(peak->after[at], current);
    return behind > most ? behind : most;
}
