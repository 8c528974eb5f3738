/* SPDX-License-Identifier: MIT */
/*
 * What:    the host's part of a replay that both clocks share: submit, take outcomes, check.
 * Why:     virtual and real time must count alike.
 * Rules:   only through berth.h. A broken rule is told on stderr and ends the replay with -1.
 * Threads: the thread that drives the replay, except host_released, which any thread may call.
 *          A row is its worker's while it runs and the driver's again once it was released.
 */
#ifndef REPLAY_HOST_H
#define REPLAY_HOST_H

#include "decisions.h"
#include "fairness.h"
#include "prefix.h"
#include "settings.h"
#include "trace.h"

#include <stdatomic.h>

enum replay_resource { REPLAY_KV_BLOCKS = 0, REPLAY_SEQUENCES = 1, REPLAY_RESOURCES = 2 };

typedef struct replay_host {
    const replay_settings *settings;
    replay_trace *trace;
    berth_pool *pool;
    replay_decisions *decisions;         /* NULL in real time: it does not repeat */
    _Atomic(replay_row *) released;      /* pushed by release(), taken whole by the driver */
    uint64_t start_at_ns;                /* on the pool's clock */
    uint64_t capacity[REPLAY_RESOURCES]; /* of the engine */
    uint64_t granted[REPLAY_RESOURCES];  /* what the pool was told: more, where it overcommits */
    uint64_t step_tokens;                /* of a step, at most; 0 = no limit */
    uint64_t peak[REPLAY_RESOURCES];
    double used_ns[REPLAY_RESOURCES]; /* units * time: a mean when divided by the duration */
    uint64_t used[REPLAY_RESOURCES];  /* at the last check */
    uint64_t used_since_ns;           /* of the last check */
    uint64_t submitted;
    uint64_t accepted;
    uint64_t ended;
    uint64_t steps;
    uint64_t generated;
    uint64_t preemptions;
    uint64_t recomputed; /* tokens */
    uint64_t late;       /* submitted again, to be served when there is room */
    uint64_t left_early; /* LEAVE entries of requests that were preempted */
    uint32_t *row_of;    /* by place in the pool's table */
    uint32_t row_of_count;
    uint32_t reserved;
    replay_fairness fairness;
    replay_prefix prefix; /* all zero without --prefix-cache */
    uint64_t now_ns;      /* since the start */
    uint64_t progress_at; /* next line on a terminal, in wall nanoseconds */
    double wall_s;
} replay_host;

/* Make the pool: the engine's on a virtual clock, or worker threads. */
int replay_host_init(replay_host *host, const replay_settings *settings, replay_trace *trace,
                     const berth_executor *worker);

/* After a replay that ended well; a broken one is left to the process's end. */
int replay_host_fini(replay_host *host);

/* The executor's release(): user_data is the host, payload the row. */
void replay_host_released(void *user_data, void *payload, uint64_t payload_size);

int replay_host_submit(replay_host *host, replay_row *row);

/* Take the outcomes of all that was released since. */
int replay_host_harvest(replay_host *host);

/* Hold the pool's counters against its laws and the host's own counts, and sample what is used. */
int replay_host_check(replay_host *host);

/* After the last request: everything has ended, once. */
int replay_host_check_end(replay_host *host);

/* 0, or -1 after saying which law the snapshot breaks. */
int replay_host_check_stats(const berth_stats *stats);

/* The row that was accepted under this id, or NULL. */
replay_row *replay_host_row(const replay_host *host, berth_request_id id);

/* What the row holds of each resource while it runs, where that does not grow. */
void replay_row_cost(const replay_row *row, uint64_t cost[REPLAY_RESOURCES]);

/* A broken rule, on stderr. Always -1. */
int replay_broken(const char *format, ...);

/* On a terminal, now and then: how far it is. */
void replay_host_progress(replay_host *host);

uint64_t replay_wall_ns(void);

#endif
