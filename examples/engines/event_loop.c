/* SPDX-License-Identifier: MIT */
/*
 * A server with an event loop: one descriptor tells poll(2) (or epoll, uv_poll, asyncio, tokio)
 * that some mailbox has something to read. No thread per reader, no busy waiting. Start here to
 * put Berth behind sockets.
 *
 * An engine thread computes three streams; this thread reads them all and stops one half way.
 */
#define _POSIX_C_SOURCE 200809L
#include <berth.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define STREAMS 3u

static berth_request_id id[STREAMS];
static char label[STREAMS];

static void *engine_run(void *context) {
    berth_pool *pool = context;
    berth_plan_entry entries[2 * STREAMS];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2 * STREAMS, .entries = entries};
    while (berth_plan_wait(pool, &plan, BERTH_FOREVER) == BERTH_OK) {
        berth_result results[STREAMS] = {{0}};
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
            results[count] = (berth_result){.id = entries[i].id,
                                            .tokens_computed = entries[i].tokens,
                                            .tokens_generated = 1,
                                            .bytes = entries[i].payload,
                                            .bytes_size = 1};
            if (entries[i].tokens_generated + 1 == entries[i].max_new_tokens)
                results[count].finish = BERTH_FINISH_LENGTH;
            count++;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL); /* "computing" */
        if (plan.step_id != 0) berth_commit(pool, plan.step_id, results, count);
    }
    return NULL; /* closed, and nothing is left to run */
}

/* Everything that is there for one request. Returns 1 once it has ended. */
static int read_all(berth_pool *pool, berth_request_id request) {
    char bytes[16];
    berth_record record = {.struct_size = sizeof record};
    while (berth_mailbox_read(pool, request, bytes, sizeof bytes, 0, &record) == BERTH_OK) {
        if (record.kind == BERTH_RECORD_CHUNK) printf("%.*s", (int)record.size, bytes);
        if (record.kind == BERTH_RECORD_CHUNK && request == id[1] && record.sequence == 4)
            berth_cancel(pool, request); /* this client has seen enough */
        if (record.kind != BERTH_RECORD_END) continue;
        printf(" [%s after %llu]", berth_outcome_name(record.outcome.kind),
               (unsigned long long)record.sequence);
        berth_outcome_take(pool, request, NULL);
        return 1;
    }
    return 0;
}

int main(void) {
    berth_pool *pool;
    pthread_t engine;
    int32_t descriptor;
    if (berth_pool_create(NULL, NULL, &pool) != BERTH_OK) return 1;
    if (berth_ready_descriptor(pool, &descriptor) != BERTH_OK) return 1;
    for (uint32_t i = 0; i < STREAMS; i++) {
        label[i] = (char)('a' + i);
        berth_request request = {
            .struct_size = sizeof request, .payload = &label[i], .max_new_tokens = 6 + 6 * i};
        if (berth_submit(pool, &request, &id[i], NULL) != BERTH_OK) return 1;
    }
    if (pthread_create(&engine, NULL, engine_run, pool) != 0) return 1;

    for (uint32_t open = STREAMS; open > 0;) {
        /* Beside this one would stand the listening socket and the clients' sockets. */
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        if (poll(&ready, 1, 5000) <= 0) return 1;
        berth_request_id named[STREAMS];
        uint32_t count = 0;
        while (berth_ready_take(pool, named, STREAMS, &count) == BERTH_OK)
            for (uint32_t i = 0; i < count; i++) open -= (uint32_t)read_all(pool, named[i]);
    }
    printf("\n");
    berth_close(pool); /* the engine's plan_wait returns BERTH_ECLOSED */
    pthread_join(engine, NULL);
    return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
}
