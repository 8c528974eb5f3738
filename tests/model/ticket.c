/* SPDX-License-Identifier: MIT */
/*
 * Tickets against the obvious model: a list of tickets and parked requests, added up anew at every
 * question. Every short life of a queue of three places, and random ones; and the bound: what is
 * parked and held together never exceeds a limit, and who has a ticket always finds its room.
 */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TICKETS_MAX 4u
#define TICKET_NS 5u
#define ITEMS_MAX 512u

typedef struct item {
    uint64_t id; /* of a ticket or of a request; 0 = gone */
    uint64_t count;
    uint64_t units;
    uint64_t expires_at_ns; /* of a ticket; 0 for a request */
    uint32_t band;
    uint32_t reserved;
} item;

typedef struct world {
    core_kit kit;
    item items[ITEMS_MAX];
    uint32_t count;
    uint32_t reserved;
    uint64_t now;
} world;

/* ---- The model ---- */

static void expire(world *w) {
    for (uint32_t i = 0; i < w->count; i++)
        if (w->items[i].expires_at_ns != 0 && w->items[i].expires_at_ns <= w->now)
            w->items[i].count = 0;
}

static uint32_t tickets(const world *w) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < w->count; i++)
        live += w->items[i].expires_at_ns != 0 && w->items[i].count > 0;
    return live;
}

/* Parked and held requests of a band (0 = all), and their units. */
static uint64_t sum(const world *w, uint32_t band, uint64_t *units) {
    uint64_t count = 0;
    *units = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        if (band != 0 && w->items[i].band != band) continue;
        count += w->items[i].count;
        *units += w->items[i].count * w->items[i].units;
    }
    return count;
}

static uint32_t reason_for(const world *w, uint32_t band, uint64_t count, uint64_t more_units) {
    const berth_options *o = &w->kit.options;
    uint64_t units;
    if (sum(w, 0, &units) + count > o->parked_max && count > 0) return BERTH_REFUSAL_PARKED;
    if (units + more_units > o->resources[0].parked_units_max && more_units > 0)
        return BERTH_REFUSAL_PARKED_COST;
    if (sum(w, band, &units) + count > o->bands[band - 1].parked_max && count > 0)
        return BERTH_REFUSAL_BAND;
    return BERTH_REFUSAL_NONE;
}

static item *add(world *w, item made) {
    assert_true(w->count < ITEMS_MAX);
    w->items[w->count] = made;
    return &w->items[w->count++];
}

/* ---- Events, on both ---- */

static void reserve(world *w, uint32_t band, uint64_t units, uint32_t count) {
    berth_ticket_id id;
    berth_refusal refusal = {.reason = 0};
    berth__submit ask = core_ask(band, units);
    ask.count = count;
    expire(w);
    uint32_t reason = reason_for(w, band, count, count * units);
    if (reason == BERTH_REFUSAL_NONE && tickets(w) == TICKETS_MAX) reason = BERTH_REFUSAL_TICKETS;
    const berth_status status = berth__core_reserve(w->kit.core, w->now, &ask, &id, &refusal);
    assert_int_equal(status, reason == BERTH_REFUSAL_NONE ? BERTH_OK : BERTH_EREFUSED);
    assert_int_equal(refusal.reason, reason);
    if (status == BERTH_OK)
        (void)add(w, (item){.id = id,
                            .count = count,
                            .units = units,
                            .band = band,
                            .expires_at_ns = w->now + TICKET_NS});
}

static void submit(world *w, uint32_t band, uint64_t units, item *ticket) {
    berth_request_id id;
    berth_refusal refusal = {.reason = 0};
    berth__submit ask = core_ask(band, units);
    uint64_t more = units;
    uint64_t count = 1;
    expire(w);
    if (ticket != NULL) {
        ask.ticket = ticket->id;
        ask.terms.band = band = ticket->band;
        more = units > ticket->units ? units - ticket->units : 0;
        count = 0;
    }
    const uint32_t reason = reason_for(w, band, count, more);
    const berth_status status = berth__core_submit(w->kit.core, w->now, &ask, &id, &refusal);
    if (ticket != NULL && ticket->count == 0) {
        assert_int_equal(status, BERTH_ESTALE);
        return;
    }
    assert_int_equal(status, reason == BERTH_REFUSAL_NONE ? BERTH_OK : BERTH_EREFUSED);
    assert_int_equal(refusal.reason, reason);
    if (ticket != NULL) assert_true(status == BERTH_OK || more > 0); /* its room is there */
    if (status != BERTH_OK) return;
    core_kit_accept(&w->kit, id);
    if (ticket != NULL) ticket->count--;
    (void)add(w, (item){.id = id, .count = 1, .units = units, .band = band});
}

/* A ticket or a request goes. */
static void cancel(world *w, item *i) {
    expire(w);
    const berth_status status =
        i->expires_at_ns != 0 ? berth__core_ticket_cancel(w->kit.core, w->now, i->id)
                              : berth__core_cancel(w->kit.core, w->now, i->id, BERTH_CANCEL_CALLER);
    if (i->expires_at_ns == 0 && i->count > 0) (void)berth__core_forget(w->kit.core, i->id, 0);
    assert_int_equal(status, i->count > 0 ? BERTH_OK : BERTH_ESTALE);
    i->count = 0;
}

static void must_agree(world *w, int deep) {
    uint64_t units;
    uint64_t held = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->items[i].expires_at_ns != 0) held += w->items[i].count;
    const berth_stats s = core_kit_stats(&w->kit);
    assert_int_equal(s.parked + s.tickets_held, sum(w, 0, &units));
    assert_int_equal(s.tickets_held, held);
    assert_int_equal(s.tickets, tickets(w));
    assert_true(s.parked + s.tickets_held <= w->kit.options.parked_max);
    assert_true(units <= w->kit.options.resources[0].parked_units_max);
    core_kit_clear(&w->kit);
    if (deep) core_kit_must_hold(&w->kit);
}

static void begin(world *w, uint32_t parked_max, uint32_t low_max, uint64_t units_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 1, parked_max);
    core_kit_add_resource(&o, "units", 100);
    o.resources[0].parked_units_max = units_max;
    o.tickets_max = TICKETS_MAX;
    o.ticket_ns = TICKET_NS;
    o.band_count = 2;
    o.bands[0].parked_max = low_max;
    o.bands[1].parked_max = parked_max;
    memset(w, 0, sizeof *w);
    core_kit_init(&w->kit, &o);
}

static void apply(world *w, uint32_t kind, uint32_t band, uint64_t units, uint64_t choice) {
    item *some = w->count == 0 ? NULL : &w->items[choice % w->count];
    switch (kind) {
    case 0: reserve(w, band, units, 1 + (uint32_t)(choice % 3)); break;
    case 1: submit(w, band, units, NULL); break;
    case 2:
        if (some != NULL && some->expires_at_ns != 0) submit(w, band, units, some);
        break;
    case 3:
        if (some != NULL) cancel(w, some);
        break;
    default:
        w->now += choice % 4;
        expire(w);
        berth__core_expire(w->kit.core, w->now);
        break;
    }
}

/* ---- The tests ---- */

static void every_short_life_agrees_with_the_model(void **state) {
    static world w;
    const uint32_t depth = core_long_tier() ? 6 : 4;
    uint32_t lives = 1;
    (void)state;
    for (uint32_t i = 0; i < depth; i++) lives *= 15;
    for (uint32_t life = 0; life < lives; life++) {
        uint32_t rest = life;
        begin(&w, 3, 2, 4);
        for (uint32_t i = 0; i < depth; i++, rest /= 15) {
            apply(&w, rest % 5, 1 + i % 2, 1 + i % 3, rest / 5 % 3 + 1);
            must_agree(&w, 0);
        }
        core_kit_fini(&w.kit);
    }
}

static void random_lives_agree_with_the_model(void **state) {
    static world w;
    uint64_t random = core_seed(3);
    const uint32_t lives = core_long_tier() ? 3000 : 100;
    (void)state;
    for (uint32_t life = 0; life < lives; life++) {
        begin(&w, 5 + (uint32_t)core_random_below(&random, 20), 4, 60);
        for (uint32_t i = 0; i < 300; i++) {
            const uint32_t kind = (uint32_t)core_random_below(&random, 5);
            const uint32_t band = 1 + (uint32_t)core_random_below(&random, 2);
            const uint64_t units = core_random_below(&random, 9);
            apply(&w, kind, band, units, core_random(&random) >> 1);
            must_agree(&w, i % 16 == 0);
        }
        core_kit_fini(&w.kit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_life_agrees_with_the_model),
        cmocka_unit_test(random_lives_agree_with_the_model),
    };
    return cmocka_run_group_tests_name("model/ticket", tests, NULL, NULL);
}
