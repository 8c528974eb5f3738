/* SPDX-License-Identifier: MIT */
/*
 * What:    a host in a box: pool, executor and counters that api tests drive through berth.h alone.
 * Why:     each test then says only what it is about, and ends with the same checks.
 * Rules:   assertions here run on the test thread only; callbacks record.
 * Threads: callbacks may come from any thread; everything they write is atomic.
 */
#ifndef BERTH_TESTS_POOL_HOST_H
#define BERTH_TESTS_POOL_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "berth.h"

#define POOL_PAYLOADS_MAX 16384u
#define POOL_ENTRIES_MAX 256u

/* Assert that a call returns a status, and name both when it does not. */
#define CHECK(call, wanted) pool_check((call), (wanted), #call, __FILE__, __LINE__)
#define CHECK_OK(call) CHECK(call, BERTH_OK)

void pool_check(berth_status got, berth_status wanted, const char *call, const char *file,
                int line);

typedef struct pool_host pool_host;

struct pool_host {
    berth_pool *pool;
    berth_options options;
    berth_executor executor;

    /* A test sets these before pool_host_start where it needs them; each may be NULL. */
    int32_t (*execute)(pool_host *host, const berth_call *call);
    void (*cancelled)(pool_host *host, berth_request_id id);
    void (*release)(pool_host *host, void *payload, uint64_t payload_size);
    int32_t (*cost)(pool_host *host, const berth_request *request, uint64_t *cost, uint32_t count);
    void *context; /* the test's own */

    atomic_uint execute_count;
    atomic_uint cancelled_count;
    atomic_uint release_count;
    _Atomic berth_request_id cancelled_id; /* the latest */

    /* One cell per request made by pool_request; counts its releases. */
    atomic_uint payload_count;
    atomic_uint payloads[POOL_PAYLOADS_MAX];
};

/* A host with default options of a face, a virtual clock unless it has workers, not yet started. */
pool_host *pool_host_new(uint32_t face);

/* Add a resource to the options of a host that was not started. */
void pool_host_resource(pool_host *host, const char *name, uint64_t capacity_units);

/* Create the pool; asserts that it works. */
void pool_host_start(pool_host *host);

/* Destroy the pool, which must be possible, and assert that each accepted payload was released
 * exactly once and no other; frees the host. */
void pool_host_end(pool_host *host);

/* The counters' law; returns the snapshot. */
berth_stats pool_stats(pool_host *host);

/* A request with a payload of its own. */
berth_request pool_request(pool_host *host, uint32_t band);

/* A request with a cost on resource 0. */
berth_request pool_request_units(pool_host *host, uint32_t band, uint64_t units);

/* Submit, which must work. */
berth_request_id pool_submit(pool_host *host, const berth_request *request);
berth_request_id pool_submit_band(pool_host *host, uint32_t band);
berth_request_id pool_submit_units(pool_host *host, uint32_t band, uint64_t units);

/* Submit, which must be refused for `reason`. */
berth_refusal pool_refused(pool_host *host, const berth_request *request, uint32_t reason);

/* The outcome, which must be there: asserts kind and detail. */
berth_outcome pool_outcome(pool_host *host, berth_request_id id, uint32_t kind, uint32_t detail);

/* 1 if the outcome is not fixed yet. */
int pool_unfinished(pool_host *host, berth_request_id id);

/* Read one record without waiting; asserts its kind. */
berth_record pool_read(pool_host *host, berth_request_id id, char *buffer, size_t buffer_size,
                       uint32_t kind);

void pool_advance(pool_host *host, uint64_t by_ns);

/* ---- One step of an engine ---- */

typedef struct pool_step {
    berth_plan plan;
    berth_plan_entry entries[POOL_ENTRIES_MAX];
    berth_result results[POOL_ENTRIES_MAX]; /* one per running entry, tokens as planned */
    uint32_t result_count;
} pool_step;

/* Plan; must work. Fills one result per running entry. */
void pool_plan(pool_host *host, pool_step *step);

/* The plan's entry, or the result, of one request; asserts that there is one. */
const berth_plan_entry *pool_entry(const pool_step *step, berth_request_id id);
berth_result *pool_result(pool_step *step, berth_request_id id);

/* 1 if the plan has this request with this kind. */
int pool_planned(const pool_step *step, berth_request_id id, uint32_t kind);

/* Commit the results as they are now; must work. */
void pool_commit(pool_host *host, pool_step *step);

/* Commit with every request finished, STOP. */
void pool_commit_finished(pool_host *host, pool_step *step);

/* Plan and commit until nothing runs or leaves; every request is finished in its first step. */
void pool_run_out(pool_host *host);

#endif
