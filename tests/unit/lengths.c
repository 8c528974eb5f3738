/* SPDX-License-Identifier: MIT */
/* Lengths of bands and of tenants in them, against a list of pairs that is searched from its
 * beginning. */
#include "core/lengths.h"

#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TENANTS 5u
#define BANDS 3u
#define OWN_MAX 4u
#define PPM 900000u

/* The obvious model: who learned last comes last. */
typedef struct pair {
    uint32_t tenant;
    uint32_t band;
    berth__quantile quantile;
} pair;

typedef struct world {
    berth__lengths lengths;
    berth__quantile bands[BANDS];
    pair pairs[OWN_MAX];
    uint32_t pair_count;
    uint64_t own_answers;
    uint64_t given_up;
} world;

static uint32_t find(const world *w, uint32_t tenant, uint32_t band) {
    uint32_t at = 0;
    while (at < w->pair_count && (w->pairs[at].tenant != tenant || w->pairs[at].band != band)) at++;
    return at;
}

static void remove_at(world *w, uint32_t at) {
    w->pair_count--;
    memmove(&w->pairs[at], &w->pairs[at + 1], (w->pair_count - at) * sizeof *w->pairs);
}

static void learn(world *w, uint32_t tenant, uint32_t band, uint64_t tokens) {
    const uint32_t at = find(w, tenant, band);
    pair last = {.tenant = tenant, .band = band};
    berth__quantile_add(&w->bands[band], tokens);
    if (at < w->pair_count) {
        last = w->pairs[at];
        remove_at(w, at);
    } else if (w->pair_count == OWN_MAX) {
        remove_at(w, 0);
        w->given_up++;
    }
    berth__quantile_add(&last.quantile, tokens);
    w->pairs[w->pair_count++] = last;
}

static void forget(world *w, uint32_t tenant) {
    for (uint32_t at = w->pair_count; at-- > 0;)
        if (w->pairs[at].tenant == tenant) remove_at(w, at);
}

static uint64_t answer(world *w, uint32_t tenant, uint32_t band, uint64_t above) {
    const uint32_t at = find(w, tenant, band);
    if (at < w->pair_count && w->pairs[at].quantile.total >= 8) {
        const uint64_t own = berth__quantile_of(&w->pairs[at].quantile, PPM, above);
        w->own_answers += own != 0;
        if (own != 0) return own;
    }
    return berth__quantile_of(&w->bands[band], PPM, above);
}

static berth_options options_of(uint32_t own_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 4, 8);
    core_kit_add_resource(&o, "kv_blocks", 100);
    o.kv_block_tokens = 1;
    o.kv_mode = BERTH_KV_PREDICTED;
    o.band_count = BANDS;
    o.tenants_max = TENANTS;
    o.kv_lengths_max = own_max;
    return o;
}

static void begin(world *w, const berth_options *options) {
    const uint32_t own_max = berth__lengths_own_max(options);
    memset(w, 0, sizeof *w);
    w->lengths.bands = calloc(BANDS, sizeof *w->lengths.bands);
    w->lengths.own = calloc(own_max, sizeof *w->lengths.own);
    w->lengths.links = calloc(own_max, sizeof *w->lengths.links);
    w->lengths.own_of =
        calloc((size_t)berth__lengths_pair_count(options), sizeof *w->lengths.own_of);
    berth__lengths_init(&w->lengths, options);
}

static void end(world *w) {
    free(w->lengths.bands);
    free(w->lengths.own);
    free(w->lengths.links);
    free(w->lengths.own_of);
}

static void a_random_life_answers_as_the_list_does(void **state) {
    const berth_options options = options_of(OWN_MAX);
    uint64_t random = core_seed(11);
    static world w;
    (void)state;
    begin(&w, &options);
    for (uint32_t i = 0; i < 60000; i++) {
        /* Few pairs for a while, then all: some get far, and some give way. */
        const uint32_t tenants = i % 2000 < 1000 ? 2 : TENANTS;
        const uint32_t tenant = (uint32_t)core_random_below(&random, tenants);
        const uint32_t band = (uint32_t)core_random_below(&random, tenants == 2 ? 1 : BANDS);
        const uint64_t tokens = core_random_below(&random, 40) + 60 * tenant;
        const uint64_t above = core_random_below(&random, 300);
        if (core_random_below(&random, 200) == 0) {
            berth__lengths_forget(&w.lengths, tenant);
            forget(&w, tenant);
        }
        berth__lengths_add(&w.lengths, tenant, band, tokens);
        learn(&w, tenant, band, tokens);
        assert_int_equal(berth__lengths_check(&w.lengths), 0);
        assert_int_equal(berth__lengths_of(&w.lengths, tenant, band, PPM, above),
                         answer(&w, tenant, band, above));
        assert_int_equal(berth__lengths_of(&w.lengths, BERTH__NONE, band, PPM, above),
                         berth__quantile_of(&w.bands[band], PPM, above));
    }
    assert_true(w.own_answers > 1000 && w.given_up > 1000);
    end(&w);
}

static void seven_outputs_of_a_tenant_say_nothing_and_eight_do(void **state) {
    const berth_options options = options_of(OWN_MAX);
    static world w;
    (void)state;
    begin(&w, &options);
    for (uint32_t i = 0; i < 20; i++) berth__lengths_add(&w.lengths, 0, 1, 15);
    for (uint32_t i = 0; i < 7; i++) berth__lengths_add(&w.lengths, 1, 1, 3);
    assert_int_equal(berth__lengths_of(&w.lengths, 1, 1, PPM, 0), 15);
    berth__lengths_add(&w.lengths, 1, 1, 3);
    assert_int_equal(berth__lengths_of(&w.lengths, 1, 1, PPM, 0), 3);
    /* In another band, or beyond all of its own, the band's count. */
    assert_int_equal(berth__lengths_of(&w.lengths, 1, 0, PPM, 0), 0);
    assert_int_equal(berth__lengths_of(&w.lengths, 1, 1, PPM, 3), 15);
    berth__lengths_forget(&w.lengths, 1);
    assert_int_equal(berth__lengths_of(&w.lengths, 1, 1, PPM, 0), 15);
    end(&w);
}

static void there_is_room_only_where_it_is_asked_for(void **state) {
    berth_options options = options_of(1000);
    (void)state;
    assert_int_equal(berth__lengths_own_max(&options), TENANTS * BANDS); /* all of them */
    options.kv_lengths_max = OWN_MAX;
    assert_int_equal(berth__lengths_own_max(&options), OWN_MAX);
    options.tenants_max = 1000000;
    options.band_count = BERTH_BANDS_MAX;
    assert_int_equal(berth__lengths_own_max(&options), OWN_MAX);
    options.tenants_max = 0;
    assert_int_equal(berth__lengths_own_max(&options), 0);
    assert_int_equal(berth__lengths_pair_count(&options), 0);
    options.tenants_max = TENANTS;
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    options.order = BERTH_ORDER_SHORTEST;
    assert_int_equal(berth__lengths_pair_count(&options), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_life_answers_as_the_list_does),
        cmocka_unit_test(seven_outputs_of_a_tenant_say_nothing_and_eight_do),
        cmocka_unit_test(there_is_room_only_where_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
