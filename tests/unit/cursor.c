/* SPDX-License-Identifier: MIT */
/* The walk over the parked requests: in what order they are considered. */
#include "core/cursor.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static berth_request_id submit(core_kit *kit, uint32_t band) {
    const berth__submit ask = core_ask(band, 0);
    return core_kit_take_in(kit, 0, &ask);
}

/* The walk visits exactly these, in this order, and then stays at its end. */
static void must_walk(const core_kit *kit, const berth_request_id *ids, uint32_t count) {
    berth__cursor cursor;
    uint32_t place = berth__cursor_first(kit->core, &cursor);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(place, berth__id_place(ids[i]));
        assert_int_equal(cursor.place, place);
        place = berth__cursor_next(kit->core, &cursor);
    }
    assert_true(place == BERTH__NONE);
    assert_true(berth__cursor_next(kit->core, &cursor) == BERTH__NONE);
}

static void an_empty_queue_has_nobody_to_consider(void **state) {
    core_kit kit;
    const berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 8);
    (void)state;
    core_kit_init(&kit, &options);
    must_walk(&kit, NULL, 0);
    core_kit_fini(&kit);
}

static void the_walk_goes_by_band_and_then_by_arrival(void **state) {
    core_kit kit;
    berth_request_id id[5];
    const berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 8);
    (void)state;
    core_kit_init(&kit, &options);
    id[3] = submit(&kit, 1);
    id[1] = submit(&kit, 2);
    id[2] = submit(&kit, 2);
    id[0] = submit(&kit, 4);
    id[4] = submit(&kit, 1);
    must_walk(&kit, id, 5);
    assert_int_equal(berth__core_cancel(kit.core, 0, id[0], BERTH_CANCEL_CALLER), BERTH_OK);
    must_walk(&kit, id + 1, 4);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_has_nobody_to_consider),
        cmocka_unit_test(the_walk_goes_by_band_and_then_by_arrival),
    };
    return cmocka_run_group_tests_name("unit/cursor", tests, NULL, NULL);
}
