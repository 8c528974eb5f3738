/* SPDX-License-Identifier: MIT */
/*
 * What:    a load whose value nobody wants, and hints: the line is about to be used.
 * Why:     lines that are asked for one after another come one after another; loads that do not
 *          depend on each other come together. A prefetch may be dropped where its page is in no
 *          translation buffer, which in a large table is nearly always; a load is not.
 * Rules:   as for any load: only what the caller may read now. Without a lock use a prefetch.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_TOUCH_H
#define BERTH__BASE_TOUCH_H

#define BERTH__LINE_SIZE 64 /* bytes that two cores hand to each other as one */

/* A hint: the line is about to be written. What the compiler makes of its own asks for a copy that
 * others may keep, on processors that it does not know better. */
static inline void berth__expect_write(const void *at) {
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const unsigned char *)at));
#else
    __builtin_prefetch(at, 1);
#endif
}

/* The same for reading. What the compiler makes of its own may be thrown away with the function
 * that it stands in, which does nothing else. */
static inline void berth__expect_read(const void *at) {
#if defined(__x86_64__)
    __asm__ volatile("prefetcht0 %0" : : "m"(*(const unsigned char *)at));
#else
    __builtin_prefetch(at);
#endif
}

static inline void berth__touch(const void *at) {
    (void)*(const volatile unsigned char *)at;
}

#endif
