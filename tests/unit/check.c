/* SPDX-License-Identifier: MIT */
/* The invariants can fail: each field that is put out of order is found, and nothing else is. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A core in the middle of everything: places by what is in them. */
typedef struct bed {
    core_kit kit;
    uint32_t parked[2]; /* of one band, in order */
    uint32_t running;   /* in the outstanding step */
    uint32_t stopping;  /* in it too */
    uint32_t ended;
    uint32_t pinned; /* ended and gone, but pinned */
} bed;

static uint32_t take_in(bed *b, uint64_t units) {
    berth__submit ask = core_ask(2, units);
    ask.terms.total_ns = 100;
    ask.terms.payload_size = 5;
    return berth__id_place(core_kit_take_in(&b->kit, 0, &ask));
}

static void cancel(bed *b, uint32_t place) {
    const berth_request_id id = berth__ids_of(&b->kit.core->ids, place);
    assert_int_equal(berth__core_cancel(b->kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
}

static void make(bed *b) {
    berth_options options = core_kit_options(BERTH_FACE_ENGINE, 3, 8);
    berth_plan_entry entries[6];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 6, .entries = entries};
    memset(b, 0, sizeof *b);
    core_kit_add_resource(&options, "units", 10);
    core_kit_init(&b->kit, &options);
    b->pinned = take_in(b, 1);
    berth__core_pin(b->kit.core, berth__ids_of(&b->kit.core->ids, b->pinned));
    cancel(b, b->pinned);
    (void)berth__core_forget(b->kit.core, berth__ids_of(&b->kit.core->ids, b->pinned), 0);
    b->running = take_in(b, 3);
    b->stopping = take_in(b, 3);
    assert_int_equal(berth__core_plan(b->kit.core, 0, &plan), BERTH_OK);
    cancel(b, b->stopping);
    b->ended = take_in(b, 1);
    cancel(b, b->ended);
    b->parked[0] = take_in(b, 4);
    b->parked[1] = take_in(b, 2);
    core_kit_must_hold(&b->kit);
}

/* Put one value in place of another, and back: the core must say so, and be well again. */
#define MUST_BE_FOUND(field, value)                                                                \
    do {                                                                                           \
        const uint64_t was = (uint64_t)(field);                                                    \
        (field) = value;                                                                           \
        if (berth__core_check(b.kit.core) == 0) fail_msg("%s = %s is not found", #field, #value);  \
        put_back(&(field), sizeof(field), was);                                                    \
        assert_int_equal(berth__core_check(b.kit.core), 0);                                        \
    } while (0)

static void put_back(void *field, size_t size, uint64_t was) {
    const uint32_t half = (uint32_t)was;
    const uint8_t byte = (uint8_t)was;
    if (size == sizeof was) memcpy(field, &was, size);
    if (size == sizeof half) memcpy(field, &half, size);
    if (size == sizeof byte) memcpy(field, &byte, size);
}

static void a_request_out_of_order_is_found(void **state) {
    bed b;
    (void)state;
    make(&b);
    berth__entry *e = b.kit.core->entries;
    MUST_BE_FOUND(b.kit.core->broken, 1);
    MUST_BE_FOUND(e[b.running].generation, 1);
    MUST_BE_FOUND(e[b.running].outcome, BERTH_OUTCOME_FAILED);
    MUST_BE_FOUND(e[b.ended].outcome, BERTH_OUTCOME_NONE);
    MUST_BE_FOUND(e[b.stopping].outcome, BERTH_OUTCOME_NONE);
    MUST_BE_FOUND(e[b.parked[0]].gone, 1);
    MUST_BE_FOUND(e[b.parked[0]].in_step, 1);
    MUST_BE_FOUND(e[b.parked[0]].state, BERTH__RUNNING);
    MUST_BE_FOUND(e[b.parked[0]].total_at_ns, 99);
    MUST_BE_FOUND(e[b.running].slot, 3);
    MUST_BE_FOUND(e[b.running].slot, e[b.stopping].slot);
    MUST_BE_FOUND(e[b.pinned].pinned, 0);
    MUST_BE_FOUND(e[b.ended].gone, 1);
    MUST_BE_FOUND(e[b.pinned].gone, 0);
    MUST_BE_FOUND(e[b.stopping].in_step, 0);
    MUST_BE_FOUND(b.kit.core->steps_outstanding, 0);
    MUST_BE_FOUND(e[b.parked[0]].payload_size, 6);
    MUST_BE_FOUND(b.kit.core->order[b.parked[0]], 999);
    MUST_BE_FOUND(e[b.parked[0]].band_index, 2);
    MUST_BE_FOUND(berth__units_of(b.kit.core, b.parked[0])[0], 5);
    MUST_BE_FOUND(berth__units_of(b.kit.core, b.running)[0], 5);
    core_kit_fini(&b.kit);
}

static void a_sum_out_of_order_is_found(void **state) {
    bed b;
    (void)state;
    make(&b);
    berth__core *core = b.kit.core;
    berth_band_stats *band = &core->counters.bands[1];
    MUST_BE_FOUND(core->counters.running, 2);
    MUST_BE_FOUND(core->counters.stopping, 0);
    MUST_BE_FOUND(core->running.count, 1);
    MUST_BE_FOUND(core->ended.count, 2);
    MUST_BE_FOUND(core->deadlines.armed[b.parked[0]], 5);
    MUST_BE_FOUND(core->deadlines.next_at, UINT64_MAX);
    MUST_BE_FOUND(core->queue.total.count, 1);
    MUST_BE_FOUND(core->queue.total.size, 11);
    MUST_BE_FOUND(core->queue.total.units[0], 7);
    MUST_BE_FOUND(core->slots_free_count, 0);
    MUST_BE_FOUND(core->slots_free[0], 0);
    MUST_BE_FOUND(core->ledger.used[0], 5);
    MUST_BE_FOUND(core->ledger.used_peak[0], 5);
    MUST_BE_FOUND(core->ledger.broken, 1);
    MUST_BE_FOUND(core->counters.submitted_total, 7);
    MUST_BE_FOUND(core->counters.ended_total, 1);
    MUST_BE_FOUND(core->queue.lists[1].count, 3);
    MUST_BE_FOUND(core->queue.bands[1].count, 3);
    MUST_BE_FOUND(core->queue.bands[1].size, 3);
    MUST_BE_FOUND(core->queue.bands[1].units[0], 3);
    MUST_BE_FOUND(core->queue.bands_with, 0);
    MUST_BE_FOUND(core->queue.bands_with, 3);
    MUST_BE_FOUND(band->parked, 1);
    MUST_BE_FOUND(band->running, 0);
    MUST_BE_FOUND(band->submitted_total, 7);
    MUST_BE_FOUND(core->counters.outcome_total[1], 1);
    MUST_BE_FOUND(core->counters.refusal_total[1], 1);
    MUST_BE_FOUND(core->counters.bands[7].submitted_total, 1);
    core_kit_fini(&b.kit);
}

static void a_list_that_holds_the_wrong_request_is_found(void **state) {
    bed b;
    (void)state;
    make(&b);
    berth__core *core = b.kit.core;
    MUST_BE_FOUND(core->queue.lists[1].head, b.parked[1]);
    MUST_BE_FOUND(core->queue.lists[1].head, b.ended);
    MUST_BE_FOUND(core->ended.head, b.pinned);
    MUST_BE_FOUND(core->running.head, b.ended);
    MUST_BE_FOUND(core->options.running_max, 1);
    MUST_BE_FOUND(core->options.ended_max, 0);
    core_kit_fini(&b.kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_out_of_order_is_found),
        cmocka_unit_test(a_sum_out_of_order_is_found),
        cmocka_unit_test(a_list_that_holds_the_wrong_request_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
