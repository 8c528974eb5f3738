/* SPDX-License-Identifier: MIT */
/*
 * What:    one run of a workload: a client that submits and gives up, an engine, a reader.
 * Why:     the quickstart runs the same input twice, with Berth's policies and as plain FIFO.
 * Rules:   what the host saw and what the pool counted are kept apart, so that run_check can
 *          compare them.
 * Threads: run_do uses three: the caller submits, cancels and shows; an engine; a reader.
 */
#ifndef QUICKSTART_RUN_H
#define QUICKSTART_RUN_H

#include <berth.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "engine.h"
#include "workload.h"

#define RUN_PARKED_MAX 130u /* of the pool; the bands' own limits leave room for the high one */
#define RUN_PARKED_NORMAL_MAX 25u /* of the normal band */
#define RUN_PARKED_LOW_MAX 80u    /* of the low band */

enum run_policy { RUN_BERTH, RUN_FIFO };

/* What the host saw of one request. */
typedef struct run_item {
    berth_request_id id; /* 0 = refused, or not yet submitted */
    uint32_t gave_up;    /* berth_cancel was called */
    uint32_t refusal;    /* berth_refusal_reason */
    uint64_t retry_after_ns;
    berth_outcome outcome; /* kind NONE until read */
} run_item;

typedef struct quick_run {
    const workload *work;
    enum run_policy policy;
    quick_engine engine;
    uint64_t start_ns; /* the pool's clock when the first request may arrive */
    uint64_t wall_ns;  /* from there until the last request ended */

    pthread_mutex_t lock; /* guards what follows, up to the next empty line */
    run_item item[WORKLOAD_COUNT];
    uint32_t submitted;
    uint32_t accepted;
    uint32_t refused;
    uint32_t ended;      /* outcomes that the reader took */
    uint32_t submitting; /* 1 until the last one was submitted */

    atomic_uint released;  /* calls of release(); read after destroy */
    berth_stats stats;     /* the last snapshot, taken when everything had ended */
    uint32_t law_broken;   /* snapshots in which the counters did not add up */
    uint32_t overcommits;  /* snapshots in which used exceeded capacity */
    const char *failed_in; /* which call failed first; read after the threads are joined */
    atomic_int failed;     /* its status; BERTH_OK if none did */
} quick_run;

/* Run it to its end; 0, or -1 if a call failed (run_check says which). */
int run_do(quick_run *run, const workload *work, enum run_policy policy);

/* 0 if everything ended exactly once and all counters agree; else -1, each fault on stderr. */
int run_check(const quick_run *run);

/* Outcomes of this kind, counted by the reader. */
uint32_t run_outcome_count(const quick_run *run, uint32_t kind);

#endif
