/* SPDX-License-Identifier: MIT */
/*
 * A server on epoll that copies nothing: what lies in a mailbox goes to its client by writev, and
 * is consumed as far as the socket took it. A client who reads slowly fills his socket, then his
 * mailbox, and then the engine's plans leave him out (BERTH_FULL_PAUSE); the others go on.
 *
 * The clients are threads at the other end of socket pairs; one of them is slow.
 */
#include <berth.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define STREAMS 3u
#define TOKENS 400u
#define SPANS 16u

typedef struct client {
    berth_request_id id;
    int server_end;
    int client_end;
    uint64_t nap_ns; /* after each read */
    uint64_t size;   /* bytes received */
    pthread_t thread;
} client;

static client clients[STREAMS];

static void nap(uint64_t ns) {
    nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

static void *run_client(void *argument) {
    client *self = argument;
    char bytes[2048];
    ssize_t size;
    while ((size = read(self->client_end, bytes, sizeof bytes)) > 0) {
        self->size += (uint64_t)size;
        nap(self->nap_ns);
    }
    return NULL;
}

static void *run_engine(void *context) {
    static const char token[64] = "a token of sixty-four bytes";
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
                                            .bytes = token,
                                            .bytes_size = sizeof token};
            if (entries[i].tokens_generated + 1 == TOKENS)
                results[count].finish = BERTH_FINISH_LENGTH;
            count++;
        }
        nap(200 * 1000); /* "computing" */
        if (plan.step_id != 0) berth_commit(pool, plan.step_id, results, count);
    }
    return NULL;
}

/* Give the socket what it takes of the chunks that are there. 1 once it takes no more. */
static int send_some(berth_pool *pool, client *to) {
    berth_span spans[SPANS];
    struct iovec pieces[SPANS];
    uint32_t count;
    while (berth_mailbox_peek(pool, to->id, spans, SPANS, &count) == BERTH_OK) {
        for (uint32_t i = 0; i < count; i++)
            pieces[i] = (struct iovec){(void *)spans[i].bytes, (size_t)spans[i].size};
        const ssize_t sent = writev(to->server_end, pieces, (int)count);
        /* A socket of this kind (SOCK_SEQPACKET) takes a write whole or not at all. */
        uint32_t chunks = 0;
        for (uint32_t i = 0; sent > 0 && i < count; i++) chunks += spans[i].more == 0;
        berth_mailbox_consume(pool, to->id, spans[0].lease, chunks);
        if (sent < 0) return 1;
    }
    return 0;
}

/* 1 once the end was read, and all before it was sent. */
static int serve(berth_pool *pool, client *to) {
    berth_record record = {.struct_size = sizeof record};
    if (send_some(pool, to)) return 0; /* go on when the socket is writable again */
    if (berth_mailbox_read(pool, to->id, NULL, 0, 0, &record) != BERTH_OK) return 0;
    if (record.kind != BERTH_RECORD_END) return 0;
    berth_outcome_take(pool, to->id, NULL);
    shutdown(to->server_end, SHUT_WR);
    return 1;
}

static int start_client(berth_pool *pool, uint32_t i, int epoll) {
    berth_request request = {.struct_size = sizeof request, .max_new_tokens = TOKENS};
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data.u32 = i};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) return 0;
    const int size = 4096; /* small, so that the slow one fills it */
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    clients[i].server_end = pair[0];
    clients[i].client_end = pair[1];
    clients[i].nap_ns = i == 0 ? 10 * 1000 * 1000 : 0;
    return berth_submit(pool, &request, &clients[i].id, NULL) == BERTH_OK &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event) == 0 &&
           pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) == 0;
}

static client *client_of(berth_request_id id) {
    for (uint32_t i = 0; i < STREAMS; i++)
        if (clients[i].id == id) return &clients[i];
    return NULL;
}

/* What became ready, and what a writable socket may take again. Returns how many ended. */
static uint32_t turn(berth_pool *pool, int epoll) {
    struct epoll_event events[STREAMS + 1];
    berth_request_id ids[STREAMS];
    uint32_t count, ended = 0;
    const int happened = epoll_wait(epoll, events, STREAMS + 1, 10000);
    if (happened <= 0) return STREAMS;
    for (int i = 0; i < happened; i++)
        if (events[i].data.u32 < STREAMS && clients[events[i].data.u32].id != 0 &&
            serve(pool, &clients[events[i].data.u32])) {
            clients[events[i].data.u32].id = 0;
            ended++;
        }
    while (berth_ready_take(pool, ids, STREAMS, &count) == BERTH_OK)
        for (uint32_t i = 0; i < count; i++) {
            client *to = client_of(ids[i]);
            if (to == NULL || !serve(pool, to)) continue;
            to->id = 0;
            ended++;
        }
    return ended;
}

int main(void) {
    berth_pool *pool;
    berth_options options;
    pthread_t engine;
    int32_t descriptor;
    berth_options_init(&options, sizeof options);
    options.mailbox_full = BERTH_FULL_PAUSE;
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;
    if (berth_ready_descriptor(pool, &descriptor) != BERTH_OK) return 1;
    const int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = STREAMS};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) return 1;
    for (uint32_t i = 0; i < STREAMS; i++)
        if (!start_client(pool, i, epoll)) return 1;
    if (pthread_create(&engine, NULL, run_engine, pool) != 0) return 1;
    for (uint32_t open = STREAMS; open > 0;) {
        const uint32_t ended = turn(pool, epoll);
        open = ended > open ? 0 : open - ended;
    }

    berth_stats stats = {.struct_size = sizeof stats};
    berth_stats_read(pool, &stats);
    berth_close(pool);
    pthread_join(engine, NULL);
    int good = 1;
    for (uint32_t i = 0; i < STREAMS; i++) {
        pthread_join(clients[i].thread, NULL);
        printf("client %u: %llu bytes\n", (unsigned)i, (unsigned long long)clients[i].size);
        good &= clients[i].size == TOKENS * 64;
        close(clients[i].server_end);
        close(clients[i].client_end);
    }
    printf("the engine waited %llu times for a reader\n", (unsigned long long)stats.pauses_total);
    close(epoll);
    return berth_pool_destroy(pool) == BERTH_OK && good ? 0 : 1;
}
