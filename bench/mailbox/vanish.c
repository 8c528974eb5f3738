/* SPDX-License-Identifier: MIT */
/* Clients who vanish at random and come back where they were: every byte is compared. */
#include "workloads.h"

#include "carrier.h"
#include "support/clock.h"

#include <berth.h>

#include <stdlib.h>
#include <string.h>

#define CLIENTS 10000u
#define CHUNKS 60u /* tokens of one client: all fit in its ring */
#define RING_SIZE 4096u
#define READS_MAX 8u

typedef struct client {
    berth_key key;
    berth_owner_id owner; /* 0 = it has vanished */
    uint32_t forgotten;   /* nobody noticed that it did: it takes over */
    uint32_t received;    /* tokens that got through */
    uint32_t done;
} client;

typedef struct crowd {
    berth_pool *pool;
    client *clients;
    berth_plan_entry *entries;
    berth_result *results;
    token *made;
    uint32_t count;
    uint64_t seed;
    uint64_t come_backs;
    uint64_t wrong; /* tokens that were lost, doubled, out of order, or not what was said */
} crowd;

static uint32_t below(crowd *of, uint32_t limit) {
    of->seed = of->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(of->seed >> 33) % limit;
}

static bool step(crowd *of) {
    berth_plan plan = {
        .struct_size = sizeof plan, .entry_max = 2 * of->count, .entries = of->entries};
    uint32_t count = 0;
    if (berth_plan_next(of->pool, &plan) != BERTH_OK) return false;
    if (plan.step_id == 0) return true;
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++, count++) {
        const berth_plan_entry *entry = &plan.entries[i];
        const uint32_t index = (uint32_t)((client *)entry->payload - of->clients);
        const bool last = entry->tokens_generated + 1 == CHUNKS;
        of->made[count] = token_of(index, entry->tokens_generated);
        of->results[count] =
            (berth_result){.id = entry->id,
                           .tokens_computed = entry->tokens,
                           .tokens_generated = 1,
                           .bytes = &of->made[count],
                           .bytes_size = sizeof of->made[count],
                           .finish = last ? BERTH_FINISH_LENGTH : BERTH_FINISH_NONE};
    }
    return berth_commit(of->pool, plan.step_id, of->results, count) == BERTH_OK;
}

static bool come_back(crowd *of, client *self) {
    berth_attachment at = {.struct_size = sizeof at,
                           .sequence = self->received,
                           .flags = self->forgotten ? BERTH_ATTACH_TAKE_OVER : 0};
    if (berth_mailbox_attach(of->pool, &self->key, &at) != BERTH_OK) return false;
    self->owner = at.owner;
    of->come_backs++;
    return true;
}

static void vanish(crowd *of, client *self) {
    self->forgotten = below(of, 2);
    if (!self->forgotten && berth_mailbox_detach(of->pool, self->owner, 0) != BERTH_OK) of->wrong++;
    self->owner = 0;
}

/* What is read goes to the client in order, until the connection breaks, if it does. */
static bool serve(crowd *of, client *self) {
    const bool breaks = below(of, 4) == 0;
    uint32_t through = breaks ? below(of, READS_MAX) : READS_MAX;
    if (self->owner == 0 && !come_back(of, self)) return false;
    const uint32_t first = self->received;
    for (uint32_t i = 0; i < READS_MAX; i++) {
        token got = {0};
        berth_record record = {.struct_size = sizeof record};
        const berth_status status =
            berth_mailbox_read(of->pool, self->owner, &got, sizeof got, 0, &record);
        if (status == BERTH_ETIMEDOUT) break;
        if (status != BERTH_OK) return false;
        const token wanted = token_of((uint32_t)(self - of->clients), first + i);
        if (record.sequence != first + i) of->wrong++;
        if (record.kind == BERTH_RECORD_END) {
            self->done = through > 0 && self->received == CHUNKS;
            break;
        }
        if (record.size != sizeof got || memcmp(&got, &wanted, sizeof got) != 0) of->wrong++;
        if (through > 0) self->received++;
        if (through > 0) through--;
    }
    if (breaks && !self->done) vanish(of, self);
    return true;
}

static bool submit_all(crowd *of) {
    for (uint32_t i = 0; i < of->count; i++) {
        berth_request_id id;
        berth_request request = {.struct_size = sizeof request,
                                 .payload = &of->clients[i],
                                 .max_new_tokens = CHUNKS,
                                 .mailbox_flags = BERTH_MAILBOX_KEYED};
        if (berth_submit(of->pool, &request, &id, NULL) != BERTH_OK) return false;
        if (berth_mailbox_key(of->pool, id, &of->clients[i].key) != BERTH_OK) return false;
    }
    return true;
}

static bool run(crowd *of) {
    uint32_t left = of->count;
    if (!submit_all(of)) return false;
    while (left > 0) {
        if (!step(of)) return false;
        left = 0;
        for (uint32_t i = 0; i < of->count; i++) {
            if (of->clients[i].done) continue;
            if (!serve(of, &of->clients[i])) return false;
            left++;
        }
    }
    return true;
}

static bool make(crowd *of) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.running_max = of->count;
    options.parked_max = of->count;
    options.ended_max = of->count;
    options.mailboxes_max = of->count;
    options.mailbox_size = RING_SIZE;
    options.keys_max = of->count;
    options.keys_grace_ns = BERTH_FOREVER;
    options.keys_retain_ns = BERTH_FOREVER;
    of->clients = calloc(of->count, sizeof *of->clients);
    of->entries = calloc(2 * of->count, sizeof *of->entries);
    of->results = calloc(2 * of->count, sizeof *of->results);
    of->made = calloc(2 * of->count, sizeof *of->made);
    return of->clients != NULL && of->entries != NULL && of->results != NULL && of->made != NULL &&
           berth_pool_create(&options, NULL, &of->pool) == BERTH_OK;
}

bool vanish_run(const workload *at) {
    crowd of = {.count = at->quick ? 200 : CLIENTS, .seed = 1};
    const bool made = make(&of);
    const uint64_t began = bench_now_ns();
    const bool good = made && run(&of);
    const double took = (double)(bench_now_ns() - began);
    if (good) {
        bench_board_put(at->board, "vanish/10000/ns-per-token", "berth", "ns", "", at->round,
                        took / ((double)of.count * CHUNKS));
        bench_board_put(at->board, "vanish/10000/come-backs", "berth", "count", "", at->round,
                        (double)of.come_backs);
        bench_board_put(at->board, "vanish/10000/wrong-tokens", "berth", "count", "", at->round,
                        (double)of.wrong);
    }
    if (of.pool != NULL) (void)berth_pool_destroy(of.pool);
    free(of.clients);
    free(of.entries);
    free(of.results);
    free(of.made);
    return good && of.wrong == 0;
}
