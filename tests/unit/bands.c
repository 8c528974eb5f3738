/* SPDX-License-Identifier: MIT */
/* Bands: ceilings, shares, aging, bypass, and the displacement of lower ones. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static berth_options options_of(uint32_t face, uint32_t running_max, uint64_t capacity) {
    berth_options options = core_kit_options(face, running_max, 8);
    core_kit_add_resource(&options, "units", capacity);
    return options;
}

static berth_request_id take_in(core_kit *kit, uint64_t now, uint32_t band, uint64_t units) {
    const berth__submit ask = core_ask(band, units);
    const berth_request_id id = core_kit_take_in(kit, now, &ask);
    core_kit_must_hold(kit);
    return id;
}

static berth_refusal turn_away(core_kit *kit, uint32_t band, uint64_t units, uint32_t reason) {
    const berth__submit ask = core_ask(band, units);
    return core_kit_turn_away(kit, 0, &ask, reason);
}

static void finish(core_kit *kit, berth_request_id id) {
    assert_int_equal(berth__core_finish(kit->core, 0, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, 0, id), BERTH_OK);
}

/* Exactly one goes in, and it is this one. */
static void must_admit(core_kit *kit, uint64_t now, berth_request_id id) {
    core_kit_clear(kit);
    assert_int_equal(berth__core_admit(kit->core, now), id == 0 ? 0 : 1);
    if (id != 0) assert_true(kit->log.items[kit->log.count - 1].id == id);
    core_kit_must_hold(kit);
}

/* ---- Parts ---- */

static void parts_are_rounded_up_and_never_overflow(void **state) {
    (void)state;
    assert_int_equal(berth__bands_part(4, 250000), 1);
    assert_int_equal(berth__bands_part(4, 250001), 2);
    assert_int_equal(berth__bands_part(1, 1), 1);
    assert_int_equal(berth__bands_part(0, 1000000), 0);
    assert_true(berth__bands_part(UINT64_MAX, 1000000) == UINT64_MAX);
    assert_true(berth__bands_part(UINT64_MAX, 500000) == UINT64_C(1) << 63);
}

/* ---- Ceilings ---- */

static void a_band_enters_only_below_its_ceiling(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 8, 10);
    (void)state;
    options.bands[0].ceiling_ppm = 500000;
    core_kit_init(&kit, &options);
    const berth_request_id low = take_in(&kit, 0, 1, 3);
    must_admit(&kit, 0, low);
    const berth_request_id wait = take_in(&kit, 0, 1, 3);
    must_admit(&kit, 0, 0);
    const berth_request_id high = take_in(&kit, 0, 2, 6);
    must_admit(&kit, 0, high);
    finish(&kit, low);
    must_admit(&kit, 0, 0); /* 6 are used: above the half */
    finish(&kit, high);
    must_admit(&kit, 0, wait);
    const berth_refusal refusal = turn_away(&kit, 1, 6, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.limit, 5);
    core_kit_fini(&kit);
}

static void a_ceiling_counts_slots_too(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 3, 100);
    (void)state;
    options.bands[0].ceiling_ppm = 500000; /* 1.5 slots, rounded up */
    core_kit_init(&kit, &options);
    must_admit(&kit, 0, take_in(&kit, 0, 1, 0));
    must_admit(&kit, 0, take_in(&kit, 0, 1, 0));
    (void)take_in(&kit, 0, 1, 0);
    must_admit(&kit, 0, 0);
    core_kit_fini(&kit);
}

static void a_smaller_capacity_ends_what_no_ceiling_will_ever_let_in(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 8, 10);
    (void)state;
    options.bands[0].ceiling_ppm = 500000;
    core_kit_init(&kit, &options);
    const berth_request_id low = take_in(&kit, 0, 1, 5);
    const berth_request_id normal = take_in(&kit, 0, 2, 5);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 8), BERTH_OK);
    core_kit_must_hold(&kit);
    assert_int_equal(core_kit_view(&kit, low).outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(core_kit_view(&kit, normal).state, BERTH__PARKED);
    core_kit_fini(&kit);
}

/* ---- Shares ---- */

static void a_band_below_its_share_goes_before_higher_ones(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 4, 100);
    berth_request_id high[8];
    (void)state;
    options.bands[0].share_ppm = 250000; /* one slot, 25 units */
    core_kit_init(&kit, &options);
    for (int i = 0; i < 4; i++) must_admit(&kit, 0, high[i] = take_in(&kit, 0, 3, 1));
    /* All four are borrowed. The next to end gives one to the low band. */
    const berth_request_id low = take_in(&kit, 0, 1, 1);
    const berth_request_id next = take_in(&kit, 0, 3, 1);
    const berth_request_id second = take_in(&kit, 0, 1, 1);
    finish(&kit, high[0]);
    must_admit(&kit, 0, low);
    finish(&kit, high[1]);
    must_admit(&kit, 0, next); /* the low band has its share */
    finish(&kit, low);
    must_admit(&kit, 0, second);
    core_kit_fini(&kit);
}

static void a_share_is_used_up_by_any_one_resource(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 8, 100);
    (void)state;
    options.bands[0].share_ppm = 500000;
    core_kit_init(&kit, &options);
    must_admit(&kit, 0, take_in(&kit, 0, 1, 50)); /* one slot of four, all of the units */
    const berth_request_id low = take_in(&kit, 0, 1, 1);
    const berth_request_id high = take_in(&kit, 0, 4, 50);
    must_admit(&kit, 0, high);
    finish(&kit, high);
    must_admit(&kit, 0, low);
    core_kit_fini(&kit);
}

static void no_ceiling_holds_a_band_back_below_its_share(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 8, 100);
    (void)state;
    options.bands[0].share_ppm = 200000;
    options.bands[0].ceiling_ppm = 500000;
    core_kit_init(&kit, &options);
    must_admit(&kit, 0, take_in(&kit, 0, 2, 80));
    must_admit(&kit, 0, take_in(&kit, 0, 1, 20));
    (void)take_in(&kit, 0, 1, 0);
    must_admit(&kit, 0, 0);
    core_kit_fini(&kit);
}

/* ---- Aging ---- */

static void who_has_waited_competes_one_band_higher_and_no_higher(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 1, 100);
    (void)state;
    options.bands[0].aging_ns = 10;
    core_kit_init(&kit, &options);
    const berth_request_id running = take_in(&kit, 0, 2, 1);
    must_admit(&kit, 0, running);
    const berth_request_id low = take_in(&kit, 0, 1, 1);
    const berth_request_id before = take_in(&kit, 9, 2, 1);
    const berth_request_id after = take_in(&kit, 11, 2, 1);
    const berth_request_id above = take_in(&kit, 1000, 3, 1);
    finish(&kit, running);
    must_admit(&kit, 1000, above);
    finish(&kit, above);
    must_admit(&kit, 1000, before);
    finish(&kit, before);
    must_admit(&kit, 1000, low);
    finish(&kit, low);
    must_admit(&kit, 1000, after);
    core_kit_fini(&kit);
}

static void a_flood_cannot_starve_who_ages(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 1, 100);
    uint64_t now = 0;
    uint32_t served = 0;
    (void)state;
    options.bands[2].aging_ns = 50;
    options.parked_max = 4000;
    core_kit_init(&kit, &options);
    must_admit(&kit, 0, take_in(&kit, 0, 4, 1));
    berth_request_id running = kit.log.items[0].id;
    const berth_request_id low = take_in(&kit, 0, 3, 1);
    /* Two of the highest band come for each that ends. By 50 at most 100 have come before it. */
    while (core_kit_view(&kit, low).state == BERTH__PARKED) {
        now++;
        (void)take_in(&kit, now, 4, 1);
        (void)take_in(&kit, now, 4, 1);
        finish(&kit, running);
        core_kit_clear(&kit);
        assert_int_equal(berth__core_admit(kit.core, now), 1);
        running = kit.log.items[0].id;
        served++;
        assert_true(served <= 101);
    }
    assert_true(served > 50);
    core_kit_fini(&kit);
}

/* ---- Bypass, displacement ---- */

static void a_band_that_is_bypassed_is_counted_and_never_queued(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_GATE, 1, 100);
    (void)state;
    options.bands[1].bypass = 1;
    core_kit_init(&kit, &options);
    assert_int_equal(turn_away(&kit, 2, 1, BERTH_REFUSAL_BYPASS).retry_after_ns, 0);
    assert_int_equal(core_kit_stats(&kit).refusal_total[BERTH_REFUSAL_BYPASS], 1);
    (void)take_in(&kit, 0, 1, 1);
    core_kit_fini(&kit);
}

static void the_newest_of_the_lowest_band_makes_room(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 1, 100);
    berth_request_id ids[4];
    (void)state;
    options.displace = 1;
    options.parked_max = 4;
    core_kit_init(&kit, &options);
    ids[0] = take_in(&kit, 0, 2, 1);
    ids[1] = take_in(&kit, 0, 1, 1);
    ids[2] = take_in(&kit, 0, 1, 1);
    ids[3] = take_in(&kit, 0, 2, 1);
    (void)turn_away(&kit, 1, 1, BERTH_REFUSAL_PARKED);
    (void)take_in(&kit, 0, 3, 1);
    const berth_outcome outcome = core_kit_view(&kit, ids[2]).outcome;
    assert_int_equal(outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(outcome.detail, BERTH_EVICT_DISPLACED);
    (void)take_in(&kit, 0, 3, 1);
    assert_int_equal(core_kit_view(&kit, ids[1]).outcome.kind, BERTH_OUTCOME_EVICTED);
    (void)take_in(&kit, 0, 3, 1);
    assert_int_equal(core_kit_view(&kit, ids[3]).outcome.kind, BERTH_OUTCOME_EVICTED);
    (void)turn_away(&kit, 2, 1, BERTH_REFUSAL_PARKED);
    core_kit_fini(&kit);
}

static void nobody_is_displaced_in_vain(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 1, 100);
    (void)state;
    options.displace = 1;
    options.resources[0].parked_units_max = 10;
    options.bands[3].parked_max = 1;
    core_kit_init(&kit, &options);
    const berth_request_id low = take_in(&kit, 0, 1, 3);
    (void)take_in(&kit, 0, 4, 6);
    (void)turn_away(&kit, 4, 5, BERTH_REFUSAL_PARKED_COST); /* even without the low one */
    (void)turn_away(&kit, 4, 2, BERTH_REFUSAL_PARKED_COST); /* the band's own limit is met too */
    assert_int_equal(core_kit_view(&kit, low).state, BERTH__PARKED);
    (void)take_in(&kit, 0, 3, 4);
    assert_int_equal(core_kit_view(&kit, low).outcome.detail, BERTH_EVICT_DISPLACED);
    core_kit_fini(&kit);
}

static void who_was_preempted_is_not_displaced(void **state) {
    core_kit kit;
    berth_options options = options_of(BERTH_FACE_ENGINE, 1, 100);
    berth_plan_entry entries[4];
    berth_plan plan = {.entries = entries, .entry_max = 4};
    (void)state;
    options.displace = 1;
    options.parked_max = 1;
    core_kit_init(&kit, &options);
    const berth_request_id low = take_in(&kit, 0, 1, 1);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, plan.step_id), BERTH_OK);
    berth__core_commit_end(kit.core);
    assert_int_equal(berth__core_preempt(kit.core, 0, low), BERTH_OK);
    core_kit_must_hold(&kit);
    (void)turn_away(&kit, 3, 1, BERTH_REFUSAL_PARKED);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_rounded_up_and_never_overflow),
        cmocka_unit_test(a_band_enters_only_below_its_ceiling),
        cmocka_unit_test(a_ceiling_counts_slots_too),
        cmocka_unit_test(a_smaller_capacity_ends_what_no_ceiling_will_ever_let_in),
        cmocka_unit_test(a_band_below_its_share_goes_before_higher_ones),
        cmocka_unit_test(a_share_is_used_up_by_any_one_resource),
        cmocka_unit_test(no_ceiling_holds_a_band_back_below_its_share),
        cmocka_unit_test(who_has_waited_competes_one_band_higher_and_no_higher),
        cmocka_unit_test(a_flood_cannot_starve_who_ages),
        cmocka_unit_test(a_band_that_is_bypassed_is_counted_and_never_queued),
        cmocka_unit_test(the_newest_of_the_lowest_band_makes_room),
        cmocka_unit_test(nobody_is_displaced_in_vain),
        cmocka_unit_test(who_was_preempted_is_not_displaced),
    };
    return cmocka_run_group_tests_name("unit/bands", tests, NULL, NULL);
}
