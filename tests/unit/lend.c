/* SPDX-License-Identifier: MIT */
/* Ids are lent only where nothing but the count of parked requests and the end of the pool can
 * refuse one; what they do to a core is in tests/model/lend.c. */
#include "core/lend.h"
#include "core/plain.h"
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct rule {
    void (*set)(berth_options *options);
    int is_plain; /* the plain way through admission does not mind */
} rule;

#define SET(name, what)                                                                            \
    static void set_##name(berth_options *o) {                                                     \
        what;                                                                                      \
    }

SET(size, o->parked_size_max = 1)
SET(units, o->resources[0].parked_units_max = 1)
SET(wait, o->wait_ppm = 1)
SET(band_count, o->bands[3].parked_max = 1)
SET(band_size, o->bands[1].parked_size_max = 1)
SET(band_units, o->bands[2].parked_units_max[0] = 1)
SET(bypass, o->bands[0].bypass = 1)
SET(ceiling, o->bands[0].ceiling_ppm = 500000)
SET(engine, o->face = BERTH_FACE_ENGINE)
SET(gate, o->face = BERTH_FACE_GATE)
SET(tenants, o->tenants_max = 1)
SET(order, o->order = BERTH_ORDER_DEADLINE)
SET(easy, o->fit = BERTH_FIT_EASY)
SET(kv, o->kv_block_tokens = 16)
SET(prefix, o->prefix_blocks_max = 16)
SET(sets, o->sets_max = 1)
SET(resources, o->resource_count = BERTH__LEND_COSTS + 1)

static const rule rules[] = {
    {set_size, 1},      {set_units, 1},      {set_wait, 1},    {set_band_count, 1},
    {set_band_size, 1}, {set_band_units, 1}, {set_bypass, 1},  {set_ceiling, 0},
    {set_engine, 0},    {set_gate, 1},       {set_tenants, 0}, {set_order, 0},
    {set_easy, 0},      {set_kv, 0},         {set_prefix, 0},  {set_sets, 0},
    {set_resources, 1},
};

static berth_options plain(void) {
    berth_options options = core_kit_options(BERTH_FACE_WORKER, 2, 8);
    core_kit_add_resource(&options, "units", 10);
    berth__options_normalise(&options);
    return options;
}

static void ids_are_lent_where_nothing_else_decides(void **state) {
    berth_options options = plain();
    (void)state;
    assert_true(berth__lend_suits(&options));
    assert_true(berth__plain_suits(&options));
    for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        options = plain();
        rules[i].set(&options);
        assert_false(berth__lend_suits(&options));
        assert_int_equal(berth__plain_suits(&options), rules[i].is_plain);
    }
}

static void shares_and_dropping_by_delay_have_a_long_way(void **state) {
    berth_options options = plain();
    (void)state;
    options.bands[1].share_ppm = 1;
    assert_true(berth__lend_suits(&options));
    assert_false(berth__plain_suits(&options));
    options = plain();
    options.bands[1].codel_target_ns = 1;
    assert_true(berth__lend_suits(&options));
    assert_false(berth__plain_suits(&options));
}

static void nothing_is_lent_without_a_place_or_a_future(void **state) {
    core_kit kit;
    berth_options options = plain();
    (void)state;
    core_kit_init(&kit, &options);
    while (berth__ids_take(&kit.core->ids) != 0) {
    }
    assert_true(berth__core_room(kit.core) > 0);
    assert_true(berth__core_lend(kit.core) == 0);
    core_kit_fini(&kit);
    core_kit_init(&kit, &options);
    berth__core_fail(kit.core);
    assert_true(berth__core_lend(kit.core) == 0);
    core_kit_fini(&kit);
}

static void a_capacity_beyond_the_sums_is_no_promise(void **state) {
    core_kit kit;
    berth_options options = plain();
    (void)state;
    core_kit_init(&kit, &options);
    assert_int_equal(berth__core_units_max(kit.core, 0), 10);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, UINT64_MAX), BERTH_OK);
    assert_int_equal(berth__core_units_max(kit.core, 0), BERTH__LEND_UNITS_MAX);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_lent_where_nothing_else_decides),
        cmocka_unit_test(shares_and_dropping_by_delay_have_a_long_way),
        cmocka_unit_test(nothing_is_lent_without_a_place_or_a_future),
        cmocka_unit_test(a_capacity_beyond_the_sums_is_no_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
