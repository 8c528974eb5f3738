/* SPDX-License-Identifier: MIT */
/* Tickets: room in the queue for requests that are still to be submitted. */
#include "core/ticket.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static berth_options options_of(uint32_t parked_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 2, parked_max);
    core_kit_add_resource(&o, "units", 100);
    o.ticket_ns = 100;
    o.tickets_max = 3;
    return o;
}

static berth_ticket_id reserve(core_kit *kit, uint64_t now, uint64_t units, uint32_t count) {
    berth_ticket_id ticket;
    berth__submit ask = core_ask(1, units);
    ask.count = count;
    assert_int_equal(berth__core_reserve(kit->core, now, &ask, &ticket, NULL), BERTH_OK);
    assert_true(ticket != 0);
    core_kit_must_hold(kit);
    return ticket;
}

static berth_refusal refuse(core_kit *kit, uint64_t now, uint64_t units, uint32_t count) {
    berth_ticket_id ticket = 1;
    berth_refusal refusal = {.reason = 0};
    berth__submit ask = core_ask(1, units);
    ask.count = count;
    const berth_stats before = core_kit_stats(kit);
    assert_int_equal(berth__core_reserve(kit->core, now, &ask, &ticket, &refusal), BERTH_EREFUSED);
    const berth_stats after = core_kit_stats(kit);
    assert_true(ticket == 0);
    assert_int_equal(after.tickets_refused_total, before.tickets_refused_total + 1);
    assert_int_equal(after.submitted_total, before.submitted_total);
    assert_int_equal(after.tickets_held, before.tickets_held);
    core_kit_must_hold(kit);
    return refusal;
}

static berth__submit with(berth_ticket_id ticket, uint64_t units) {
    berth__submit ask = core_ask(1, units);
    ask.ticket = ticket;
    return ask;
}

static void a_ticket_holds_room_for_all_or_none(void **state) {
    core_kit kit;
    const berth_options options = options_of(4);
    (void)state;
    core_kit_init(&kit, &options);
    const berth_refusal five = refuse(&kit, 0, 1, 5);
    assert_int_equal(five.reason, BERTH_REFUSAL_PARKED);
    assert_int_equal(five.asked, 5);
    assert_int_equal(five.limit, 4);
    const berth_ticket_id ticket = reserve(&kit, 0, 1, 3);
    assert_int_equal(core_kit_stats(&kit).tickets, 1);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 3);
    const berth__submit other = core_ask(1, 1);
    (void)core_kit_take_in(&kit, 0, &other);
    (void)core_kit_turn_away(&kit, 0, &other, BERTH_REFUSAL_PARKED);
    for (uint32_t i = 0; i < 3; i++) {
        const berth__submit mine = with(ticket, 1);
        (void)core_kit_take_in(&kit, 0, &mine);
    }
    berth_request_id id;
    const berth__submit fourth = with(ticket, 1);
    assert_int_equal(berth__core_submit(kit.core, 0, &fourth, &id, NULL), BERTH_ESTALE);
    assert_int_equal(core_kit_stats(&kit).tickets, 0);
    core_kit_fini(&kit);
}

static void a_ticket_holds_bytes_and_cost(void **state) {
    core_kit kit;
    berth_ticket_id ticket;
    berth_options options = options_of(16);
    (void)state;
    options.parked_size_max = 100;
    options.resources[0].parked_units_max = 20;
    core_kit_init(&kit, &options);
    berth__submit ask = core_ask(1, 6);
    ask.terms.payload_size = 30;
    ask.count = 3;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_OK);
    berth__submit other = core_ask(1, 3);
    (void)core_kit_turn_away(&kit, 0, &other, BERTH_REFUSAL_PARKED_COST);
    other = core_ask(1, 0);
    other.terms.payload_size = 11;
    (void)core_kit_turn_away(&kit, 0, &other, BERTH_REFUSAL_PARKED_SIZE);
    /* Its own may ask for less, and for more while that is free. */
    berth__submit mine = with(ticket, 8);
    mine.terms.payload_size = 41;
    (void)core_kit_turn_away(&kit, 0, &mine, BERTH_REFUSAL_PARKED_SIZE);
    mine.terms.payload_size = 40;
    (void)core_kit_take_in(&kit, 0, &mine);
    mine.terms.payload_size = 1;
    mine.cost[0] = 7;
    (void)core_kit_turn_away(&kit, 0, &mine, BERTH_REFUSAL_PARKED_COST);
    mine.cost[0] = 1;
    (void)core_kit_take_in(&kit, 0, &mine);
    mine.cost[0] = 11; /* 9 parked, 6 held, so 5 more than that */
    (void)core_kit_take_in(&kit, 0, &mine);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 0);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_ticket_expires_and_is_cancelled(void **state) {
    core_kit kit;
    berth_request_id id;
    const berth_options options = options_of(4);
    (void)state;
    core_kit_init(&kit, &options);
    const berth_ticket_id early = reserve(&kit, 0, 1, 2);
    const berth_ticket_id late = reserve(&kit, 50, 1, 2);
    (void)refuse(&kit, 99, 1, 1);
    const berth_ticket_id third = reserve(&kit, 100, 1, 1);
    assert_int_equal(core_kit_stats(&kit).tickets_expired_total, 1);
    berth__submit mine = with(early, 1);
    assert_int_equal(berth__core_submit(kit.core, 100, &mine, &id, NULL), BERTH_ESTALE);
    assert_int_equal(berth__core_ticket_cancel(kit.core, 100, early), BERTH_ESTALE);
    assert_int_equal(berth__core_ticket_cancel(kit.core, 100, late), BERTH_OK);
    assert_int_equal(berth__core_ticket_cancel(kit.core, 100, late), BERTH_ESTALE);
    assert_int_equal(berth__core_ticket_cancel(kit.core, 100, 0), BERTH_ESTALE);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 1);
    mine = with(third, 1);
    (void)core_kit_take_in(&kit, 199, &mine);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_refused_submit_uses_up_nothing(void **state) {
    core_kit kit;
    const berth_options options = options_of(4);
    (void)state;
    core_kit_init(&kit, &options);
    const berth_ticket_id ticket = reserve(&kit, 0, 1, 1);
    const berth__submit huge = with(ticket, 101);
    (void)core_kit_turn_away(&kit, 0, &huge, BERTH_REFUSAL_NEVER_FITS);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 1);
    const berth__submit mine = with(ticket, 1);
    (void)core_kit_take_in(&kit, 0, &mine);
    core_kit_fini(&kit);
}

static void a_ticket_is_good_for_its_band_and_tenant(void **state) {
    core_kit kit;
    berth_request_id id;
    const berth_options options = options_of(4);
    (void)state;
    core_kit_init(&kit, &options);
    berth__submit mine = with(reserve(&kit, 0, 1, 1), 1);
    mine.terms.band = 2;
    assert_int_equal(berth__core_submit(kit.core, 0, &mine, &id, NULL), BERTH_EINVAL);
    mine.terms.band = 1;
    mine.terms.tenant = 7;
    assert_int_equal(berth__core_submit(kit.core, 0, &mine, &id, NULL), BERTH_EINVAL);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 1);
    core_kit_fini(&kit);
}

static void a_pool_without_sets_gives_no_ticket_for_one(void **state) {
    core_kit kit;
    berth_ticket_id ticket;
    const berth_options options = options_of(4);
    (void)state;
    core_kit_init(&kit, &options);
    berth__submit ask = core_ask(1, 1);
    ask.count = 1;
    ask.set = 7;
    ask.set_units = 1;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EINVAL);
    assert_int_equal(ticket, 0);
    core_kit_fini(&kit);
}

static void tickets_are_bounded_and_what_makes_no_sense_is_refused(void **state) {
    core_kit kit;
    berth_ticket_id ticket;
    const berth_options options = options_of(16);
    (void)state;
    core_kit_init(&kit, &options);
    for (uint32_t i = 0; i < 3; i++) (void)reserve(&kit, 0, 1, 1);
    const berth_refusal refusal = refuse(&kit, 0, 1, 1);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_TICKETS);
    assert_int_equal(refusal.limit, 3);
    assert_true(refusal.retry_after_ns > 0);
    assert_int_equal(refuse(&kit, 0, 101, 1).reason, BERTH_REFUSAL_NEVER_FITS);
    berth__submit ask = core_ask(1, 1);
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EINVAL);
    ask.count = 2;
    ask.terms.payload_size = UINT64_MAX / 2 + 1;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EOVERFLOW);
    ask.terms.payload_size = 0;
    ask.terms.band = 9;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EINVAL);
    berth__core_close(kit.core, 0);
    ask.terms.band = 1;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_ECLOSED);
    core_kit_fini(&kit);
}

/* A tenant's quota of parked requests and of cost counts what its tickets hold. */
static void what_cannot_be_counted_is_no_ticket_s(void **state) {
    core_kit kit;
    berth_options options = options_of(8);
    berth__submit ask = core_ask(1, UINT64_MAX / 2);
    berth_ticket_id ticket;
    (void)state;
    options.resources[0].capacity_units = UINT64_MAX;
    core_kit_init(&kit, &options);
    ask.count = 3; /* three times half of all numbers */
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EOVERFLOW);
    ask = core_ask(1, 1);
    ask.count = 3;
    ask.terms.payload_size = UINT64_MAX / 2;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_EOVERFLOW);
    ask.count = 1;
    ticket = reserve(&kit, 0, 1, 1);
    ask.terms.payload_size = UINT64_MAX - 10;
    (void)core_kit_take_in(&kit, 0, &ask);
    berth__submit larger = with(ticket, 1); /* than the ticket, and than what can be counted */
    larger.terms.payload_size = 11;
    berth_request_id id;
    assert_int_equal(berth__core_submit(kit.core, 0, &larger, &id, NULL), BERTH_EOVERFLOW);
    assert_int_equal(core_kit_stats(&kit).tickets_held, 1);
    assert_int_equal(core_kit_stats(&kit).submitted_total, 1);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_ticket_counts_against_its_tenant(void **state) {
    core_kit kit;
    berth_ticket_id ticket;
    berth_options options = options_of(16);
    (void)state;
    options.tenants_max = 2;
    options.tenant_defaults.parked_max = 3;
    options.tenant_defaults.units_max[0] = 10;
    core_kit_init(&kit, &options);
    berth__submit ask = core_ask(1, 4);
    ask.terms.tenant = 5;
    ask.count = 3;
    berth_refusal refusal;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, &refusal), BERTH_EREFUSED);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_TENANT_COST);
    ask.count = 2;
    assert_int_equal(berth__core_reserve(kit.core, 0, &ask, &ticket, NULL), BERTH_OK);
    core_kit_must_hold(&kit);
    berth__submit other = core_ask(1, 3);
    other.terms.tenant = 5;
    (void)core_kit_turn_away(&kit, 0, &other, BERTH_REFUSAL_TENANT_COST);
    other.cost[0] = 0;
    (void)core_kit_take_in(&kit, 0, &other);
    (void)core_kit_turn_away(&kit, 0, &other, BERTH_REFUSAL_TENANT);
    berth__submit mine = with(ticket, 7);
    mine.terms.tenant = 5;
    (void)core_kit_turn_away(&kit, 0, &mine, BERTH_REFUSAL_TENANT_COST);
    mine.cost[0] = 6;
    (void)core_kit_take_in(&kit, 0, &mine);
    core_kit_must_hold(&kit);
    assert_int_equal(berth__core_ticket_cancel(kit.core, 0, ticket), BERTH_OK);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_holds_room_for_all_or_none),
        cmocka_unit_test(a_ticket_holds_bytes_and_cost),
        cmocka_unit_test(a_ticket_expires_and_is_cancelled),
        cmocka_unit_test(a_refused_submit_uses_up_nothing),
        cmocka_unit_test(a_ticket_is_good_for_its_band_and_tenant),
        cmocka_unit_test(a_pool_without_sets_gives_no_ticket_for_one),
        cmocka_unit_test(tickets_are_bounded_and_what_makes_no_sense_is_refused),
        cmocka_unit_test(what_cannot_be_counted_is_no_ticket_s),
        cmocka_unit_test(a_ticket_counts_against_its_tenant),
    };
    return cmocka_run_group_tests_name("unit/ticket", tests, NULL, NULL);
}
