/* SPDX-License-Identifier: MIT */
/* A chunk is the same whichever way it is read: into a record of this version or of another, into a
 * buffer that is too small and one that is not, or where it lies; few bytes, many, and around the
 * end of the ring. */
#include "support/pool_host.h"

#define SIZE 256u
#define BYTES_MAX 150u
#define TURNS 20000u

typedef struct newer {
    berth_record record;
    uint64_t more[3];
} newer;

typedef struct stream {
    pool_host *host;
    berth_request_id id;
    uint64_t seed;
    uint64_t sent;
    uint64_t read;
    uint64_t few; /* of those read */
} stream;

static uint64_t mix(uint64_t x) {
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x ^ x >> 29;
}

static uint64_t size_of(uint64_t sequence) {
    return mix(sequence) % (sequence % 3 == 0 ? BYTES_MAX : 40);
}

static unsigned char byte_of(uint64_t sequence, uint64_t i) {
    return (unsigned char)(mix(sequence) + i);
}

static void send(stream *of) {
    unsigned char bytes[BYTES_MAX];
    const uint64_t size = size_of(of->sent);
    for (uint64_t i = 0; i < size; i++) bytes[i] = byte_of(of->sent, i);
    const berth_status status = berth_emit(of->host->pool, of->id, bytes, size, of->sent % 5);
    assert_true(status == BERTH_OK || status == BERTH_EFULL);
    of->sent += status == BERTH_OK;
}

static void assert_is_due(stream *of, const berth_record *record, const unsigned char *bytes) {
    const berth_record zero = {.struct_size = 0};
    assert_int_equal(record->kind, BERTH_RECORD_CHUNK);
    assert_true(record->sequence == of->read);
    assert_true(record->size == size_of(of->read));
    assert_true(record->tokens == of->read % 5);
    assert_memory_equal(&record->slot, &zero.slot, sizeof zero - offsetof(berth_record, slot));
    for (uint64_t i = 0; i < record->size; i++) assert_int_equal(bytes[i], byte_of(of->read, i));
    of->few += record->size <= 64;
    of->read++;
}

static void read_into_ours(stream *of) {
    unsigned char bytes[BYTES_MAX];
    berth_record record;
    memset(&record, 0xA5, sizeof record);
    record.struct_size = sizeof record;
    CHECK_OK(berth_mailbox_read(of->host->pool, of->id, bytes, sizeof bytes, 0, &record));
    assert_int_equal(record.struct_size, sizeof record);
    assert_is_due(of, &record, bytes);
}

static void read_into_newer(stream *of) {
    unsigned char bytes[BYTES_MAX];
    newer record;
    memset(&record, 0xA5, sizeof record);
    record.record.struct_size = sizeof record;
    CHECK_OK(berth_mailbox_read(of->host->pool, of->id, bytes, sizeof bytes, 0, &record.record));
    assert_int_equal(record.record.struct_size, sizeof record);
    assert_true((record.more[0] | record.more[1] | record.more[2]) == 0);
    assert_is_due(of, &record.record, bytes);
}

/* It is told how large it is, and nothing else; nothing is written. */
static void read_into_too_little(stream *of) {
    unsigned char bytes[BYTES_MAX];
    const uint64_t size = size_of(of->read);
    berth_record record = {.struct_size = sizeof record, .kind = 9, .sequence = 9, .tokens = 9};
    if (size == 0) return;
    memset(bytes, 0x5A, sizeof bytes);
    CHECK(berth_mailbox_read(of->host->pool, of->id, bytes, size - 1, 0, &record), BERTH_ESPACE);
    assert_true(record.size == size);
    assert_true((record.kind | record.sequence | record.tokens) == 0);
    for (uint64_t i = 0; i < sizeof bytes; i++) assert_int_equal(bytes[i], 0x5A);
}

static void read_where_it_lies(stream *of) {
    unsigned char bytes[BYTES_MAX];
    berth_span spans[2];
    uint32_t count;
    CHECK_OK(berth_mailbox_peek(of->host->pool, of->id, spans, 2, &count));
    berth_record record = {.struct_size = sizeof record,
                           .kind = BERTH_RECORD_CHUNK,
                           .sequence = spans[0].sequence,
                           .size = spans[0].size,
                           .tokens = spans[0].tokens};
    memcpy(bytes, spans[0].bytes, spans[0].size);
    if (spans[0].more) {
        memcpy(bytes + spans[0].size, spans[1].bytes, spans[1].size);
        record.size += spans[1].size;
    }
    assert_is_due(of, &record, bytes);
    CHECK_OK(berth_mailbox_consume(of->host->pool, of->id, spans[0].lease, 1));
}

/* The record is as if nobody had called. */
static void read_nothing(stream *of) {
    char byte = 1;
    berth_record record = {.struct_size = sizeof record, .kind = 9, .size = 9};
    CHECK(berth_mailbox_read(of->host->pool, of->id, &byte, 1, 0, &record), BERTH_ETIMEDOUT);
    assert_true((record.kind | record.size) == 0 && byte == 1);
}

static void read_one(stream *of) {
    static void (*const ways[4])(stream *) = {read_into_ours, read_into_newer, read_where_it_lies,
                                              read_into_too_little};
    if (of->read == of->sent)
        read_nothing(of);
    else
        ways[mix(of->seed) >> 13 & 3](of);
}

static void a_chunk_is_the_same_whichever_way_it_is_read(void **state) {
    (void)state;
    stream of = {.host = pool_host_new(BERTH_FACE_GATE)};
    of.host->options.mailbox_size = SIZE;
    pool_host_start(of.host);
    of.id = pool_submit_band(of.host, 0);
    pool_read(of.host, of.id, NULL, 0, BERTH_RECORD_ADMITTED);
    for (of.seed = 1; of.seed <= TURNS; of.seed++) {
        if (mix(of.seed) % 2 == 0)
            send(&of);
        else
            read_one(&of);
    }
    for (; of.read < of.sent; of.seed++) read_one(&of);
    assert_true(of.few > of.read / 2 && of.few < of.read);
    CHECK_OK(berth_finish(of.host->pool, of.id, BERTH_FINISH_STOP, 0));
    assert_true(pool_read(of.host, of.id, NULL, 0, BERTH_RECORD_END).sequence == of.sent);
    pool_host_end(of.host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_is_the_same_whichever_way_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
