/* SPDX-License-Identifier: MIT */
/* Two cores live through the same events; the requests of the one come by ids that were lent some
 * time before, those of the other as usual, and by the long way where there is a plain one. Nothing
 * that can be seen may differ but the ids. */
#include "core/lend.h"
#include "core/state.h"
#include "support/core_kit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES_MAX 1024u
#define LENT_MAX 12u
#define UNITS_MAX 6u

typedef struct pair {
    core_kit usual;
    core_kit lent;
    uint64_t random;
    uint64_t now;
    uint64_t capacity;
    berth_request_id usual_ids[NAMES_MAX]; /* by name */
    berth_request_id lent_ids[NAMES_MAX];
    uint32_t name_count;
    berth_request_id purse[LENT_MAX]; /* lent, not used */
    uint32_t purse_count;
    uint32_t closed;
    uint64_t used_total;
} pair;

static uint64_t below(pair *p, uint64_t bound) {
    return core_random_below(&p->random, bound);
}

/* ---- Options ---- */

static berth_options draw_options(pair *p) {
    berth_options o = core_kit_options(BERTH_FACE_WORKER, 1 + (uint32_t)below(p, 6),
                                       LENT_MAX + 1 + (uint32_t)below(p, 30));
    o.ended_max = 1 + (uint32_t)below(p, 20);
    const uint64_t is_plain = below(p, 2);
    o.fit = below(p, 2) ? BERTH_FIT_STRICT : BERTH_FIT_FIRST;
    o.queue_ns_max = below(p, 2) ? 0 : 1 + below(p, 200);
    o.displace = (uint32_t)below(p, 2);
    if (below(p, 4) != 0) core_kit_add_resource(&o, "units", UNITS_MAX);
    if (o.resource_count > 0 && below(p, 2)) core_kit_add_resource(&o, "others", UNITS_MAX);
    if (is_plain) o.fit = BERTH_FIT_STRICT;
    for (uint32_t b = 0; b < o.band_count && !is_plain; b++) {
        if (below(p, 3) == 0) o.bands[b].codel_target_ns = 1 + below(p, 50);
        if (below(p, 3) == 0) o.bands[b].share_ppm = 100000;
        if (o.bands[b].share_ppm == 0 && b + 1 < o.band_count && below(p, 3) == 0)
            o.bands[b].aging_ns = 1 + below(p, 100);
    }
    return o;
}

/* ---- What is compared ---- */

static uint32_t name_of(const berth_request_id *ids, uint32_t count, berth_request_id id) {
    for (uint32_t name = count; name-- > 0;)
        if (ids[name] == id) return name;
    return UINT32_MAX;
}

static void compare_logs(pair *p) {
    assert_int_equal(p->usual.log.count, p->lent.log.count);
    for (uint32_t i = 0; i < p->usual.log.count; i++) {
        const core_transition *a = &p->usual.log.items[i];
        const core_transition *b = &p->lent.log.items[i];
        assert_int_equal(a->transition, b->transition);
        const uint32_t name = name_of(p->usual_ids, p->name_count, a->id);
        assert_int_not_equal(name, UINT32_MAX);
        assert_int_equal(name, name_of(p->lent_ids, p->name_count, b->id));
    }
    core_kit_clear(&p->usual);
    core_kit_clear(&p->lent);
}

static void compare_views(const pair *p) {
    for (uint32_t name = 0; name < p->name_count; name++) {
        berth__view a;
        berth__view b;
        const berth_status status = berth__core_view(p->usual.core, p->usual_ids[name], &a);
        assert_int_equal(berth__core_view(p->lent.core, p->lent_ids[name], &b), status);
        a.id = b.id = 0;
        assert_memory_equal(&a, &b, sizeof a);
    }
}

static void compare(pair *p) {
    const berth_stats a = core_kit_stats(&p->usual);
    const berth_stats b = core_kit_stats(&p->lent);
    assert_memory_equal(&a, &b, sizeof a);
    compare_logs(p);
    compare_views(p);
    assert_int_equal(berth__core_next_at(p->usual.core), berth__core_next_at(p->lent.core));
    core_kit_must_hold(&p->usual);
    core_kit_must_hold(&p->lent);
    assert_int_equal(p->lent.core->queue.lent_count, p->purse_count);
}

/* ---- Calls ---- */

#define CALLS 9u

/* One call that both cores answer alike. */
static berth_status call(core_kit *kit, const pair *p, uint64_t how, berth_request_id id,
                         uint64_t number) {
    const uint64_t units[BERTH_RESOURCES_MAX] = {number % (UNITS_MAX + 2), number % 3};
    const uint32_t count = p->usual.options.resource_count;
    berth__submit known = {.cost_count = count, .terms.prompt_tokens = number % 7};
    for (uint32_t r = 0; r < count; r++) known.cost[r] = units[r];
    switch (how) {
    case 0: return berth__core_cancel(kit->core, p->now, id, BERTH_CANCEL_CALLER);
    case 1: return berth__core_finish(kit->core, p->now, id, BERTH_FINISH_STOP, 0);
    case 2: return berth__core_let_go(kit->core, p->now, id);
    case 3: return berth__core_complete(kit->core, p->now, id, BERTH_FINISH_FAILED, 3);
    case 4: return berth__core_emit(kit->core, p->now, id, number % 4);
    case 5: return berth__core_forget(kit->core, id, number % 2 != 0);
    case 6: kit->may_overdraw = 1; return berth__core_charge(kit->core, p->now, id, units, count);
    case 7: return berth__core_unadmit(kit->core, p->now, id);
    default: return berth__core_recost(kit->core, p->now, id, &known, NULL);
    }
}

/* ---- Ids that are lent ---- */

static void lend(pair *p) {
    if (p->purse_count == LENT_MAX) return;
    const berth_request_id id = berth__core_lend(p->lent.core);
    berth__view view;
    if (id == 0) return;
    assert_int_equal(berth__core_view(p->lent.core, id, &view), BERTH_ESTALE);
    /* It names nobody; the other core is asked too, because a call's moment counts. */
    for (uint64_t how = 0; how < CALLS; how++) {
        assert_int_equal(call(&p->lent, p, how, id, 1), BERTH_ESTALE);
        assert_int_equal(call(&p->usual, p, how, 0, 1), BERTH_ESTALE);
    }
    p->purse[p->purse_count++] = id;
}

static void give_back_all(pair *p) {
    while (p->purse_count > 0) berth__core_unlend(p->lent.core, p->purse[--p->purse_count]);
}

/* ---- Events ---- */

static berth__submit draw_submit(pair *p) {
    berth__submit s = {.terms.band = 1 + (uint32_t)below(p, 4),
                       .cost_count = p->usual.options.resource_count,
                       .terms.payload_size = below(p, 100),
                       .terms.prompt_tokens = below(p, 10),
                       .terms.max_new_tokens = below(p, 10),
                       .terms.queue_ns =
                           below(p, 3) ? p->usual.options.queue_ns_max : 1 + below(p, 100),
                       .terms.first_output_ns = below(p, 4) ? 0 : 1 + below(p, 100),
                       .terms.total_ns = below(p, 4) ? 0 : 1 + below(p, 200),
                       .terms.tenant = below(p, 3)};
    for (uint32_t r = 0; r < s.cost_count; r++) s.cost[r] = below(p, p->capacity + 1);
    return s;
}

/* Neither core may have changed by a refusal but in what it counts. */
static void submit_as_usual(pair *p) {
    berth__submit submit = draw_submit(p);
    berth_refusal a;
    berth_refusal b;
    if (p->name_count == NAMES_MAX) return;
    if (submit.cost_count > 0 && below(p, 10) == 0) submit.cost[0] = p->capacity + 1;
    give_back_all(p);
    berth_request_id *ids[] = {&p->usual_ids[p->name_count], &p->lent_ids[p->name_count]};
    const berth_status status = berth__core_submit(p->usual.core, p->now, &submit, ids[0], &a);
    assert_int_equal(core_submit_any(p->lent.core, p->now, &submit, ids[1], &b), status);
    assert_memory_equal(&a, &b, sizeof a);
    if (status != BERTH_OK) return;
    p->name_count++;
    core_kit_accept(&p->usual, *ids[0]);
    core_kit_accept(&p->lent, *ids[1]);
}

static void submit_lent(pair *p) {
    const berth__submit submit = draw_submit(p);
    if (p->name_count == NAMES_MAX || p->purse_count == 0 || p->closed) return;
    const uint32_t name = p->name_count++;
    const uint32_t which = (uint32_t)below(p, p->purse_count);
    p->lent_ids[name] = p->purse[which];
    p->purse[which] = p->purse[--p->purse_count];
    const uint64_t now =
        p->now - below(p, 2) * below(p, 5); /* as by a clock that was read before */
    core_kit_accept(&p->lent, p->lent_ids[name]);
    berth__core_submit_lent(p->lent.core, now, &submit.terms, submit.cost, p->lent_ids[name]);
    assert_int_equal(berth__core_submit(p->usual.core, now, &submit, &p->usual_ids[name], NULL),
                     BERTH_OK);
    core_kit_accept(&p->usual, p->usual_ids[name]);
    p->used_total++;
}

static void call_both(pair *p) {
    if (p->name_count == 0) return;
    const uint32_t recent = p->name_count < 40 ? p->name_count : 40;
    const uint32_t name = p->name_count - 1 - (uint32_t)below(p, recent);
    /* Who is taken back is parked past every limit: the kit's laws do not know of that. */
    const uint64_t how = berth__core_room(p->lent.core) > 0 ? below(p, CALLS) : below(p, 7);
    const uint64_t number = below(p, 1000);
    const berth_status status = call(&p->usual, p, how, p->usual_ids[name], number);
    assert_int_equal(call(&p->lent, p, how, p->lent_ids[name], number), status);
}

static void admit(pair *p) {
    const uint32_t idle = below(p, 3) ? UINT32_MAX : (uint32_t)below(p, 4);
    berth__core_set_idle(p->usual.core, idle);
    berth__core_set_idle(p->lent.core, idle);
    assert_int_equal(berth__core_admit(p->usual.core, p->now),
                     berth__core_admit(p->lent.core, p->now));
}

static void change_capacity(pair *p) {
    if (p->usual.options.resource_count == 0) return;
    p->capacity = 1 + below(p, UNITS_MAX);
    p->usual.may_overdraw = p->lent.may_overdraw = 1;
    for (uint32_t r = 0; r < p->usual.options.resource_count; r++) {
        const berth_status status = berth__core_capacity_set(p->usual.core, p->now, r, p->capacity);
        assert_int_equal(berth__core_capacity_set(p->lent.core, p->now, r, p->capacity), status);
    }
}

static void expire(pair *p) {
    berth__core_expire(p->usual.core, p->now);
    berth__core_expire(p->lent.core, p->now);
}

static void step(pair *p) {
    const uint64_t what = below(p, 100);
    p->now += below(p, 2) ? 0 : below(p, 12);
    if (what < 20)
        lend(p);
    else if (what < 45)
        submit_lent(p);
    else if (what < 50)
        submit_as_usual(p);
    else if (what < 75)
        call_both(p);
    else if (what < 92)
        admit(p);
    else if (what < 97)
        expire(p);
    else if (what < 99)
        change_capacity(p);
    else
        give_back_all(p);
    compare(p);
}

static void close_both(pair *p) {
    p->closed = 1;
    berth__core_close(p->usual.core, p->now);
    berth__core_close(p->lent.core, p->now);
    assert_true(berth__core_lend(p->lent.core) == 0);
    compare(p);
    submit_as_usual(p);
    compare(p);
    berth__core_shutdown(p->usual.core, p->now, 1);
    berth__core_shutdown(p->lent.core, p->now, 1);
    compare(p);
}

/* ---- Programs ---- */

static uint64_t run(uint64_t seed, uint32_t steps, uint64_t *plain_total) {
    static pair p;
    memset(&p, 0, sizeof p);
    p.random = seed;
    p.now = 1000;
    p.capacity = UNITS_MAX;
    const berth_options options = draw_options(&p);
    core_kit_init(&p.usual, &options);
    core_kit_init(&p.lent, &options);
    assert_true(berth__lend_suits(&p.lent.options));
    *plain_total += p.lent.core->plain;
    p.usual.core->plain = p.usual.core->plain_submits = p.usual.core->plain_ends = 0;
    for (uint32_t i = 0; i < steps; i++) step(&p);
    close_both(&p);
    core_kit_fini(&p.usual);
    core_kit_fini(&p.lent);
    return p.used_total;
}

static uint64_t failing_seed; /* 0 = none */

static void a_lent_id_makes_no_difference(void **state) {
    const uint64_t first = core_seed(1);
    const uint64_t programs = getenv("BERTH_TEST_SEED") != NULL ? 1 : core_long_tier() ? 1500 : 100;
    uint64_t used_total = 0;
    uint64_t plain_total = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + programs; seed++) {
        failing_seed = seed;
        used_total += run(seed, 600, &plain_total);
    }
    failing_seed = 0;
    assert_true(used_total > 20 * programs);
    assert_true(programs == 1 || plain_total > programs / 4);
}

static int say_seed(void **state) {
    (void)state;
    if (failing_seed != 0) fprintf(stderr, "seed %" PRIu64 "\n", failing_seed);
    return 0;
}

/* The request that had its place before may have ended long before its deadline. */
static void a_lent_id_has_no_deadline(void **state) {
    static pair p;
    berth_options options = core_kit_options(BERTH_FACE_WORKER, 1, LENT_MAX);
    berth__submit ask = core_ask(1, 0);
    (void)state;
    memset(&p, 0, sizeof p);
    options.ended_max = 1;
    core_kit_init(&p.lent, &options);
    ask.terms.total_ns = ask.terms.first_output_ns = ask.terms.queue_ns = 100;
    for (uint32_t i = 0; i < p.lent.place_count; i++) {
        const berth_request_id id = core_kit_take_in(&p.lent, 0, &ask);
        assert_int_equal(berth__core_cancel(p.lent.core, 0, id, BERTH_CANCEL_CALLER), BERTH_OK);
    }
    while (p.purse_count < LENT_MAX) p.purse[p.purse_count++] = berth__core_lend(p.lent.core);
    assert_true(p.purse[LENT_MAX - 1] != 0);
    core_kit_clear(&p.lent);
    berth__core_expire(p.lent.core, 100);
    assert_int_equal(p.lent.log.count, 0);
    assert_true(berth__core_next_at(p.lent.core) == UINT64_MAX);
    core_kit_must_hold(&p.lent);
    core_kit_fini(&p.lent);
}

static void room_that_is_lent_is_refused_to_others(void **state) {
    static core_kit kit;
    berth_options options = core_kit_options(BERTH_FACE_WORKER, 1, 3);
    const berth__submit ask = core_ask(1, 0);
    (void)state;
    core_kit_init(&kit, &options);
    berth__core_set_idle(kit.core, 0);
    (void)core_kit_take_in(&kit, 0, &ask);
    const berth_request_id id = berth__core_lend(kit.core);
    assert_true(id != 0 && berth__core_lend(kit.core) != 0);
    assert_true(berth__core_lend(kit.core) == 0);
    const berth_refusal refusal = core_kit_turn_away(&kit, 0, &ask, BERTH_REFUSAL_PARKED);
    assert_int_equal(refusal.limit, 3);
    assert_int_equal(refusal.asked, 4);
    berth__core_unlend(kit.core, id);
    assert_int_equal(berth__core_room(kit.core), 1);
    (void)core_kit_take_in(&kit, 0, &ask);
    core_kit_fini(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lent_id_has_no_deadline),
        cmocka_unit_test(room_that_is_lent_is_refused_to_others),
        cmocka_unit_test_teardown(a_lent_id_makes_no_difference, say_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
