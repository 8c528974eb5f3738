/* SPDX-License-Identifier: MIT */
/* Readers beside an engine, each other, and a retention that drops mailboxes under their hands:
 * each chunk is read at most once and whole, and who is told the end has been given all of them. */
#include <sched.h>
#include <stdio.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define REQUESTS_MAX 40000u
#define RECENT 12u /* ids that readers choose from: some of them are gone */
#define CHUNKS 14u
#define READERS 3u

typedef struct crowd {
    pool_host *host;
    uint32_t requests;
    _Atomic berth_request_id ids[REQUESTS_MAX];
    atomic_uint seen[REQUESTS_MAX]; /* chunks read, as bits */
    atomic_uint ends[REQUESTS_MAX]; /* chunks that END speaks of, plus 1 */
    atomic_uint submitted;
    atomic_uint done;
    atomic_uint torn;
    atomic_uint twice;
    atomic_uint odd; /* a status that cannot be */
} crowd;

typedef struct reader {
    pool_thread thread;
    crowd *of;
    uint64_t random;
} reader;

/* Chunk k of request i: a few bytes that say so. */
static uint64_t write_chunk(unsigned char *bytes, uint32_t request, uint64_t chunk) {
    const uint64_t size = 1 + (request + 7 * chunk) % 40;
    for (uint64_t i = 0; i < size; i++) bytes[i] = (unsigned char)(request + 31 * chunk + i);
    return size;
}

static void note_chunk(crowd *of, uint32_t request, const berth_record *record,
                       const unsigned char *bytes) {
    unsigned char wanted[64];
    const uint64_t size = write_chunk(wanted, request, record->sequence);
    if (record->size != size || memcmp(bytes, wanted, size) != 0) atomic_fetch_add(&of->torn, 1);
    const uint32_t bit = 1u << record->sequence;
    if ((atomic_fetch_or(&of->seen[request], bit) & bit) != 0) atomic_fetch_add(&of->twice, 1);
}

/* Read what there is, up to a few records. Returns 1 once the end was read. */
static uint32_t read_some(reader *self, uint32_t request, uint64_t timeout_ns) {
    crowd *of = self->of;
    const berth_request_id id = atomic_load(&of->ids[request]);
    const uint64_t count = pool_random(&self->random) % 8;
    for (uint64_t i = 0; i <= count; i++) {
        unsigned char bytes[64];
        berth_record record = {.struct_size = sizeof record};
        const berth_status status =
            berth_mailbox_read(of->host->pool, id, bytes, sizeof bytes, timeout_ns, &record);
        if (status != BERTH_OK) {
            if (status != BERTH_ESTALE && status != BERTH_ETIMEDOUT && status != BERTH_EBUSY)
                atomic_fetch_add(&of->odd, 1);
            return 0;
        }
        if (record.kind == BERTH_RECORD_CHUNK) {
            note_chunk(of, request, &record, bytes);
        } else {
            atomic_store(&of->ends[request], (unsigned)record.sequence + 1);
            return 1;
        }
    }
    return 0;
}

static void run_reader(void *argument) {
    reader *self = argument;
    crowd *of = self->of;
    while (!atomic_load(&of->done)) {
        const uint32_t submitted = atomic_load(&of->submitted);
        if (submitted == 0) continue;
        const uint64_t back = 1 + pool_random(&self->random) % RECENT;
        const uint32_t request = back > submitted ? 0 : submitted - (uint32_t)back;
        const uint64_t timeout_ns = pool_random(&self->random) % 16 == 0 ? 100000 : 0;
        const uint32_t ended = read_some(self, request, timeout_ns);
        const berth_request_id id = atomic_load(&of->ids[request]);
        if (ended) (void)berth_outcome_take(of->host->pool, id, NULL);
        if (pool_random(&self->random) % 200 == 0) (void)berth_mailbox_close(of->host->pool, id);
    }
}

static uint32_t submit(crowd *of, uint32_t next) {
    berth_request request = {.struct_size = sizeof request};
    berth_request_id id = 0;
    if (berth_submit(of->host->pool, &request, &id, NULL) != BERTH_OK) return 0;
    atomic_store(&of->ids[next], id);
    atomic_store(&of->submitted, next + 1);
    return 1;
}

static uint32_t request_of(const crowd *of, berth_request_id id) {
    uint32_t request = atomic_load(&of->submitted);
    while (request > 0 && atomic_load(&of->ids[request - 1]) != id) request--;
    return request - 1;
}

/* One step: every running request writes its next chunk. */
static void step(crowd *of) {
    static unsigned char bytes[POOL_ENTRIES_MAX][64];
    static pool_step s;
    berth_plan *plan = &s.plan;
    pool_plan(of->host, &s);
    for (uint32_t i = 0, k = 0; i < plan->entry_count; i++) {
        const berth_plan_entry *entry = &s.entries[i];
        if (entry->kind == BERTH_ENTRY_LEAVE) continue;
        berth_result *result = &s.results[k];
        const uint32_t request = request_of(of, entry->id);
        result->tokens_generated = 1;
        result->bytes = bytes[k];
        result->bytes_size = write_chunk(bytes[k], request, entry->tokens_generated);
        if (entry->tokens_generated + 1 == CHUNKS) result->finish = BERTH_FINISH_STOP;
        k++;
    }
    if (plan->step_id != 0)
        (void)berth_commit(of->host->pool, plan->step_id, s.results, s.result_count);
}

static void readers_beside_an_engine_and_retention_see_each_chunk_once(void **state) {
    static crowd of;
    reader readers[READERS];
    (void)state;
    memset(&of, 0, sizeof of);
    of.requests = pool_rounds(4000, REQUESTS_MAX, 1500);
    of.host = pool_host_new(BERTH_FACE_ENGINE);
    of.host->options.clock = BERTH_CLOCK_SYSTEM;
    of.host->options.running_max = 4;
    of.host->options.mailboxes_max = 4;
    of.host->options.ended_max = 4;
    of.host->options.mailbox_size = 512;
    pool_host_start(of.host);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.of = &of, .random = pool_seed() + i};
        pool_thread_start(&readers[i].thread, run_reader, &readers[i]);
    }
    uint32_t next = 0;
    berth_stats stats = pool_stats(of.host);
    while (next < of.requests || stats.parked + stats.running > 0) {
        while (next < of.requests && stats.parked < 4 && submit(&of, next)) {
            next++;
            stats.parked++;
        }
        step(&of);
        if (next % 8 == 0) sched_yield();
        stats = pool_stats(of.host);
    }
    atomic_store(&of.done, 1);
    for (uint32_t i = 0; i < READERS; i++) pool_thread_join(&readers[i].thread);

    uint32_t whole = 0;
    for (uint32_t i = 0; i < of.requests; i++) {
        const uint32_t end = atomic_load(&of.ends[i]);
        if (end == 0) continue;
        assert_int_equal(atomic_load(&of.seen[i]), (1u << (end - 1)) - 1);
        whole++;
    }
    assert_int_equal(atomic_load(&of.torn), 0);
    assert_int_equal(atomic_load(&of.twice), 0);
    assert_int_equal(atomic_load(&of.odd), 0);
    assert_true(whole > 0);
    printf("%u of %u read to their end, %u dropped\n", whole, of.requests,
           (unsigned)pool_stats(of.host).retained_dropped_total);
    pool_host_end(of.host);
}

/* ---- Without a copy, from requests whose text is merged or that are paused ---- */

#define STREAM_SIZE 600u

/* What readers do to a request is guarded by its gate alone: ThreadSanitizer sees whether it is. */
typedef struct streams {
    pool_host *host;
    uint32_t requests;
    _Atomic berth_request_id ids[REQUESTS_MAX];
    uint64_t consumed[REQUESTS_MAX];  /* bytes; by whoever is inside */
    uint64_t delivered[REQUESTS_MAX]; /* bytes; the engine's */
    atomic_uint ended[REQUESTS_MAX];
    atomic_uint submitted;
    atomic_uint done;
    atomic_uint wrong;
    atomic_uint odd;
} streams;

typedef struct span_reader {
    pool_thread thread;
    streams *of;
    uint64_t random;
} span_reader;

static unsigned char byte_at(uint32_t request, uint64_t offset) {
    return (unsigned char)(request + offset * 7);
}

static void consume_some(span_reader *self, uint32_t request) {
    streams *of = self->of;
    const berth_request_id id = atomic_load(&of->ids[request]);
    berth_span spans[8];
    uint32_t count, chunks = 0;
    if (berth_mailbox_peek(of->host->pool, id, spans, 8, &count) != BERTH_OK) return;
    const uint32_t most = (uint32_t)(pool_random(&self->random) % 8);
    for (uint32_t i = 0; i < count && chunks < most; i++) {
        const unsigned char *bytes = spans[i].bytes;
        for (uint64_t k = 0; k < spans[i].size; k++)
            if (bytes[k] != byte_at(request, of->consumed[request]++))
                atomic_fetch_add(&of->wrong, 1);
        chunks += spans[i].more == 0;
    }
    if (berth_mailbox_consume(of->host->pool, id, spans[0].lease, chunks) != BERTH_OK)
        atomic_fetch_add(&of->odd, 1);
}

static void look_for_the_end(span_reader *self, uint32_t request) {
    streams *of = self->of;
    berth_record record = {.struct_size = sizeof record};
    const berth_request_id id = atomic_load(&of->ids[request]);
    /* No buffer: chunks of a byte and more stay where they are. */
    const berth_status status = berth_mailbox_read(of->host->pool, id, NULL, 0, 0, &record);
    if (status == BERTH_OK && record.kind == BERTH_RECORD_END) atomic_store(&of->ended[request], 1);
}

static void run_span_reader(void *argument) {
    span_reader *self = argument;
    streams *of = self->of;
    while (!atomic_load(&of->done)) {
        berth_request_id ids[3];
        uint32_t index;
        const uint32_t submitted = atomic_load(&of->submitted);
        if (submitted < 3) continue;
        const uint64_t back = 1 + pool_random(&self->random) % (submitted < 8 ? submitted : 8);
        const uint32_t request = submitted - (uint32_t)back;
        consume_some(self, request);
        look_for_the_end(self, request);
        if (pool_random(&self->random) % 32 != 0) continue;
        for (uint32_t i = 0; i < 3; i++) ids[i] = atomic_load(&of->ids[submitted - 1 - i]);
        (void)berth_mailbox_wait_any(of->host->pool, ids, 3, 50000, &index);
    }
}

static uint32_t submit_stream(streams *of, uint32_t next) {
    berth_request request = {.struct_size = sizeof request};
    berth_request_id id = 0;
    request.mailbox_full = 1 + next % BERTH_FULL_PREEMPT;
    if (berth_submit(of->host->pool, &request, &id, NULL) != BERTH_OK) return 0;
    atomic_store(&of->ids[next], id);
    atomic_store(&of->submitted, next + 1);
    return 1;
}

static uint32_t stream_of(const streams *of, berth_request_id id) {
    uint32_t request = atomic_load(&of->submitted);
    while (request > 0 && atomic_load(&of->ids[request - 1]) != id) request--;
    return request - 1;
}

static void step_streams(streams *of) {
    static unsigned char bytes[POOL_ENTRIES_MAX][64];
    static pool_step s;
    uint32_t requests[POOL_ENTRIES_MAX];
    pool_plan(of->host, &s);
    for (uint32_t i = 0; i < s.result_count; i++) {
        berth_result *result = &s.results[i];
        const uint32_t request = requests[i] = stream_of(of, result->id);
        const uint64_t from = of->delivered[request];
        result->bytes_size = 1 + (request + from) % 40;
        for (uint64_t k = 0; k < result->bytes_size; k++) bytes[i][k] = byte_at(request, from + k);
        result->bytes = bytes[i];
        result->tokens_generated = 1;
        if (from + result->bytes_size > STREAM_SIZE) result->finish = BERTH_FINISH_STOP;
    }
    if (s.plan.step_id == 0) return;
    (void)berth_commit(of->host->pool, s.plan.step_id, s.results, s.result_count);
    for (uint32_t i = 0; i < s.result_count; i++)
        if (s.results[i].status == BERTH_OK) of->delivered[requests[i]] += s.results[i].bytes_size;
}

static void spans_of_requests_that_merge_and_pause_hold_every_byte_once(void **state) {
    static streams of;
    span_reader readers[READERS];
    (void)state;
    memset(&of, 0, sizeof of);
    of.requests = pool_rounds(300, 20000, 150);
    of.host = pool_host_new(BERTH_FACE_ENGINE);
    of.host->options.clock = BERTH_CLOCK_SYSTEM;
    of.host->options.running_max = 4;
    of.host->options.mailboxes_max = 6;
    of.host->options.ended_max = 8;
    of.host->options.mailbox_size = 256;
    of.host->options.pause_ns_max = 20000000;
    pool_host_start(of.host);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (span_reader){.of = &of, .random = pool_seed() + i};
        pool_thread_start(&readers[i].thread, run_span_reader, &readers[i]);
    }
    uint32_t next = 0;
    berth_stats stats = pool_stats(of.host);
    while (next < of.requests || stats.parked + stats.running > 0) {
        while (next < of.requests && stats.parked < 2 && submit_stream(&of, next)) {
            next++;
            stats.parked++;
        }
        step_streams(&of);
        sched_yield();
        stats = pool_stats(of.host);
    }
    atomic_store(&of.done, 1);
    for (uint32_t i = 0; i < READERS; i++) pool_thread_join(&readers[i].thread);
    uint32_t whole = 0;
    for (uint32_t i = 0; i < of.requests; i++) {
        if (!atomic_load(&of.ended[i])) continue;
        assert_int_equal(of.consumed[i], of.delivered[i]);
        whole += of.delivered[i] > STREAM_SIZE;
    }
    assert_int_equal(atomic_load(&of.wrong), 0);
    assert_int_equal(atomic_load(&of.odd), 0);
    assert_true(whole > 0);
    printf("%u of %u consumed whole, %u pauses\n", whole, of.requests,
           (unsigned)stats.pauses_total);
    pool_host_end(of.host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_beside_an_engine_and_retention_see_each_chunk_once),
        cmocka_unit_test(spans_of_requests_that_merge_and_pause_hold_every_byte_once),
    };
    pool_watchdog("stress readers", 240);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
