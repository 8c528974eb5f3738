/* SPDX-License-Identifier: MIT */
/* A descriptor per stream, and one thread on epoll for all who wait: a pipe that carries the tokens
 * themselves, or an eventfd beside a bare ring. */
#include "carrier.h"
#include "spsc.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <fcntl.h>
#include <unistd.h>

#define EVENTS_MAX 256

typedef struct stream {
    int read;
    int write;
    spsc *ring; /* NULL: the pipe carries the tokens */
} stream;

typedef struct descriptors {
    stream *streams;
    spsc *rings;
    int epoll;
    pthread_t loop;
    bool has_loop;
} descriptors;

static void read_one(carrier *self, stream *from, bool is_waiting) {
    token got[DRAIN_STEPS];
    uint64_t count;
    if (from->ring == NULL) {
        const ssize_t size = read(from->read, got, sizeof got);
        for (ssize_t i = 0; i < size / (ssize_t)TOKEN_SIZE; i++)
            carrier_note(self, &got[i], is_waiting);
        return;
    }
    if (read(from->read, &count, sizeof count) < 0) return;
    while (spsc_pop(from->ring, &got[0])) carrier_note(self, &got[0], is_waiting);
}

static void *run_loop(void *argument) {
    carrier *self = argument;
    descriptors *own = self->own;
    struct epoll_event events[EVENTS_MAX];
    while (!atomic_load(&self->stop)) {
        const int count = epoll_wait(own->epoll, events, EVENTS_MAX, 100);
        if (count > 0) carrier_woken(self);
        for (int i = 0; i < count; i++) read_one(self, &own->streams[events[i].data.u32], true);
    }
    return NULL;
}

static bool open_stream(descriptors *own, uint32_t i, bool with_ring) {
    stream *to = &own->streams[i];
    if (with_ring) {
        to->ring = &own->rings[i];
        to->read = to->write = eventfd(0, EFD_NONBLOCK);
        return to->read >= 0;
    }
    int pair[2];
    if (pipe2(pair, O_NONBLOCK) != 0) return false;
    to->read = pair[0];
    to->write = pair[1];
    return true;
}

static bool open_with(carrier *self, bool with_ring) {
    descriptors *own = self->own = calloc(1, sizeof *own);
    if (own == NULL) return false;
    own->streams = calloc(self->streams, sizeof *own->streams);
    if (own->streams == NULL) return false;
    for (uint32_t i = 0; i < self->streams; i++)
        own->streams[i] = (stream){.read = -1, .write = -1};
    if (with_ring) {
        own->rings = aligned_alloc(64, self->streams * sizeof *own->rings);
        if (own->rings == NULL) return false;
        memset(own->rings, 0, self->streams * sizeof *own->rings);
    }
    own->epoll = epoll_create1(0);
    for (uint32_t i = 0; i < self->streams; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (!open_stream(own, i, with_ring)) return false;
        if (i < self->waiting &&
            epoll_ctl(own->epoll, EPOLL_CTL_ADD, own->streams[i].read, &event) != 0)
            return false;
    }
    own->has_loop = pthread_create(&own->loop, NULL, run_loop, self) == 0;
    return own->has_loop;
}

static bool open_pipes(carrier *self) {
    return open_with(self, false);
}

static bool open_eventfds(carrier *self) {
    return open_with(self, true);
}

static void step(carrier *self, uint64_t sequence) {
    descriptors *own = self->own;
    const uint64_t one = 1;
    for (uint32_t i = 0; i < self->streams; i++) {
        const token made = token_of(i, sequence);
        stream *to = &own->streams[i];
        if (to->ring == NULL) {
            if (write(to->write, &made, sizeof made) != sizeof made) abort();
        } else if (!spsc_push(to->ring, &made) || write(to->write, &one, sizeof one) < 0) {
            abort();
        }
    }
}

static void drain(carrier *self) {
    descriptors *own = self->own;
    for (uint32_t i = self->waiting; i < self->streams; i++)
        read_one(self, &own->streams[i], false);
}

static void close_it(carrier *self) {
    descriptors *own = self->own;
    if (own->has_loop) pthread_join(own->loop, NULL);
    for (uint32_t i = 0; i < self->streams; i++) {
        if (own->streams[i].read >= 0) close(own->streams[i].read);
        if (own->streams[i].write >= 0 && own->streams[i].write != own->streams[i].read)
            close(own->streams[i].write);
    }
    close(own->epoll);
    free(own->rings);
    free(own->streams);
    free(own);
}

const carrier_ops carrier_pipes = {.name = "pipe-per-stream",
                                   .lacks = "outcome, cancel",
                                   .streams_max = 1000,
                                   .open = open_pipes,
                                   .step = step,
                                   .drain = drain,
                                   .close = close_it};

const carrier_ops carrier_eventfds = {.name = "eventfd-per-stream",
                                      .lacks = "outcome, cancel",
                                      .streams_max = 1000,
                                      .open = open_eventfds,
                                      .step = step,
                                      .drain = drain,
                                      .close = close_it};
