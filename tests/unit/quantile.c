/* SPDX-License-Identifier: MIT */
/* Lengths of late, against a sorted list of them. */
#include "core/quantile.h"

#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int by_size(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The length that `ppm` of those above are not longer than; 0 if none is above. */
static uint64_t true_one(const uint64_t *sorted, uint32_t count, uint32_t ppm, uint64_t above) {
    uint32_t first = 0;
    while (first < count && sorted[first] <= above) first++;
    if (first == count) return 0;
    const uint64_t longer = count - first;
    uint64_t rank = (longer * ppm + 999999) / 1000000;
    if (rank == 0) rank = 1;
    return sorted[first + rank - 1];
}

static void an_answer_is_never_too_short_and_at_most_an_eighth_too_long(void **state) {
    static const uint32_t ppms[] = {1, 100000, 500000, 900000, 999999, 1000000};
    uint64_t random = core_seed(5);
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        static uint64_t lengths[4000];
        berth__quantile q;
        const uint32_t count = 8 + (uint32_t)core_random_below(&random, 3900);
        const uint64_t most = 1 + core_random_below(&random, UINT64_C(1) << (4 + round % 16));
        memset(&q, 0, sizeof q);
        for (uint32_t i = 0; i < count; i++) {
            lengths[i] = core_random_below(&random, most);
            berth__quantile_add(&q, lengths[i]);
        }
        qsort(lengths, count, sizeof *lengths, by_size);
        const uint64_t above = core_random_below(&random, most);
        const uint64_t got = berth__quantile_of(&q, ppms[round % 6], above);
        const uint64_t wanted = true_one(lengths, count, ppms[round % 6], above);
        /* Those in the bucket of `above` may be counted though they are not longer. */
        if (above < 16) assert_true(got >= wanted && got <= wanted + wanted / 8);
        if (got == 0) assert_int_equal(wanted, 0);
        if (got != 0) assert_true(got > above);
        if (ppms[round % 6] == 1000000) assert_true(got >= wanted);
    }
}

static void nothing_is_said_from_too_few_or_beyond_all(void **state) {
    berth__quantile q;
    (void)state;
    memset(&q, 0, sizeof q);
    for (uint32_t i = 0; i < 7; i++) berth__quantile_add(&q, 5);
    assert_int_equal(berth__quantile_of(&q, 500000, 0), 0);
    berth__quantile_add(&q, 5);
    assert_int_equal(berth__quantile_of(&q, 500000, 0), 5);
    assert_int_equal(berth__quantile_of(&q, 500000, 4), 5);
    assert_int_equal(berth__quantile_of(&q, 500000, 5), 0);
    assert_int_equal(berth__quantile_of(&q, 500000, UINT64_MAX), 0);
}

static void what_is_longer_than_all_buckets_counts_as_the_last(void **state) {
    berth__quantile q;
    (void)state;
    memset(&q, 0, sizeof q);
    for (uint32_t i = 0; i < 20; i++) berth__quantile_add(&q, UINT64_MAX);
    assert_int_equal(berth__quantile_of(&q, 500000, 100), (UINT64_C(1) << 20) - 1);
}

static void the_past_fades(void **state) {
    berth__quantile q;
    (void)state;
    memset(&q, 0, sizeof q);
    for (uint32_t i = 0; i < 100000; i++) berth__quantile_add(&q, 1000);
    for (uint32_t i = 0; i < 3 * 4096; i++) berth__quantile_add(&q, 10);
    assert_int_equal(berth__quantile_of(&q, 800000, 0), 10);
    assert_true(q.total < 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_never_too_short_and_at_most_an_eighth_too_long),
        cmocka_unit_test(nothing_is_said_from_too_few_or_beyond_all),
        cmocka_unit_test(what_is_longer_than_all_buckets_counts_as_the_last),
        cmocka_unit_test(the_past_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
