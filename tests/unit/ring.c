/* SPDX-License-Identifier: MIT */
/* The ring of a mailbox: whole chunks in order, around the end of the memory, never too many. */
#include "runtime/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 256u
#define HEADER 16u
#define LARGEST (SIZE - BERTH__CHUNK_OVERHEAD_MAX)

/* The ring's memory between two walls that nothing may write to. */
typedef struct walled {
    unsigned char before[16];
    _Alignas(16) unsigned char bytes[SIZE];
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

/* The oldest chunk, which stays; 0 if there is none. */
static uint32_t peek(walled *w, berth__chunk *out) {
    berth__piece pieces[2];
    const berth__unread unread = berth__ring_begin(&w->ring);
    if (unread.at >= unread.head) return 0;
    (void)berth__ring_look(&w->ring, unread.at, out, pieces);
    return 1;
}

/* The same, and go past it. It is also found where it has few bytes, which lie straight behind
 * its header, and nothing is merged; and only then. */
static void pop(walled *w, void *bytes) {
    berth__chunk chunk;
    berth__piece pieces[2];
    const uint64_t at = berth__ring_begin(&w->ring).at;
    const uint64_t end = berth__ring_look(&w->ring, at, &chunk, pieces);
    const uint32_t is_few = chunk.size <= BERTH__COPY_FEW &&
                            at % SIZE + HEADER + chunk.size <= SIZE &&
                            (w->ring.readers_traits & BERTH__RING_MERGES) == 0;
    const berth__chunk_header *few = berth__ring_find_few(&w->ring, at, chunk.size);
    assert_true((few != NULL) == is_few);
    if (is_few) assert_true((const unsigned char *)(few + 1) == pieces[0].bytes || chunk.size == 0);
    if (chunk.size > 0) assert_null(berth__ring_find_few(&w->ring, at, chunk.size - 1));
    berth__ring_copy_out(pieces, bytes);
    berth__ring_skip(&w->ring, end);
}

static void assert_pops(walled *w, uint64_t sequence, uint64_t size) {
    unsigned char bytes[SIZE + 1];
    berth__chunk chunk;
    memset(bytes, 0x5A, sizeof bytes);
    assert_true(peek(w, &chunk));
    assert_true(chunk.size == size);
    assert_true(chunk.tokens == sequence * 3);
    assert_true(chunk.sequence == sequence);
    pop(w, bytes);
    for (uint64_t i = 0; i < size; i++) assert_int_equal(bytes[i], (unsigned char)(sequence + i));
    assert_int_equal(bytes[size], 0x5A);
}

static void an_empty_ring_has_nothing_to_read(void **state) {
    walled w;
    berth__chunk chunk = {.size = 9};
    (void)state;
    build(&w);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_false(peek(&w, &chunk));
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
    assert_true(peek(&w, &chunk));
    assert_true(peek(&w, &chunk));
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
    assert_true(count == SIZE / (2 * HEADER));
    assert_false(berth__ring_fits(&w.ring, 8));
    for (uint64_t i = 0; i < count; i++) assert_pops(&w, i, 8);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_walls(&w);
}

static void the_last_byte_can_be_used_and_not_one_more(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_false(berth__ring_fits(&w.ring, SIZE - HEADER + 1));
    assert_false(push(&w, 0, SIZE - HEADER + 1));
    assert_true(berth__ring_is_empty(&w.ring));
    assert_true(push(&w, 0, SIZE - HEADER));
    assert_false(push(&w, 1, 0));
    assert_pops(&w, 0, SIZE - HEADER);
    assert_walls(&w);
}

static void a_size_near_the_largest_number_does_not_wrap_into_fitting(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_false(berth__ring_fits(&w.ring, UINT64_MAX));
    assert_false(berth__ring_fits(&w.ring, UINT64_MAX - HEADER + 1));
}

static void a_cleared_ring_is_as_new(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_true(push(&w, 0, 100));
    assert_true(push(&w, 1, 50));
    berth__ring_clear(&w.ring, 0, 0);
    assert_true(berth__ring_is_empty(&w.ring));
    assert_true(push(&w, 2, LARGEST));
    assert_pops(&w, 2, LARGEST);
}

/* ---- Few bytes ---- */

/* At every offset, size and number of chunks unread: if it says that few bytes have room, push has
 * room, too, and leaves the same. */
static void few_bytes_lie_as_those_that_were_pushed(void **state) {
    walled w, other;
    uint64_t few_count = 0, count = 0, size_next = 0;
    (void)state;
    build(&w);
    build(&other);
    for (uint64_t sequence = 0; sequence < 20 * SIZE; sequence++) {
        unsigned char bytes[BERTH__COPY_FEW + 8];
        const uint64_t size = size_next;
        const berth__chunk chunk = {.size = size, .tokens = sequence * 3, .sequence = sequence};
        size_next = (size_next + 7) % (BERTH__COPY_FEW + 8);
        for (uint64_t i = 0; i < size; i++) bytes[i] = (unsigned char)(sequence + i);
        const uint64_t end = berth__ring_end_of_few(&w.ring, size);
        if (end != 0) {
            assert_true(size <= BERTH__COPY_FEW);
            berth__ring_push_few(&w.ring, end, &chunk, bytes);
            few_count++;
        } else if (!berth__ring_push(&w.ring, &chunk, bytes)) {
            assert_false(push(&other, sequence, size));
            while (sequence % 2 == 0 && !berth__ring_is_empty(&w.ring)) {
                berth__chunk first;
                assert_true(peek(&w, &first));
                assert_pops(&w, first.sequence, first.size);
                assert_pops(&other, first.sequence, first.size);
            }
            continue;
        }
        count++;
        assert_true(push(&other, sequence, size));
        assert_memory_equal(w.bytes, other.bytes, SIZE);
        assert_true(berth__ring_head(&w.ring) == berth__ring_head(&other.ring));
        assert_true(berth__ring_oldest(&w.ring) == berth__ring_oldest(&other.ring));
        assert_walls(&w);
    }
    assert_true(few_count > count / 2);
}

/* ---- Half full ---- */

/* With whatever was read or kept: it is high where more than half is unread, and nowhere else; and
 * where it is, it may be. */
static void assert_high_where_half_is_unread(uint32_t traits) {
    walled w;
    berth__chunk chunk;
    unsigned char bytes[SIZE];
    uint32_t high_count = 0;
    build(&w);
    berth__ring_clear(&w.ring, traits, 0);
    for (uint64_t sequence = 0; sequence < 1000; sequence++) {
        (void)push(&w, sequence, sequence * 5 % 40);
        for (uint64_t i = sequence * 7 % 11; i < 4 && peek(&w, &chunk); i++) pop(&w, bytes);
        const uint32_t is_high = berth__ring_unread(&w.ring) > SIZE / 2;
        const uint64_t oldest = berth__ring_oldest(&w.ring);
        assert_true(berth__ring_may_be_high(&w.ring, berth__ring_head(&w.ring)) || !is_high);
        assert_int_equal(berth__ring_is_high(&w.ring), is_high);
        assert_int_equal(berth__ring_is_high(&w.ring), is_high);
        if ((traits & BERTH__RING_KEEPS) != 0) assert_true(berth__ring_oldest(&w.ring) == oldest);
        high_count += is_high;
    }
    assert_in_range(high_count, 100, 900);
}

static void a_ring_is_high_where_more_than_half_is_unread(void **state) {
    (void)state;
    assert_high_where_half_is_unread(0);
    assert_high_where_half_is_unread(BERTH__RING_KEEPS);
    assert_high_where_half_is_unread(BERTH__RING_MERGES);
}

/* ---- What was read ---- */

static void assert_next(walled *w, uint64_t sequence) {
    berth__chunk chunk;
    assert_true(peek(w, &chunk));
    assert_true(chunk.sequence == sequence);
}

static void a_reader_is_put_back_to_any_chunk_that_is_still_there(void **state) {
    walled w;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_KEEPS, 0);
    for (uint64_t i = 0; i < 5; i++) assert_true(push(&w, i, 9 + i));
    for (uint64_t i = 0; i < 4; i++) assert_pops(&w, i, 9 + i);
    assert_true(berth__ring_oldest(&w.ring) == 0);
    for (uint64_t from = 0; from < 5; from++) {
        assert_true(berth__ring_rewind(&w.ring, from));
        for (uint64_t i = from; i < 5; i++) assert_pops(&w, i, 9 + i);
    }
    assert_true(berth__ring_rewind(&w.ring, 5));
    assert_true(berth__ring_is_empty(&w.ring));
    assert_false(berth__ring_rewind(&w.ring, 6));
    assert_true(berth__ring_rewind(&w.ring, 1));
    assert_next(&w, 1);
}

static void what_was_read_gives_way_to_what_is_pushed_oldest_first(void **state) {
    const uint64_t chunks = SIZE / (2 * HEADER);
    walled w;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_KEEPS, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(push(&w, i, HEADER));
        assert_pops(&w, i, HEADER);
        const uint64_t oldest = i < chunks ? 0 : i + 1 - chunks;
        assert_true(berth__ring_oldest(&w.ring) == oldest);
        assert_false(oldest > 0 && berth__ring_rewind(&w.ring, oldest - 1));
        assert_true(berth__ring_rewind(&w.ring, oldest));
        for (uint64_t k = oldest; k <= i; k++) assert_pops(&w, k, HEADER);
    }
    assert_walls(&w);
}

static void what_is_unread_never_gives_way(void **state) {
    walled w;
    uint64_t count = 0;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_KEEPS, 0);
    assert_true(push(&w, count++, 0));
    assert_pops(&w, 0, 0);
    while (push(&w, count, HEADER)) count++;
    assert_true(berth__ring_oldest(&w.ring) == 1);
    for (uint64_t i = 1; i < count; i++) assert_pops(&w, i, HEADER);
}

static void an_empty_ring_remembers_the_next_sequence(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_true(berth__ring_oldest(&w.ring) == 0);
    assert_true(berth__ring_rewind(&w.ring, 0));
    assert_false(berth__ring_rewind(&w.ring, 1));
}

/* ---- Merging ---- */

static uint32_t merge(walled *w, const char *text, uint64_t tokens) {
    const berth__chunk chunk = {.size = strlen(text), .tokens = tokens};
    return berth__ring_merge(&w->ring, &chunk, text);
}

static void assert_text(walled *w, uint64_t sequence, const char *text, uint64_t tokens) {
    char bytes[SIZE];
    berth__chunk chunk;
    assert_true(peek(w, &chunk));
    assert_true(chunk.sequence == sequence);
    assert_true(chunk.size == strlen(text));
    assert_true(chunk.tokens == tokens);
    pop(w, bytes);
    assert_memory_equal(bytes, text, strlen(text));
}

static uint32_t push_text(walled *w, uint64_t sequence, const char *text) {
    const berth__chunk chunk = {.size = strlen(text), .tokens = 1, .sequence = sequence};
    return berth__ring_push(&w->ring, &chunk, text);
}

static void merged_text_is_one_chunk_with_the_tokens_of_all(void **state) {
    walled w;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_MERGES, 0);
    assert_false(merge(&w, "no chunk yet", 1));
    assert_true(push_text(&w, 0, "one "));
    assert_true(push_text(&w, 1, "two "));
    assert_true(merge(&w, "three and a header more ", 5));
    assert_true(merge(&w, "four", 2));
    assert_text(&w, 0, "one ", 1);
    assert_text(&w, 1, "two three and a header more four", 8);
    assert_true(berth__ring_is_empty(&w.ring));
}

static void a_chunk_that_was_looked_at_grows_no_more(void **state) {
    walled w;
    berth__chunk chunk;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_MERGES, 0);
    assert_true(push_text(&w, 0, "one "));
    assert_true(peek(&w, &chunk));
    assert_false(merge(&w, "two", 1));
    assert_text(&w, 0, "one ", 1);
    assert_false(merge(&w, "two", 1));
}

static void a_merge_takes_no_room_that_is_unread(void **state) {
    char text[SIZE];
    walled w;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_MERGES, 0);
    assert_true(push_text(&w, 0, ""));
    memset(text, 'x', sizeof text);
    text[SIZE - HEADER + 1] = 0;
    assert_false(merge(&w, text, 1));
    assert_true(merge(&w, text + 1, 1));
    assert_false(merge(&w, "x", 1));
    text[SIZE - HEADER] = 0;
    assert_text(&w, 0, text, 2);
    assert_walls(&w);
}

static void a_ring_that_does_not_merge_refuses(void **state) {
    walled w;
    (void)state;
    build(&w);
    assert_true(push_text(&w, 0, "one "));
    assert_false(merge(&w, "two", 1));
}

static void tokens_above_32_bits_are_told_as_the_largest(void **state) {
    walled w;
    (void)state;
    build(&w);
    berth__ring_clear(&w.ring, BERTH__RING_MERGES, 0);
    assert_true(push_text(&w, 0, "a"));
    assert_true(merge(&w, "b", UINT64_MAX));
    assert_true(merge(&w, "c", 1));
    assert_text(&w, 0, "abc", UINT32_MAX);
}

/* ---- Without a copy ---- */

static void chunks_can_be_looked_at_where_they_lie(void **state) {
    walled w;
    berth__chunk chunk;
    berth__piece pieces[2];
    (void)state;
    build(&w);
    for (uint64_t i = 0; i < 7; i++) {
        assert_true(push(&w, i, 30));
        assert_pops(&w, i, 30);
    }
    for (uint64_t i = 7; i < 11; i++) assert_true(push(&w, i, 30));
    uint32_t wrapped = 0;
    const berth__unread unread = berth__ring_begin(&w.ring);
    uint64_t at = unread.at;
    for (uint64_t i = 7; i < 11; i++) {
        assert_true(at < unread.head);
        at = berth__ring_look(&w.ring, at, &chunk, pieces);
        assert_true(chunk.sequence == i && chunk.size == 30);
        assert_true(pieces[0].size + pieces[1].size == 30);
        for (uint64_t k = 0; k < 30; k++) {
            const unsigned char byte =
                k < pieces[0].size ? pieces[0].bytes[k] : pieces[1].bytes[k - pieces[0].size];
            assert_int_equal(byte, (unsigned char)(i + k));
        }
        wrapped += pieces[1].size > 0;
        if (i == 8) assert_next(&w, 7);
        if (i == 8) berth__ring_skip(&w.ring, at);
        if (i == 8) assert_next(&w, 9);
    }
    assert_int_equal(wrapped, 1);
    assert_true(at == unread.head);
}

/* A header, and the bytes up to where the next one may begin. */
static uint64_t room_of(uint64_t size) {
    return HEADER + (size + HEADER - 1) / HEADER * HEADER;
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
        const uint64_t needed = room_of(size);
        if ((random >> 62) & 1) {
            const uint32_t fits = used + needed <= SIZE;
            assert_int_equal(berth__ring_fits(&w.ring, size), fits);
            assert_int_equal(push(&w, last, size), fits);
            if (!fits) continue;
            sizes[last++ % SIZE] = size;
            used += needed;
        } else if (first != last) {
            assert_pops(&w, first, sizes[first % SIZE]);
            used -= room_of(sizes[first++ % SIZE]);
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
        cmocka_unit_test(few_bytes_lie_as_those_that_were_pushed),
        cmocka_unit_test(a_ring_is_high_where_more_than_half_is_unread),
        cmocka_unit_test(random_pushes_and_pops_agree_with_a_list),
        cmocka_unit_test(a_reader_is_put_back_to_any_chunk_that_is_still_there),
        cmocka_unit_test(what_was_read_gives_way_to_what_is_pushed_oldest_first),
        cmocka_unit_test(what_is_unread_never_gives_way),
        cmocka_unit_test(an_empty_ring_remembers_the_next_sequence),
        cmocka_unit_test(merged_text_is_one_chunk_with_the_tokens_of_all),
        cmocka_unit_test(a_chunk_that_was_looked_at_grows_no_more),
        cmocka_unit_test(a_merge_takes_no_room_that_is_unread),
        cmocka_unit_test(a_ring_that_does_not_merge_refuses),
        cmocka_unit_test(tokens_above_32_bits_are_told_as_the_largest),
        cmocka_unit_test(chunks_can_be_looked_at_where_they_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
