/* SPDX-License-Identifier: MIT */
/* The agenda of deadlines, against a list that is looked through: nothing is missed, in order. */
#include "base/agenda.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACES_MAX 3000u

/* Beside the agenda: what is really due, as the core's table says it. */
typedef struct bed {
    berth__agenda agenda;
    uint64_t at[2 * PLACES_MAX];
    uint32_t places[2 * PLACES_MAX];
    uint64_t armed[PLACES_MAX];
    uint64_t order[PLACES_MAX];
    uint64_t due[PLACES_MAX]; /* UINT64_MAX = none */
    uint32_t place_count;
    uint64_t random;
    uint64_t arrivals;
    uint64_t now;
} bed;

static bed *make(uint32_t place_count, uint64_t seed) {
    bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->place_count = place_count;
    b->random = core_seed(seed);
    for (uint32_t place = 0; place < place_count; place++) b->due[place] = UINT64_MAX;
    berth__agenda_init(&b->agenda, b->at, b->places, b->armed, b->order, place_count);
    return b;
}

static uint64_t below(bed *b, uint64_t bound) {
    return core_random_below(&b->random, bound);
}

/* A new life of a place: what it was armed for is not taken back. */
static void take(bed *b, uint32_t place, uint64_t due) {
    b->order[place] = b->arrivals++;
    b->due[place] = due;
    berth__agenda_arm(&b->agenda, place, due);
}

static uint32_t first_by_scan(const bed *b) {
    uint32_t best = BERTH__NONE;
    for (uint32_t place = 0; place < b->place_count; place++) {
        if (b->due[place] == UINT64_MAX) continue;
        if (best == BERTH__NONE || b->due[place] < b->due[best] ||
            (b->due[place] == b->due[best] && b->order[place] < b->order[best]))
            best = place;
    }
    return best;
}

/* As the core does it: who is not due any more, or later, is passed over. */
static void expire(bed *b) {
    uint64_t at;
    uint32_t place;
    berth__agenda_begin(&b->agenda);
    while ((place = berth__agenda_take(&b->agenda, b->now, &at)) != BERTH__NONE) {
        assert_true(at <= b->now);
        if (b->due[place] == at) {
            assert_int_equal(place, first_by_scan(b));
            b->due[place] = UINT64_MAX;
        } else if (b->due[place] != UINT64_MAX) {
            berth__agenda_arm(&b->agenda, place, b->due[place]);
        }
    }
    place = first_by_scan(b);
    assert_true(place == BERTH__NONE || b->due[place] > b->now);
    assert_true(place == BERTH__NONE || b->agenda.next_at <= b->due[place]);
    assert_true(b->agenda.next_at > b->now);
}

/* Who is told of comes next, in this sequence but for those of one moment; telling changes nothing.
 */
static void look_ahead(bed *b) {
    uint32_t places[5];
    const uint32_t count = berth__agenda_ahead(&b->agenda, places, 5);
    assert_true(count <= 5);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(places[i], b->places[b->agenda.first + i]);
        assert_true(b->at[b->agenda.first + i] >= b->agenda.next_at);
    }
    if (count > 1) assert_int_equal(berth__agenda_ahead(&b->agenda, places, 5), 0);
}

/* When the next one is due, exactly. */
static uint64_t next_at(bed *b) {
    uint64_t at;
    uint32_t place;
    while ((place = berth__agenda_first(&b->agenda, &at)) != BERTH__NONE) {
        if (b->due[place] == at) break;
        berth__agenda_drop(&b->agenda);
        if (b->due[place] != UINT64_MAX) berth__agenda_arm(&b->agenda, place, b->due[place]);
    }
    return at;
}

static uint64_t one_timeout(bed *b) {
    return b->now + 1000;
}

static uint64_t few_moments(bed *b) {
    return b->now + 1 + below(b, 6);
}

static uint64_t any_moment(bed *b) {
    return b->now + 1 + below(b, 1u << below(b, 20));
}

static uint64_t two_timeouts(bed *b) {
    return b->now + (below(b, 2) ? 30 : 3000);
}

static uint64_t ends_of_time(bed *b) {
    return below(b, 2) ? UINT64_MAX - 1 - below(b, 3) : b->now + below(b, 40);
}

/* One event at random: a new life, an end, a deadline put off, a look, time that goes on. */
static void happen(bed *b, uint64_t (*moment)(bed *)) {
    const uint32_t place = (uint32_t)below(b, b->place_count);
    switch (below(b, 8)) {
    case 0: b->due[place] = UINT64_MAX; break;
    case 1:
        if (b->due[place] < UINT64_MAX - 10) b->due[place] += below(b, 10);
        break;
    case 2: {
        const uint32_t first = first_by_scan(b);
        assert_true(next_at(b) == (first == BERTH__NONE ? UINT64_MAX : b->due[first]));
        break;
    }
    case 3:
        b->now += below(b, 12);
        expire(b);
        look_ahead(b);
        break;
    default: take(b, place, moment(b)); break;
    }
}

static void places_come_by_moment_then_by_arrival(void **state) {
    static uint64_t (*const moments[])(bed *) = {one_timeout, few_moments, any_moment, two_timeouts,
                                                 ends_of_time};
    static const uint32_t counts[] = {1, 2, 40, 200};
    (void)state;
    for (uint32_t m = 0; m < sizeof moments / sizeof *moments; m++) {
        for (uint32_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            bed *b = make(counts[c], 100 * m + c);
            for (uint32_t i = 0; i < 8000; i++) {
                happen(b, moments[m]);
                if (i % 64 == 0) assert_true(berth__agenda_is_sound(&b->agenda));
            }
            free(b);
        }
    }
}

static void as_many_as_there_are_places_come_in_order(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        bed *b = make(PLACES_MAX, seed);
        for (uint32_t place = 0; place < PLACES_MAX; place++)
            take(b, place, 1 + below(b, seed % 2 ? 100 : 1000000));
        while (first_by_scan(b) != BERTH__NONE) {
            b->now += below(b, seed % 2 ? 10 : 100000);
            expire(b);
            assert_true(berth__agenda_is_sound(&b->agenda));
        }
        assert_true(b->agenda.next_at == UINT64_MAX);
        free(b);
    }
}

/* Each time it comes earlier than it was armed for, an item is left behind. */
static void what_is_put_earlier_again_and_again_stays_within_the_room(void **state) {
    bed *b = make(50, 7);
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        const uint32_t place = (uint32_t)below(b, b->place_count);
        take(b, place, b->now + 30000 - i);
        assert_true(b->agenda.end <= b->agenda.max);
    }
    assert_true(berth__agenda_is_sound(&b->agenda));
    b->now += 30000;
    expire(b);
    free(b);
}

/* A far deadline with a near one in front of it, over and over: the far one is several items, until
 * there is no room for another place. */
static void what_is_put_off_to_one_moment_again_and_again_stays_within_the_room(void **state) {
    bed *b = make(8, 9);
    uint32_t full_count = 0;
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        const uint32_t place = i % 7;
        take(b, place, b->now + 2);
        b->due[place] = 1000000;
        b->now += 3;
        expire(b);
        if (b->agenda.end == b->agenda.max && b->armed[7] == UINT64_MAX) {
            full_count++;
            take(b, 7, 2000000);
            assert_true(b->agenda.end < b->agenda.max);
            b->due[7] = b->now + 1;
            berth__agenda_arm(&b->agenda, 7, b->now + 1);
            b->now += 1;
            expire(b);
        }
    }
    assert_true(full_count > 10);
    b->now = 1000000;
    expire(b);
    free(b);
}

/* A pool at work: each place is taken anew long before its deadline. */
static void lives_that_end_in_time_cost_no_items(void **state) {
    bed *b = make(100, 8);
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        b->now++;
        expire(b);
        take(b, (uint32_t)(i % 100), b->now + 30000);
        assert_true(b->agenda.end - b->agenda.first <= 100);
    }
    free(b);
}

static void a_cleared_agenda_has_nobody(void **state) {
    bed *b = make(40, 3);
    (void)state;
    for (uint32_t place = 0; place < 40; place++) take(b, place, below(b, 9));
    berth__agenda_clear(&b->agenda);
    for (uint32_t place = 0; place < 40; place++) b->due[place] = UINT64_MAX;
    assert_true(next_at(b) == UINT64_MAX);
    take(b, 7, 5);
    assert_true(next_at(b) == 5);
    assert_true(berth__agenda_is_sound(&b->agenda));
    free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_come_by_moment_then_by_arrival),
        cmocka_unit_test(as_many_as_there_are_places_come_in_order),
        cmocka_unit_test(what_is_put_earlier_again_and_again_stays_within_the_room),
        cmocka_unit_test(what_is_put_off_to_one_moment_again_and_again_stays_within_the_room),
        cmocka_unit_test(lives_that_end_in_time_cost_no_items),
        cmocka_unit_test(a_cleared_agenda_has_nobody),
    };
    return cmocka_run_group_tests_name("unit/agenda", tests, NULL, NULL);
}
