/* SPDX-License-Identifier: MIT */
/* Which pools take the plain ways through a plan, and to the end of who is parked, and what a
 * result is to be looked at for; what all these ways do is in tests/model/plain_step.c. */
#include "core/plain_step.h"
#include "core/plain.h"
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct rule {
    void (*set)(berth_options *options);
    int steps;
    int ends;
    uint32_t minds;
} rule;

#define SET(name, what)                                                                            \
    static void set_##name(berth_options *o) {                                                     \
        what;                                                                                      \
    }

SET(nothing, (void)o)
SET(steps, o->steps_max = 4)
SET(drafts, o->draft_tokens = 3)
SET(easy, o->fit = BERTH_FIT_EASY)
SET(sets, o->sets_max = 1)
SET(prefill, o->prefill_tokens_max = 5)
SET(worker, o->face = BERTH_FACE_WORKER)
SET(gate, o->face = BERTH_FACE_GATE)
SET(tenants, o->tenants_max = 1)
SET(tokens, o->step_tokens = 100)
SET(kv, o->kv_mode = BERTH_KV_OPTIMISTIC)
SET(prefix, o->prefix_blocks_max = 16)
SET(order, o->order = BERTH_ORDER_SHORTEST)
SET(aging, o->bands[0].aging_ns = 5)
SET(codel, o->bands[0].codel_target_ns = 5)
SET(prefix_of_engine, o->prefix_owner = BERTH_PREFIX_ENGINE)

static const rule rules[] = {
    {set_nothing, 1, 1, 0},
    {set_steps, 1, 1, 0},
    {set_drafts, 1, 1, 0},
    {set_easy, 1, 1, 0},
    {set_sets, 1, 0, 0},
    {set_prefill, 1, 1, 0},
    {set_worker, 0, 1, 0},
    {set_gate, 0, 1, 0},
    {set_tenants, 1, 0, BERTH__MINDS_TENANTS},
    {set_tokens, 0, 1, 0},
    {set_kv, 0, 1, BERTH__MINDS_KV},
    {set_prefix, 1, 0, BERTH__MINDS_BLOCKS},
    {set_prefix_of_engine, 1, 1, BERTH__MINDS_FOUND},
    {set_order, 1, 0, 0},
    {set_aging, 1, 0, 0},
    {set_codel, 1, 1, 0},
};

static void what_cannot_be_there_is_not_asked_for(void **state) {
    (void)state;
    for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        berth_options options = core_kit_options(BERTH_FACE_ENGINE, 2, 8);
        core_kit_add_resource(&options, "units", 10);
        berth__options_normalise(&options);
        rules[i].set(&options);
        assert_int_equal(berth__plain_step_suits(&options), rules[i].steps);
        assert_int_equal(berth__plain_ends_suit(&options), rules[i].ends);
        assert_int_equal(berth__plain_step_minds(&options), rules[i].minds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_there_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
