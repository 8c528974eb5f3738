/* SPDX-License-Identifier: MIT */
#include "core/rate.h"
#include "base/checked.h"

#define WINDOW 128u
#define STALE_INTERVALS 16u
#define UNKNOWN_NS UINT64_C(1000000000)    /* hint while nothing was measured: 1 s */
#define RETRY_NS_MIN UINT64_C(1000000)     /* 1 ms */
#define RETRY_NS_MAX UINT64_C(60000000000) /* 60 s */

void berth__rate_init(berth__rate *rate, uint64_t seed) {
    *rate = (berth__rate){.seed = seed};
}

void berth__rate_touch(berth__rate *rate, uint64_t now, int parked) {
    if (parked) {
        rate->busy_ns = berth__add_saturating(rate->busy_ns, now - rate->since_at_ns);
        /* Who passes through the queue on the way in was not parked. */
        if (now > rate->since_at_ns) rate->busy_at_ns = now;
    }
    rate->since_at_ns = now;
}

void berth__rate_admitted(berth__rate *rate, const uint64_t *units, uint32_t unit_count) {
    rate->refused = 0;
    for (uint32_t r = 0; r < unit_count; r++)
        rate->units[r] = berth__add_saturating(rate->units[r], units[r]);
    if (++rate->admitted < WINDOW) return;
    rate->admitted /= 2;
    rate->busy_ns /= 2;
    for (uint32_t r = 0; r < BERTH_RESOURCES_MAX; r++) rate->units[r] /= 2;
}

uint64_t berth__rate_interval(const berth__rate *rate) {
    return rate->admitted == 0 ? 0 : rate->busy_ns / rate->admitted;
}

int berth__rate_is_stale(const berth__rate *rate, uint64_t now) {
    const uint64_t known_ns = berth__mul_saturating(berth__rate_interval(rate), STALE_INTERVALS);
    return rate->admitted == 0 || now - rate->busy_at_ns > known_ns;
}

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t berth__rate_retry_after(berth__rate *rate, uint64_t at_least_ns) {
    rate->refused++;
    rate->ordinal++;
    const uint64_t interval = rate->admitted == 0 ? UNKNOWN_NS : berth__rate_interval(rate);
    uint64_t wait = berth__mul_saturating(interval, rate->refused);
    if (wait < at_least_ns) wait = at_least_ns;
    if (wait < RETRY_NS_MIN) wait = RETRY_NS_MIN;
    if (wait > RETRY_NS_MAX) wait = RETRY_NS_MAX;
    /* Up to a quarter more (75 s at most), so that clients refused together do not come back
     * together. */
    return wait + mix(rate->seed ^ rate->ordinal) % (wait / 4 + 1);
}
