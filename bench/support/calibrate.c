/* SPDX-License-Identifier: MIT */
#include "calibrate.h"

#include "clock.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE_TRIPS 5000u
#define WAKE_TRIPS 300u
#define SYSCALLS 5000u
/* Two threads that share one core would spin for whole time slices: then yield. */
#define SPINS_BEFORE_YIELD 10000u

/* Even turns are the caller's, odd ones the partner's. */
typedef struct table {
    _Alignas(64) _Atomic uint32_t turn;
    uint32_t trips;
} table;

static void spin_until(table *on, uint32_t turn) {
    for (uint32_t spins = 0; atomic_load_explicit(&on->turn, memory_order_acquire) != turn; spins++)
        if (spins >= SPINS_BEFORE_YIELD) syscall(SYS_sched_yield);
}

static void *bounce(void *argument) {
    table *on = argument;
    for (uint32_t i = 0; i < on->trips; i++) {
        spin_until(on, 2 * i + 1);
        atomic_store_explicit(&on->turn, 2 * i + 2, memory_order_release);
    }
    return NULL;
}

static void sleep_until(table *on, uint32_t turn) {
    for (;;) {
        uint32_t seen = atomic_load_explicit(&on->turn, memory_order_acquire);
        if (seen == turn) return;
        syscall(SYS_futex, &on->turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
}

static void pass(table *on, uint32_t turn) {
    atomic_store_explicit(&on->turn, turn, memory_order_release);
    syscall(SYS_futex, &on->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *doze(void *argument) {
    table *on = argument;
    for (uint32_t i = 0; i < on->trips; i++) {
        sleep_until(on, 2 * i + 1);
        pass(on, 2 * i + 2);
    }
    return NULL;
}

/* The first trip is not timed: the partner has to start. */
static bool line_trip(double *out) {
    table on = {.trips = LINE_TRIPS + 1};
    pthread_t partner;
    if (pthread_create(&partner, NULL, bounce, &on) != 0) return false;
    uint64_t start = 0;
    for (uint32_t i = 0; i <= LINE_TRIPS; i++) {
        if (i == 1) start = bench_now_ns();
        atomic_store_explicit(&on.turn, 2 * i + 1, memory_order_release);
        spin_until(&on, 2 * i + 2);
    }
    *out = (double)(bench_now_ns() - start) / LINE_TRIPS;
    pthread_join(partner, NULL);
    return true;
}

static bool wake(double *out) {
    table on = {.trips = WAKE_TRIPS + 1};
    pthread_t partner;
    if (pthread_create(&partner, NULL, doze, &on) != 0) return false;
    uint64_t start = 0;
    for (uint32_t i = 0; i <= WAKE_TRIPS; i++) {
        if (i == 1) start = bench_now_ns();
        pass(&on, 2 * i + 1);
        sleep_until(&on, 2 * i + 2);
    }
    *out = (double)(bench_now_ns() - start) / (2 * WAKE_TRIPS);
    pthread_join(partner, NULL);
    return true;
}

bool bench_calibrate(bench_calibration *out) {
    if (!line_trip(&out->line_ns) || !wake(&out->wake_ns)) return false;
    uint64_t start = bench_now_ns();
    for (uint32_t i = 0; i < SYSCALLS; i++) syscall(SYS_getppid);
    out->syscall_ns = (double)(bench_now_ns() - start) / SYSCALLS;
    return true;
}
