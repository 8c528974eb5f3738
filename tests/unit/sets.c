/* SPDX-License-Identifier: MIT */
/* Shared sets: counted once, from the first holder to the last. */
#include "core/sets.h"

#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SETS 5u

typedef struct world {
    berth__sets sets;
    berth__set entries[SETS];
    uint32_t buckets[8];
} world;

static void build(world *w) {
    memset(w, 0xA5, sizeof *w);
    assert_true(berth__sets_bucket_count(SETS) <= 8);
    berth__sets_init(&w->sets, w->entries, w->buckets, SETS);
}

static void a_set_is_counted_once(void **state) {
    world w;
    (void)state;
    build(&w);
    assert_true(berth__sets_price(&w.sets, 7, 100) == 100);
    berth__sets_hold(&w.sets, 7, 100);
    assert_true(berth__sets_price(&w.sets, 7, 100) == 0);
    berth__sets_hold(&w.sets, 7, 100);
    assert_true(berth__sets_units(&w.sets) == 100);
    assert_true(berth__sets_let_go(&w.sets, 7) == 0);
    assert_true(berth__sets_let_go(&w.sets, 7) == 100);
    assert_true(berth__sets_price(&w.sets, 7, 60) == 60);
}

static void a_holder_that_needs_more_adds_the_difference(void **state) {
    world w;
    (void)state;
    build(&w);
    berth__sets_hold(&w.sets, 1, 40);
    assert_true(berth__sets_price(&w.sets, 1, 50) == 10);
    berth__sets_hold(&w.sets, 1, 50);
    assert_true(berth__sets_price(&w.sets, 1, 45) == 0);
    assert_true(berth__sets_let_go(&w.sets, 1) == 0);
    assert_true(berth__sets_let_go(&w.sets, 1) == 50);
}

/* Random holders against arrays: units per id, a list of holders. */
static void sets_agree_with_an_obvious_model(void **state) {
    uint64_t random = 11;
    uint64_t held[SETS] = {0};
    uint64_t units[SETS] = {0}; /* the most that was named */
    world w;
    (void)state;
    build(&w);
    for (uint32_t i = 0; i < 20000; i++) {
        const uint32_t s = (uint32_t)core_random_below(&random, SETS);
        const uint64_t id = s * UINT64_C(0x100000000); /* far apart: one bucket for a poor hash */
        const uint64_t asked = core_random_below(&random, 9);
        const uint64_t more = asked > units[s] ? asked - units[s] : 0;
        uint64_t sum = 0;
        assert_true(berth__sets_price(&w.sets, id, asked) == more);
        if (core_random_below(&random, 2) == 0) {
            berth__sets_hold(&w.sets, id, asked);
            units[s] += more;
            held[s]++;
        } else if (held[s] > 0) {
            const uint64_t freed = --held[s] == 0 ? units[s] : 0;
            assert_true(berth__sets_let_go(&w.sets, id) == freed);
            if (held[s] == 0) units[s] = 0;
        }
        for (uint32_t k = 0; k < SETS; k++) sum += units[k];
        assert_true(berth__sets_units(&w.sets) == sum);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_counted_once),
        cmocka_unit_test(a_holder_that_needs_more_adds_the_difference),
        cmocka_unit_test(sets_agree_with_an_obvious_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
