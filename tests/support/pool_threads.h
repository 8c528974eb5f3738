/* SPDX-License-Identifier: MIT */
/*
 * What:    threads, latches and a watchdog for tests of blocking calls.
 * Why:     a blocked call must be seen to be blocked without a sleep that is hoped to be enough.
 * Rules:   threads record, the test thread asserts; a hang ends the process with a message.
 * Threads: any.
 */
#ifndef BERTH_TESTS_POOL_THREADS_H
#define BERTH_TESTS_POOL_THREADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define POOL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POOL_TSAN 1
#endif
#endif
#ifndef POOL_TSAN
#define POOL_TSAN 0
#endif

/* A door that threads wait at until it is opened. */
typedef struct pool_latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t open;    /* guarded by lock */
    uint32_t waiting; /* guarded by lock: threads that are at the door now */
    uint32_t passed;  /* guarded by lock */
} pool_latch;

#define POOL_LATCH_INIT                                                                            \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0 }

void pool_latch_wait(pool_latch *latch);
void pool_latch_open(pool_latch *latch);
void pool_latch_shut(pool_latch *latch);

/* Wait until `count` threads stand at the door. */
void pool_latch_await(pool_latch *latch, uint32_t count);

/* How many stand there now. */
uint32_t pool_latch_waiting(pool_latch *latch);

/* A thread that runs body(argument). */
typedef struct pool_thread {
    pthread_t handle;
    void (*body)(void *argument);
    void *argument;
    atomic_int system_id; /* 0 until it runs */
    atomic_int calling;   /* set by the body just before the call that blocks */
} pool_thread;

void pool_thread_start(pool_thread *thread, void (*body)(void *argument), void *argument);
void pool_thread_join(pool_thread *thread);

/* The body says: the next thing I do is the blocking call. */
void pool_thread_calls(pool_thread *thread);

/* Wait until a thread that has said so sleeps in the kernel: it is inside the blocking call. */
void pool_thread_await_blocked(pool_thread *thread);

void pool_sleep_ms(uint32_t ms);

/* Machine's monotonic clock. */
uint64_t pool_now_ns(void);

/* End the process with a message that names `what`, unless pool_watchdog is called again first;
 * 0 seconds switches it off. */
void pool_watchdog(const char *what, uint32_t seconds);

/* 1 if BERTH_TEST_TIER is "long". */
int pool_tier_long(void);

/* A number for a loop: by tier, and smaller under ThreadSanitizer. */
uint32_t pool_rounds(uint32_t in_short, uint32_t in_long, uint32_t under_tsan);

/* Seed of this run: BERTH_TEST_SEED, or a fixed number; printed once. */
uint64_t pool_seed(void);

/* A small random generator (splitmix64). */
uint64_t pool_random(uint64_t *state);

#endif
