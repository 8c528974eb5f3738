/* SPDX-License-Identifier: MIT */
#include "core/codel.h"
#include "base/checked.h"

/* A new spell of dropping that begins so soon after the last goes on almost where that one was. */
#define SOON_INTERVALS 16u

/* floor(sqrt(x)), digit by digit in base 4. */
static uint64_t square_root(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root;
}

/* The root in 16.16 fixed point: an hour in nanoseconds has 42 bits, and 16 more fit. */
uint64_t berth__codel_pace(uint64_t interval_ns, uint32_t count) {
    return (interval_ns << 16) / square_root((uint64_t)count << 32);
}

/* Have all waited too long for an interval? */
static int is_bad(berth__codel *codel, const berth__delay *delay) {
    if (delay->waited_ns < delay->target_ns || delay->alone) {
        codel->above_until_ns = 0;
        return 0;
    }
    if (codel->above_until_ns == 0) {
        codel->above_until_ns = berth__add_saturating(delay->now, delay->interval_ns);
        return 0;
    }
    return delay->now >= codel->above_until_ns;
}

static void begin(berth__codel *codel, const berth__delay *delay) {
    const uint64_t soon_ns = berth__mul_saturating(delay->interval_ns, SOON_INTERVALS);
    const uint64_t until_ns = berth__add_saturating(codel->drop_next_at_ns, soon_ns);
    codel->dropping = 1;
    codel->count = codel->count > 2 && delay->now < until_ns ? codel->count - 2 : 1;
    codel->drop_next_at_ns =
        berth__add_saturating(delay->now, berth__codel_pace(delay->interval_ns, codel->count));
}

int berth__codel_drops(berth__codel *codel, const berth__delay *delay) {
    if (!is_bad(codel, delay)) {
        codel->dropping = 0;
        return 0;
    }
    if (!codel->dropping) {
        begin(codel, delay);
        return 1;
    }
    if (delay->now < codel->drop_next_at_ns) return 0;
    if (codel->count < UINT32_MAX) codel->count++;
    codel->drop_next_at_ns = berth__add_saturating(
        codel->drop_next_at_ns, berth__codel_pace(delay->interval_ns, codel->count));
    return 1;
}
