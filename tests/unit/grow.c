/* SPDX-License-Identifier: MIT */
/* Structs that grow: shorter, longer, and of a size that cannot be. */
#include "base/grow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The struct as this version has it, as its first version had it, and as a later one may. */
typedef struct ours {
    uint32_t struct_size;
    uint32_t first;
    uint64_t added;
} ours;

typedef struct later {
    ours known;
    uint64_t unknown;
} later;

#define FIRST_SIZE offsetof(ours, added)

static void an_older_struct_has_zero_in_what_came_after_it(void **state) {
    ours theirs = {.struct_size = FIRST_SIZE, .first = 7, .added = 99};
    ours copy = {.added = 5};
    (void)state;
    assert_true(berth__grow_in(&copy, sizeof copy, &theirs, FIRST_SIZE));
    assert_int_equal(copy.first, 7);
    assert_true(copy.added == 0);
    assert_int_equal(copy.struct_size, sizeof copy);
}

static void a_newer_struct_is_taken_only_if_its_unknown_tail_is_zero(void **state) {
    later theirs = {.known = {.struct_size = sizeof theirs, .first = 7, .added = 8}};
    ours copy;
    (void)state;
    assert_true(berth__grow_in(&copy, sizeof copy, &theirs, FIRST_SIZE));
    assert_true(copy.added == 8);
    theirs.unknown = UINT64_C(1) << 63;
    assert_false(berth__grow_in(&copy, sizeof copy, &theirs, FIRST_SIZE));
}

static void a_size_that_cannot_be_is_refused(void **state) {
    ours theirs = {.struct_size = FIRST_SIZE - 1};
    ours copy;
    (void)state;
    assert_false(berth__grow_in(&copy, sizeof copy, &theirs, FIRST_SIZE));
    theirs.struct_size = BERTH__GROW_SIZE_MAX + 1;
    assert_false(berth__grow_in(&copy, sizeof copy, &theirs, FIRST_SIZE));
    assert_false(berth__grow_is_known(&theirs, FIRST_SIZE));
    assert_false(berth__grow_is_good((size_t)UINT32_MAX + 1 + FIRST_SIZE, FIRST_SIZE));
}

static void an_output_writes_no_more_than_the_caller_has(void **state) {
    ours theirs = {.struct_size = FIRST_SIZE, .first = 1, .added = 99};
    const ours made = {.struct_size = sizeof made, .first = 7, .added = 8};
    (void)state;
    berth__grow_out(&theirs, &made, sizeof made);
    assert_int_equal(theirs.first, 7);
    assert_true(theirs.added == 99);
    assert_int_equal(theirs.struct_size, FIRST_SIZE);
}

static void an_output_zeroes_what_only_the_caller_knows(void **state) {
    later theirs = {.known = {.struct_size = sizeof theirs}, .unknown = 99};
    const ours made = {.struct_size = sizeof made, .first = 7, .added = 8};
    (void)state;
    berth__grow_out(&theirs, &made, sizeof made);
    assert_true(theirs.known.added == 8);
    assert_true(theirs.unknown == 0);
    assert_int_equal(theirs.known.struct_size, sizeof theirs);
}

static void clearing_keeps_the_size_and_spares_what_cannot_be(void **state) {
    ours theirs = {.struct_size = sizeof theirs, .first = 7, .added = 8};
    (void)state;
    berth__grow_clear(&theirs, FIRST_SIZE);
    assert_int_equal(theirs.struct_size, sizeof theirs);
    assert_int_equal(theirs.first, 0);
    assert_true(theirs.added == 0);
    theirs = (ours){.struct_size = 4, .first = 7};
    berth__grow_clear(&theirs, FIRST_SIZE);
    assert_int_equal(theirs.first, 7);
    berth__grow_clear(NULL, FIRST_SIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_struct_has_zero_in_what_came_after_it),
        cmocka_unit_test(a_newer_struct_is_taken_only_if_its_unknown_tail_is_zero),
        cmocka_unit_test(a_size_that_cannot_be_is_refused),
        cmocka_unit_test(an_output_writes_no_more_than_the_caller_has),
        cmocka_unit_test(an_output_zeroes_what_only_the_caller_knows),
        cmocka_unit_test(clearing_keeps_the_size_and_spares_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
