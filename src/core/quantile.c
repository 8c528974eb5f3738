/* SPDX-License-Identifier: MIT */
#include "core/quantile.h"

#define EXACT 16u       /* lengths below this have a bucket each */
#define OCTAVE_FIRST 4u /* 2^4 = EXACT */
#define PER_OCTAVE 8u
#define TOKENS_MAX ((UINT64_C(1) << 20) - 1)
#define TOTAL_MAX 4096u
#define TOTAL_MIN 8u
#define PPM UINT64_C(1000000)

static uint32_t bucket_of(uint64_t tokens) {
    uint32_t octave = OCTAVE_FIRST;
    if (tokens < EXACT) return (uint32_t)tokens;
    if (tokens > TOKENS_MAX) tokens = TOKENS_MAX;
    while (tokens >> (octave + 1) != 0) octave++;
    return EXACT + (octave - OCTAVE_FIRST) * PER_OCTAVE +
           (uint32_t)(tokens >> (octave - 3) & (PER_OCTAVE - 1));
}

/* The longest that falls into it. */
static uint64_t longest_in(uint32_t bucket) {
    if (bucket < EXACT) return bucket;
    const uint32_t octave = OCTAVE_FIRST + (bucket - EXACT) / PER_OCTAVE;
    const uint64_t part = PER_OCTAVE + (bucket - EXACT) % PER_OCTAVE;
    return ((part + 1) << (octave - 3)) - 1;
}

void berth__quantile_add(berth__quantile *quantile, uint64_t tokens) {
    quantile->counts[bucket_of(tokens)]++;
    if (++quantile->total < TOTAL_MAX) return;
    quantile->total = 0;
    for (uint32_t b = 0; b < BERTH__QUANTILE_BUCKETS; b++) {
        quantile->counts[b] = (uint16_t)(quantile->counts[b] / 2);
        quantile->total += quantile->counts[b];
    }
}

uint64_t berth__quantile_of(const berth__quantile *quantile, uint32_t ppm, uint64_t above) {
    uint32_t first = bucket_of(above);
    uint64_t longer = 0;
    uint64_t seen = 0;
    if (quantile->total < TOTAL_MIN || above >= TOKENS_MAX) return 0;
    if (above >= longest_in(first)) first++; /* nobody in its own bucket is longer */
    for (uint32_t b = first; b < BERTH__QUANTILE_BUCKETS; b++) longer += quantile->counts[b];
    if (longer == 0) return 0;
    for (uint32_t b = first; b < BERTH__QUANTILE_BUCKETS; b++) {
        seen += quantile->counts[b];
        if (quantile->counts[b] != 0 && seen * PPM >= longer * ppm) return longest_in(b);
    }
    return 0;
}
