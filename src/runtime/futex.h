/* SPDX-License-Identifier: MIT */
/*
 * What:    sleeping on a word of memory until another thread says that it changed.
 * Why:     the pool's lock and its sleepers are four bytes each, and a system call is made only
 *          where somebody really sleeps.
 * Rules:   on Linux only: elsewhere the lock and the sleepers are libuv's. Waking an address that
 *          nobody sleeps on any more is harmless, even if its memory has been given back.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_FUTEX_H
#define BERTH__RUNTIME_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

#if defined(__linux__) && !defined(BERTH_PLAIN_LOCKS)
#define BERTH__FUTEX 1
#else
#define BERTH__FUTEX 0
#endif

typedef _Atomic uint32_t berth__word;

#if BERTH__FUTEX
/* Sleep while the word is `value`, at most until the monotonic clock reads until_ns; UINT64_MAX
 * has no limit. May return early: the caller looks at the word again. */
void berth__futex_wait(berth__word *word, uint32_t value, uint64_t until_ns);

/* Wake one thread that sleeps on the word. */
void berth__futex_wake(berth__word *word);
#endif

/* Tell the processor that this thread waits for another one. */
static inline void berth__relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
