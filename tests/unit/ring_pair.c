/* SPDX-License-Identifier: MIT */
/* The ring of a mailbox between two threads: nothing lost, nothing twice, nothing torn, whether
 * chunks are pushed alone or merged into one that the reader may be taking just then. */
#include "runtime/ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 512u
#define TOKENS 200000u
#define TEXT_MAX 24u

typedef struct pair {
    _Alignas(16) unsigned char bytes[SIZE];
    berth__ring ring;
    uint64_t merged;
} pair;

/* Token i is (i % TEXT_MAX) bytes of the value i. */
static uint64_t size_of(uint64_t token) {
    return token % TEXT_MAX;
}

static void *produce(void *argument) {
    pair *p = argument;
    unsigned char text[TEXT_MAX];
    uint64_t sequence = 0;
    for (uint64_t token = 0; token < TOKENS;) {
        berth__chunk chunk = {.size = size_of(token), .tokens = 1, .sequence = sequence};
        memset(text, (int)(unsigned char)token, sizeof text);
        if (berth__ring_merge(&p->ring, &chunk, text)) {
            p->merged++;
            token++;
        } else if (berth__ring_push(&p->ring, &chunk, text)) {
            sequence++;
            token++;
        } else {
            sched_yield();
        }
    }
    return NULL;
}

/* Every byte belongs to the token that is due; returns the next token. */
static uint64_t check(const unsigned char *bytes, const berth__chunk *chunk, uint64_t token,
                      uint32_t *wrong) {
    uint64_t at = 0;
    for (uint64_t i = 0; i < chunk->tokens; i++, token++)
        for (uint64_t k = 0; k < size_of(token); k++)
            if (at >= chunk->size || bytes[at++] != (unsigned char)token) *wrong = 1;
    if (at != chunk->size) *wrong = 1;
    return token;
}

static void run(uint32_t traits) {
    static pair p;
    unsigned char bytes[SIZE];
    berth__chunk chunk;
    berth__piece pieces[2];
    pthread_t thread;
    uint64_t token = 0, sequence = 0;
    uint32_t wrong = 0;
    memset(&p, 0, sizeof p);
    berth__ring_init(&p.ring, p.bytes, SIZE);
    berth__ring_clear(&p.ring, traits, 0);
    assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
    while (token < TOKENS && !wrong) {
        const berth__unread unread = berth__ring_begin(&p.ring);
        if (unread.at >= unread.head) {
            sched_yield();
            continue;
        }
        const uint64_t end = berth__ring_look(&p.ring, unread.at, &chunk, pieces);
        berth__ring_copy_out(pieces, bytes);
        berth__ring_skip(&p.ring, end);
        if (chunk.sequence != sequence++) wrong = 1;
        token = check(bytes, &chunk, token, &wrong);
    }
    pthread_join(thread, NULL);
    assert_false(wrong);
    assert_true(berth__ring_is_empty(&p.ring));
    assert_int_equal(p.merged > 0, (traits & BERTH__RING_MERGES) != 0);
}

static void a_reader_beside_the_producer_sees_every_chunk_once(void **state) {
    (void)state;
    run(0);
}

static void a_reader_beside_a_producer_that_keeps_sees_every_chunk_once(void **state) {
    (void)state;
    run(BERTH__RING_KEEPS);
}

static void a_reader_beside_a_producer_that_merges_sees_every_token_once(void **state) {
    (void)state;
    run(BERTH__RING_MERGES);
}

static void a_reader_beside_one_that_keeps_and_merges_sees_every_token_once(void **state) {
    (void)state;
    run(BERTH__RING_KEEPS | BERTH__RING_MERGES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_beside_the_producer_sees_every_chunk_once),
        cmocka_unit_test(a_reader_beside_a_producer_that_keeps_sees_every_chunk_once),
        cmocka_unit_test(a_reader_beside_a_producer_that_merges_sees_every_token_once),
        cmocka_unit_test(a_reader_beside_one_that_keeps_and_merges_sees_every_token_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
