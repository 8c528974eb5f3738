/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "support/pool_threads.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- Latch ---- */

void pool_latch_wait(pool_latch *latch) {
    pthread_mutex_lock(&latch->lock);
    latch->waiting++;
    pthread_cond_broadcast(&latch->changed);
    while (!latch->open) pthread_cond_wait(&latch->changed, &latch->lock);
    latch->waiting--;
    latch->passed++;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

void pool_latch_open(pool_latch *latch) {
    pthread_mutex_lock(&latch->lock);
    latch->open = 1;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

void pool_latch_shut(pool_latch *latch) {
    pthread_mutex_lock(&latch->lock);
    latch->open = 0;
    pthread_mutex_unlock(&latch->lock);
}

void pool_latch_await(pool_latch *latch, uint32_t count) {
    pthread_mutex_lock(&latch->lock);
    while (latch->waiting < count) pthread_cond_wait(&latch->changed, &latch->lock);
    pthread_mutex_unlock(&latch->lock);
}

uint32_t pool_latch_waiting(pool_latch *latch) {
    pthread_mutex_lock(&latch->lock);
    uint32_t waiting = latch->waiting;
    pthread_mutex_unlock(&latch->lock);
    return waiting;
}

/* ---- Threads ---- */

static void *run_thread(void *argument) {
    pool_thread *thread = argument;
    atomic_store(&thread->system_id, (int)syscall(SYS_gettid));
    thread->body(thread->argument);
    return NULL;
}

void pool_thread_start(pool_thread *thread, void (*body)(void *argument), void *argument) {
    thread->body = body;
    thread->argument = argument;
    atomic_store(&thread->system_id, 0);
    atomic_store(&thread->calling, 0);
    if (pthread_create(&thread->handle, NULL, run_thread, thread) != 0) {
        fputs("a test thread could not be made\n", stderr);
        exit(1);
    }
}

void pool_thread_join(pool_thread *thread) {
    pthread_join(thread->handle, NULL);
}

void pool_thread_calls(pool_thread *thread) {
    atomic_store(&thread->calling, 1);
}

/* State of a thread as the kernel has it: the letter after the name in its stat line. */
static char thread_state(int system_id) {
    char path[64];
    char line[256];
    char state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", system_id);
    FILE *file = fopen(path, "r");
    if (file == NULL) return '?';
    if (fgets(line, sizeof line, file) != NULL) {
        const char *name_end = strrchr(line, ')');
        if (name_end != NULL && name_end[1] == ' ') state = name_end[2];
    }
    fclose(file);
    return state;
}

void pool_thread_await_blocked(pool_thread *thread) {
    while (!atomic_load(&thread->calling)) pool_sleep_ms(1);
    /* Twice in a row, so that a short wait for the pool lock does not count. */
    for (uint32_t asleep = 0; asleep < 2;) {
        asleep = thread_state(atomic_load(&thread->system_id)) == 'S' ? asleep + 1 : 0;
        pool_sleep_ms(2);
    }
}

/* ---- Time ---- */

void pool_sleep_ms(uint32_t ms) {
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

uint64_t pool_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const char *watched = "";

static void on_alarm(int number) {
    static const char head[] = "watchdog: hangs in ";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, head, sizeof head - 1);
    ignored = write(STDERR_FILENO, watched, strlen(watched));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    _exit(99);
}

void pool_watchdog(const char *what, uint32_t seconds) {
    watched = what;
    signal(SIGALRM, on_alarm);
    alarm(seconds);
}

/* ---- Tiers and seeds ---- */

int pool_tier_long(void) {
    const char *tier = getenv("BERTH_TEST_TIER");
    return tier != NULL && strcmp(tier, "long") == 0;
}

uint32_t pool_rounds(uint32_t in_short, uint32_t in_long, uint32_t under_tsan) {
    if (POOL_TSAN) return under_tsan;
    return pool_tier_long() ? in_long : in_short;
}

uint64_t pool_seed(void) {
    const char *text = getenv("BERTH_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20251;
    printf("BERTH_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

uint64_t pool_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
