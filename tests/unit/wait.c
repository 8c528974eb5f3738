/* SPDX-License-Identifier: MIT */
/* The predicted wait, who is refused for it, and who is dropped for the wait of all. */
#include "core/wait.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static berth_options options_of(void) {
    berth_options o = core_kit_options(BERTH_FACE_GATE, 2, 32);
    core_kit_add_resource(&o, "units", 10);
    return o;
}

static berth_request_id submit(core_kit *kit, uint64_t now, uint64_t units) {
    const berth__submit ask = core_ask(1, units);
    const berth_request_id id = core_kit_take_in(kit, now, &ask);
    (void)berth__core_admit(kit->core, now);
    return id;
}

static void end(core_kit *kit, uint64_t now, berth_request_id id) {
    assert_int_equal(berth__core_finish(kit->core, now, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, now, id), BERTH_OK);
    (void)berth__core_admit(kit->core, now);
    assert_int_equal(berth__core_forget(kit->core, id, 0), BERTH_OK);
}

static uint64_t predicted(core_kit *kit, uint32_t band, uint64_t units) {
    const berth__load load = {.band_index = band - 1, .tenant_index = BERTH__NONE, .units = &units};
    return berth__wait_predict(kit->core, &load);
}

typedef struct crowd {
    berth_request_id ids[64]; /* the first 20 have ended, the next two run */
    uint32_t count;
    uint32_t reserved;
    uint64_t now;
} crowd;

/* Two run, and one goes in every second, of `units` units; `parked` wait. */
static crowd keep_busy(core_kit *kit, uint64_t units, uint32_t parked) {
    crowd c = {.count = 0};
    while (c.count < parked + 2) c.ids[c.count++] = submit(kit, 0, units);
    for (uint32_t i = 0; i < 20; i++) {
        c.now += SECOND;
        c.ids[c.count++] = submit(kit, c.now, units);
        end(kit, c.now, c.ids[i]);
    }
    return c;
}

static void nothing_measured_is_no_wait(void **state) {
    core_kit kit;
    const berth_options options = options_of();
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 5; i++) (void)submit(&kit, 0, 4);
    assert_int_equal(predicted(&kit, 1, 4), 0);
    core_kit_fini(&kit);
}

static void who_fits_with_all_ahead_waits_for_nothing(void **state) {
    core_kit kit;
    const berth_options options = options_of();
    (void)state;
    core_kit_init(&kit, &options);
    const crowd c = keep_busy(&kit, 1, 1);
    assert_int_equal(predicted(&kit, 1, 1), 2 * SECOND);
    end(&kit, c.now, c.ids[20]);
    assert_int_equal(predicted(&kit, 1, 1), SECOND);
    end(&kit, c.now, c.ids[21]);
    assert_int_equal(predicted(&kit, 1, 9), 0);
    assert_int_equal(predicted(&kit, 1, 10), SECOND); /* one unit more than is free */
    core_kit_fini(&kit);
}

static void what_is_ahead_counts_and_a_lower_band_does_not(void **state) {
    core_kit kit;
    const berth_options options = options_of();
    (void)state;
    core_kit_init(&kit, &options);
    (void)keep_busy(&kit, 1, 4);
    assert_int_equal(predicted(&kit, 1, 1), 5 * SECOND);
    assert_int_equal(predicted(&kit, 2, 1), SECOND);
    assert_int_equal(core_kit_stats(&kit).bands[0].predicted_wait_ns, 5 * SECOND);
    assert_int_equal(core_kit_stats(&kit).bands[1].predicted_wait_ns, SECOND);
    core_kit_fini(&kit);
}

/* Five units a second drain; one that asks for ten waits for two such requests more. */
static void the_scarcest_resource_counts(void **state) {
    core_kit kit;
    const berth_options options = options_of();
    (void)state;
    core_kit_init(&kit, &options);
    (void)keep_busy(&kit, 5, 2);
    assert_int_equal(predicted(&kit, 1, 5), 3 * SECOND);
    assert_int_equal(predicted(&kit, 1, 10), 4 * SECOND);
    core_kit_fini(&kit);
}

static void who_cannot_be_in_time_is_refused_and_told_when_to_come(void **state) {
    core_kit kit;
    berth_options options = options_of();
    (void)state;
    options.wait_ppm = 500000;
    core_kit_init(&kit, &options);
    const uint64_t now = keep_busy(&kit, 1, 4).now;
    berth__submit ask = core_ask(1, 1);
    ask.terms.total_ns = 9 * SECOND;
    ask.terms.first_output_ns = 20 * SECOND;
    const berth_refusal refusal = core_kit_turn_away(&kit, now, &ask, BERTH_REFUSAL_DEADLINE);
    assert_int_equal(refusal.asked, 5 * SECOND);
    assert_int_equal(refusal.limit, 4500000000);
    assert_in_range(refusal.retry_after_ns, SECOND, 5 * SECOND / 4);
    ask.terms.total_ns = 8 * SECOND;
    ask.terms.queue_ns = 2 * SECOND; /* the least counts; four seconds too late */
    const berth_refusal later = core_kit_turn_away(&kit, now, &ask, BERTH_REFUSAL_DEADLINE);
    assert_int_equal(later.limit, SECOND);
    assert_in_range(later.retry_after_ns, 4 * SECOND, 5 * SECOND);
    ask.terms.total_ns = 10 * SECOND;
    ask.terms.queue_ns = 0;
    (void)core_kit_take_in(&kit, now, &ask);
    ask.terms.total_ns = ask.terms.first_output_ns = 0;
    (void)core_kit_take_in(&kit, now, &ask); /* it has all the time */
    core_kit_fini(&kit);
}

static void after_a_pause_somebody_may_try(void **state) {
    core_kit kit;
    berth_options options = options_of();
    (void)state;
    options.wait_ppm = 500000;
    core_kit_init(&kit, &options);
    const crowd c = keep_busy(&kit, 1, 1);
    const uint64_t now = c.now;
    berth__submit ask = core_ask(1, 1);
    ask.terms.queue_ns = SECOND;
    end(&kit, now, c.ids[20]); /* two run, nobody is parked */
    (void)core_kit_turn_away(&kit, now + 16 * SECOND, &ask, BERTH_REFUSAL_DEADLINE);
    (void)core_kit_take_in(&kit, now + 17 * SECOND, &ask);
    (void)core_kit_turn_away(&kit, now + 17 * SECOND, &ask, BERTH_REFUSAL_DEADLINE);
    core_kit_fini(&kit);
}

/* ---- CoDel in the queue ---- */

static berth_options with_codel(uint32_t face) {
    berth_options o = core_kit_options(face, 1, 32);
    o.bands[0].codel_target_ns = 10;
    o.bands[0].codel_interval_ns = 100;
    return o;
}

static void a_queue_that_stays_long_loses_its_first(void **state) {
    core_kit kit;
    berth_request_id ids[8];
    const berth_options options = with_codel(BERTH_FACE_GATE);
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 8; i++) ids[i] = submit(&kit, 1, 0);
    end(&kit, 50, ids[0]);  /* the next one has waited too long: an interval begins */
    end(&kit, 149, ids[1]); /* not over yet */
    end(&kit, 150, ids[2]); /* over: #3 is dropped, #4 goes in */
    const berth__view dropped = core_kit_view(&kit, ids[3]);
    assert_int_equal(dropped.outcome.kind, BERTH_OUTCOME_EVICTED);
    assert_int_equal(dropped.outcome.detail, BERTH_EVICT_DELAY);
    assert_int_equal(core_kit_view(&kit, ids[4]).state, BERTH__RUNNING);
    assert_int_equal(core_kit_stats(&kit).codel_dropped_total, 1);
    assert_int_equal(core_kit_stats(&kit).bands[0].codel_dropped_total, 1);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void the_last_of_a_queue_is_not_dropped(void **state) {
    core_kit kit;
    berth_request_id ids[4];
    const berth_options options = with_codel(BERTH_FACE_GATE);
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 4; i++) ids[i] = submit(&kit, 1, 0);
    end(&kit, 50, ids[0]);
    end(&kit, 100, ids[1]);
    end(&kit, 1000, ids[2]);
    assert_int_equal(core_kit_view(&kit, ids[3]).state, BERTH__RUNNING);
    core_kit_fini(&kit);
}

static void who_was_preempted_is_not_dropped(void **state) {
    core_kit kit;
    berth_plan_entry entries[8];
    berth_request_id ids[6];
    const berth_options options = with_codel(BERTH_FACE_ENGINE);
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 8};
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 6; i++) ids[i] = submit(&kit, 1, 0);
    for (uint64_t now = 50; now < 2000; now += 50) {
        assert_int_equal(berth__core_plan(kit.core, now, &plan), BERTH_OK);
        assert_int_equal(entries[plan.leave_count].id, ids[0]);
        assert_int_equal(berth__core_commit_begin(kit.core, now, plan.step_id), BERTH_OK);
        berth__core_commit_end(kit.core);
        assert_int_equal(berth__core_preempt(kit.core, now, ids[0]), BERTH_OK);
    }
    assert_int_equal(core_kit_stats(&kit).codel_dropped_total, 0);
    core_kit_fini(&kit);
}

static void numbers_beyond_all_measure_lose_their_last_bits_only(void **state) {
    core_kit kit;
    const berth_options options = options_of();
    (void)state;
    core_kit_init(&kit, &options);
    (void)submit(&kit, 0, 1);
    (void)submit(&kit, 0, 1);
    kit.core->rate.busy_ns = UINT64_C(1) << 63;
    kit.core->rate.admitted = 1024;
    kit.core->rate.units[0] = 1024;
    assert_true(predicted(&kit, 1, 8) == UINT64_C(1) << 53); /* a slot */
    assert_true(predicted(&kit, 1, 8 + 12) == UINT64_C(12) << 53);
    kit.core->rate.units[0] = 1;
    assert_true(predicted(&kit, 1, 8 + 12) == UINT64_MAX); /* no number says it */
    core_kit_fini(&kit);
}

/* Hours pass in which everybody goes in at once. Who then has to wait is not held to a pace that is
 * history. */
static void who_goes_in_at_once_keeps_no_pace_alive(void **state) {
    core_kit kit;
    berth_options options = options_of();
    (void)state;
    options.wait_ppm = 1000000;
    core_kit_init(&kit, &options);
    crowd c = keep_busy(&kit, 1, 1);
    for (uint32_t i = 20; i < 23; i++) end(&kit, c.now, c.ids[i]);
    for (uint32_t i = 0; i < 100; i++) {
        c.now += 36 * SECOND;
        end(&kit, c.now, submit(&kit, c.now, 1));
    }
    (void)submit(&kit, c.now, 1);
    (void)submit(&kit, c.now, 1);
    berth__submit ask = core_ask(1, 1);
    ask.terms.queue_ns = SECOND / 10; /* they were a second apart */
    (void)core_kit_take_in(&kit, c.now, &ask);
    (void)core_kit_turn_away(&kit, c.now, &ask, BERTH_REFUSAL_DEADLINE); /* one may try */
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_measured_is_no_wait),
        cmocka_unit_test(who_fits_with_all_ahead_waits_for_nothing),
        cmocka_unit_test(what_is_ahead_counts_and_a_lower_band_does_not),
        cmocka_unit_test(the_scarcest_resource_counts),
        cmocka_unit_test(who_cannot_be_in_time_is_refused_and_told_when_to_come),
        cmocka_unit_test(after_a_pause_somebody_may_try),
        cmocka_unit_test(a_queue_that_stays_long_loses_its_first),
        cmocka_unit_test(the_last_of_a_queue_is_not_dropped),
        cmocka_unit_test(who_goes_in_at_once_keeps_no_pace_alive),
        cmocka_unit_test(numbers_beyond_all_measure_lose_their_last_bits_only),
        cmocka_unit_test(who_was_preempted_is_not_dropped),
    };
    return cmocka_run_group_tests_name("unit/wait", tests, NULL, NULL);
}
