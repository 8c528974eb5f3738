/* SPDX-License-Identifier: MIT */
/* What: an order that is not that of arrival, the same in every run.
 * Why: ours and the peers are hit in the same way.
 * Rules: Fisher-Yates over a fixed generator.
 * Threads: any, on arrays of their own. */
#ifndef PEER_SHUFFLE_H
#define PEER_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

static inline void shuffle(uint64_t *values, size_t count) {
    uint64_t state = 1;
    for (size_t i = count; i > 1; i--) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t other = (size_t)((state >> 33) % i);
        uint64_t kept = values[i - 1];
        values[i - 1] = values[other];
        values[other] = kept;
    }
}

#endif
