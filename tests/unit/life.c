/* SPDX-License-Identifier: MIT */
/* One request's life: deadlines, cancel, ends, ids that go stale, shutdown, failure. */
#include "core/state.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make(core_kit *kit, uint32_t running_max, uint32_t ended_max) {
    berth_options options = core_kit_options(BERTH_FACE_GATE, running_max, 100);
    options.ended_max = ended_max;
    core_kit_add_resource(&options, "units", 10);
    core_kit_init(kit, &options);
}

static berth_request_id run_one(core_kit *kit, uint64_t now) {
    const berth__submit ask = core_ask(1, 1);
    const berth_request_id id = core_kit_take_in(kit, now, &ask);
    (void)berth__core_admit(kit->core, now);
    assert_int_equal(core_kit_view(kit, id).state, BERTH__RUNNING);
    return id;
}

static berth_request_id park_one(core_kit *kit, uint64_t now, uint64_t queue_ns, uint64_t first_ns,
                                 uint64_t total_ns) {
    berth__submit ask = core_ask(1, 10);
    ask.terms.queue_ns = queue_ns;
    ask.terms.first_output_ns = first_ns;
    ask.terms.total_ns = total_ns;
    return core_kit_take_in(kit, now, &ask);
}

static void must_have_ended(core_kit *kit, berth_request_id id, uint32_t kind, uint32_t detail) {
    const berth__view view = core_kit_view(kit, id);
    assert_int_equal(view.outcome.kind, kind);
    assert_int_equal(view.outcome.detail, detail);
    core_kit_must_hold(kit);
}

/* ---- Deadlines ---- */

static void expired_work_never_runs(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 4, 8);
    const berth_request_id running = run_one(&kit, 0);
    const berth_request_id parked = park_one(&kit, 0, 100, 0, 0);
    (void)berth__core_finish(kit.core, 99, running, BERTH_FINISH_STOP, 0);
    assert_int_equal(core_kit_view(&kit, parked).state, BERTH__PARKED);
    (void)berth__core_let_go(kit.core, 100, running); /* room and deadline at one moment */
    assert_int_equal(berth__core_admit(kit.core, 100), 0);
    must_have_ended(&kit, parked, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_int_equal(core_kit_view(&kit, parked).outcome.ended_at_ns, 100);
    core_kit_fini(&kit);
}

static void the_queue_deadline_ends_with_admission(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 4, 8);
    ask.terms.queue_ns = 100;
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    assert_true(berth__core_next_at(kit.core) == 100);
    assert_int_equal(berth__core_admit(kit.core, 99), 1);
    assert_true(berth__core_next_at(kit.core) == UINT64_MAX);
    berth__core_expire(kit.core, 1000);
    assert_int_equal(core_kit_view(&kit, id).state, BERTH__RUNNING);
    core_kit_fini(&kit);
}

static void the_first_output_deadline_is_met_by_output_and_not_by_admission(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, 1);
    berth_request_id id[2];
    (void)state;
    make(&kit, 4, 8);
    ask.terms.first_output_ns = 100;
    for (int i = 0; i < 2; i++) id[i] = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 2);
    assert_int_equal(berth__core_emit(kit.core, 50, id[0], 1), BERTH_OK);
    assert_int_equal(berth__core_emit(kit.core, 60, id[0], 2), BERTH_OK);
    berth__core_expire(kit.core, 100);
    assert_int_equal(core_kit_view(&kit, id[0]).outcome.first_output_at_ns, 50);
    assert_int_equal(core_kit_view(&kit, id[0]).outcome.tokens_generated, 3);
    assert_int_equal(core_kit_view(&kit, id[0]).state, BERTH__RUNNING);
    must_have_ended(&kit, id[1], BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_FIRST_OUTPUT);
    assert_int_equal(core_kit_view(&kit, id[1]).state, BERTH__STOPPING);
    core_kit_fini(&kit);
}

static void the_total_deadline_ends_parked_and_running_alike(void **state) {
    core_kit kit;
    berth__submit ask = core_ask(1, 6);
    (void)state;
    make(&kit, 4, 8);
    ask.terms.total_ns = 100;
    const berth_request_id running = core_kit_take_in(&kit, 0, &ask);
    const berth_request_id parked = core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    berth__core_expire(kit.core, 100);
    must_have_ended(&kit, running, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_TOTAL);
    must_have_ended(&kit, parked, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_TOTAL);
    assert_int_equal(core_kit_view(&kit, running).state, BERTH__STOPPING);
    assert_int_equal(core_kit_view(&kit, parked).state, BERTH__ENDED);
    core_kit_fini(&kit);
}

static void what_is_due_ends_by_deadline_then_by_arrival_and_the_earliest_counts(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 4, 16);
    (void)run_one(&kit, 0);
    const berth_request_id late = park_one(&kit, 0, 300, 0, 0);
    const berth_request_id second = park_one(&kit, 0, 0, 0, 200);
    const berth_request_id third = park_one(&kit, 0, 200, 200, 200);
    const berth_request_id first = park_one(&kit, 0, 250, 100, 250);
    const berth_request_id never = park_one(&kit, 5, UINT64_MAX, 0, 0);
    core_kit_clear(&kit);
    berth__core_expire(kit.core, 299);
    const berth_request_id order[] = {first, second, third};
    assert_int_equal(kit.log.count, 6);
    for (uint32_t i = 0; i < 3; i++) assert_true(kit.log.items[2 * i].id == order[i]);
    must_have_ended(&kit, first, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_FIRST_OUTPUT);
    must_have_ended(&kit, third, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_int_equal(core_kit_view(&kit, late).state, BERTH__PARKED);
    assert_int_equal(core_kit_view(&kit, never).state, BERTH__PARKED);
    assert_true(berth__core_next_at(kit.core) == 300);
    core_kit_fini(&kit);
}

/* The table has few places: each is taken many times before the first deadline of it would come.
 * Looking for the next one between changes nothing. */
static void lives_that_follow_in_a_place(int looks) {
    core_kit kit;
    make(&kit, 4, 8);
    (void)run_one(&kit, 0);
    for (uint64_t now = 0; now < 199; now++) {
        const uint64_t due_ns = now % 3 == 0 ? 1000 : 900;
        const berth_request_id id = park_one(&kit, now, due_ns, 0, 0);
        assert_true(!looks || berth__core_next_at(kit.core) == now + due_ns);
        assert_int_equal(berth__core_cancel(kit.core, now, id, BERTH_CANCEL_CALLER), BERTH_OK);
        assert_true(!looks || berth__core_next_at(kit.core) == UINT64_MAX);
        assert_int_equal(berth__core_forget(kit.core, id, 0), BERTH_OK);
    }
    const berth_request_id last = park_one(&kit, 199, 1800, 0, 0);
    const berth_request_id first = park_one(&kit, 199, 1700, 0, 0);
    core_kit_clear(&kit);
    berth__core_expire(kit.core, 1898);
    assert_int_equal(kit.log.count, 0);
    berth__core_expire(kit.core, 1999);
    must_have_ended(&kit, first, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    must_have_ended(&kit, last, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    assert_int_equal(kit.log.count, 4);
    assert_true(kit.log.items[0].id == first);
    core_kit_fini(&kit);
}

static void lives_that_follow_in_a_place_have_their_own_deadlines(void **state) {
    (void)state;
    lives_that_follow_in_a_place(0);
    lives_that_follow_in_a_place(1);
}

/* So a timer that sleeps until then is not woken by requests that come and go meanwhile. */
static void a_deadline_that_was_given_up_stands_for_those_that_follow(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 4, 8);
    (void)run_one(&kit, 0);
    for (uint64_t now = 0; now < 500; now += 5) {
        const berth_request_id id = park_one(&kit, now, 1000, 0, 0);
        assert_true(berth__core_not_before(kit.core) == 1000);
        assert_int_equal(berth__core_cancel(kit.core, now, id, BERTH_CANCEL_CALLER), BERTH_OK);
        assert_true(berth__core_next_within(kit.core, now + 50) == 1000);
        assert_int_equal(berth__core_forget(kit.core, id, 0), BERTH_OK);
    }
    const berth_request_id last = park_one(&kit, 500, 1000, 0, 0);
    assert_true(berth__core_next_within(kit.core, 999) == 1000);
    assert_true(berth__core_next_within(kit.core, 1400) > 1400);
    assert_true(berth__core_next_within(kit.core, 1500) == 1500);
    berth__core_expire(kit.core, 1499);
    assert_int_equal(core_kit_view(&kit, last).state, BERTH__PARKED);
    berth__core_expire(kit.core, 1500);
    must_have_ended(&kit, last, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    core_kit_fini(&kit);
}

/* A table that is larger than the caches near the processor asks ahead for who is due. */
static void many_deadlines_come_in_order(void **state) {
    enum { COUNT = 3000 };
    core_kit kit;
    uint64_t before = 0;
    uint64_t now = 0;
    (void)state;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, COUNT);
    core_kit_add_resource(&options, "units", 10);
    options.ended_max = COUNT;
    core_kit_init(&kit, &options);
    (void)run_one(&kit, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        berth__submit ask = core_ask(1, 10);
        berth_request_id id;
        ask.terms.queue_ns = 1 + i * UINT64_C(2654435761) % 1000;
        assert_int_equal(berth__core_submit(kit.core, 0, &ask, &id, NULL), BERTH_OK);
        core_kit_accept(&kit, id);
    }
    core_kit_must_hold(&kit); /* once: to look at them all takes O(n²) */
    core_kit_clear(&kit);
    while ((now = berth__core_next_at(kit.core)) != UINT64_MAX) berth__core_expire(kit.core, now);
    assert_int_equal(kit.log.count, 2 * COUNT);
    for (uint32_t i = 0; i < 2 * COUNT; i += 2) {
        const berth_outcome outcome = core_kit_view(&kit, kit.log.items[i].id).outcome;
        assert_true(outcome.ended_at_ns >= before);
        assert_int_equal(outcome.kind, BERTH_OUTCOME_EXPIRED);
        before = outcome.ended_at_ns;
    }
    core_kit_fini(&kit);
}

static void a_deadline_fires_without_the_queue_moving(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 1, 8);
    (void)run_one(&kit, 0);
    const berth_request_id parked = park_one(&kit, 0, 10, 0, 0);
    berth__core_expire(kit.core, 10);
    must_have_ended(&kit, parked, BERTH_OUTCOME_EXPIRED, BERTH_DEADLINE_QUEUE);
    core_kit_fini(&kit);
}

/* ---- Cancel and finish ---- */

static void the_first_cause_wins(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 4, 8);
    const berth_request_id id = run_one(&kit, 0);
    berth__core *core = kit.core;
    assert_int_equal(berth__core_cancel(core, 1, id, BERTH_CANCEL_READER_GONE), BERTH_OK);
    assert_int_equal(berth__core_cancel(core, 2, id, BERTH_CANCEL_CALLER), BERTH_EENDED);
    assert_int_equal(berth__core_finish(core, 3, id, BERTH_FINISH_FAILED, 9), BERTH_EENDED);
    assert_int_equal(berth__core_emit(core, 3, id, 5), BERTH_EENDED);
    berth__core_count_chunk(core, id, 0, 7);
    berth__core_count_chunk(core, id, 1, 7);
    berth__core_count_chunk(core, 999, 0, 7);
    assert_int_equal(core_kit_stats(&kit).resources[0].used_units, 1); /* held until let go */
    assert_int_equal(berth__core_let_go(core, 4, id), BERTH_OK);
    assert_int_equal(berth__core_let_go(core, 5, id), BERTH_EENDED);
    must_have_ended(&kit, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_READER_GONE);
    assert_int_equal(core_kit_view(&kit, id).outcome.ended_at_ns, 1);
    assert_int_equal(core_kit_view(&kit, id).outcome.chunks_dropped, 1);
    assert_int_equal(core_kit_stats(&kit).chunks_dropped_total, 2);
    assert_int_equal(core_kit_stats(&kit).chunks_total, 1);
    assert_int_equal(core_kit_stats(&kit).bytes_total, 7);
    core_kit_fini(&kit);
}

static void a_parked_request_that_is_cancelled_ends_at_once_and_never_runs(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 1, 8);
    const berth_request_id running = run_one(&kit, 0);
    const berth_request_id parked = park_one(&kit, 0, 0, 0, 0);
    assert_int_equal(berth__core_finish(kit.core, 0, parked, BERTH_FINISH_STOP, 0), BERTH_EAGAIN);
    assert_int_equal(berth__core_emit(kit.core, 0, parked, 1), BERTH_EAGAIN);
    assert_int_equal(berth__core_let_go(kit.core, 0, parked), BERTH_EAGAIN);
    assert_int_equal(berth__core_let_go(kit.core, 0, running), BERTH_EBUSY);
    assert_int_equal(berth__core_forget(kit.core, parked, 0), BERTH_EAGAIN);
    assert_int_equal(berth__core_cancel(kit.core, 0, parked, BERTH_CANCEL_CALLER), BERTH_OK);
    must_have_ended(&kit, parked, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_CALLER);
    assert_int_equal(berth__core_finish(kit.core, 0, running, 0, 0), BERTH_EINVAL);
    assert_int_equal(berth__core_finish(kit.core, 0, running, 4, 0), BERTH_EINVAL);
    assert_int_equal(berth__core_finish(kit.core, 0, running, 2, 0), BERTH_OK);
    (void)berth__core_let_go(kit.core, 0, running);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    must_have_ended(&kit, running, BERTH_OUTCOME_COMPLETED, BERTH_FINISH_LENGTH);
    core_kit_fini(&kit);
}

/* ---- Ids and outcomes ---- */

static void a_stale_id_is_an_error_for_every_event(void **state) {
    core_kit kit;
    berth__view view;
    const berth__submit known = core_ask(1, 1);
    const uint64_t held[] = {1};
    (void)state;
    make(&kit, 4, 8);
    const berth_request_id gone = run_one(&kit, 0);
    (void)berth__core_finish(kit.core, 0, gone, BERTH_FINISH_STOP, 0);
    (void)berth__core_let_go(kit.core, 0, gone);
    assert_int_equal(berth__core_forget(kit.core, gone, 0), BERTH_OK);
    const berth_request_id stale[] = {0, gone, gone + 1, gone + 900, UINT64_MAX, ~gone};
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++) {
        const berth_request_id id = stale[i];
        assert_int_equal(berth__core_cancel(kit.core, 0, id, 1), BERTH_ESTALE);
        assert_int_equal(berth__core_recost(kit.core, 0, id, &known, NULL), BERTH_ESTALE);
        assert_int_equal(berth__core_charge(kit.core, 0, id, held, 1), BERTH_ESTALE);
        assert_int_equal(berth__core_emit(kit.core, 0, id, 1), BERTH_ESTALE);
        assert_int_equal(berth__core_finish(kit.core, 0, id, 1, 0), BERTH_ESTALE);
        assert_int_equal(berth__core_let_go(kit.core, 0, id), BERTH_ESTALE);
        assert_int_equal(berth__core_forget(kit.core, id, 0), BERTH_ESTALE);
        assert_int_equal(berth__core_view(kit.core, id, &view), BERTH_ESTALE);
        berth__core_pin(kit.core, id);
        berth__core_unpin(kit.core, id);
        core_kit_must_hold(&kit);
    }
    core_kit_fini(&kit);
}

static void an_outcome_taken_while_stopping_leaves_the_id_to_the_worker_alone(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 4, 8);
    const berth_request_id id = run_one(&kit, 0);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    assert_int_equal(berth__core_forget(kit.core, id, 1), BERTH_OK);
    assert_int_equal(core_kit_stats(&kit).retained_dropped_total, 1);
    assert_int_equal(berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER), BERTH_ESTALE);
    assert_int_equal(berth__core_forget(kit.core, id, 0), BERTH_ESTALE);
    assert_int_equal(core_kit_view(&kit, id).gone, 1);
    assert_int_equal(berth__core_let_go(kit.core, 0, id), BERTH_OK);
    assert_int_equal(berth__core_let_go(kit.core, 0, id), BERTH_ESTALE);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void unread_results_are_bounded_and_the_oldest_is_dropped_first(void **state) {
    core_kit kit;
    berth_request_id id[5];
    (void)state;
    make(&kit, 1, 3);
    for (int i = 0; i < 5; i++) {
        id[i] = park_one(&kit, 0, 0, 0, 0);
        assert_int_equal(berth__core_cancel(kit.core, 0, id[i], BERTH_CANCEL_CALLER), BERTH_OK);
    }
    assert_int_equal(core_kit_stats(&kit).retained, 3);
    assert_int_equal(core_kit_stats(&kit).retained_dropped_total, 2);
    assert_int_equal(berth__core_forget(kit.core, id[1], 0), BERTH_ESTALE);
    assert_true(berth__core_oldest_ended(kit.core, 0) == id[2]);
    assert_true(berth__core_oldest_ended(kit.core, id[2]) == id[3]);
    assert_true(berth__core_oldest_ended(kit.core, id[4]) == 0);
    assert_int_equal(berth__core_forget(kit.core, id[3], 0), BERTH_OK);
    assert_true(berth__core_oldest_ended(kit.core, id[2]) == id[4]);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_pinned_place_is_not_reused_before_it_is_unpinned(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 1);
    const berth__submit ask = core_ask(1, 0);
    (void)state;
    options.ended_max = 1;
    core_kit_init(&kit, &options);
    const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
    berth__core_pin(kit.core, id);
    (void)berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER);
    assert_int_equal(berth__core_forget(kit.core, id, 0), BERTH_OK);
    for (int i = 0; i < 6; i++) {
        const berth_request_id other = core_kit_take_in(&kit, 0, &ask);
        assert_true(berth__id_place(other) != berth__id_place(id));
        (void)berth__core_cancel(kit.core, 0, other, BERTH_CANCEL_CALLER);
        (void)berth__core_forget(kit.core, other, 0);
    }
    berth__core_unpin(kit.core, id);
    berth__core_unpin(kit.core, id);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

static void a_retired_place_is_skipped_when_room_is_made(void **state) {
    core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_GATE, 1, 1);
    const berth__submit ask = core_ask(1, 0);
    (void)state;
    options.ended_max = 1;
    core_kit_init(&kit, &options);
    for (uint32_t p = 0; p < 3; p++) (void)berth__ids_take(&kit.core->ids);
    for (uint32_t p = 0; p < 3; p++) berth__ids_give(&kit.core->ids, p);
    for (uint32_t p = 0; p < 3; p++) kit.core->entries[p].generation = BERTH__GENERATION_MAX - 1;
    for (int i = 0; i < 3; i++) {
        const berth_request_id id = core_kit_take_in(&kit, 0, &ask);
        (void)berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER);
    }
    (void)core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_SLOTS);
    assert_int_equal(kit.core->ids.retired_count, 3);
    core_kit_fini(&kit);
}

/* ---- Closing ---- */

static void a_closed_pool_refuses_and_what_is_accepted_goes_on(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 1, 8);
    const berth_request_id running = run_one(&kit, 0);
    const berth_request_id parked = park_one(&kit, 0, 0, 0, 0);
    berth__core_close(kit.core, 0);
    const berth_refusal refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_CLOSED);
    assert_true(refusal.retry_after_ns == 0);
    (void)berth__core_finish(kit.core, 0, running, BERTH_FINISH_STOP, 0);
    (void)berth__core_let_go(kit.core, 0, running);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    assert_int_equal(core_kit_view(&kit, parked).state, BERTH__RUNNING);
    assert_int_equal(core_kit_stats(&kit).closed, 1);
    core_kit_fini(&kit);
}

static void shutdown_ends_every_parked_request(void **state) {
    core_kit kit;
    berth_request_id parked[8];
    (void)state;
    make(&kit, 1, 16);
    const berth_request_id running = run_one(&kit, 0);
    for (int i = 0; i < 8; i++) parked[i] = park_one(&kit, 0, 50, 0, 0);
    berth__core_shutdown(kit.core, 1, 0);
    for (int i = 0; i < 8; i++) must_have_ended(&kit, parked[i], BERTH_OUTCOME_SHUTDOWN, 0);
    assert_int_equal(core_kit_view(&kit, running).state, BERTH__RUNNING);
    berth__core_shutdown(kit.core, 2, 1);
    must_have_ended(&kit, running, BERTH_OUTCOME_SHUTDOWN, 0);
    berth__core_shutdown(kit.core, 2, 1);
    assert_int_equal(core_kit_view(&kit, running).state, BERTH__STOPPING);
    assert_true(berth__core_next_at(kit.core) == UINT64_MAX);
    core_kit_fini(&kit);
}

static void no_more_are_admitted_than_workers_are_idle(void **state) {
    core_kit kit;
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 8, 8);
    berth__core_set_idle(kit.core, 2);
    for (int i = 0; i < 4; i++) (void)core_kit_take_in(&kit, 0, &ask);
    assert_int_equal(berth__core_admit(kit.core, 0), 2);
    assert_int_equal(berth__core_admit(kit.core, 0), 0);
    berth__core_set_idle(kit.core, 1);
    assert_int_equal(berth__core_admit(kit.core, 0), 1);
    core_kit_must_hold(&kit);
    core_kit_fini(&kit);
}

/* ---- Counters and failure ---- */

static void counters_never_go_below_zero(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 2, 2);
    for (uint64_t i = 0; i < 50; i++) {
        const berth_request_id id = run_one(&kit, i);
        const berth_request_id parked = park_one(&kit, i, 1, 0, 0);
        (void)berth__core_cancel(kit.core, i, id, BERTH_CANCEL_CALLER);
        (void)berth__core_cancel(kit.core, i, parked, BERTH_CANCEL_CALLER);
        (void)berth__core_let_go(kit.core, i, id);
        (void)berth__core_let_go(kit.core, i, id);
        const berth_stats stats = core_kit_stats(&kit);
        assert_true(stats.parked + stats.running + stats.stopping == 0);
        assert_true(stats.resources[0].used_units + stats.resources[0].parked_units == 0);
        core_kit_must_hold(&kit);
    }
    core_kit_fini(&kit);
}

static void a_broken_core_gives_everyone_an_end_and_refuses_every_event(void **state) {
    core_kit kit;
    berth_request_id out;
    berth_plan plan = {.struct_size = sizeof plan};
    const berth__submit ask = core_ask(1, 1);
    (void)state;
    make(&kit, 2, 8);
    const berth_request_id running = run_one(&kit, 0);
    const berth_request_id stopping = run_one(&kit, 0);
    const berth_request_id parked = park_one(&kit, 0, 5, 0, 0);
    (void)berth__core_cancel(kit.core, 0, stopping, BERTH_CANCEL_CALLER);
    berth__core_fail(kit.core);
    berth__core_fail(kit.core);
    assert_int_equal(berth__core_broken(kit.core), 1);
    assert_int_equal(core_kit_view(&kit, running).outcome.kind, BERTH_OUTCOME_INTERNAL);
    assert_int_equal(core_kit_view(&kit, parked).outcome.kind, BERTH_OUTCOME_INTERNAL);
    assert_int_equal(core_kit_view(&kit, stopping).outcome.kind, BERTH_OUTCOME_CANCELLED);
    assert_int_equal(kit.told[BERTH__T_OUTCOME], 3);
    assert_int_equal(kit.told[BERTH__T_ENDED], 3);
    assert_null(kit.broken);
    assert_int_equal(core_kit_stats(&kit).broken, 1);
    berth__core *core = kit.core;
    assert_int_equal(berth__core_submit(core, 1, &ask, &out, NULL), BERTH_EBROKEN);
    assert_int_equal(berth__core_recost(core, 1, parked, &ask, NULL), BERTH_EBROKEN);
    assert_int_equal(berth__core_charge(core, 1, running, ask.cost, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_capacity_set(core, 1, 0, 5), BERTH_EBROKEN);
    assert_int_equal(berth__core_cancel(core, 1, running, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_emit(core, 1, running, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_finish(core, 1, running, 1, 0), BERTH_EBROKEN);
    assert_int_equal(berth__core_let_go(core, 1, running), BERTH_EBROKEN);
    assert_int_equal(berth__core_admit(core, 1), 0);
    assert_int_equal(berth__core_plan(core, 1, &plan), BERTH_EBROKEN);
    assert_int_equal(berth__core_commit_begin(core, 1, 1), BERTH_EBROKEN);
    assert_int_equal(berth__core_has_plan(core), 0);
    assert_true(berth__core_next_at(core) == UINT64_MAX);
    assert_true(berth__core_check(core) != 0);
    assert_int_equal(berth__core_forget(core, running, 0), BERTH_OK);
    core_kit_fini(&kit);
}

#ifndef BERTH_DEBUG_INVARIANTS
static void releasing_more_than_is_held_breaks_the_core(void **state) {
    core_kit kit;
    (void)state;
    make(&kit, 2, 8);
    const berth_request_id id = run_one(&kit, 0);
    kit.core->ledger.used[0] = 0;
    (void)berth__core_cancel(kit.core, 0, id, BERTH_CANCEL_CALLER);
    (void)berth__core_let_go(kit.core, 0, id);
    assert_int_equal(berth__core_broken(kit.core), 1);
    core_kit_fini(&kit);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expired_work_never_runs),
        cmocka_unit_test(the_queue_deadline_ends_with_admission),
        cmocka_unit_test(the_first_output_deadline_is_met_by_output_and_not_by_admission),
        cmocka_unit_test(the_total_deadline_ends_parked_and_running_alike),
        cmocka_unit_test(what_is_due_ends_by_deadline_then_by_arrival_and_the_earliest_counts),
        cmocka_unit_test(lives_that_follow_in_a_place_have_their_own_deadlines),
        cmocka_unit_test(a_deadline_that_was_given_up_stands_for_those_that_follow),
        cmocka_unit_test(many_deadlines_come_in_order),
        cmocka_unit_test(a_deadline_fires_without_the_queue_moving),
        cmocka_unit_test(the_first_cause_wins),
        cmocka_unit_test(a_parked_request_that_is_cancelled_ends_at_once_and_never_runs),
        cmocka_unit_test(a_stale_id_is_an_error_for_every_event),
        cmocka_unit_test(an_outcome_taken_while_stopping_leaves_the_id_to_the_worker_alone),
        cmocka_unit_test(unread_results_are_bounded_and_the_oldest_is_dropped_first),
        cmocka_unit_test(a_pinned_place_is_not_reused_before_it_is_unpinned),
        cmocka_unit_test(a_retired_place_is_skipped_when_room_is_made),
        cmocka_unit_test(a_closed_pool_refuses_and_what_is_accepted_goes_on),
        cmocka_unit_test(shutdown_ends_every_parked_request),
        cmocka_unit_test(no_more_are_admitted_than_workers_are_idle),
        cmocka_unit_test(counters_never_go_below_zero),
        cmocka_unit_test(a_broken_core_gives_everyone_an_end_and_refuses_every_event),
#ifndef BERTH_DEBUG_INVARIANTS
        cmocka_unit_test(releasing_more_than_is_held_breaks_the_core),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
