/* SPDX-License-Identifier: MIT */
/* Who comes next and who is refused: order, limits, the hint when to try again. */
#include "core/queue.h"
#include "core/rate.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static void make(core_kit *kit, uint32_t face, uint32_t running_max, uint64_t capacity) {
    berth_options options = core_kit_options(face, running_max, 100);
    core_kit_add_resource(&options, "units", capacity);
    core_kit_init(kit, &options);
}

static berth_request_id submit(core_kit *kit, uint32_t band, uint64_t units) {
    const berth__submit ask = core_ask(band, units);
    return core_kit_take_in(kit, 0, &ask);
}

/* Admit what fits and say that exactly these went in, in this order. */
static void must_admit(core_kit *kit, const berth_request_id *ids, uint32_t count) {
    core_kit_clear(kit);
    assert_int_equal(berth__core_admit(kit->core, 0), count);
    assert_int_equal(kit->log.count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(kit->log.items[i].transition, BERTH__T_ADMITTED);
        assert_true(kit->log.items[i].id == ids[i]);
    }
    core_kit_must_hold(kit);
}

static void finish(core_kit *kit, berth_request_id id) {
    assert_int_equal(berth__core_finish(kit->core, 0, id, BERTH_FINISH_STOP, 0), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit->core, 0, id), BERTH_OK);
    core_kit_must_hold(kit);
}

/* ---- Order ---- */

static void equal_timestamps_do_not_break_fifo(void **state) {
    core_kit kit;
    berth_request_id id[20];
    (void)state;
    make(&kit, BERTH_FACE_GATE, 1, 1);
    const berth_request_id first = submit(&kit, 2, 1);
    must_admit(&kit, &first, 1);
    for (int i = 0; i < 20; i++) id[i] = submit(&kit, 2, 1);
    finish(&kit, first);
    for (int i = 0; i < 20; i++) {
        must_admit(&kit, &id[i], 1);
        finish(&kit, id[i]);
    }
    core_kit_fini(&kit);
}

static void a_clock_that_steps_back_does_not_reorder(void **state) {
    core_kit kit;
    berth_request_id id[10];
    (void)state;
    make(&kit, BERTH_FACE_GATE, 100, 100);
    const berth_request_id first = submit(&kit, 2, 100);
    must_admit(&kit, &first, 1);
    for (uint64_t i = 0; i < 10; i++) {
        const berth__submit ask = core_ask(2, 10);
        id[i] = core_kit_take_in(&kit, 1000 - 100 * i, &ask);
    }
    assert_int_equal(core_kit_stats(&kit).now_at_ns, 1000);
    finish(&kit, first);
    must_admit(&kit, id, 10);
    core_kit_fini(&kit);
}

static void a_higher_band_goes_first_however_late_it_came(void **state) {
    core_kit kit;
    berth_request_id id[5];
    (void)state;
    make(&kit, BERTH_FACE_GATE, 8, 8);
    id[0] = submit(&kit, 1, 8);
    must_admit(&kit, id, 1);
    id[4] = submit(&kit, 1, 1);
    id[3] = submit(&kit, 2, 1);
    id[1] = submit(&kit, 4, 1);
    id[2] = submit(&kit, 3, 1);
    finish(&kit, id[0]);
    must_admit(&kit, &id[1], 4);
    core_kit_fini(&kit);
}

static void fast_path_does_not_overtake_parked_higher_bands(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, BERTH_FACE_GATE, 8, 10);
    berth_request_id running = submit(&kit, 3, 6);
    must_admit(&kit, &running, 1);
    (void)submit(&kit, 3, 6); /* waits */
    (void)submit(&kit, 1, 1); /* would fit, but is behind it */
    (void)submit(&kit, 3, 1); /* so is this one */
    must_admit(&kit, NULL, 0);
    berth_request_id above = submit(&kit, 4, 1); /* comes before all that waits */
    must_admit(&kit, &above, 1);
    core_kit_fini(&kit);
}

static void big_head_is_not_starved_by_small_ones(void **state) {
    core_kit kit;
    berth_request_id running[5];
    (void)state;
    make(&kit, BERTH_FACE_GATE, 64, 10);
    for (int i = 0; i < 5; i++) running[i] = submit(&kit, 2, 2);
    must_admit(&kit, running, 5);
    berth_request_id big = submit(&kit, 2, 10);
    for (int i = 0; i < 5; i++) {
        (void)submit(&kit, 2, 1);
        must_admit(&kit, NULL, 0);
        finish(&kit, running[i]);
    }
    must_admit(&kit, &big, 1);
    core_kit_fini(&kit);
}

static void a_band_queue_takes_out_from_the_middle_and_sums_up(void **state) {
    berth__queue queue;
    berth__link links[4];
    const uint64_t units[] = {3};
    const uint64_t more[] = {7};
    const berth__load low = {.band_index = 0, .size = 5, .units = units};
    const berth__load high = {.band_index = 7, .size = 1, .units = units};
    (void)state;
    berth__queue_init(&queue, links, 1);
    assert_true(berth__queue_head(&queue) == BERTH__NONE);
    for (uint32_t place = 0; place < 3; place++) berth__queue_push(&queue, place, &low);
    berth__queue_push(&queue, 3, &high);
    assert_int_equal(berth__queue_head(&queue), 3);
    assert_int_equal(berth__queue_ahead(&queue, 0), 4);
    assert_int_equal(berth__queue_ahead(&queue, 1), 1);
    berth__queue_remove(&queue, 3, &high);
    berth__queue_remove(&queue, 1, &low);
    berth__queue_recost(&queue, &low, more);
    assert_int_equal(queue.total.units[0], 10);
    assert_int_equal(queue.bands[0].units[0], 10);
    assert_int_equal(queue.total.size, 10);
    assert_int_equal(berth__queue_head(&queue), 0);
    assert_int_equal(links[0].next, 2);
}

static void ten_thousand_submits_never_hold_more_than_ten_units(void **state) {
    core_kit kit;
    uint64_t random = core_seed(5);
    berth_options options = core_kit_options(BERTH_FACE_GATE, 64, 10000);
    (void)state;
    core_kit_add_resource(&options, "units", 10);
    core_kit_init(&kit, &options);
    for (int i = 0; i < 10000; i++) {
        const berth__submit ask = core_ask(1, 1 + core_random_below(&random, 10));
        berth_request_id id;
        assert_int_equal(berth__core_submit(kit.core, 0, &ask, &id, NULL), BERTH_OK);
        core_kit_accept(&kit, id);
        (void)berth__core_admit(kit.core, 0);
        assert_true(core_kit_stats(&kit).resources[0].used_units <= 10);
    }
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

/* ---- Limits: each reason ---- */

static void impossible_cost_is_refused_at_submit(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(4, 11);
    (void)state;
    make(&kit, BERTH_FACE_ENGINE, 8, 10);
    const berth_refusal refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(refusal.resource, 0);
    assert_int_equal(refusal.limit, 10);
    assert_int_equal(refusal.asked, 11);
    assert_true(refusal.retry_after_ns == 0); /* trying again cannot help */
    core_kit_fini(&kit);
}

static void each_limit_of_the_pool_refuses_one_more_and_says_so(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 8, 3);
    berth__submit ask = core_ask(2, 4);
    (void)state;
    core_kit_add_resource(&options, "units", 10);
    options.resources[0].parked_units_max = 9;
    options.parked_size_max = 25;
    core_kit_init(&kit, &options);
    ask.terms.payload_size = 10;
    for (int i = 0; i < 2; i++) (void)core_kit_take_in(&kit, 0, &ask);
    berth_refusal refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_PARKED_SIZE);
    assert_true(refusal.limit == 25 && refusal.asked == 30 && refusal.ahead_count == 2);
    ask.terms.payload_size = 5; /* exactly the limit */
    refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_PARKED_COST);
    assert_true(refusal.limit == 9 && refusal.asked == 12 && refusal.resource == 0);
    ask.cost[0] = 1;
    (void)core_kit_take_in(&kit, 0, &ask);
    refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_PARKED);
    assert_true(refusal.limit == 3 && refusal.asked == 4 && refusal.retry_after_ns > 0);
    assert_int_equal(core_kit_stats(&kit).refused_total, 3);
    core_kit_fini(&kit);
}

static void each_limit_of_a_band_refuses_its_own_requests_only(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 8, 100);
    berth__submit ask = core_ask(2, 4);
    (void)state;
    core_kit_add_resource(&options, "units", 10);
    options.bands[1].parked_max = 3;
    options.bands[1].parked_size_max = 25;
    options.bands[1].parked_units_max[0] = 9;
    core_kit_init(&kit, &options);
    ask.terms.payload_size = 10;
    for (int i = 0; i < 2; i++) (void)core_kit_take_in(&kit, 0, &ask);
    (void)core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_BAND_SIZE);
    ask.terms.payload_size = 5;
    (void)core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_BAND_COST);
    ask.cost[0] = 1;
    (void)core_kit_take_in(&kit, 0, &ask);
    (void)core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_BAND);
    ask.terms.band = 3;
    for (int i = 0; i < 10; i++) (void)core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(core_kit_stats(&kit).bands[1].refused_total, 3);
    assert_int_equal(core_kit_stats(&kit).bands[2].refused_total, 0);
    core_kit_fini(&kit);
}

static void pinned_places_refuse_a_submit_for_want_of_a_place(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 1, 1);
    const berth__submit ask = core_ask(1, 0);
    berth_request_id id[3];
    (void)state;
    options.ended_max = 1;
    core_kit_init(&kit, &options);
    for (int i = 0; i < 3; i++) {
        id[i] = core_kit_take_in(&kit, 0, &ask);
        berth__core_pin(kit.core, id[i]);
        assert_int_equal(berth__core_cancel(kit.core, 0, id[i], BERTH_CANCEL_CALLER), BERTH_OK);
    }
    const berth_refusal refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_SLOTS);
    assert_true(refusal.limit == 3 && refusal.asked == 4);
    berth__core_unpin(kit.core, id[0]);
    (void)core_kit_take_in(&kit, 0, &ask);
    core_kit_fini(&kit);
}

static void a_parked_sum_that_wraps_is_an_overflow_and_counts_nothing(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, UINT64_MAX - 1);
    berth_request_id id;
    berth_refusal refusal;
    (void)state;
    make(&kit, BERTH_FACE_ENGINE, 8, UINT64_MAX);
    (void)core_kit_take_in(&kit, 0, &ask);
    ask.cost[0] = 2;
    assert_int_equal(berth__core_submit(kit.core, 0, &ask, &id, &refusal), BERTH_EOVERFLOW);
    assert_true(id == 0 && refusal.reason == BERTH_REFUSAL_NONE);
    ask.cost[0] = 0;
    ask.terms.payload_size = UINT64_MAX;
    (void)core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_submit(kit.core, 0, &ask, &id, NULL), BERTH_EOVERFLOW);
    assert_int_equal(core_kit_stats(&kit).submitted_total, 2);
    core_kit_fini(&kit);
}

static void a_malformed_submit_changes_nothing(void **state) {
    core_kit kit;
    berth__submit bad[4];
    (void)state;
    make(&kit, BERTH_FACE_ENGINE, 8, 10);
    for (int i = 0; i < 4; i++) bad[i] = core_ask(1, 1);
    bad[0].terms.band = 0;
    bad[1].terms.band = 5;
    bad[2].cost_count = 2;
    bad[3].cost[1] = 1;
    for (int i = 0; i < 4; i++) {
        berth_request_id id = 1;
        assert_int_equal(berth__core_submit(kit.core, 50, &bad[i], &id, NULL), BERTH_EINVAL);
        assert_true(id == 0);
    }
    assert_int_equal(core_kit_stats(&kit).submitted_total, 0);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

/* ---- Recost ---- */

static void a_recost_keeps_the_place_in_line_and_meets_the_limits(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 8, 100);
    berth_refusal refusal;
    berth__submit known = core_ask(0, 9);
    (void)state;
    core_kit_add_resource(&options, "units", 10);
    options.resources[0].parked_units_max = 12;
    options.bands[1].parked_units_max[0] = 8;
    core_kit_init(&kit, &options);
    const berth_request_id running = submit(&kit, 1, 10);
    must_admit(&kit, &running, 1);
    berth_request_id id[] = {submit(&kit, 2, 3), submit(&kit, 2, 2)};
    berth__core *core = kit.core;
    assert_int_equal(berth__core_recost(core, 0, id[0], &known, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_BAND_COST);
    known.cost[0] = 11;
    assert_int_equal(berth__core_recost(core, 0, id[0], &known, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_NEVER_FITS);
    known.cost_count = 2;
    assert_int_equal(berth__core_recost(core, 0, id[0], &known, NULL), BERTH_EINVAL);
    known = core_ask(0, 6); /* 6 + 2 is exactly what the band may ask for */
    assert_int_equal(berth__core_recost(core, 0, id[0], &known, NULL), BERTH_OK);
    known.cost_count = 0;
    known.cost[0] = 0;
    known.terms.prompt_tokens = 99;
    assert_int_equal(berth__core_recost(core, 0, id[0], &known, NULL), BERTH_OK);
    assert_int_equal(core_kit_view(&kit, id[0]).units[0], 6);
    assert_int_equal(core_kit_view(&kit, id[0]).outcome.prompt_tokens, 99);
    assert_int_equal(berth__core_recost(core, 0, running, &known, NULL), BERTH_EBUSY);
    assert_int_equal(berth__core_recost(core, 0, 12345, &known, NULL), BERTH_ESTALE);
    assert_int_equal(berth__core_cancel(core, 0, running, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(berth__core_recost(core, 0, running, &known, NULL), BERTH_EENDED);
    assert_int_equal(berth__core_let_go(core, 0, running), BERTH_OK);
    must_admit(&kit, id, 2);
    core_kit_fini(&kit);
}

/* ---- The rate ---- */

static uint64_t retry_after(berth__rate *rate, uint64_t now) {
    berth__rate_touch(rate, now, 1);
    return berth__rate_retry_after(rate, 0);
}

static void the_hint_follows_the_measured_drain_rate(void **state) {
    berth__rate rate;
    uint64_t now = 0;
    (void)state;
    berth__rate_init(&rate, 1);
    assert_int_equal(berth__rate_interval(&rate), 0);
    for (int i = 0; i < 200; i++) { /* one admission every 20 ms */
        now += SECOND / 50;
        berth__rate_touch(&rate, now, 1);
        berth__rate_admitted(&rate, NULL, 0);
    }
    assert_int_equal(berth__rate_interval(&rate), SECOND / 50);
    const uint64_t first = retry_after(&rate, now);
    assert_in_range(first, SECOND / 50, SECOND / 50 + SECOND / 200);
    for (int i = 0; i < 8; i++) (void)retry_after(&rate, now);
    const uint64_t tenth = retry_after(&rate, now);
    assert_in_range(tenth, 10 * SECOND / 50, 10 * SECOND / 50 + 10 * SECOND / 200);
}

static void a_stalled_queue_gives_longer_hints_and_an_idle_one_does_not(void **state) {
    berth__rate rate;
    (void)state;
    berth__rate_init(&rate, 1);
    berth__rate_touch(&rate, SECOND, 1);
    berth__rate_admitted(&rate, NULL, 0);
    berth__rate_touch(&rate, 100 * SECOND, 0); /* nobody was parked */
    assert_int_equal(berth__rate_interval(&rate), SECOND);
    assert_in_range(retry_after(&rate, 105 * SECOND), 6 * SECOND, 6 * SECOND + 2 * SECOND);
}

static void hints_stay_between_a_millisecond_and_75_seconds(void **state) {
    berth__rate rate;
    (void)state;
    berth__rate_init(&rate, 7);
    assert_in_range(retry_after(&rate, 0), SECOND, SECOND + SECOND / 4);
    berth__rate_init(&rate, 7);
    berth__rate_admitted(&rate, NULL, 0);
    assert_in_range(retry_after(&rate, 0), SECOND / 1000, SECOND / 800);
    berth__rate_touch(&rate, UINT64_MAX, 1);
    assert_in_range(retry_after(&rate, UINT64_MAX), 60 * SECOND, 75 * SECOND);
}

static void clients_refused_together_get_different_hints_by_the_seed(void **state) {
    berth__rate a;
    berth__rate b;
    (void)state;
    berth__rate_init(&a, 1);
    berth__rate_init(&b, 2);
    assert_true(retry_after(&a, 0) != retry_after(&b, 0));
}

static void a_refusal_by_a_pool_carries_the_hint_of_its_drain_rate(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 1);
    const berth__submit ask = core_ask(1, 0);
    uint64_t now = 0;
    (void)state;
    core_kit_init(&kit, &options);
    berth_request_id running = core_kit_take_in(&kit, now, &ask);
    (void)berth__core_admit(kit.core, now);
    for (int i = 0; i < 50; i++) { /* the place is free again after 3 s each */
        const berth_request_id next = core_kit_take_in(&kit, now, &ask);
        const berth_refusal refusal = core_kit_turn_away(&kit, now, &ask, BERTH_REFUSAL_PARKED);
        if (i > 0) assert_in_range(refusal.retry_after_ns, 3 * SECOND, 4 * SECOND);
        now += 3 * SECOND;
        (void)berth__core_finish(kit.core, now, running, BERTH_FINISH_STOP, 0);
        (void)berth__core_let_go(kit.core, now, running);
        assert_int_equal(berth__core_admit(kit.core, now), 1);
        running = next;
    }
    assert_int_equal(core_kit_stats(&kit).drain_interval_ns, 3 * SECOND);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_timestamps_do_not_break_fifo),
        cmocka_unit_test(a_clock_that_steps_back_does_not_reorder),
        cmocka_unit_test(a_higher_band_goes_first_however_late_it_came),
        cmocka_unit_test(fast_path_does_not_overtake_parked_higher_bands),
        cmocka_unit_test(big_head_is_not_starved_by_small_ones),
        cmocka_unit_test(a_band_queue_takes_out_from_the_middle_and_sums_up),
        cmocka_unit_test(ten_thousand_submits_never_hold_more_than_ten_units),
        cmocka_unit_test(impossible_cost_is_refused_at_submit),
        cmocka_unit_test(each_limit_of_the_pool_refuses_one_more_and_says_so),
        cmocka_unit_test(each_limit_of_a_band_refuses_its_own_requests_only),
        cmocka_unit_test(pinned_places_refuse_a_submit_for_want_of_a_place),
        cmocka_unit_test(a_parked_sum_that_wraps_is_an_overflow_and_counts_nothing),
        cmocka_unit_test(a_malformed_submit_changes_nothing),
        cmocka_unit_test(a_recost_keeps_the_place_in_line_and_meets_the_limits),
        cmocka_unit_test(the_hint_follows_the_measured_drain_rate),
        cmocka_unit_test(a_stalled_queue_gives_longer_hints_and_an_idle_one_does_not),
        cmocka_unit_test(hints_stay_between_a_millisecond_and_75_seconds),
        cmocka_unit_test(clients_refused_together_get_different_hints_by_the_seed),
        cmocka_unit_test(a_refusal_by_a_pool_carries_the_hint_of_its_drain_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
