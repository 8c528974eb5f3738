/* SPDX-License-Identifier: MIT */
#include "interleave/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const verdict_program *judged; /* a test of cmocka's has no argument */

uint32_t verdict_is_long(void) {
    const char *tier = getenv("BERTH_TEST_TIER");
    return tier != NULL && strcmp(tier, "long") == 0;
}

#if !defined(SEEDED)
static void no_order_fails(void **state) {
    const explorer_scenario *scenario;
    (void)state;
    for (size_t i = 0; (scenario = judged->scenario_at(i)) != NULL; i++) {
        const uint32_t preemptions = judged->preemptions_for(scenario);
        const explorer_result result = explorer_run(scenario, preemptions, UINT64_MAX);
        printf("%s: %llu orders with %u preemptions at most, up to %llu steps\n", scenario->name,
               (unsigned long long)result.orders, (unsigned)preemptions,
               (unsigned long long)result.steps_max);
        fflush(stdout);
        if (result.failure != NULL) explorer_print_order();
        assert_null(result.failure);
        assert_true(result.is_complete);
        assert_true(result.orders > judged->orders_min);
    }
    assert_true(judged->has_met == NULL || judged->has_met());
}
#else
static void some_order_shows_the_bug(void **state) {
    const explorer_scenario *scenario;
    (void)state;
    for (size_t i = 0; (scenario = judged->scenario_at(i)) != NULL; i++) {
        const explorer_result result =
            explorer_run(scenario, judged->preemptions_for(scenario), UINT64_MAX);
        if (result.failure == NULL) continue;
        printf("found in order %llu of \"%s\":\n", (unsigned long long)result.orders,
               scenario->name);
        explorer_print_order();
        fflush(stdout);
        _Exit(0); /* the pool of that order cannot be ended */
    }
    fail_msg("no order shows it");
}
#endif

int verdict_run(const verdict_program *program) {
    const struct CMUnitTest tests[] = {
#if defined(SEEDED)
        cmocka_unit_test(some_order_shows_the_bug),
#else
        cmocka_unit_test(no_order_fails),
#endif
    };
    judged = program;
    return cmocka_run_group_tests_name(program->name, tests, NULL, NULL);
}
