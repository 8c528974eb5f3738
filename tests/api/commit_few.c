/* SPDX-License-Identifier: MIT */
/*
 * The way of the most common result, which says tokens and brings few bytes, beside the long way: a
 * result that also says what it holds, which is what it held. Two pools get the same, one result
 * each way; whatever can be seen of them is alike.
 */
#include "support/pool_host.h"
#include "support/pool_threads.h"

#include <stdlib.h>

#define SIZE 256u
#define STREAMS 6u
#define STEPS 4000u
#define BYTES_MAX 100u
#define SHORT 0
#define LONG 1
#define KEYED 5u

typedef struct twins {
    pool_host *hosts[2];
    pool_step steps[2];
    uint64_t seed;
    berth_request_id ids[STREAMS];        /* alike in both */
    berth_request_id readers[2][STREAMS]; /* the id, or the owner of the one with a key */
    berth_key keys[2];
    uint64_t tokens_read;
    uint64_t refused; /* results whose mailbox was full */
} twins;

static uint32_t draw(twins *of, uint32_t below) {
    of->seed = of->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(of->seed >> 33) % below;
}

static pool_host *make(void) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.mailbox_size = SIZE;
    host->options.keys_max = 4;
    host->options.keys_grace_ns = BERTH_FOREVER;
    host->options.keys_retain_ns = BERTH_FOREVER;
    host->options.ended_max = 64;
    host->options.mailboxes_max = 64;
    host->options.running_max = 16;
    pool_host_resource(host, "units", 100);
    pool_host_start(host);
    return host;
}

static void attach(twins *of, int which) {
    berth_attachment attachment = {.struct_size = sizeof attachment,
                                   .sequence = BERTH_SEQUENCE_UNREAD};
    CHECK_OK(berth_mailbox_attach(of->hosts[which]->pool, &of->keys[which], &attachment));
    of->readers[which][KEYED] = attachment.owner;
}

static void submit(twins *of, uint32_t stream) {
    static const uint32_t full[STREAMS] = {BERTH_FULL_END,      BERTH_FULL_END,
                                           BERTH_FULL_COALESCE, BERTH_FULL_PAUSE,
                                           BERTH_FULL_PREEMPT,  BERTH_FULL_END};
    for (int which = SHORT; which <= LONG; which++) {
        pool_host *host = of->hosts[which];
        berth_request request = pool_request_units(host, 0, 2);
        request.mailbox_full = full[stream];
        request.mailbox_flags = stream == KEYED ? BERTH_MAILBOX_KEYED : 0;
        const berth_request_id id = pool_submit(host, &request);
        of->readers[which][stream] = id;
        if (which == LONG) assert_true(id == of->ids[stream]);
        of->ids[stream] = id;
        if (stream != KEYED) continue;
        CHECK_OK(berth_mailbox_key(host->pool, id, &of->keys[which]));
        attach(of, which);
    }
}

/* Nobody reads it for a while, and nobody is to hear of it. */
static void detach_or_attach(twins *of) {
    const int is_owned = of->readers[SHORT][KEYED] != 0;
    for (int which = SHORT; which <= LONG; which++) {
        if (!is_owned) {
            attach(of, which);
            continue;
        }
        CHECK_OK(berth_mailbox_detach(of->hosts[which]->pool, of->readers[which][KEYED], 0));
        of->readers[which][KEYED] = 0;
    }
}

static void cancel(twins *of, uint32_t stream) {
    for (int which = SHORT; which <= LONG; which++)
        (void)berth_cancel(of->hosts[which]->pool, of->ids[stream]);
}

static void step(twins *of) {
    static const char text[BYTES_MAX] =
        "what a result brings, and much more of it than is few; with "
        "zeros behind it";
    static const uint64_t held[1] = {2};
    for (int which = SHORT; which <= LONG; which++) pool_plan(of->hosts[which], &of->steps[which]);
    pool_step *one = &of->steps[SHORT], *other = &of->steps[LONG];
    assert_int_equal(one->result_count, other->result_count);
    for (uint32_t i = 0; i < one->result_count; i++) {
        assert_true(one->results[i].id == other->results[i].id);
        const uint32_t size = draw(of, BYTES_MAX);
        for (int which = SHORT; which <= LONG; which++) {
            berth_result *result = &of->steps[which].results[i];
            result->bytes = size == 0 ? NULL : text + (BYTES_MAX - size) / 2;
            result->bytes_size = size;
            result->tokens_generated = size % 3;
        }
        other->results[i].held = held;
        other->results[i].held_count = 1;
    }
    if (draw(of, 50) == 0) cancel(of, draw(of, STREAMS)); /* its chunk comes too late */
    if (one->plan.step_id == 0) return;
    for (int which = SHORT; which <= LONG; which++)
        pool_commit(of->hosts[which], &of->steps[which]);
    for (uint32_t i = 0; i < one->result_count; i++) {
        assert_int_equal(one->results[i].status, other->results[i].status);
        of->refused += one->results[i].status == BERTH_EFULL;
    }
}

/* Up to so many records. 1 if the end is among them. */
static int read_some(twins *of, uint32_t stream, uint32_t count) {
    while (of->readers[SHORT][stream] != 0 && count-- > 0) {
        char bytes[2][SIZE] = {{0}};
        berth_record record[2];
        berth_status status[2];
        for (int which = SHORT; which <= LONG; which++) {
            record[which] = (berth_record){.struct_size = sizeof record[which]};
            status[which] = berth_mailbox_read(of->hosts[which]->pool, of->readers[which][stream],
                                               bytes[which], SIZE, 0, &record[which]);
        }
        assert_int_equal(status[SHORT], status[LONG]);
        assert_memory_equal(&record[SHORT], &record[LONG], sizeof record[SHORT]);
        assert_memory_equal(bytes[SHORT], bytes[LONG], SIZE);
        if (status[SHORT] != BERTH_OK) return 0;
        if (record[SHORT].kind == BERTH_RECORD_END) return 1;
        of->tokens_read += record[SHORT].tokens;
    }
    return 0;
}

/* The owners' ids may differ: they are told by their streams. */
static uint32_t stream_of(const twins *of, int which, berth_request_id reader) {
    for (uint32_t i = 0; i < STREAMS; i++)
        if (of->readers[which][i] == reader) return i;
    return STREAMS;
}

static void take_ready(twins *of, uint32_t count) {
    berth_request_id ids[2][2 * STREAMS] = {{0}};
    uint32_t counts[2];
    for (int which = SHORT; which <= LONG; which++)
        (void)berth_ready_take(of->hosts[which]->pool, ids[which], count, &counts[which]);
    assert_int_equal(counts[SHORT], counts[LONG]);
    for (uint32_t i = 0; i < counts[SHORT]; i++)
        assert_int_equal(stream_of(of, SHORT, ids[SHORT][i]), stream_of(of, LONG, ids[LONG][i]));
}

static void take(twins *of, uint32_t stream) {
    for (int which = SHORT; which <= LONG; which++) {
        CHECK_OK(berth_outcome_take(of->hosts[which]->pool, of->ids[stream], NULL));
    }
    submit(of, stream);
}

static void assert_alike(const twins *of) {
    const berth_stats one = pool_stats(of->hosts[SHORT]);
    const berth_stats other = pool_stats(of->hosts[LONG]);
    assert_true(one.chunks_total == other.chunks_total);
    assert_true(one.bytes_total == other.bytes_total);
    assert_true(one.chunks_dropped_total == other.chunks_dropped_total);
    assert_true(one.tokens_computed_total == other.tokens_computed_total);
    assert_true(one.tokens_generated_total == other.tokens_generated_total);
    assert_true(one.running == other.running);
    assert_true(one.parked == other.parked);
}

static void few_bytes_go_in_as_by_the_long_way(void **state) {
    twins *of = calloc(1, sizeof *of);
    (void)state;
    assert_non_null(of);
    of->seed = 1;
    for (int which = SHORT; which <= LONG; which++) of->hosts[which] = make();
    for (uint32_t i = 0; i < STREAMS; i++) submit(of, i);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(of);
        for (uint32_t k = 0; k < STREAMS; k++)
            if (draw(of, 3) == 0 && read_some(of, k, draw(of, 8))) take(of, k);
        if (draw(of, 10) == 0) detach_or_attach(of);
        if (draw(of, 2) == 0) take_ready(of, 1 + draw(of, STREAMS));
        assert_alike(of);
    }
    assert_true(of->tokens_read > STEPS);
    assert_true(of->refused > 100);
    for (int which = SHORT; which <= LONG; which++) {
        for (uint32_t i = 0; i < STREAMS; i++)
            (void)berth_cancel(of->hosts[which]->pool, of->ids[i]);
        pool_run_out(of->hosts[which]);
        pool_host_end(of->hosts[which]);
    }
    free(of);
}

/* ---- Who waits for it ---- */

typedef struct waiting {
    pool_thread thread;
    pool_host *host;
    berth_request_id id;
    berth_status status;
} waiting;

static void wait_for_any(void *argument) {
    waiting *self = argument;
    uint32_t index = 9;
    pool_thread_calls(&self->thread);
    self->status = berth_mailbox_wait_any(self->host->pool, &self->id, 1, BERTH_FOREVER, &index);
}

static void who_waits_for_any_is_woken_by_few_bytes(void **state) {
    pool_host *host = pool_host_new(BERTH_FACE_ENGINE);
    static pool_step once;
    (void)state;
    host->options.clock = BERTH_CLOCK_SYSTEM;
    pool_host_start(host);
    waiting self = {.host = host, .id = pool_submit_band(host, 0)};
    pool_plan(host, &once);
    pool_thread_start(&self.thread, wait_for_any, &self);
    pool_thread_await_blocked(&self.thread);
    once.results[0].bytes = "few";
    once.results[0].bytes_size = 3;
    pool_commit(host, &once);
    pool_thread_join(&self.thread);
    CHECK_OK(self.status);
    CHECK_OK(berth_cancel(host->pool, self.id));
    pool_run_out(host);
    pool_host_end(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_bytes_go_in_as_by_the_long_way),
        cmocka_unit_test(who_waits_for_any_is_woken_by_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
