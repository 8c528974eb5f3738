/* SPDX-License-Identifier: MIT */
/* Which memory the system is asked for huge pages. */
#include "runtime/pages.h"
#include "runtime/pool.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of the mapping around an address, by what the system says of this process: is it to be huge? -1
 * where the system does not say. */
static int is_advised(const void *address) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    int inside = 0;
    int answer = -1;
    if (maps == NULL) return -1;
    while (answer < 0 && fgets(line, sizeof line, maps) != NULL) {
        unsigned long first;
        unsigned long end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            inside = (unsigned long)address >= first && (unsigned long)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            answer = strstr(line, " hg") != NULL;
    }
    fclose(maps);
    return answer;
}

static int has_huge_pages(void) {
    FILE *setting = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (setting == NULL) return 0;
    fclose(setting);
    return 1;
}

static void only_much_memory_is_asked_for(void **state) {
    const size_t sizes[] = {BERTH__PAGES_FROM - 1, BERTH__PAGES_FROM};
    (void)state;
    if (!has_huge_pages()) skip();
    for (size_t i = 0; i < 2; i++) {
        char *memory = calloc(1, sizes[i]);
        assert_non_null(memory);
        berth__pages_expect(memory, sizes[i]);
        const int advised = is_advised(memory + sizes[i] / 2);
        free(memory);
        if (advised < 0) skip();
        assert_int_equal(advised, i);
    }
}

static int is_table_advised(uint32_t parked_max) {
    berth_options options;
    berth_pool *pool;
    berth_options_init(&options, sizeof options);
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.parked_max = parked_max;
    assert_int_equal(berth_pool_create(&options, NULL, &pool), BERTH_OK);
    const int advised = is_advised(berth__row_at(pool, pool->row_count / 2));
    assert_int_equal(berth_pool_destroy(pool), BERTH_OK);
    return advised;
}

static void a_large_pools_table_is_asked_for_and_a_small_ones_is_not(void **state) {
    (void)state;
    if (!has_huge_pages() || is_table_advised(0) < 0) skip();
    assert_int_equal(is_table_advised(0), 0);
    assert_int_equal(is_table_advised(1000000), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_much_memory_is_asked_for),
        cmocka_unit_test(a_large_pools_table_is_asked_for_and_a_small_ones_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
