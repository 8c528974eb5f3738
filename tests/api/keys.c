/* SPDX-License-Identifier: MIT */
/* Mailboxes with keys: who may read them, from where, and for how long. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#define SECOND UINT64_C(1000000000)

static pool_host *host_of(uint32_t face, uint32_t keys_max) {
    pool_host *host = pool_host_new(face);
    host->options.running_max = 4;
    host->options.keys_max = keys_max;
    return host;
}

static berth_request keyed_request(pool_host *host, uint64_t tenant) {
    berth_request request = pool_request(host, 0);
    request.tenant = tenant;
    request.mailbox_flags = BERTH_MAILBOX_KEYED;
    return request;
}

static berth_request_id submit_keyed(pool_host *host, uint64_t tenant) {
    berth_request request = keyed_request(host, tenant);
    return pool_submit(host, &request);
}

static berth_key key_of(pool_host *host, berth_request_id id) {
    berth_key key;
    CHECK_OK(berth_mailbox_key(host->pool, id, &key));
    return key;
}

static berth_attachment attach_with(pool_host *host, berth_key key, berth_attachment at,
                                    berth_status wanted) {
    at.struct_size = sizeof at;
    at.owner = at.id = at.oldest = at.next = 77;
    CHECK(berth_mailbox_attach(host->pool, &key, &at), wanted);
    return at;
}

static berth_owner_id attach(pool_host *host, berth_key key, uint64_t tenant, uint64_t sequence) {
    berth_attachment at = {.tenant = tenant, .sequence = sequence};
    return attach_with(host, key, at, BERTH_OK).owner;
}

static void detach(pool_host *host, berth_owner_id owner) {
    CHECK_OK(berth_mailbox_detach(host->pool, owner, 0));
}

/* Chunks 0, 1, ... of one byte each: 'a', 'b', ... */
static void emit(pool_host *host, berth_request_id id, uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) {
        const char byte = (char)('a' + i);
        CHECK_OK(berth_emit(host->pool, id, &byte, 1, 1));
    }
}

static void read_chunks(pool_host *host, berth_owner_id owner, uint32_t from, uint32_t count) {
    char byte;
    for (uint32_t i = from; i < from + count; i++) {
        berth_record record = pool_read(host, owner, &byte, 1, BERTH_RECORD_CHUNK);
        assert_int_equal(record.sequence, i);
        assert_int_equal(byte, 'a' + (int)i);
    }
}

static void read_status(pool_host *host, uint64_t id, berth_status wanted) {
    char byte;
    berth_record record = {.struct_size = sizeof record};
    CHECK(berth_mailbox_read(host->pool, id, &byte, 1, 0, &record), wanted);
}

static void finish(pool_host *host, berth_request_id id) {
    CHECK_OK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0));
}

/* ---- Keys ---- */

static void a_key_is_written_and_read_strictly(void **state) {
    (void)state;
    berth_key key;
    berth_key back;
    char text[BERTH_KEY_TEXT_SIZE + 1];
    for (uint32_t i = 0; i < 16; i++) key.bytes[i] = (uint8_t)(i * 17);
    CHECK_OK(berth_key_to_text(&key, text, sizeof text));
    assert_string_equal(text, "00112233445566778899aabbccddeeff");
    CHECK_OK(berth_key_from_text(text, BERTH_KEY_TEXT_SIZE, &back));
    assert_memory_equal(&key, &back, sizeof key);
    CHECK(berth_key_to_text(&key, text, BERTH_KEY_TEXT_SIZE), BERTH_ESPACE);
    static const char *const wrong[] = {
        "00112233445566778899AABBCCDDEEFF", "0011223344556677 899aabbccddeeff",
        "00112233445566778899aabbccddeef",  "00112233445566778899aabbccddeeff0",
        "g0112233445566778899aabbccddeeff", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(berth_key_from_text(wrong[i], strlen(wrong[i]), &back), BERTH_EINVAL);
        for (uint32_t k = 0; k < 16; k++) assert_int_equal(back.bytes[k], 0);
    }
}

static void keys_differ_and_belong_to_requests_that_asked_for_one(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 64);
    pool_host_start(host);
    berth_key keys[8];
    berth_request_id ids[8];
    for (uint32_t i = 0; i < 8; i++) {
        ids[i] = submit_keyed(host, 0);
        keys[i] = key_of(host, ids[i]);
        for (uint32_t k = 0; k < i; k++) assert_memory_not_equal(&keys[i], &keys[k], 16);
    }
    berth_key key;
    CHECK(berth_mailbox_key(host->pool, pool_submit_band(host, 0), &key), BERTH_EINVAL);
    CHECK(berth_mailbox_key(host->pool, ids[0] + (UINT64_C(1) << 24), &key), BERTH_ESTALE);
    CHECK(berth_drain(host->pool, 0), BERTH_ETIMEDOUT);
    for (uint32_t i = 0; i < 4; i++) finish(host, ids[i]);
    pool_host_end(host);
}

static void a_pool_without_keys_takes_no_request_that_wants_one(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 0);
    pool_host_start(host);
    berth_request request = keyed_request(host, 0);
    berth_request_id id;
    berth_key key = {.bytes = {1}};
    CHECK(berth_submit(host->pool, &request, &id, NULL), BERTH_EINVAL);
    attach_with(host, key, (berth_attachment){.tenant = 0}, BERTH_ESTALE);
    pool_host_end(host);
}

/* ---- Owners ---- */

static void another_tenant_finds_nothing(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    berth_key other = key;
    other.bytes[15] ^= 1;
    berth_attachment theirs = attach_with(host, key, (berth_attachment){.tenant = 8}, BERTH_ESTALE);
    berth_attachment nobodys =
        attach_with(host, other, (berth_attachment){.tenant = 8}, BERTH_ESTALE);
    assert_memory_equal(&theirs, &nobodys, sizeof theirs);
    assert_int_equal(theirs.owner, 0);
    assert_int_equal(theirs.next, 0);
    /* Not even whether it has an owner shows. */
    attach(host, key, 7, 0);
    attach_with(host, key, (berth_attachment){.tenant = 8, .flags = BERTH_ATTACH_TAKE_OVER},
                BERTH_ESTALE);
    finish(host, id);
    pool_host_end(host);
}

static void a_mailbox_has_one_owner_who_alone_reads(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    emit(host, id, 0, 3);
    read_status(host, id, BERTH_ETAKEN);
    berth_attachment at = attach_with(host, key, (berth_attachment){.tenant = 7}, BERTH_OK);
    assert_int_equal(at.id, id);
    assert_int_equal(at.oldest, 0);
    assert_int_equal(at.next, 3);
    read_status(host, id, BERTH_ETAKEN);
    pool_read(host, at.owner, NULL, 0, BERTH_RECORD_ADMITTED);
    read_chunks(host, at.owner, 0, 2);
    attach_with(host, key, (berth_attachment){.tenant = 7}, BERTH_EBUSY);
    berth_attachment next = attach_with(host, key,
                                        (berth_attachment){.tenant = 7,
                                                           .flags = BERTH_ATTACH_TAKE_OVER,
                                                           .sequence = BERTH_SEQUENCE_UNREAD},
                                        BERTH_OK);
    read_status(host, at.owner, BERTH_ETAKEN);
    CHECK(berth_mailbox_detach(host->pool, at.owner, 0), BERTH_ETAKEN);
    read_chunks(host, next.owner, 2, 1);
    read_status(host, next.owner, BERTH_ETIMEDOUT);
    detach(host, next.owner);
    read_status(host, next.owner, BERTH_ESTALE);
    CHECK(berth_mailbox_detach(host->pool, next.owner, 0), BERTH_ESTALE);
    CHECK(berth_mailbox_detach(host->pool, id, 0), BERTH_ESTALE);
    finish(host, id);
    assert_int_equal(pool_stats(host).attached_total, 2);
    assert_int_equal(pool_stats(host).taken_over_total, 1);
    CHECK_OK(berth_outcome_take(host->pool, id, NULL));
    attach_with(host, key, (berth_attachment){.tenant = 7}, BERTH_ESTALE);
    assert_int_equal(pool_stats(host).keyed, 0);
    pool_host_end(host);
}

static void an_owner_of_an_older_request_in_the_same_place_is_stale(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 1);
    pool_host_start(host);
    berth_owner_id before = 0;
    for (uint32_t i = 0; i < 3; i++) {
        berth_request_id id = submit_keyed(host, 7);
        berth_owner_id owner = attach(host, key_of(host, id), 7, 0);
        assert_true(owner != before);
        if (before != 0) read_status(host, before, BERTH_ESTALE);
        before = owner;
        finish(host, id);
        CHECK_OK(berth_outcome_take(host->pool, id, NULL));
        read_status(host, owner, BERTH_ESTALE);
    }
    pool_host_end(host);
}

/* ---- Coming back ---- */

static void a_reader_comes_back_to_any_retained_chunk(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    emit(host, id, 0, 6);
    berth_owner_id owner = attach(host, key, 7, BERTH_SEQUENCE_UNREAD);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED);
    read_chunks(host, owner, 0, 6);
    for (uint32_t from = 0; from <= 6; from++) {
        detach(host, owner);
        owner = attach(host, key, 7, from);
        read_chunks(host, owner, from, 6 - from);
        read_status(host, owner, BERTH_ETIMEDOUT);
    }
    detach(host, owner);
    attach_with(host, key, (berth_attachment){.tenant = 7, .sequence = 7}, BERTH_EINVAL);
    /* Forward too: it says what it has. */
    owner = attach(host, key, 7, 2);
    detach(host, owner);
    owner = attach(host, key, 7, 5);
    read_chunks(host, owner, 5, 1);
    finish(host, id);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_END);
    detach(host, owner);
    owner = attach(host, key, 7, 0);
    read_chunks(host, owner, 0, 6);
    assert_int_equal(pool_read(host, owner, NULL, 0, BERTH_RECORD_END).sequence, 6);
    pool_host_end(host);
}

static void what_gave_way_is_lost_and_the_oldest_is_named(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    host->options.mailbox_size = 256; /* eight chunks of one byte: 32 bytes each */
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    berth_owner_id owner = attach(host, key, 7, 0);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED);
    emit(host, id, 0, 6);
    read_chunks(host, owner, 0, 6);
    emit(host, id, 6, 6);
    attach_with(host, key,
                (berth_attachment){.tenant = 7, .sequence = 0, .flags = BERTH_ATTACH_TAKE_OVER},
                BERTH_ELOST);
    read_chunks(host, owner, 6, 1); /* the attempt has changed nothing */
    berth_attachment at = attach_with(
        host, key, (berth_attachment){.tenant = 7, .flags = BERTH_ATTACH_TAKE_OVER}, BERTH_ELOST);
    assert_in_range(at.oldest, 1, 6);
    assert_int_equal(at.next, 12);
    assert_int_equal(at.owner, 0);
    detach(host, owner);
    owner = attach(host, key, 7, at.oldest);
    read_chunks(host, owner, (uint32_t)at.oldest, (uint32_t)(12 - at.oldest));
    finish(host, id);
    pool_host_end(host);
}

static void an_attach_makes_ready_what_is_there(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_request_id named;
    uint32_t count;
    emit(host, id, 0, 1);
    CHECK(berth_ready_take(host->pool, &named, 1, &count), BERTH_EAGAIN);
    berth_owner_id owner = attach(host, key_of(host, id), 7, 0);
    CHECK_OK(berth_ready_take(host->pool, &named, 1, &count));
    assert_int_equal(named, owner);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED);
    read_chunks(host, owner, 0, 1);
    emit(host, id, 1, 1);
    CHECK_OK(berth_ready_take(host->pool, &named, 1, &count));
    assert_int_equal(named, owner);
    emit(host, id, 2, 1);
    detach(host, owner);
    CHECK(berth_ready_take(host->pool, &named, 1, &count), BERTH_EAGAIN);
    finish(host, id);
    pool_host_end(host);
}

/* ---- Time ---- */

static void who_comes_back_in_time_is_not_cancelled(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    host->options.keys_grace_ns = 5 * SECOND;
    pool_host_start(host);
    uint64_t next;
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    CHECK_OK(berth_clock_next(host->pool, &next));
    assert_int_equal(next, 5 * SECOND);
    for (uint32_t i = 0; i < 3; i++) {
        pool_advance(host, 5 * SECOND - 1);
        berth_owner_id owner = attach(host, key, 7, 0);
        CHECK_OK(berth_clock_next(host->pool, &next));
        assert_int_equal(next, BERTH_FOREVER);
        pool_advance(host, 100 * SECOND);
        assert_true(pool_unfinished(host, id));
        detach(host, owner);
    }
    pool_advance(host, 5 * SECOND - 1);
    assert_true(pool_unfinished(host, id));
    pool_advance(host, 1);
    berth_outcome outcome =
        pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_READER_GONE);
    CHECK_OK(berth_clock_now(host->pool, &next));
    assert_int_equal(outcome.ended_at_ns, next);
    assert_int_equal(pool_stats(host).keyed_gone_total, 1);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    /* Its end is there for who comes later. */
    pool_advance(host, 59 * SECOND);
    berth_owner_id owner = attach(host, key, 7, 0);
    assert_int_equal(pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED).kind,
                     BERTH_RECORD_ADMITTED);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_END);
    pool_host_end(host);
}

static void parked_ones_have_the_same_grace(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 4);
    host->options.keys_grace_ns = SECOND;
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    pool_advance(host, SECOND);
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_READER_GONE);
    pool_host_end(host);
}

static void who_detaches_for_good_cancels(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_owner_id owner = attach(host, key_of(host, id), 7, 0);
    CHECK(berth_mailbox_detach(host->pool, owner, 2), BERTH_EINVAL);
    CHECK_OK(berth_mailbox_detach(host->pool, owner, BERTH_DETACH_CANCEL));
    pool_outcome(host, id, BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_READER_GONE);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    pool_host_end(host);
}

/* Ended at 10 s, left at 20 s: retained until then, and not while there is an owner. */
static void expect_retained_until(uint32_t from, uint64_t until_ns) {
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    host->options.keys_retain_ns = 15 * SECOND;
    host->options.keys_retain_from = from;
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    berth_owner_id owner = attach(host, key, 7, 0);
    pool_advance(host, 10 * SECOND);
    finish(host, id);
    pool_advance(host, 10 * SECOND);
    detach(host, owner);
    uint64_t next;
    CHECK_OK(berth_clock_next(host->pool, &next));
    assert_int_equal(next, until_ns);
    CHECK_OK(berth_clock_advance(host->pool, until_ns - 1));
    owner = attach(host, key, 7, 0);
    CHECK_OK(berth_clock_advance(host->pool, until_ns + 100 * SECOND));
    pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_END);
    detach(host, owner);
    pool_advance(host, 15 * SECOND);
    attach_with(host, key, (berth_attachment){.tenant = 7}, BERTH_ESTALE);
    CHECK(berth_wait(host->pool, id, 0, NULL), BERTH_ESTALE);
    assert_int_equal(pool_stats(host).keyed_expired_total, 1);
    assert_int_equal(pool_stats(host).retained_dropped_total, 1);
    pool_host_end(host);
}

static void retention_counts_from_activity_or_from_the_end(void **state) {
    (void)state;
    expect_retained_until(BERTH_RETAIN_ACTIVITY, 35 * SECOND);
    expect_retained_until(BERTH_RETAIN_END, 25 * SECOND);
}

static void on_the_machines_clock_the_timer_ends_what_is_due(void **state) {
    (void)state;
    pool_watchdog("the timer thread", 30);
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.keys_grace_ns = SECOND / 50;
    host->options.keys_retain_ns = SECOND / 50;
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_outcome outcome = {.struct_size = sizeof outcome};
    CHECK_OK(berth_wait(host->pool, id, BERTH_FOREVER, &outcome));
    assert_int_equal(outcome.detail, BERTH_CANCEL_READER_GONE);
    while (pool_stats(host).keyed_expired_total == 0) pool_sleep_ms(1);
    CHECK(berth_wait(host->pool, id, 0, &outcome), BERTH_ESTALE);
    CHECK(berth_finish(host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    pool_host_end(host);
    pool_watchdog("", 0);
}

/* ---- Limits ---- */

static void refuse(pool_host *host, uint64_t tenant, uint32_t reason, uint64_t limit) {
    berth_request request = keyed_request(host, tenant);
    berth_stats before = pool_stats(host);
    berth_refusal refusal = pool_refused(host, &request, reason);
    assert_int_equal(refusal.limit, limit);
    assert_true(refusal.asked > limit);
    assert_int_equal(pool_stats(host).keyed, before.keyed);
    assert_int_equal(pool_stats(host).refusal_total[reason], before.refusal_total[reason] + 1);
}

static void those_that_ended_and_have_no_owner_give_way_longest_first(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 3);
    pool_host_start(host);
    berth_request_id ids[3];
    berth_key keys[3];
    for (uint32_t i = 0; i < 3; i++) {
        ids[i] = submit_keyed(host, i);
        keys[i] = key_of(host, ids[i]);
    }
    refuse(host, 9, BERTH_REFUSAL_KEYS, 3);
    /* Ended in the order 0, 1, 2; left in the order 2, 0; 1 has an owner. */
    berth_owner_id owners[3];
    for (uint32_t i = 0; i < 3; i++) owners[i] = attach(host, keys[i], i, 0);
    for (uint32_t i = 0; i < 3; i++) finish(host, ids[i]);
    refuse(host, 9, BERTH_REFUSAL_KEYS, 3);
    detach(host, owners[2]);
    detach(host, owners[0]);
    berth_request_id first = submit_keyed(host, 9);
    attach_with(host, keys[2], (berth_attachment){.tenant = 2}, BERTH_ESTALE);
    berth_request_id second = submit_keyed(host, 9);
    attach_with(host, keys[0], (berth_attachment){.tenant = 0}, BERTH_ESTALE);
    refuse(host, 9, BERTH_REFUSAL_KEYS, 3);
    attach_with(host, keys[1], (berth_attachment){.tenant = 1}, BERTH_EBUSY);
    assert_int_equal(pool_stats(host).keyed_evicted_total, 2);
    finish(host, first);
    finish(host, second);
    pool_host_end(host);
}

static void a_tenant_gives_way_to_itself_only(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 8);
    host->options.keys_tenant_max = 2;
    pool_host_start(host);
    berth_request_id other = submit_keyed(host, 5);
    berth_key other_key = key_of(host, other);
    finish(host, other);
    berth_request_id a = submit_keyed(host, 6);
    berth_request_id b = submit_keyed(host, 6);
    refuse(host, 6, BERTH_REFUSAL_KEYS_TENANT, 2);
    berth_key key = key_of(host, b);
    finish(host, b);
    berth_request_id c = submit_keyed(host, 6);
    attach_with(host, key, (berth_attachment){.tenant = 6}, BERTH_ESTALE);
    attach(host, other_key, 5, 0);
    finish(host, a);
    finish(host, c);
    pool_host_end(host);
}

static void bytes_are_limited_and_outcomes_have_none(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 8);
    host->options.mailbox_size = 1024;
    host->options.keys_size_max = 2500;
    pool_host_start(host);
    berth_request_id a = submit_keyed(host, 1);
    berth_request_id b = submit_keyed(host, 1);
    assert_int_equal(pool_stats(host).keyed_size, 2048);
    refuse(host, 1, BERTH_REFUSAL_KEYS_SIZE, 2500);
    berth_request request = keyed_request(host, 1);
    request.mailbox_mode = BERTH_MAILBOX_OUTCOME;
    berth_request_id c = pool_submit(host, &request);
    assert_int_equal(pool_stats(host).keyed_size, 2048);
    finish(host, b);
    berth_request_id d = submit_keyed(host, 1);
    assert_int_equal(pool_stats(host).keyed_size, 2048);
    CHECK(berth_wait(host->pool, b, 0, NULL), BERTH_ESTALE);
    finish(host, a);
    finish(host, c);
    finish(host, d);
    pool_host_end(host);
}

static void a_request_refused_for_another_reason_evicts_nobody(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 1);
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 1);
    finish(host, id);
    CHECK_OK(berth_close(host->pool));
    berth_request request = keyed_request(host, 1);
    berth_request_id none;
    CHECK(berth_submit(host->pool, &request, &none, NULL), BERTH_ECLOSED);
    CHECK_OK(berth_wait(host->pool, id, 0, NULL));
    pool_host_end(host);
}

/* ---- Reads that sleep ---- */

typedef struct sleeper {
    pool_thread thread;
    pool_host *host;
    berth_owner_id owner;
    berth_status status;
} sleeper;

static void sleep_in_read(void *argument) {
    sleeper *self = argument;
    berth_record record = {.struct_size = sizeof record};
    pool_thread_calls(&self->thread);
    self->status =
        berth_mailbox_read(self->host->pool, self->owner, NULL, 0, BERTH_FOREVER, &record);
}

static void sleep_in_wait_any(void *argument) {
    sleeper *self = argument;
    uint32_t index;
    pool_thread_calls(&self->thread);
    self->status = berth_mailbox_wait_any(self->host->pool, &self->owner, 1, BERTH_FOREVER, &index);
}

/* A sleeping owner is sent away by a take-over, or by his own connection's end. */
static void a_sleeping_owner_is_sent_away(void **state) {
    (void)state;
    pool_watchdog("sleeping owners", 30);
    pool_host *host = host_of(BERTH_FACE_GATE, 4);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    berth_request_id id = submit_keyed(host, 7);
    berth_key key = key_of(host, id);
    sleeper self = {.host = host, .owner = attach(host, key, 7, 0)};
    pool_read(host, self.owner, NULL, 0, BERTH_RECORD_ADMITTED);
    pool_thread_start(&self.thread, sleep_in_read, &self);
    pool_thread_await_blocked(&self.thread);
    berth_attachment at = attach_with(
        host, key, (berth_attachment){.tenant = 7, .flags = BERTH_ATTACH_TAKE_OVER}, BERTH_OK);
    pool_thread_join(&self.thread);
    CHECK(self.status, BERTH_ETAKEN);
    self.owner = at.owner;
    pool_thread_start(&self.thread, sleep_in_read, &self);
    pool_thread_await_blocked(&self.thread);
    detach(host, at.owner);
    pool_thread_join(&self.thread);
    CHECK(self.status, BERTH_ESTALE);
    self.owner = attach(host, key, 7, 0);
    pool_thread_start(&self.thread, sleep_in_wait_any, &self);
    pool_thread_await_blocked(&self.thread);
    at = attach_with(host, key, (berth_attachment){.tenant = 7, .flags = BERTH_ATTACH_TAKE_OVER},
                     BERTH_OK);
    pool_thread_join(&self.thread);
    CHECK(self.status, BERTH_ETAKEN);
    emit(host, id, 0, 2);
    berth_span spans[4];
    uint32_t count;
    CHECK(berth_mailbox_peek(host->pool, self.owner, spans, 4, &count), BERTH_ETAKEN);
    CHECK_OK(berth_mailbox_peek(host->pool, at.owner, spans, 4, &count));
    attach_with(host, key, (berth_attachment){.tenant = 7, .flags = BERTH_ATTACH_TAKE_OVER},
                BERTH_EBUSY);
    CHECK(berth_mailbox_detach(host->pool, at.owner, 0), BERTH_EBUSY);
    CHECK_OK(berth_mailbox_consume(host->pool, at.owner, spans[0].lease, 1));
    read_chunks(host, at.owner, 1, 1);
    finish(host, id);
    pool_host_end(host);
    pool_watchdog("", 0);
}

/* ---- Preemption and rings ---- */

/* An engine whose requests take turns in one slot's worth of KV keeps what was read. */
static void an_engine_streams_to_readers_who_come_back(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 8);
    pool_host_start(host);
    berth_request request = keyed_request(host, 3);
    request.max_new_tokens = 100;
    berth_request_id id = pool_submit(host, &request);
    berth_key key = key_of(host, id);
    pool_step step;
    char byte;
    for (uint32_t i = 0; i < 20; i++) {
        const char letter = (char)('a' + i);
        pool_plan(host, &step);
        berth_result *result = pool_result(&step, id);
        result->bytes = &letter;
        result->bytes_size = 1;
        result->tokens_generated = 1;
        if (i == 19) result->finish = BERTH_FINISH_STOP;
        pool_commit(host, &step);
        CHECK_OK(result->status);
        /* Read all, lose the last of it, come back. */
        berth_owner_id owner = attach(host, key, 3, i == 0 ? 0 : i - 1);
        read_chunks(host, owner, i == 0 ? 0 : i - 1, i == 0 ? 1 : 2);
        berth_record record = {.struct_size = sizeof record};
        CHECK(berth_mailbox_read(host->pool, owner, &byte, 1, 0, &record),
              i == 19 ? BERTH_OK : BERTH_ETIMEDOUT);
        detach(host, owner);
    }
    berth_owner_id owner = attach(host, key, 3, 0);
    read_chunks(host, owner, 0, 20);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_END);
    pool_host_end(host);
}

static void a_result_that_is_not_taken_drops_nothing_that_was_read(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_ENGINE, 4);
    host->options.mailbox_size = 256; /* two chunks of 96 bytes, and not a third */
    pool_host_start(host);
    berth_request request = keyed_request(host, 3);
    request.max_new_tokens = 100;
    berth_request_id id = pool_submit(host, &request);
    berth_key key = key_of(host, id);
    berth_owner_id owner = attach(host, key, 3, 0);
    pool_step step;
    char bytes[96] = "";
    for (uint32_t i = 0; i < 3; i++) {
        pool_plan(host, &step);
        berth_result *result = pool_result(&step, id);
        result->bytes = bytes;
        result->bytes_size = sizeof bytes;
        result->prefix_tokens = i == 2; /* there is no such cache */
        pool_commit(host, &step);
        CHECK(result->status, i == 2 ? BERTH_EINVAL : BERTH_OK);
        if (i < 2) pool_read(host, owner, bytes, sizeof bytes, BERTH_RECORD_CHUNK);
    }
    detach(host, owner);
    assert_int_equal(attach_with(host, key, (berth_attachment){.tenant = 3}, BERTH_OK).oldest, 0);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static berth_request_id ask_tokens(pool_host *host, uint32_t band, uint64_t prompt_tokens) {
    berth_request request = keyed_request(host, 1);
    request.band = band;
    request.prompt_tokens = prompt_tokens;
    request.max_new_tokens = 4;
    return pool_submit(host, &request);
}

/* A step in which each request says the letter of its next chunk. */
static void run_step(pool_host *host, pool_step *step) {
    static const char letters[] = "abcdefgh";
    pool_plan(host, step);
    for (uint32_t i = 0; i < step->result_count; i++) {
        const berth_plan_entry *entry = pool_entry(step, step->results[i].id);
        step->results[i].tokens_generated = 1;
        step->results[i].bytes = &letters[entry->tokens_generated];
        step->results[i].bytes_size = 1;
    }
    if (step->plan.step_id != 0) pool_commit(host, step);
}

/* Two on an engine whose KV is too small for both: the newer one is preempted in the second step.
 * Blocks of one token; a ring for each that runs and no more. */
static pool_host *host_that_preempts(berth_request_id ids[2], pool_step *step) {
    pool_host *host = host_of(BERTH_FACE_ENGINE, 8);
    host->options.running_max = 2;
    host->options.mailboxes_max = 2;
    host->options.kv_block_tokens = 1;
    host->options.kv_mode = BERTH_KV_OPTIMISTIC;
    pool_host_resource(host, "kv_blocks", 8);
    pool_host_start(host);
    ids[0] = ask_tokens(host, 0, 4);
    ids[1] = ask_tokens(host, 0, 4);
    run_step(host, step);
    run_step(host, step);
    assert_int_equal(pool_entry(step, ids[1])->flags, BERTH_ENTRY_PREEMPTED);
    return host;
}

static void a_preempted_request_keeps_what_was_read(void **state) {
    (void)state;
    berth_request_id ids[2];
    pool_step step;
    pool_host *host = host_that_preempts(ids, &step);
    berth_key key = key_of(host, ids[1]);
    for (uint32_t i = 0; i < 2; i++) {
        berth_owner_id owner = attach(host, key, 1, 0);
        read_chunks(host, owner, 0, 1);
        read_status(host, owner, BERTH_ETIMEDOUT);
        detach(host, owner);
    }
    CHECK_OK(berth_cancel(host->pool, ids[0]));
    run_step(host, &step);
    berth_owner_id owner = attach(host, key, 1, 0);
    read_chunks(host, owner, 0, 2);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static void a_preempted_request_gives_up_what_was_read_where_a_ring_is_needed(void **state) {
    (void)state;
    berth_request_id ids[2];
    pool_step step;
    pool_host *host = host_that_preempts(ids, &step);
    berth_key key = key_of(host, ids[1]);
    berth_owner_id owner = attach(host, key, 1, 0);
    read_chunks(host, owner, 0, 1);
    berth_request_id urgent = ask_tokens(host, BERTH_BAND_HIGH, 1);
    run_step(host, &step);
    assert_true(pool_planned(&step, urgent, BERTH_ENTRY_PREFILL));
    read_status(host, owner, BERTH_ETIMEDOUT);
    detach(host, owner);
    berth_attachment at = attach_with(host, key, (berth_attachment){.tenant = 1}, BERTH_ELOST);
    assert_int_equal(at.oldest, 1);
    assert_int_equal(at.next, 1);
    CHECK_OK(berth_cancel(host->pool, ids[0]));
    CHECK_OK(berth_cancel(host->pool, urgent));
    owner = attach(host, key, 1, 1);
    run_step(host, &step); /* they leave; it comes back, to another ring */
    if (!pool_planned(&step, ids[1], BERTH_ENTRY_PREFILL)) run_step(host, &step);
    read_chunks(host, owner, 1, 1);
    detach(host, owner);
    owner = attach(host, key, 1, 1);
    read_chunks(host, owner, 1, 1);
    pool_plan(host, &step);
    pool_commit_finished(host, &step);
    pool_host_end(host);
}

static void rings_that_are_retained_give_way_to_who_runs(void **state) {
    (void)state;
    pool_host *host = host_of(BERTH_FACE_GATE, 64);
    host->options.running_max = 2;
    host->options.mailboxes_max = 3;
    pool_host_start(host);
    berth_key keys[3];
    berth_owner_id owner = 0;
    for (uint32_t i = 0; i < 3; i++) {
        berth_request_id id = submit_keyed(host, 1);
        keys[i] = key_of(host, id);
        emit(host, id, 0, 1);
        if (i == 0) owner = attach(host, keys[0], 1, 0);
        finish(host, id);
    }
    /* The oldest has an owner; the second gives way. */
    berth_request_id id = submit_keyed(host, 1);
    attach_with(host, keys[1], (berth_attachment){.tenant = 1}, BERTH_ESTALE);
    attach(host, keys[2], 1, 0);
    pool_read(host, owner, NULL, 0, BERTH_RECORD_ADMITTED);
    read_chunks(host, owner, 0, 1);
    assert_int_equal(pool_stats(host).retained_dropped_total, 1);
    finish(host, id);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_written_and_read_strictly),
        cmocka_unit_test(keys_differ_and_belong_to_requests_that_asked_for_one),
        cmocka_unit_test(a_pool_without_keys_takes_no_request_that_wants_one),
        cmocka_unit_test(another_tenant_finds_nothing),
        cmocka_unit_test(a_mailbox_has_one_owner_who_alone_reads),
        cmocka_unit_test(an_owner_of_an_older_request_in_the_same_place_is_stale),
        cmocka_unit_test(a_reader_comes_back_to_any_retained_chunk),
        cmocka_unit_test(what_gave_way_is_lost_and_the_oldest_is_named),
        cmocka_unit_test(an_attach_makes_ready_what_is_there),
        cmocka_unit_test(who_comes_back_in_time_is_not_cancelled),
        cmocka_unit_test(parked_ones_have_the_same_grace),
        cmocka_unit_test(who_detaches_for_good_cancels),
        cmocka_unit_test(retention_counts_from_activity_or_from_the_end),
        cmocka_unit_test(on_the_machines_clock_the_timer_ends_what_is_due),
        cmocka_unit_test(those_that_ended_and_have_no_owner_give_way_longest_first),
        cmocka_unit_test(a_tenant_gives_way_to_itself_only),
        cmocka_unit_test(bytes_are_limited_and_outcomes_have_none),
        cmocka_unit_test(a_request_refused_for_another_reason_evicts_nobody),
        cmocka_unit_test(a_sleeping_owner_is_sent_away),
        cmocka_unit_test(an_engine_streams_to_readers_who_come_back),
        cmocka_unit_test(a_result_that_is_not_taken_drops_nothing_that_was_read),
        cmocka_unit_test(a_preempted_request_keeps_what_was_read),
        cmocka_unit_test(a_preempted_request_gives_up_what_was_read_where_a_ring_is_needed),
        cmocka_unit_test(rings_that_are_retained_give_way_to_who_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
