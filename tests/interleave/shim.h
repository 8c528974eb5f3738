/* SPDX-License-Identifier: MIT */
/*
 * What:    atomics as steps of the explorer.
 * Why:     the library's own sources are explored, not a model of them.
 * Rules:   included before everything else by the compiler (-include). Every operation is one step
 *          and sequentially consistent: what weaker orders allow is ThreadSanitizer's to find.
 * Threads: the explorer's, of which one runs at a time.
 */
#ifndef BERTH_TESTS_INTERLEAVE_SHIM_H
#define BERTH_TESTS_INTERLEAVE_SHIM_H

#include <stdatomic.h>

/* Here another thread may run first. */
void interleave_step(const char *file, int line);

/* This thread waits for another one by looking: another one runs first. */
void interleave_relax(void);

#define STEP interleave_step(__FILE__, __LINE__)
#define PLAIN(object) __typeof__((object) + 0)

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit

#define atomic_load_explicit(object, order) (STEP, *(object))
#define atomic_store_explicit(object, value, order)                                                \
    __extension__({                                                                                \
        PLAIN(*(object)) to_store = (value);                                                       \
        STEP;                                                                                      \
        *(object) = to_store;                                                                      \
    })
#define FETCH(object, value, change)                                                               \
    __extension__({                                                                                \
        PLAIN(*(object)) operand = (value);                                                        \
        STEP;                                                                                      \
        PLAIN(*(object)) before = *(object);                                                       \
        *(object) = change;                                                                        \
        before;                                                                                    \
    })
#define atomic_exchange_explicit(object, value, order) FETCH(object, value, operand)
#define atomic_fetch_add_explicit(object, value, order) FETCH(object, value, before + operand)
#define atomic_fetch_or_explicit(object, value, order) FETCH(object, value, before | operand)
#define atomic_fetch_and_explicit(object, value, order) FETCH(object, value, before &operand)
#define atomic_compare_exchange_strong_explicit(object, expected, value, order, failed)            \
    __extension__({                                                                                \
        PLAIN(*(object)) wanted = (value);                                                         \
        STEP;                                                                                      \
        const int is_equal = *(object) == *(expected);                                             \
        if (is_equal)                                                                              \
            *(object) = wanted;                                                                    \
        else                                                                                       \
            *(expected) = *(object);                                                               \
        is_equal;                                                                                  \
    })
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit

#define __builtin_ia32_pause interleave_relax

#endif
