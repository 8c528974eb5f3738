/* SPDX-License-Identifier: MIT */
/* A core whose invariant failed takes no event any more, and changes nothing by being asked. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void make(core_kit *kit, uint32_t face) {
    berth_options options = core_kit_options(face, 2, 4);
    core_kit_add_resource(&options, "units", 10);
    options.tenants_max = 2;
    core_kit_init(kit, &options);
}

/* Events of every face, about a request that runs and one that is parked. */
static void refuse_all(core_kit *kit, const berth_request_id *id) {
    berth__core *core = kit->core;
    const berth__submit ask = core_ask(1, 1);
    const uint64_t held[1] = {1};
    berth_request_id out;
    berth_refusal refusal;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(berth__core_recost(core, 0, id[i], &ask, &refusal), BERTH_EBROKEN);
        assert_int_equal(berth__core_charge(core, 0, id[i], held, 1), BERTH_EBROKEN);
        assert_int_equal(berth__core_cancel(core, 0, id[i], BERTH_CANCEL_CALLER), BERTH_EBROKEN);
    }
    assert_int_equal(berth__core_submit(core, 0, &ask, &out, &refusal), BERTH_EBROKEN);
    assert_int_equal(berth__core_reserve(core, 0, &ask, &out, &refusal), BERTH_EBROKEN);
    assert_int_equal(berth__core_ticket_cancel(core, 0, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_capacity_set(core, 0, 0, 5), BERTH_EBROKEN);
    assert_int_equal(berth__core_tenant_set(core, 0, 1, NULL), BERTH_EBROKEN);
    assert_int_equal(core->counters.submitted_total, 2);
    assert_int_equal(core->ledger.capacity[0], 10);
}

static void an_engine_s_core_that_is_broken_takes_no_event(void **state) {
    berth_plan_entry entries[4];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 4};
    berth_block_hash hash = {0, 0};
    berth_request_id id[2];
    core_kit kit;
    const berth__submit ask = core_ask(1, 6);
    (void)state;
    make(&kit, BERTH_FACE_ENGINE);
    for (uint32_t i = 0; i < 2; i++) id[i] = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_OK);
    kit.core->broken = 1;
    refuse_all(&kit, id);
    assert_int_equal(berth__core_pause(kit.core, 0, id[0], BERTH__PAUSE_HOLD), BERTH_EBROKEN);
    assert_int_equal(berth__core_suspend(kit.core, 0, id[0], 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_preempt(kit.core, 0, id[0]), BERTH_EBROKEN);
    assert_int_equal(berth__core_commit_begin(kit.core, 0, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_plan_fail(kit.core, 0, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_plan(kit.core, 0, &plan), BERTH_EBROKEN);
    assert_int_equal(plan.entry_count, 0);
    assert_int_equal(berth__core_has_plan(kit.core), 0);
    assert_int_equal(berth__core_prefix_tell(kit.core, &hash), 0);
    assert_int_equal(berth__core_prefix_lost(kit.core, &hash), 0);
    assert_int_equal(kit.core->entries[berth__id_place(id[0])].state, BERTH__RUNNING);
    assert_int_equal(kit.core->entries[berth__id_place(id[1])].state, BERTH__PARKED);
    core_kit_fini(&kit);
}

static void a_worker_s_core_that_is_broken_takes_no_event(void **state) {
    berth_request_id id[2];
    core_kit kit;
    const berth__submit ask = core_ask(1, 6);
    (void)state;
    make(&kit, BERTH_FACE_WORKER);
    for (uint32_t i = 0; i < 2; i++) id[i] = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    kit.core->broken = 1;
    refuse_all(&kit, id);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    assert_int_equal(berth__core_unadmit(kit.core, 0, id[0]), BERTH_EBROKEN);
    assert_int_equal(berth__core_emit(kit.core, 0, id[0], 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_finish(kit.core, 0, id[0], BERTH_FINISH_STOP, 0), BERTH_EBROKEN);
    assert_int_equal(berth__core_complete(kit.core, 0, id[0], BERTH_FINISH_STOP, 0), BERTH_EBROKEN);
    assert_int_equal(berth__core_let_go(kit.core, 0, id[0]), BERTH_EBROKEN);
    assert_int_equal(kit.core->entries[berth__id_place(id[0])].state, BERTH__RUNNING);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_s_core_that_is_broken_takes_no_event),
        cmocka_unit_test(a_worker_s_core_that_is_broken_takes_no_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
