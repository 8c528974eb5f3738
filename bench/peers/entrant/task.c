/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "support/clock.h"

#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PENDING = 0, WAITED_FOR = 1, DONE = 2 };

/* About a microsecond: what runs at once is not slept for. */
#define SPINS 100u

static void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void peer_run(peer_task *task) {
    if (task->stamp != 0) task->started_at_ns = bench_now_ns();
    task->value = task->value * 2862933555777941757u + task->band;
}

void peer_task_finish(peer_task *task) {
    if (__atomic_exchange_n(&task->state, DONE, __ATOMIC_RELEASE) == WAITED_FOR)
        syscall(SYS_futex, &task->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void peer_task_wait(peer_task *task) {
    for (uint32_t i = 0; i < SPINS; i++) {
        if (__atomic_load_n(&task->state, __ATOMIC_ACQUIRE) == DONE) return;
        rest();
    }
    uint32_t seen = PENDING;
    __atomic_compare_exchange_n(&task->state, &seen, WAITED_FOR, 0, __ATOMIC_ACQUIRE,
                                __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&task->state, __ATOMIC_ACQUIRE) != DONE)
        syscall(SYS_futex, &task->state, FUTEX_WAIT_PRIVATE, WAITED_FOR, NULL, NULL, 0);
}

void peer_say(const char *metric, const char *unit, double value) {
    printf("%s %s %.6g\n", metric, unit, value);
}

uint64_t peer_now_ns(void) {
    return bench_now_ns();
}
