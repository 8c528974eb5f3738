/* SPDX-License-Identifier: MIT */
/* What: one way to carry tokens from an engine to many readers.
 * Why: every way is driven by the same loop, with the same tokens and the same checks.
 * Rules: streams below `waiting` have a reader that sleeps until there is something; the others are
 *        read by drain() alone. A reader counts what it read, and how often it was woken for it.
 * Threads: step and drain on the bench's thread; readers on their own. */
#ifndef BENCH_MAILBOX_CARRIER_H
#define BENCH_MAILBOX_CARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TOKEN_SIZE 32u
#define DRAIN_STEPS 16u /* drain() is called at least so often */

typedef struct token {
    uint64_t stream;
    uint64_t sequence;
    uint64_t filler[2];
} token;

typedef struct carrier carrier;

struct carrier {
    uint32_t streams;
    uint32_t waiting;
    _Alignas(64) atomic_uint_fast64_t seen; /* tokens read by those who wait */
    _Alignas(64) atomic_uint_fast64_t wakes;
    atomic_uint_fast64_t wrong; /* tokens that are not the next one of their stream */
    atomic_bool stop;
    uint64_t *next; /* by stream: the sequence that is due to be read */
    void *own;
};

typedef struct carrier_ops {
    const char *name;
    const char *lacks;
    uint32_t streams_max;
    bool (*open)(carrier *self);    /* false: the system has not enough of something */
    void (*prepare)(carrier *self); /* before each step, not timed; may be NULL */
    void (*step)(carrier *self, uint64_t sequence); /* one token for each stream; timed */
    void (*drain)(carrier *self);                   /* read what nobody waits for */
    void (*close)(carrier *self);                   /* stop is set; join readers, free */
} carrier_ops;

extern const carrier_ops carrier_berth;
extern const carrier_ops carrier_broadcast;
extern const carrier_ops carrier_queues;
extern const carrier_ops carrier_pipes;
extern const carrier_ops carrier_eventfds;

static inline token token_of(uint64_t stream, uint64_t sequence) {
    return (token){.stream = stream, .sequence = sequence, .filler = {stream, sequence}};
}

/* A reader has got this. `is_waiting`: it is one of those who sleep. */
static inline void carrier_note(carrier *self, const token *got, bool is_waiting) {
    if (got->stream >= self->streams || got->sequence != self->next[got->stream] ||
        got->filler[1] != got->sequence)
        atomic_fetch_add_explicit(&self->wrong, 1, memory_order_relaxed);
    else
        self->next[got->stream]++;
    if (is_waiting) atomic_fetch_add_explicit(&self->seen, 1, memory_order_release);
}

static inline void carrier_woken(carrier *self) {
    atomic_fetch_add_explicit(&self->wakes, 1, memory_order_relaxed);
}

#endif
