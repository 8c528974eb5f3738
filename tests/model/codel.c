/* SPDX-License-Identifier: MIT */
/*
 * CoDel against the obvious model: the pseudo-code of RFC 8289, one loop that takes requests off a
 * queue until one may go in, with a root from the mathematical library. Every short sequence, and
 * random ones; and the bound: a spell of overload of n intervals drops at least (n / 2)^2.
 */
#include "core/codel.h"
#include "support/core_kit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TARGET 5u
#define INTERVAL 20u

/* ---- The model, as published ---- */

typedef struct model {
    uint64_t first_above;
    uint64_t drop_next;
    uint32_t count;
    int dropping;
} model;

/* One request of a queue: when it is looked at, how long it has waited, is it the last. */
typedef struct sample {
    uint64_t now;
    uint64_t waited;
    uint32_t alone;
    uint32_t reserved;
} sample;

static uint64_t control_law(uint64_t t, uint64_t interval, uint32_t count) {
    return t + (uint64_t)((double)(interval << 16) / floor(sqrt((double)count) * 65536));
}

static int ok_to_drop(model *m, const sample *s, uint64_t interval) {
    if (s->waited < TARGET || s->alone) {
        m->first_above = 0;
        return 0;
    }
    if (m->first_above == 0)
        m->first_above = s->now + interval;
    else if (s->now >= m->first_above)
        return 1;
    return 0;
}

/* Take from samples[at] on until one goes in; the drops are noted. How many were taken. */
static uint32_t dequeue(model *m, const sample *samples, uint32_t count, uint64_t interval,
                        int *dropped) {
    uint32_t at = 0;
    int ok = ok_to_drop(m, &samples[0], interval);
    if (m->dropping) {
        if (!ok) m->dropping = 0;
        while (m->dropping && samples[at].now >= m->drop_next) {
            dropped[at++] = 1;
            m->count++;
            m->drop_next = control_law(m->drop_next, interval, m->count);
            if (at == count) return at;
            if (!ok_to_drop(m, &samples[at], interval)) m->dropping = 0;
        }
    } else if (ok) {
        const uint64_t now = samples[at].now;
        dropped[at++] = 1;
        m->dropping = 1;
        m->count = m->count > 2 && now < m->drop_next + 16 * interval ? m->count - 2 : 1;
        m->drop_next = control_law(now, interval, m->count);
        return at; /* the next one goes in, unless it comes much later */
    }
    dropped[at] = 0;
    return at + 1;
}

static void must_agree(const sample *samples, uint32_t count, uint64_t interval) {
    berth__codel codel = {0};
    model m = {0};
    int dropped[256];
    for (uint32_t at = 0; at < count;)
        at += dequeue(&m, samples + at, count - at, interval, dropped + at);
    for (uint32_t i = 0; i < count; i++) {
        const berth__delay delay = {.now = samples[i].now,
                                    .waited_ns = samples[i].waited,
                                    .target_ns = TARGET,
                                    .interval_ns = interval,
                                    .alone = samples[i].alone};
        assert_int_equal(berth__codel_drops(&codel, &delay), dropped[i]);
    }
}

/* ---- The tests ---- */

/* Each is 0, 10 or 25 later than the one before, waited too long or not, the last one or not. */
static void every_short_sequence_agrees_with_the_model(void **state) {
    sample samples[8];
    const uint32_t count = core_long_tier() ? 7 : 5;
    uint32_t sequences = 1;
    (void)state;
    for (uint32_t i = 0; i < count; i++) sequences *= 9;
    for (uint32_t sequence = 0; sequence < sequences; sequence++) {
        uint32_t rest = sequence;
        uint64_t now = 1;
        for (uint32_t i = 0; i < count; i++, rest /= 9) {
            static const uint64_t later[] = {0, 10, 25};
            now += later[rest % 3];
            samples[i] = (sample){.now = now,
                                  .waited = rest / 3 % 3 == 0 ? TARGET - 1 : TARGET,
                                  .alone = rest / 3 % 3 == 2};
        }
        must_agree(samples, count, INTERVAL);
    }
}

static void random_sequences_agree_with_the_model(void **state) {
    sample samples[256];
    uint64_t random = core_seed(5);
    const uint32_t sequences = core_long_tier() ? 100000 : 4000;
    (void)state;
    for (uint32_t sequence = 0; sequence < sequences; sequence++) {
        uint64_t now = 1;
        const uint64_t calm = 2 + core_random_below(&random, 40);
        for (uint32_t i = 0; i < 256; i++) {
            now += core_random_below(&random, INTERVAL / 2);
            samples[i] = (sample){.now = now,
                                  .waited = core_random_below(&random, calm) == 0 ? 0 : 9,
                                  .alone = core_random_below(&random, 50) == 0};
        }
        must_agree(samples, 256, INTERVAL);
    }
}

static void drops_come_ever_closer_together(void **state) {
    (void)state;
    assert_int_equal(berth__codel_pace(1000, 1), 1000);
    assert_int_equal(berth__codel_pace(1000, 4), 500);
    assert_int_equal(berth__codel_pace(1000, 100), 100);
    assert_int_equal(berth__codel_pace(UINT64_C(3600000000000), 9), UINT64_C(1200000000000));
    for (uint32_t count = 1; count < 4000; count++)
        assert_true(berth__codel_pace(1000000, count + 1) <= berth__codel_pace(1000000, count));
    assert_int_equal(berth__codel_pace(1000, UINT32_MAX), 0);
}

static void a_spell_of_overload_drops_by_its_square(void **state) {
    berth__codel codel = {0};
    uint64_t dropped = 0;
    const uint64_t interval = 1000000;
    (void)state;
    /* Looked at so often that there is always one to drop. */
    for (uint64_t now = 1; now < 41 * interval; now += 100) {
        const berth__delay delay = {
            .now = now, .waited_ns = TARGET, .target_ns = TARGET, .interval_ns = interval};
        dropped += (uint64_t)berth__codel_drops(&codel, &delay);
        if (now <= interval) continue; /* the first interval only looks */
        const uint64_t half = (now - interval) / 2;
        assert_true(dropped * (interval / 1000) * (interval / 1000) >= half / 1000 * (half / 1000));
    }
    assert_in_range(dropped, 400, 480);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_sequence_agrees_with_the_model),
        cmocka_unit_test(random_sequences_agree_with_the_model),
        cmocka_unit_test(drops_come_ever_closer_together),
        cmocka_unit_test(a_spell_of_overload_drops_by_its_square),
    };
    return cmocka_run_group_tests_name("model/codel", tests, NULL, NULL);
}
