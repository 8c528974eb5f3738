/* SPDX-License-Identifier: MIT */
/* The ring of a mailbox: whole chunks in order, around the end of the memory, never too many. */
#include "runtime/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 256u
#define LARGEST (SIZE - BERTH__CHUNK_OVERHEAD_MAX)

/* The ring's memory between two walls that nothing may write to. */
typedef struct walled {
    unsigned char before[16];
    unsigned char bytes[SIZE];
    unsigned char after[16];
    berth__ring ring;
} walled;

static void build(walled *w) {
    memset(w, 0xA5, sizeof *w);
    berth__ring_init(&w->ring, w->bytes, SIZE);
}

static void assert_walls(const walled *w) {
    for (size_t i = 0; i < sizeof w->before; i++) {
        assert_int_equal(w->before[i], 0xA5);
        assert_int_equal(w->after[i], 0xA5);
    }
}

static uint32_t push(walled *w, uint64_t sequence, uint64_t size) {
    unsigned char bytes[2 * SIZE];
    const berth__chunk chunk = {.size = size, .tokens = sequence * 3, .sequence = sequence};
    for (uint64_t i = 0; i < size; i++) bytes[i] = (unsigned char)(sequence + i);
    return berth__ring_push(&w->ring, &chunk, size == 0 ? NULL : bytes);
}

static void assert_pops(walled *w, uint64_t sequence, uint64_t size) {
    unsigned char bytes[SIZE + 1];
    berth__chunk chunk;
    memset(bytes, 0x5A, sizeof bytes);
    assert_true(berth__ring_peek(&w->ring, &chunk));
    assert_true(chunk.size == size);
    assert_true(chunk.tokens == sequence * 3);
    assert_true(chunk.sequence == sequence);
    berth__ring_pop(&w->ring, bytes);
    for (uint64_t i = 0; i < size; i++) assert_int_equal(bytes[i], (unsigned char)(sequence + i));
    assert_int_equal(bytes[size], 0x5A);
}

static void an_empty_ring_has_nothing_to_read(void **state) {
    walled w;
    berth__chunk chunk = {.size = 9};
    (void)state;
    build(&w);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_false(berth__ring_peek(&w.ring, &chunk));
    assert_true(chunk.size == 9);
}

static void chunks_come_out_whole_and_in_order(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_true(push(&w, 0, 10));
    assert_true(push(&w, 1, 0));
    assert_true(push(&w, 2, 33));
    assert_pops(&w, 0, 10);
    assert_pops(&w, 1, 0);
    assert_pops(&w, 2, 33);
    assert_true(berth__ring_is_empty(&w.ring));
}

static void looking_does_not_take(void **state) {
    walled w;
    berth__chunk chunk;
    (void)state;
    build(&w);
    assert_true(push(&w, 7, 5));
    assert_true(berth__ring_peek(&w.ring, &chunk));
    assert_true(berth__ring_peek(&w.ring, &chunk));
    assert_pops(&w, 7, 5);
}

static void the_promised_largest_chunk_fits_an_empty_ring_at_every_offset(void **state) {
    walled w;
    (void)state;
    build(&w);
    for (uint64_t sequence = 0; sequence < 2 * SIZE; sequence++) {
        assert_true(push(&w, sequence, LARGEST));
        assert_pops(&w, sequence, LARGEST);
        /* An odd step moves the start through every offset of the ring. */
        assert_true(push(&w, sequence, 1));
        assert_pops(&w, sequence, 1);
    }
    assert_walls(&w);
}

static void a_full_ring_takes_no_more_and_loses_nothing(void **state) {
    walled w;
    uint64_t count = 0;
    (void)state;
    build(&w);
    while (push(&w, count, 8)) count++;
    assert_true(count == SIZE / (8 + sizeof(berth__chunk)));
    assert_false(berth__ring_fits(&w.ring, 8));
    for (uint64_t i = 0; i < count; i++) assert_pops(&w, i, 8);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_walls(&w);
}

static void the_last_byte_can_be_used_and_not_one_more(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_false(berth__ring_fits(&w.ring, SIZE - sizeof(berth__chunk) + 1));
    assert_false(push(&w, 0, SIZE - sizeof(berth__chunk) + 1));
    assert_true(berth__ring_is_empty(&w.ring));
    assert_true(push(&w, 0, SIZE - sizeof(berth__chunk)));
    assert_false(push(&w, 1, 0));
    assert_pops(&w, 0, SIZE - sizeof(berth__chunk));
    assert_walls(&w);
}

static void a_size_near_the_largest_number_does_not_wrap_into_fitting(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_false(berth__ring_fits(&w.ring, UINT64_MAX));
    assert_false(berth__ring_fits(&w.ring, UINT64_MAX - sizeof(berth__chunk) + 1));
}

static void a_cleared_ring_is_as_new(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_true(push(&w, 0, 100));
    assert_true(push(&w, 1, 50));
    berth__ring_clear(&w.ring);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_true(push(&w, 2, LARGEST));
    assert_pops(&w, 2, LARGEST);
}

/* Against the obvious model: a list of sizes, and a sum that may not exceed the ring. */
static void random_pushes_and_pops_agree_with_a_list(void **state) {
    walled w;
    uint64_t sizes[SIZE];
    uint64_t first = 0, last = 0, used = 0;
    uint64_t random = 12345;
    (void)state;
    build(&w);
    for (int turn = 0; turn < 200000; turn++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t size = (random >> 33) % 96;
        const uint64_t needed = size + sizeof(berth__chunk);
        if ((random >> 62) & 1) {
            const uint32_t fits = used + needed <= SIZE;
            assert_int_equal(berth__ring_fits(&w.ring, size), fits);
            assert_int_equal(push(&w, last, size), fits);
            if (!fits) continue;
            sizes[last++ % SIZE] = size;
            used += needed;
        } else if (first != last) {
            assert_pops(&w, first, sizes[first % SIZE]);
            used -= sizes[first++ % SIZE] + sizeof(berth__chunk);
        }
        assert_int_equal(berth__ring_is_empty(&w.ring), first == last);
    }
    assert_true(first > 10000);
    assert_walls(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_has_nothing_to_read),
        cmocka_unit_test(chunks_come_out_whole_and_in_order),
        cmocka_unit_test(looking_does_not_take),
        cmocka_unit_test(the_promised_largest_chunk_fits_an_empty_ring_at_every_offset),
        cmocka_unit_test(a_full_ring_takes_no_more_and_loses_nothing),
        cmocka_unit_test(the_last_byte_can_be_used_and_not_one_more),
        cmocka_unit_test(a_size_near_the_largest_number_does_not_wrap_into_fitting),
        cmocka_unit_test(a_cleared_ring_is_as_new),
        cmocka_unit_test(random_pushes_and_pops_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
