/* SPDX-License-Identifier: MIT */
/* Berth: an engine's pool, one commit per step; the readers are one thread on the ready
 * descriptor. */
#include "carrier.h"

#include <berth.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TAKE_MAX 256u
#define SPANS_MAX 64u

typedef struct ours {
    berth_pool *pool;
    berth_plan plan;
    berth_plan_entry *entries;
    berth_result *results;
    token *tokens;
    berth_request_id *ids;
    uint32_t *stream_of; /* by place of the id */
    int32_t descriptor;
    pthread_t loop;
} ours;

static void read_one(carrier *self, berth_request_id id, bool is_waiting) {
    ours *own = self->own;
    berth_span spans[SPANS_MAX];
    uint32_t count, chunks = 0;
    token got = {0};
    if (berth_mailbox_peek(own->pool, id, spans, SPANS_MAX, &count) != BERTH_OK) return;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&got, spans[i].bytes, spans[i].size);
        if (spans[i].more != 0) {
            memcpy((unsigned char *)&got + spans[i].size, spans[i + 1].bytes, spans[i + 1].size);
            i++;
        }
        chunks++;
        carrier_note(self, &got, is_waiting);
    }
    (void)berth_mailbox_consume(own->pool, id, spans[0].lease, chunks);
}

static void *run_loop(void *argument) {
    carrier *self = argument;
    ours *own = self->own;
    berth_request_id ids[TAKE_MAX];
    uint32_t count;
    while (!atomic_load(&self->stop)) {
        struct pollfd entry = {.fd = own->descriptor, .events = POLLIN};
        if (poll(&entry, 1, 100) != 1) continue;
        carrier_woken(self);
        while (berth_ready_take(own->pool, ids, TAKE_MAX, &count) == BERTH_OK)
            for (uint32_t i = 0; i < count; i++)
                if (own->stream_of[ids[i] & 0xFFFFFF] < self->waiting) read_one(self, ids[i], true);
    }
    return NULL;
}

static bool make_pool(carrier *self) {
    ours *own = self->own;
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.running_max = self->streams;
    options.parked_max = self->streams;
    options.mailboxes_max = self->streams;
    options.mailbox_size = 2048;
    return berth_pool_create(&options, NULL, &own->pool) == BERTH_OK &&
           berth_ready_descriptor(own->pool, &own->descriptor) == BERTH_OK;
}

static bool submit_all(carrier *self) {
    ours *own = self->own;
    for (uint32_t i = 0; i < self->streams; i++) {
        berth_request request = {.struct_size = sizeof request, .max_new_tokens = 1000000};
        if (berth_submit(own->pool, &request, &own->ids[i], NULL) != BERTH_OK) return false;
        own->stream_of[own->ids[i] & 0xFFFFFF] = i;
    }
    return true;
}

static bool open_it(carrier *self) {
    ours *own = self->own = calloc(1, sizeof *own);
    if (own == NULL) return false;
    own->entries = calloc(2 * self->streams, sizeof *own->entries);
    own->results = calloc(self->streams, sizeof *own->results);
    own->tokens = calloc(self->streams, sizeof *own->tokens);
    own->ids = calloc(self->streams, sizeof *own->ids);
    own->stream_of = calloc(3 * self->streams + 1024, sizeof *own->stream_of);
    if (own->entries == NULL || own->results == NULL || own->tokens == NULL || own->ids == NULL ||
        own->stream_of == NULL || !make_pool(self) || !submit_all(self))
        return false;
    own->plan = (berth_plan){
        .struct_size = sizeof own->plan, .entry_max = 2 * self->streams, .entries = own->entries};
    return pthread_create(&own->loop, NULL, run_loop, self) == 0;
}

static void prepare(carrier *self) {
    ours *own = self->own;
    if (berth_plan_next(own->pool, &own->plan) != BERTH_OK) abort();
    for (uint32_t i = 0; i < own->plan.entry_count; i++) {
        const uint32_t stream = own->stream_of[own->entries[i].id & 0xFFFFFF];
        own->results[i] = (berth_result){.id = own->entries[i].id,
                                         .tokens_computed = own->entries[i].tokens,
                                         .tokens_generated = 1,
                                         .bytes = &own->tokens[stream],
                                         .bytes_size = TOKEN_SIZE};
        own->tokens[stream] = token_of(stream, own->entries[i].tokens_generated);
    }
}

static void step(carrier *self, uint64_t sequence) {
    ours *own = self->own;
    (void)sequence;
    if (berth_commit(own->pool, own->plan.step_id, own->results, own->plan.entry_count) != BERTH_OK)
        abort();
}

static void drain(carrier *self) {
    ours *own = self->own;
    for (uint32_t i = self->waiting; i < self->streams; i++) read_one(self, own->ids[i], false);
}

static void close_it(carrier *self) {
    ours *own = self->own;
    pthread_join(own->loop, NULL);
    (void)berth_pool_destroy(own->pool);
    free(own->entries);
    free(own->results);
    free(own->tokens);
    free(own->ids);
    free(own->stream_of);
    free(own);
}

const carrier_ops carrier_berth = {.name = "berth",
                                   .lacks = "",
                                   .streams_max = UINT32_MAX,
                                   .open = open_it,
                                   .prepare = prepare,
                                   .step = step,
                                   .drain = drain,
                                   .close = close_it};
