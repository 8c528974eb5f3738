/* SPDX-License-Identifier: MIT */
/*
 * The lane, and a list that is cancelled in turns, in every order of two or three threads beside
 * the pool's own. The lane has four slots here, so that it comes round. Built once with the library
 * as it is, and once per bug of CMakeLists.txt (SEEDED): then some order has to fail.
 */
#include "runtime/lane.h"
#include "core/state.h"
#include "interleave/verdict.h"
#include "runtime/lock.h"
#include "runtime/outcome.h"
#include "runtime/pool.h"
#include "runtime/timer.h"

#include <string.h>

#define OK(call) REQUIRE((call) == BERTH_OK)
#define REQUESTS_MAX 8u
#define FIRST 0u /* of the requests of each body: by number */
#define SECOND 3u

static berth_pool *pool;
static berth_request_id ids[REQUESTS_MAX];
static uint32_t executed[REQUESTS_MAX];
static uint32_t came;        /* submits that have returned */
static uint32_t taken;       /* outcomes */
static uint32_t comes_after; /* the second body began when the first submit had returned */
static uint64_t midst;       /* how often, in all orders, a list was found half done */

/* What it is given is what was submitted, and it is given it once. */
static int32_t execute(void *user_data, const berth_call *call) {
    const uint64_t number = (uintptr_t)call->payload;
    (void)user_data;
    REQUIRE(number < REQUESTS_MAX);
    REQUIRE(call->prompt_tokens == number + 1);
    REQUIRE(executed[number]++ == 0);
    return BERTH_EXECUTE_DONE;
}

/* ---- Begin and end ---- */

static void submit(uint32_t number) {
    const berth_request request = {.struct_size = sizeof request,
                                   .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                                   .prompt_tokens = number + 1,
                                   .payload = (void *)(uintptr_t)number}; /* NOLINT: a number */
    OK(berth_submit(pool, &request, &ids[number], NULL));
    REQUIRE(ids[number] != 0);
    came++;
}

static void begin_with(uint32_t ended_max) {
    berth_options options;
    const berth_executor executor = {.struct_size = sizeof executor, .execute = execute};
    OK(berth_options_init(&options, sizeof options));
    options.face = BERTH_FACE_WORKER;
    options.worker_count = 1;
    options.running_max = 2;
    options.parked_max = 4 * BERTH__LANE_SLOTS;
    options.ended_max = ended_max;
    options.mailboxes_max = 2;
    options.mailbox_size = 256;
    OK(berth_pool_create(&options, &executor, &pool));
    memset(ids, 0, sizeof ids);
    memset(executed, 0, sizeof executed);
    came = taken = comes_after = 0;
    explorer_yield(); /* its threads come to rest */
    explorer_yield();
}

/* The timer is asleep, and has not heard of it: nobody looks after it but those who are there. */
static void open_quietly(void) {
    pool->watching = 1;
    berth__lane_open(pool);
    pool->watching = 0;
    REQUIRE(berth__lane_is_open(pool));
}

static void begin_open(void) {
    begin_with(REQUESTS_MAX);
    berth__lock_enter(pool);
    open_quietly();
    OK(berth__lock_leave(pool, BERTH_OK));
}

/* One outcome can be taken, and retention drops it as soon as there is another one. */
static void begin_ended(void) {
    begin_with(1);
    berth__lock_enter(pool);
    open_quietly();
    submit(0);
    submit(1);
    REQUIRE(berth__lane_drain(pool) == 2);
    OK(berth__core_cancel(pool->core, pool->now_ns, ids[0], BERTH_CANCEL_CALLER));
    OK(berth__lock_leave(pool, BERTH_OK));
    REQUIRE(berth__seal_of(pool, ids[0]) == BERTH__SEAL_READY);
}

/* Two who stay parked: nobody plans. */
static void begin_parked(void) {
    berth_options options;
    OK(berth_options_init(&options, sizeof options));
    options.running_max = options.mailboxes_max = 1;
    options.parked_max = options.ended_max = 2;
    OK(berth_pool_create(&options, NULL, &pool));
    came = 0;
    submit(0);
    submit(1);
}

static void destroy(void) {
    berth__lock_enter(pool);
    REQUIRE(berth__core_check(pool->core) == 0);
    REQUIRE(!berth__outcome_has_reader(pool));
    OK(berth__lock_leave(pool, BERTH_OK));
    OK(berth_drain(pool, BERTH_FOREVER));
    OK(berth_pool_destroy(pool));
}

static uint64_t arrival(uint32_t number) {
    return pool->core->order[berth__id_place(ids[number])];
}

/* All have come, each once; those of one thread, and what followed it, in order. */
static void end_in_order(void) {
    berth__lock_enter(pool);
    REQUIRE(berth__lane_is_empty(pool));
    REQUIRE(pool->core->counters.submitted_total == came);
    for (uint32_t i = 1; i < REQUESTS_MAX; i++)
        if (ids[i] != 0 && i != SECOND) REQUIRE(arrival(i - 1) < arrival(i));
    REQUIRE(!comes_after || arrival(FIRST) < arrival(SECOND));
    berth__lock_settle(pool);
    OK(berth__lock_leave(pool, BERTH_OK));
    for (uint32_t i = 0; i < REQUESTS_MAX; i++) {
        if (ids[i] == 0) continue;
        OK(berth_wait(pool, ids[i], BERTH_FOREVER, NULL));
        REQUIRE(executed[i] == 1);
    }
    destroy();
}

/* Who was dropped while he was taken was not dropped. */
static void end_taken_or_dropped(void) {
    berth_stats stats = {.struct_size = sizeof stats};
    OK(berth_stats_read(pool, &stats));
    REQUIRE(taken <= 1);
    REQUIRE(stats.ended_total == 2);
    REQUIRE(stats.ended_total == taken + stats.retained_dropped_total + stats.retained);
    REQUIRE(pool->core->ids.free_count + pool->core->queue.lent_count + stats.retained ==
            pool->row_count);
    destroy();
}

/* ---- Bodies ---- */

static void submit_twice(void) {
    submit(FIRST);
    submit(FIRST + 1);
}

static void submit_one(void) {
    comes_after = came > 0;
    submit(SECOND);
}

static void submit_five(void) {
    for (uint32_t i = 0; i < 5; i++) submit(i);
}

static void submit_three(void) {
    for (uint32_t i = 0; i < 3; i++) submit(FIRST + i);
}

static void submit_three_more(void) {
    comes_after = came > 0;
    for (uint32_t i = 0; i < 3; i++) submit(SECOND + i);
}

/* Whoever has the lock sees all that came before. */
static void scrape(void) {
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t before = came;
        berth_stats stats = {.struct_size = sizeof stats};
        OK(berth_stats_read(pool, &stats));
        REQUIRE(stats.submitted_total >= before);
    }
}

/* Accepted, it has an outcome in the end; otherwise the pool was closed. */
static void submit_and_wait(uint32_t number) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_request request = {.struct_size = sizeof request,
                                   .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                                   .prompt_tokens = number + 1,
                                   .payload = (void *)(uintptr_t)number}; /* NOLINT: a number */
    const berth_status status = berth_submit(pool, &request, &ids[number], NULL);
    if (status == BERTH_ECLOSED) return;
    REQUIRE(status == BERTH_OK);
    OK(berth_wait(pool, ids[number], BERTH_FOREVER, &outcome));
    REQUIRE(outcome.kind == (executed[number] ? BERTH_OUTCOME_COMPLETED : BERTH_OUTCOME_SHUTDOWN));
    OK(berth_outcome_take(pool, ids[number], NULL));
    REQUIRE(berth_outcome_take(pool, ids[number], NULL) == BERTH_ESTALE);
}

static void submit_and_wait_first(void) {
    submit_and_wait(FIRST);
}

static void wake_the_timer(void) {
    berth__lock_enter(pool);
    berth__timer_watch(pool);
    OK(berth__lock_leave(pool, BERTH_OK));
}

static void close_it(void) {
    berth_request_id id;
    const berth_request request = {.struct_size = sizeof request};
    OK(berth_close(pool));
    REQUIRE(berth_submit(pool, &request, &id, NULL) == BERTH_ECLOSED);
}

static void drain_it(void) {
    OK(berth_drain(pool, BERTH_FOREVER));
}

static void take_first(void) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_status status = berth_outcome_take(pool, ids[0], &outcome);
    REQUIRE(status == BERTH_OK || status == BERTH_ESTALE);
    if (status != BERTH_OK) return;
    REQUIRE(outcome.kind == BERTH_OUTCOME_CANCELLED && outcome.prompt_tokens == 1);
    taken++;
}

static void end_second(void) {
    OK(berth_cancel(pool, ids[1]));
}

/* Two turns of a list, with one request in each. */
static void cancel_both(void) {
    berth_request_id list[BERTH__EXPECT_MAX + 1] = {ids[0]};
    uint32_t count;
    list[BERTH__EXPECT_MAX] = ids[1];
    OK(berth_cancel_many(pool, list, BERTH__EXPECT_MAX + 1, NULL, &count));
    REQUIRE(count == 2);
}

/* Half done, it counts among the calls that are inside: nobody destroys the pool. */
static void look_into_the_list(void) {
    berth__lock_enter(pool);
    if (berth__row_find(pool, ids[0])->fixed && !berth__row_find(pool, ids[1])->fixed) {
        midst++;
        REQUIRE(pool->call_count >= 2);
    }
    OK(berth__lock_leave(pool, BERTH_OK));
}

/* ---- Scenarios ---- */

static const explorer_scenario scenarios[] = {
    {"a close", begin_open, {submit_and_wait_first, close_it}, destroy},
    {"a drain", begin_open, {submit_and_wait_first, drain_it}, destroy},
    {"a timer that looks", begin_open, {submit_and_wait_first, wake_the_timer}, destroy},
    {"two who take what retention drops",
     begin_ended,
     {take_first, take_first, end_second},
     end_taken_or_dropped},
    {"a list in two turns",
     begin_parked,
     {cancel_both, look_into_the_list, look_into_the_list},
     destroy},
    {"one who submits", begin_open, {submit_twice, scrape}, end_in_order},
    {"two who submit", begin_open, {submit_twice, submit_one, scrape}, end_in_order},
    {"a lane that comes round", begin_open, {submit_five, scrape}, end_in_order},
    {"a lane that comes round for two",
     begin_open,
     {submit_three, submit_three_more, scrape},
     end_in_order},
};

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])

static const explorer_scenario *scenario_at(size_t i) {
    return i < SCENARIO_COUNT ? &scenarios[i] : NULL;
}

/* The smallest one affords one more. */
static uint32_t preemptions_for(const explorer_scenario *scenario) {
    const uint32_t is_small = scenario->bodies[0] == submit_twice && scenario->bodies[2] == NULL;
    return (is_small && !EXPLORER_IS_SLOW ? 2 : 1) + verdict_is_long();
}

/* Did somebody look in the midst of a list? */
static uint32_t has_met(void) {
    return midst > 0;
}

/* A moment of looking passes at once; who comes back for a hole sleeps meanwhile. */
#define NS_PER_LOOK (BERTH__LANE_HOLE_NS / 2)

int main(void) {
    const verdict_program program = {.name = "interleave/lane",
                                     .scenario_at = scenario_at,
                                     .preemptions_for = preemptions_for,
                                     .orders_min = 100,
                                     .has_met = has_met};
    explorer_set_clock(NS_PER_LOOK);
    return verdict_run(&program);
}
