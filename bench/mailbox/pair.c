/* SPDX-License-Identifier: MIT */
/* One producer, one reader, neither of whom ever sleeps: what a token costs on its way. */
#include "workloads.h"

#include "carrier.h"
#include "spsc.h"
#include "support/clock.h"

#include <berth.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS 1000000u

typedef struct pair {
    spsc *ring;
    berth_pool *pool;
    berth_request_id id;
    uint64_t tokens;
    atomic_uint_fast64_t wrong;
} pair;

static void *pop_all(void *argument) {
    pair *self = argument;
    for (uint64_t i = 0; i < self->tokens;) {
        token got = {0};
        if (!spsc_pop(self->ring, &got)) {
            sched_yield();
            continue;
        }
        if (got.sequence != i++) atomic_fetch_add(&self->wrong, 1);
    }
    return NULL;
}

static double bare(pair *self) {
    pthread_t reader;
    const uint64_t start = bench_now_ns();
    if (pthread_create(&reader, NULL, pop_all, self) != 0) abort();
    for (uint64_t i = 0; i < self->tokens; i++) {
        const token made = token_of(0, i);
        while (!spsc_push(self->ring, &made)) sched_yield();
    }
    pthread_join(reader, NULL);
    return (double)(bench_now_ns() - start) / (double)self->tokens;
}

static void *read_all(void *argument) {
    pair *self = argument;
    berth_span spans[64];
    for (uint64_t i = 0; i < self->tokens;) {
        uint32_t count, chunks = 0;
        if (berth_mailbox_peek(self->pool, self->id, spans, 64, &count) != BERTH_OK) {
            sched_yield();
            continue;
        }
        for (uint32_t k = 0; k < count; k++) {
            token got = {0};
            memcpy(&got, spans[k].bytes, spans[k].size);
            if (spans[k].more != 0) {
                memcpy((unsigned char *)&got + spans[k].size, spans[k + 1].bytes,
                       spans[k + 1].size);
                k++;
            }
            if (got.sequence != i++) atomic_fetch_add(&self->wrong, 1);
            chunks++;
        }
        (void)berth_mailbox_consume(self->pool, self->id, spans[0].lease, chunks);
    }
    return NULL;
}

static double emitted(pair *self) {
    pthread_t reader;
    const uint64_t start = bench_now_ns();
    if (pthread_create(&reader, NULL, read_all, self) != 0) abort();
    for (uint64_t i = 0; i < self->tokens; i++) {
        const token made = token_of(0, i);
        while (berth_emit(self->pool, self->id, &made, sizeof made, 1) == BERTH_EFULL)
            sched_yield();
    }
    pthread_join(reader, NULL);
    return (double)(bench_now_ns() - start) / (double)self->tokens;
}

static bool open_pool(pair *self) {
    berth_options options;
    berth_request request = {.struct_size = sizeof request};
    berth_record record = {.struct_size = sizeof record};
    berth_options_init(&options, sizeof options);
    options.face = BERTH_FACE_GATE;
    return berth_pool_create(&options, NULL, &self->pool) == BERTH_OK &&
           berth_submit(self->pool, &request, &self->id, NULL) == BERTH_OK &&
           berth_mailbox_read(self->pool, self->id, NULL, 0, 0, &record) == BERTH_OK;
}

bool pair_run(const workload *at) {
    pair self = {.tokens = at->quick ? 1000 : TOKENS};
    self.ring = aligned_alloc(64, sizeof *self.ring);
    if (self.ring == NULL || !open_pool(&self)) return false;
    memset(self.ring, 0, sizeof *self.ring);
    bench_board_put(at->board, "pair", "berth", "ns", "", at->round, emitted(&self));
    bench_board_put(at->board, "pair", "bare-ring", "ns", "ids, outcome, accounts, bounds by bytes",
                    at->round, bare(&self));
    (void)berth_finish(self.pool, self.id, BERTH_FINISH_STOP, 0);
    (void)berth_pool_destroy(self.pool);
    free(self.ring);
    return atomic_load(&self.wrong) == 0;
}
