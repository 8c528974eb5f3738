/* SPDX-License-Identifier: MIT */
/*
 * What:    an engine with several steps in flight, and a model that keeps every outstanding plan as
 *          it was given, and works out from those what each request has in flight.
 * Why:     random programs and all short ones ask the same of it.
 * Rules:   every event ends with core_flights_settle, which checks what must hold; assertions are
 *          cmocka's. The whole is one struct and a kit, so that it can be saved and put back.
 * Threads: one per struct.
 */
#ifndef BERTH__TESTS_SUPPORT_CORE_FLIGHT_H
#define BERTH__TESTS_SUPPORT_CORE_FLIGHT_H

#include "core/state.h"
#include "support/core_kit.h"

#define CORE_FLIGHT_ENTRIES_MAX 32u
#define CORE_FLIGHT_REQUESTS_MAX 128u

typedef struct core_flight {
    berth_plan plan;
    berth_plan_entry entries[CORE_FLIGHT_ENTRIES_MAX];
} core_flight;

typedef struct core_flight_request {
    berth_request_id id;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t prefill_tokens;
    uint64_t computed;
    uint64_t generated;
    uint32_t over;     /* its outcome is fixed */
    uint32_t held_up;  /* bit 0 suspended, bit 1 paused */
    uint32_t gives_up; /* paused so that it gives way */
    uint32_t samples;
    uint32_t band;
    uint32_t drains;  /* it was to give way in the latest plan, and steps contained it */
    uint32_t commits; /* since then */
    uint32_t reserved;
} core_flight_request;

typedef struct core_flights {
    core_kit kit;
    uint64_t random;        /* of the test's own */
    core_flight flights[4]; /* outstanding, oldest first */
    core_flight_request requests[CORE_FLIGHT_REQUESTS_MAX];
    uint32_t flight_count;
    uint32_t request_count;
    uint32_t draining; /* the end of a program: all is computed as planned */
    uint32_t reserved;
    /* What happened, so that the programs can be seen to be worth something. */
    uint64_t together; /* entries of a request that an earlier outstanding step contains */
    uint64_t late;     /* results for who finished in an earlier step */
    uint64_t full;     /* left out of a plan because all it may generate is in flight */
    uint64_t short_of; /* left out for want of KV */
    uint64_t drained;  /* had to give way, and was in a step */
} core_flights;

/* What the engine says of one entry: `progress` has the tokens as planned, and may be changed in
 * those and in how it ends; 0 = it is not mentioned. Who comes to his length ends in any case. */
typedef int core_flight_result(core_flights *w, uint32_t index, const core_flight_request *request,
                               berth__progress *progress);

berth_status core_flights_submit(core_flights *w, const berth__submit *ask);

/* 1 if there was a step in it; as many as may be are outstanding: 0. */
int core_flights_plan(core_flights *w);

/* The oldest step, or one that is not; `result` NULL: nobody is mentioned. */
void core_flights_commit(core_flights *w, core_flight_result *result);
void core_flights_commit_wrong(core_flights *w, uint64_t nth);

/* The oldest step failed: so did all of them, and one gives way or, the last one, ends. */
void core_flights_fail(core_flights *w);

void core_flights_cancel(core_flights *w, core_flight_request *r);
void core_flights_suspend(core_flights *w, core_flight_request *r, uint32_t suspended);
void core_flights_pause(core_flights *w, core_flight_request *r, uint32_t gives_up);
void core_flights_unpause(core_flights *w, core_flight_request *r);
void core_flights_preempt(core_flights *w, const core_flight_request *r);

/* Hear of what the core did by itself, and check what must hold after every event. */
void core_flights_settle(core_flights *w);

/* Nobody is disturbed any more: all must come to an end. */
void core_flights_run_out(core_flights *w);

/* Tokens of a request in outstanding steps; `count` how many steps those are. */
uint64_t core_flights_tokens(const core_flights *w, berth_request_id id, uint32_t *count);

/* Its tokens in one of them; 0 if it is not in it. */
uint64_t core_flights_tokens_in(const core_flights *w, uint32_t nth, berth_request_id id);

#endif
