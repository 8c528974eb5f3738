/* SPDX-License-Identifier: MIT */
/* A seal and a ring share the word of a place: neither may be taken for the other. */
#include "runtime/seal.h"
#include "base/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BERTH_OK)

typedef struct fixture {
    berth_pool *pool;
    berth_request_id id;
    uint32_t place;
} fixture;

/* A request that is parked: its word is nobody's, and the test writes it. */
static fixture make(void) {
    const berth_request request = {.struct_size = sizeof request,
                                   .mailbox_mode = BERTH_MAILBOX_OUTCOME};
    berth_options options;
    fixture made;
    OK(berth_options_init(&options, sizeof options));
    options.clock = BERTH_CLOCK_VIRTUAL;
    OK(berth_pool_create(&options, NULL, &made.pool));
    OK(berth_submit(made.pool, &request, &made.id, NULL));
    made.place = berth__id_place(made.id);
    return made;
}

static uint64_t word_of(const fixture *f) {
    return atomic_load(&f->pool->ring_at[f->place]);
}

static void end(fixture *f) {
    atomic_store(&f->pool->ring_at[f->place], 0);
    OK(berth_pool_destroy(f->pool));
}

/* The number may reach into where a seal would be. */
static void a_ring_takes_the_place_of_a_seal_that_was_taken(void **state) {
    const uint32_t ring = (uint32_t)BERTH__RING_AT_MASK + 5u;
    fixture f = make();
    (void)state;
    berth__seal_begin(f.pool, f.id);
    berth__seal_set(f.pool, f.id, BERTH__SEAL_READY);
    assert_true(berth__seal_take(f.pool, f.id, BERTH__SEAL_TAKEN));
    berth__ring_at_set(f.pool, f.place, ring, 0);
    assert_true(word_of(&f) == ring + UINT64_C(1));
    assert_int_equal(berth__seal_of(f.pool, f.id), BERTH__SEAL_NONE);
    berth__ring_at_clear(f.pool, f.place);
    assert_true(word_of(&f) == 0);
    end(&f);
}

static void who_has_a_seal_keeps_it_beside_his_ring(void **state) {
    fixture f = make();
    (void)state;
    berth__seal_begin(f.pool, f.id);
    berth__ring_at_set(f.pool, f.place, 3, 1);
    assert_int_equal(berth__seal_of(f.pool, f.id), BERTH__SEAL_PENDING);
    assert_true(berth__ring_at(f.pool, f.place) == &f.pool->rings[3]);
    berth__seal_set(f.pool, f.id, BERTH__SEAL_READY);
    assert_true(berth__ring_at(f.pool, f.place) == &f.pool->rings[3]);
    berth__ring_at_clear(f.pool, f.place);
    assert_true(berth__ring_at(f.pool, f.place) == NULL);
    assert_int_equal(berth__seal_of(f.pool, f.id), BERTH__SEAL_READY);
    end(&f);
}

static void an_outcome_is_taken_from_ready_alone_and_once(void **state) {
    fixture f = make();
    (void)state;
    berth__seal_begin(f.pool, f.id);
    assert_false(berth__seal_take(f.pool, f.id, BERTH__SEAL_TAKEN));
    berth__seal_set(f.pool, f.id, BERTH__SEAL_READY);
    assert_true(berth__seal_take(f.pool, f.id, BERTH__SEAL_TAKEN));
    assert_false(berth__seal_take(f.pool, f.id, BERTH__SEAL_TAKEN));
    assert_false(berth__seal_break(f.pool, f.id));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_takes_the_place_of_a_seal_that_was_taken),
        cmocka_unit_test(who_has_a_seal_keeps_it_beside_his_ring),
        cmocka_unit_test(an_outcome_is_taken_from_ready_alone_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
