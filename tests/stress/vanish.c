/* SPDX-License-Identifier: MIT */
/* Clients who vanish in the middle of their streams and come back: nothing is lost, nothing twice.
 */
#include <stdlib.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define CHUNKS 40u
#define CHUNK_MAX 40u
#define TENANTS 7u
#define READERS 3u

typedef struct client {
    berth_request_id id;
    berth_key key;
    berth_owner_id owner; /* 0 = it has vanished */
    uint32_t forgotten;   /* it vanished and nobody noticed: the mailbox has an owner still */
    uint32_t received;    /* chunks that got through to it */
    uint32_t size;        /* bytes of them */
    uint32_t done;
    uint8_t bytes[CHUNKS * CHUNK_MAX];
} client;

static pool_host *host;
static client *clients;
static uint32_t client_count;
static atomic_uint wrong;      /* records that were not what had to come next */
static atomic_uint come_backs; /* attaches after the first of each */

/* What the engine says to a client, byte for byte. */
static uint32_t speak(uint32_t index, uint32_t sequence, uint8_t *out) {
    uint64_t seed = (uint64_t)index << 32 | sequence;
    const uint32_t size = 1 + (uint32_t)(pool_random(&seed) % CHUNK_MAX);
    for (uint32_t i = 0; i < size; i++) out[i] = (uint8_t)pool_random(&seed);
    return size;
}

/* ---- The engine ---- */

static void answer(const berth_plan_entry *entry, berth_result *result, uint8_t *bytes) {
    const uint32_t index = (uint32_t)((atomic_uint *)entry->payload - host->payloads);
    const uint32_t sequence = (uint32_t)entry->tokens_generated;
    *result = (berth_result){.id = entry->id,
                             .tokens_computed = entry->tokens,
                             .tokens_generated = 1,
                             .bytes = bytes,
                             .bytes_size = speak(index, sequence, bytes)};
    if (sequence + 1 == CHUNKS) result->finish = BERTH_FINISH_LENGTH;
}

static void run_engine(void *argument) {
    (void)argument;
    const uint32_t max = 2 * host->options.running_max;
    berth_plan_entry *entries = calloc(max, sizeof *entries);
    berth_result *results = calloc(max, sizeof *results);
    uint8_t(*bytes)[CHUNK_MAX] = calloc(max, sizeof *bytes);
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = max};
    while (berth_plan_wait(host->pool, &plan, BERTH_FOREVER) == BERTH_OK) {
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++, count++)
            answer(&entries[i], &results[count], bytes[count]);
        if (plan.step_id == 0) continue;
        if (berth_commit(host->pool, plan.step_id, results, count) != BERTH_OK)
            atomic_fetch_add(&wrong, 1);
    }
    free(entries);
    free(results);
    free(bytes);
}

/* ---- Clients ---- */

static void come_back(client *self) {
    berth_attachment at = {.struct_size = sizeof at,
                           .tenant = (uint64_t)(self - clients) % TENANTS,
                           .sequence = self->received,
                           .flags = self->forgotten ? BERTH_ATTACH_TAKE_OVER : 0};
    if (berth_mailbox_attach(host->pool, &self->key, &at) != BERTH_OK) atomic_fetch_add(&wrong, 1);
    self->owner = at.owner;
    self->forgotten = 0;
    atomic_fetch_add(&come_backs, 1);
}

/* The connection breaks; the server notices, or does not. */
static void vanish(client *self, uint64_t *seed) {
    self->forgotten = pool_random(seed) % 2 == 0;
    if (!self->forgotten) (void)berth_mailbox_detach(host->pool, self->owner, 0);
    self->owner = 0;
}

/* Read a few records; the connection takes the first of them to the client, and may break then. */
static void serve(client *self, uint64_t *seed) {
    const uint32_t breaks = pool_random(seed) % 4 == 0;
    const uint32_t wanted = (uint32_t)(pool_random(seed) % 8);
    uint32_t through = breaks ? (uint32_t)(pool_random(seed) % (wanted + 1)) : UINT32_MAX;
    if (self->owner == 0) come_back(self);
    const uint32_t first = self->received;
    for (uint32_t i = 0; i <= wanted; i++) {
        uint8_t bytes[CHUNK_MAX];
        berth_record record = {.struct_size = sizeof record};
        const berth_status status =
            berth_mailbox_read(host->pool, self->owner, bytes, sizeof bytes, 0, &record);
        if (status == BERTH_ETIMEDOUT) break;
        if (status != BERTH_OK || record.sequence != first + i) atomic_fetch_add(&wrong, 1);
        if (status != BERTH_OK) break;
        if (record.kind == BERTH_RECORD_END) {
            self->done = through > 0 && self->received == CHUNKS;
            break;
        }
        if (through == 0) continue;
        through--;
        memcpy(self->bytes + self->size, bytes, record.size);
        self->size += (uint32_t)record.size;
        self->received++;
    }
    if (breaks && !self->done) vanish(self, seed);
}

typedef struct reader {
    pool_thread thread;
    uint64_t seed;
    uint32_t first;
} reader;

static void run_reader(void *argument) {
    const reader *self = argument;
    uint64_t seed = self->seed;
    uint32_t left = 1;
    while (left > 0) {
        left = 0;
        for (uint32_t i = self->first; i < client_count; i += READERS) {
            if (clients[i].done) continue;
            serve(&clients[i], &seed);
            left++;
        }
    }
}

/* ---- The test ---- */

static void expect_every_byte(const client *self) {
    uint8_t bytes[CHUNK_MAX];
    uint32_t at = 0;
    assert_int_equal(self->received, CHUNKS);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        const uint32_t size = speak((uint32_t)(self - clients), i, bytes);
        assert_true(at + size <= self->size);
        assert_memory_equal(self->bytes + at, bytes, size);
        at += size;
    }
    assert_int_equal(at, self->size);
}

static uint64_t start(void) {
    const uint64_t seed = pool_seed();
    client_count = pool_rounds(10000, 16000, 1000);
    clients = calloc(client_count, sizeof *clients);
    host = pool_host_new(BERTH_FACE_ENGINE);
    host->options.clock = BERTH_CLOCK_SYSTEM;
    host->options.running_max = client_count;
    host->options.parked_max = client_count;
    host->options.ended_max = client_count;
    host->options.mailboxes_max = client_count;
    host->options.mailbox_size = 4096; /* all chunks of one */
    host->options.keys_max = client_count;
    host->options.keys_grace_ns = BERTH_FOREVER;
    host->options.keys_retain_ns = BERTH_FOREVER;
    pool_host_start(host);
    for (uint32_t i = 0; i < client_count; i++) {
        berth_request request = pool_request(host, 0); /* its payload is the cell of this number */
        request.prompt_tokens = 1;
        request.max_new_tokens = CHUNKS;
        request.tenant = i % TENANTS;
        request.mailbox_flags = BERTH_MAILBOX_KEYED;
        clients[i].id = pool_submit(host, &request);
        CHECK_OK(berth_mailbox_key(host->pool, clients[i].id, &clients[i].key));
    }
    return seed;
}

static void who_vanishes_and_comes_back_misses_nothing(void **state) {
    (void)state;
    pool_thread engine;
    reader readers[READERS];
    const uint64_t seed = start();
    pool_thread_start(&engine, run_engine, NULL);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i].first = i;
        readers[i].seed = seed + i;
        pool_thread_start(&readers[i].thread, run_reader, &readers[i]);
    }
    for (uint32_t i = 0; i < READERS; i++) pool_thread_join(&readers[i].thread);
    CHECK_OK(berth_close(host->pool));
    pool_thread_join(&engine);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&come_backs) > 2 * client_count);
    for (uint32_t i = 0; i < client_count; i++) expect_every_byte(&clients[i]);
    const berth_stats stats = pool_stats(host);
    assert_int_equal(stats.outcome_total[BERTH_OUTCOME_COMPLETED], client_count);
    assert_int_equal(stats.retained_dropped_total, 0);
    assert_true(stats.taken_over_total > client_count / 4);
    pool_host_end(host);
    free(clients);
}

int main(void) {
    pool_watchdog("stress/vanish", 240);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_vanishes_and_comes_back_misses_nothing),
    };
    return cmocka_run_group_tests_name("stress/vanish", tests, NULL, NULL);
}
