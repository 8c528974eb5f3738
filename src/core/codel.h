/* SPDX-License-Identifier: MIT */
/*
 * What:    CoDel: whether the request that is about to be admitted should be dropped instead.
 * Why:     a queue that stays long only makes everybody late; a burst that goes away harms nobody.
 * Rules:   RFC 8289, in integers. Once every request of a whole interval waited for target or
 *          longer, one is dropped, and further ones interval / sqrt(count) apart, until one waited
 *          less. The last one of a queue is never dropped.
 * Threads: none of its own.
 *
 * Clients do not slow down when they are dropped, as TCP does, so a new spell goes on at two less
 * than the last one's count (Nichols and Jacobson, "Controlling queue delay", 2012), and not at
 * what that one added (the RFC): under three times the load, 80 % are in time instead of 20 %.
 */
#ifndef BERTH__CORE_CODEL_H
#define BERTH__CORE_CODEL_H

#include <stdint.h>

typedef struct berth__codel {
    uint64_t above_until_ns; /* if all wait too long up to here, drop; 0 = the last one did not */
    uint64_t drop_next_at_ns;
    uint32_t count; /* dropped in this spell, and before it if that was just now */
    uint32_t dropping;
} berth__codel;

/* What is known of the one that is about to be admitted. */
typedef struct berth__delay {
    uint64_t now;
    uint64_t waited_ns;
    uint64_t target_ns;
    uint64_t interval_ns; /* an hour at most */
    uint32_t alone;       /* 1 = nobody else waits in this queue */
    uint32_t reserved;
} berth__delay;

/* 1 if it should be dropped. */
int berth__codel_drops(berth__codel *codel, const berth__delay *delay);

/* interval / sqrt(count), count 1 or more. */
uint64_t berth__codel_pace(uint64_t interval_ns, uint32_t count);

#endif
