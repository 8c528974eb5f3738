/* SPDX-License-Identifier: MIT */
/*
 * What:    the test that a program of scenarios is: no order of any of them fails; or, built with a
 *          seeded bug (SEEDED), some order of one does.
 * Why:     the programs differ in what they run, not in what they have to show.
 * Rules:   one program per process. With a seeded bug the process ends where it is found: the pool
 *          of that order cannot be ended.
 * Threads: the main thread, outside of every order.
 */
#ifndef BERTH_TESTS_INTERLEAVE_VERDICT_H
#define BERTH_TESTS_INTERLEAVE_VERDICT_H

#include "interleave/explorer.h"

#include <stddef.h>

typedef struct verdict_program {
    const char *name;
    const explorer_scenario *(*scenario_at)(size_t i); /* NULL past the last one */
    uint32_t (*preemptions_for)(const explorer_scenario *scenario);
    uint64_t orders_min; /* each scenario has more, or it does not show much */
    uint32_t (*has_met)(
        void); /* after all orders: did they come to what they are for? May be NULL */
} verdict_program;

/* For main to return. */
int verdict_run(const verdict_program *program);

/* 1 where BERTH_TEST_TIER is long. */
uint32_t verdict_is_long(void);

#endif
