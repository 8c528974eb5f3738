/* SPDX-License-Identifier: MIT */
/* One that was admitted and not begun goes back to where it was, and no counter remembers it. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void make(core_kit *kit, uint32_t face) {
    berth_options options = core_kit_options(face, 4, 8);
    core_kit_add_resource(&options, "units", 4);
    core_kit_init(kit, &options);
}

static void unadmit(core_kit *kit, uint64_t now, berth_request_id id) {
    assert_int_equal(berth__core_unadmit(kit->core, now, id), BERTH_OK);
    core_kit_must_hold(kit);
}

static void it_goes_back_to_its_place_in_line(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(1, 2);
    berth_request_id ids[3];
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    for (int i = 0; i < 3; i++) ids[i] = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 2);
    unadmit(&kit, 0, ids[1]);
    unadmit(&kit, 0, ids[0]);
    berth__core_set_idle(kit.core, 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(core_kit_view(&kit, ids[0]).state, BERTH__RUNNING);
    assert_int_equal(core_kit_view(&kit, ids[1]).state, BERTH__PARKED);
    core_kit_fini(&kit);
}

static void no_counter_shows_it(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, 2);
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    berth__core_set_idle(kit.core, 0);
    ask.terms.prompt_tokens = 7;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    const berth_stats before = core_kit_stats(&kit);
    berth__core_set_idle(kit.core, 1);
    assert_int_equal(berth__core_admit(kit.core, 5), 1);
    unadmit(&kit, 9, id);
    const berth_stats after = core_kit_stats(&kit);
    assert_int_equal(after.running, 0);
    assert_int_equal(after.admitted_total, before.admitted_total);
    assert_int_equal(after.prompt_tokens_total, before.prompt_tokens_total);
    assert_int_equal(after.preemptions_total, 0);
    assert_int_equal(after.resources[0].used_units, 0);
    assert_int_equal(after.resources[0].parked_units, 2);
    assert_int_equal(after.bands[0].parked, 1);
    assert_int_equal(after.bands[0].running, 0);
    assert_int_equal(after.bands[0].admitted_total, 0);
    assert_int_equal(after.bands[0].queue_ns_total, 0);
    assert_int_equal(core_kit_view(&kit, id).outcome.admitted_at_ns, 0);
    core_kit_fini(&kit);
}

/* Where tenants have quotas and no fairness, there is no counter to give back to. */
static void its_tenant_was_not_served(void **state) {
    berth_options options = core_kit_options(BERTH_FACE_WORKER, 4, 8);
    core_kit kit;
    berth_tenant_stats stats;
    berth__submit ask = core_ask(1, 2);
    (void)state;
    core_kit_add_resource(&options, "units", 4);
    options.tenants_max = 2;
    core_kit_init(&kit, &options);
    ask.terms.tenant = 9;
    ask.terms.prompt_tokens = 7;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    unadmit(&kit, 0, id);
    assert_int_equal(berth__core_tenant_stats(kit.core, 9, &stats), BERTH_OK);
    assert_int_equal(stats.prompt_tokens_total, 0);
    assert_int_equal(stats.parked, 1);
    assert_int_equal(stats.running, 0);
    core_kit_fini(&kit);
}

static void its_queue_deadline_holds_again(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, 2);
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    ask.terms.queue_ns = 10;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_next_at(kit.core), UINT64_MAX);
    unadmit(&kit, 9, id);
    berth__core_expire(kit.core, 10);
    assert_int_equal(core_kit_view(&kit, id).outcome.kind, BERTH_OUTCOME_EXPIRED);
    assert_int_equal(core_kit_view(&kit, id).outcome.detail, BERTH_DEADLINE_QUEUE);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void one_that_fits_no_longer_is_evicted(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(1, 4);
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_capacity_set(kit.core, 0, 0, 3), BERTH_OK);
    kit.may_overdraw = 1;
    unadmit(&kit, 0, id);
    assert_int_equal(core_kit_view(&kit, id).outcome.kind, BERTH_OUTCOME_EVICTED);
    core_kit_fini(&kit);
}

static void others_are_refused(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(1, 4);
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_unadmit(kit.core, 0, id), BERTH_EAGAIN);
    assert_int_equal(berth__core_unadmit(kit.core, 0, id + 1), BERTH_ESTALE);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(berth__core_unadmit(kit.core, 0, id), BERTH_EENDED);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
    make(&kit, BERTH_FACE_GATE);
    const berth_request_id gate = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_unadmit(kit.core, 0, gate), BERTH_EFACE);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_back_to_its_place_in_line),
        cmocka_unit_test(no_counter_shows_it),
        cmocka_unit_test(its_queue_deadline_holds_again),
        cmocka_unit_test(one_that_fits_no_longer_is_evicted),
        cmocka_unit_test(its_tenant_was_not_served),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
