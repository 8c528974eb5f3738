/* SPDX-License-Identifier: MIT */
#include "runtime/futex.h"

#if BERTH__FUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

void berth__futex_wait(berth__word *word, uint32_t value, uint64_t until_ns) {
    struct timespec until;
    const struct timespec *limit = NULL;
    if (until_ns != UINT64_MAX) {
        until.tv_sec = (time_t)(until_ns / NS_PER_S);
        until.tv_nsec = (long)(until_ns % NS_PER_S);
        limit = &until;
    }
    /* This operation's limit is a moment of the monotonic clock; the plain one's is a duration. */
    (void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, limit, NULL,
                  FUTEX_BITSET_MATCH_ANY);
}

void berth__futex_wake(berth__word *word) {
    (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}
#endif
