/* SPDX-License-Identifier: MIT */
/* Tickets, deadlines that cannot be met, queues that stay long, and heads that do not fit. */
#include "support/pool_host.h"

#define SECOND UINT64_C(1000000000)

static pool_host *gate(uint32_t running_max) {
    pool_host *host = pool_host_new(BERTH_FACE_GATE);
    pool_host_resource(host, "units", 10);
    host->options.running_max = running_max;
    host->options.mailboxes_max = running_max;
    return host;
}

static void finish(pool_host *host, berth_request_id id) {
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
}

static uint32_t runs(pool_host *host, berth_request_id id) {
    berth_record record = {.struct_size = sizeof record};
    return berth_mailbox_read(host->pool, id, NULL, 0, 0, &record) == BERTH_OK &&
           record.kind == BERTH_RECORD_ADMITTED;
}

/* ---- Tickets ---- */

static void a_ticket_keeps_room_until_it_is_used(void **state) {
    (void)state;
    berth_ticket_id ticket;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.parked_max = 3;
    pool_host_start(host);
    berth_request expected = {.struct_size = sizeof expected};
    CHECK(berth_reserve(host->pool, &expected, 4, &ticket, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_PARKED);
    assert_true(ticket == 0 && refusal.retry_after_ns > 0);
    CHECK_OK(berth_reserve(host->pool, &expected, 2, &ticket, &refusal));
    berth_request other = pool_request(host, 0);
    pool_submit(host, &other);
    other = pool_request(host, 0);
    (void)pool_refused(host, &other, BERTH_REFUSAL_PARKED);
    for (uint32_t i = 0; i < 2; i++) {
        berth_request mine = pool_request(host, 0);
        mine.ticket = ticket;
        pool_submit(host, &mine);
    }
    berth_stats stats = pool_stats(host);
    assert_int_equal(stats.tickets, 0);
    assert_int_equal(stats.tickets_total, 1);
    assert_int_equal(stats.tickets_refused_total, 1);
    assert_int_equal(stats.submitted_total, 4); /* reserving is no submit */
    pool_host_end(host);
}

static void a_ticket_can_be_cancelled_and_expires(void **state) {
    (void)state;
    berth_ticket_id first;
    berth_ticket_id second;
    berth_request_id id;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.parked_max = 2;
    pool_host_start(host);
    berth_request expected = {.struct_size = sizeof expected};
    CHECK_OK(berth_reserve(host->pool, &expected, 2, &first, NULL));
    CHECK_OK(berth_ticket_cancel(host->pool, first));
    CHECK(berth_ticket_cancel(host->pool, first), BERTH_ESTALE);
    CHECK_OK(berth_reserve(host->pool, &expected, 2, &second, NULL));
    pool_advance(host, 10 * SECOND); /* the default */
    CHECK(berth_ticket_cancel(host->pool, second), BERTH_ESTALE);
    expected.ticket = second;
    CHECK(berth_submit(host->pool, &expected, &id, NULL), BERTH_ESTALE);
    assert_int_equal(id, 0);
    assert_int_equal(pool_stats(host).tickets_expired_total, 1);
    pool_host_end(host);
}

static void malformed_tickets_are_errors(void **state) {
    (void)state;
    berth_ticket_id ticket;
    berth_request_id id;
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    pool_host_start(host);
    berth_request expected = {.struct_size = sizeof expected};
    CHECK(berth_reserve(NULL, &expected, 1, &ticket, NULL), BERTH_EINVAL);
    CHECK(berth_reserve(host->pool, NULL, 1, &ticket, NULL), BERTH_EINVAL);
    CHECK(berth_reserve(host->pool, &expected, 1, NULL, NULL), BERTH_EINVAL);
    CHECK(berth_reserve(host->pool, &expected, 0, &ticket, NULL), BERTH_EINVAL);
    CHECK(berth_ticket_cancel(NULL, 1), BERTH_EINVAL);
    CHECK(berth_ticket_cancel(host->pool, 0), BERTH_EINVAL);
    CHECK(berth_ticket_cancel(host->pool, 12345), BERTH_ESTALE);
    CHECK_OK(berth_reserve(host->pool, &expected, 1, &ticket, NULL));
    berth_request mine = {.struct_size = sizeof mine, .band = BERTH_BAND_HIGH, .ticket = ticket};
    CHECK(berth_submit(host->pool, &mine, &id, NULL), BERTH_EINVAL);
    CHECK(berth_reserve(host->pool, &mine, 1, &ticket, NULL), BERTH_EINVAL); /* it has one */
    assert_int_equal(pool_stats(host).tickets_held, 1);
    CHECK_OK(berth_close(host->pool));
    CHECK(berth_reserve(host->pool, &expected, 1, &ticket, NULL), BERTH_ECLOSED);
    pool_host_end(host);
}

/* ---- Time ---- */

static void who_cannot_be_in_time_is_told_at_once(void **state) {
    (void)state;
    pool_host *host = gate(1);
    host->options.wait_ppm = 800000;
    pool_host_start(host);
    berth_request_id line[16];
    for (uint32_t i = 0; i < 16; i++) line[i] = pool_submit_units(host, 0, 1);
    for (uint32_t i = 0; i < 10; i++) { /* one a second */
        pool_advance(host, SECOND);
        finish(host, line[i]);
    }
    berth_request request = pool_request_units(host, 0, 1);
    request.first_output_ns = 6 * SECOND;
    const berth_refusal refusal = pool_refused(host, &request, BERTH_REFUSAL_DEADLINE);
    assert_int_equal(refusal.asked, 6 * SECOND);
    assert_int_equal(refusal.limit, 4800000000);
    assert_int_equal(refusal.ahead_count, 5);
    assert_in_range(refusal.retry_after_ns, 1200000000, 1500000000);
    assert_int_equal(pool_stats(host).bands[1].predicted_wait_ns, 6 * SECOND);
    request.first_output_ns = 8 * SECOND;
    const berth_request_id last = pool_submit(host, &request);
    for (uint32_t i = 10; i < 16; i++) finish(host, line[i]);
    finish(host, last);
    pool_host_end(host);
}

static void a_queue_that_stays_long_loses_some(void **state) {
    (void)state;
    pool_host *host = gate(1);
    host->options.bands[1].codel_target_ns = SECOND;
    host->options.bands[1].codel_interval_ns = 2 * SECOND;
    pool_host_start(host);
    berth_request_id line[6];
    for (uint32_t i = 0; i < 6; i++) line[i] = pool_submit_units(host, 0, 1);
    for (uint32_t i = 0; i < 3; i++) {
        pool_advance(host, SECOND);
        finish(host, line[i]);
    }
    pool_outcome(host, line[3], BERTH_OUTCOME_EVICTED, BERTH_EVICT_DELAY);
    assert_true(runs(host, line[4]));
    assert_int_equal(pool_stats(host).codel_dropped_total, 1);
    finish(host, line[4]);
    finish(host, line[5]);
    pool_host_end(host);
}

/* ---- Fit ---- */

static void a_small_one_passes_a_head_that_it_cannot_delay(void **state) {
    (void)state;
    pool_host *host = gate(4);
    host->options.fit = BERTH_FIT_EASY;
    pool_host_start(host);
    berth_request request = pool_request_units(host, 0, 6);
    request.run_ns = 10 * SECOND;
    const berth_request_id running = pool_submit(host, &request);
    const berth_request_id head = pool_submit_units(host, 0, 8);
    request = pool_request_units(host, 0, 3);
    request.run_ns = 11 * SECOND;
    const berth_request_id late = pool_submit(host, &request);
    request.payload = pool_request(host, 0).payload;
    request.run_ns = 10 * SECOND;
    const berth_request_id soon = pool_submit(host, &request);
    assert_true(runs(host, running) && runs(host, soon));
    assert_false(runs(host, head) || runs(host, late));
    assert_int_equal(pool_stats(host).backfills_total, 1);
    finish(host, running);
    finish(host, soon);
    assert_true(runs(host, head));
    finish(host, head);
    finish(host, late);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_keeps_room_until_it_is_used),
        cmocka_unit_test(a_ticket_can_be_cancelled_and_expires),
        cmocka_unit_test(malformed_tickets_are_errors),
        cmocka_unit_test(who_cannot_be_in_time_is_told_at_once),
        cmocka_unit_test(a_queue_that_stays_long_loses_some),
        cmocka_unit_test(a_small_one_passes_a_head_that_it_cannot_delay),
    };
    return cmocka_run_group_tests_name("api/overload", tests, NULL, NULL);
}
