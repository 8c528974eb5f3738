/* SPDX-License-Identifier: MIT */
/*
 * What:    runs a few threads in every order that a bounded number of preemptions allows.
 * Why:     a lost wake-up needs one unlucky order out of thousands; here each is tried, and the one
 *          that fails is printed.
 * Rules:   threads are coroutines; one runs until a step (see shim.h), where the explorer may let
 *          another one go first. Nobody can run: somebody waits for a wake-up that was lost. A
 *          sleep with a limit may end by its limit at any step, as an order of its own.
 * Threads: one, in truth.
 *
 * Bounding preemptions instead of depth finds most such bugs with very few of them: Musuvathi and
 * Qadeer, "Iterative context bounding for systematic testing of multithreaded programs", 2007.
 */
#ifndef BERTH_TESTS_INTERLEAVE_EXPLORER_H
#define BERTH_TESTS_INTERLEAVE_EXPLORER_H

#include <stdint.h>

#define EXPLORER_BODIES_MAX 4u

/* AddressSanitizer takes a hundred times as long for an order: it has to be told of each stack. */
#if defined(__SANITIZE_ADDRESS__)
#define EXPLORER_IS_SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EXPLORER_IS_SLOW 1
#endif
#endif
#if !defined(EXPLORER_IS_SLOW)
#define EXPLORER_IS_SLOW 0
#endif

typedef struct explorer_scenario {
    const char *name;
    void (*begin)(void); /* before the threads run, in one order */
    void (*bodies[EXPLORER_BODIES_MAX])(void);
    void (*end)(void); /* after all of them have returned */
} explorer_scenario;

typedef struct explorer_result {
    uint64_t orders;      /* tried */
    uint64_t steps_max;   /* of one order */
    const char *failure;  /* NULL, or what went wrong in the last one */
    uint32_t is_complete; /* every order was tried */
} explorer_result;

/* Try every order with at most so many preemptions, `orders_max` at most, until one fails. */
explorer_result explorer_run(const explorer_scenario *scenario, uint32_t preemptions_max,
                             uint64_t orders_max);

/* Each reading of the clock finds it so much later; a millisecond where nothing is said. Who sleeps
 * for less than that does not sleep. */
void explorer_set_clock(uint64_t ns_per_look);

/* From a body that tries again and again: another thread runs first. */
void explorer_yield(void);

/* From a body: this order has failed. Does not return. */
void explorer_fail(const char *what);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) explorer_fail(#condition);                                               \
    } while (0)

/* The order that failed: who was left where, for whom. */
void explorer_print_order(void);

#endif
