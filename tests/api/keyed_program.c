/* SPDX-License-Identifier: MIT */
/* Programs of random bytes, against the model. */
#include "support/pool_host.h"
#include "support/pool_program.h"
#include "support/pool_threads.h"

#define PROGRAM_SIZE 1500u

static void random_programs_agree_with_the_model(void **state) {
    (void)state;
    uint8_t bytes[PROGRAM_SIZE];
    const uint32_t rounds = pool_rounds(150, 5000, 30);
    uint64_t seed = pool_seed();
    pool_program_counts all = {0, 0, 0};
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < PROGRAM_SIZE; i++) bytes[i] = (uint8_t)pool_random(&seed);
        const pool_program_counts counts = pool_program_run(bytes, PROGRAM_SIZE);
        all.owners += counts.owners;
        all.expired += counts.expired;
        all.evicted += counts.evicted;
    }
    /* The programs come to where it matters. */
    assert_true(all.owners > 10 * rounds);
    assert_true(all.expired > rounds && all.evicted > rounds);
}

int main(void) {
    pool_watchdog("api/keyed_program", 240);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("api/keyed_program", tests, NULL, NULL);
}
