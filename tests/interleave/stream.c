/* SPDX-License-Identifier: MIT */
/*
 * Streams that came by the lane: their first chunk takes no lock, nor does who takes their outcome,
 * until somebody reads them or asks for the ready list. Built once with the library as it is, and
 * once per bug of CMakeLists.txt (SEEDED): then some order has to fail.
 */
#include "interleave/verdict.h"
#include "base/ids.h"
#include "runtime/emit.h"
#include "runtime/lane.h"
#include "runtime/lock.h"
#include "runtime/pool.h"
#include "runtime/seal.h"

#define OK(call) REQUIRE((call) == BERTH_OK)

static berth_pool *pool;
static berth_request_id id;
static uint32_t emits;      /* does execute emit, and return? Else it leaves both to a body */
static uint32_t executed;   /* execute was inside */
static uint32_t sent;       /* emits that said OK */
static uint32_t late;       /* that said EENDED */
static uint32_t seen;       /* chunks read */
static uint32_t taken;      /* the outcome was, and that call has returned */
static uint32_t named;      /* by the ready list */
static uint32_t was_ended;  /* END was read */
static berth_outcome final; /* as it was taken */

static int32_t execute(void *user_data, const berth_call *call) {
    (void)user_data;
    executed = 1;
    if (!emits) return BERTH_EXECUTE_PENDING;
    for (uint32_t i = 0; i < 2; i++) {
        const char byte = (char)('a' + i);
        const berth_status status = berth_emit(call->pool, call->id, &byte, 1, 1);
        REQUIRE(status == BERTH_OK || status == BERTH_EENDED);
        sent += status == BERTH_OK;
        late += status == BERTH_EENDED;
    }
    return BERTH_EXECUTE_DONE;
}

/* ---- Begin and end ---- */

/* The timer is asleep, and does not hear of it: nobody looks after it but those who are there. */
static void open_quietly(void) {
    pool->watching = 1;
    berth__lane_open(pool);
    pool->watching = 0;
    REQUIRE(berth__lane_is_open(pool));
}

/* The lane is open, and what comes by it is not linked before somebody has the lock. */
static void begin_with(uint32_t execute_emits) {
    berth_options options;
    const berth_executor executor = {.struct_size = sizeof executor, .execute = execute};
    const berth_request request = {.struct_size = sizeof request};
    OK(berth_options_init(&options, sizeof options));
    options.face = BERTH_FACE_WORKER;
    options.worker_count = 1;
    options.running_max = 2;
    options.parked_max = 4 * BERTH__LANE_SLOTS;
    options.ended_max = 2;
    options.mailboxes_max = 2;
    options.mailbox_size = 256;
    OK(berth_pool_create(&options, &executor, &pool));
    emits = execute_emits;
    executed = sent = late = seen = taken = named = was_ended = 0;
    explorer_yield(); /* its threads come to rest */
    explorer_yield();
    berth__lock_enter(pool);
    open_quietly();
    OK(berth__lock_leave(pool, BERTH_OK));
    OK(berth_submit(pool, &request, &id, NULL));
    REQUIRE(berth__seal_of(pool, id) == BERTH__SEAL_PENDING);
}

static void settle(void) {
    berth__lock_enter(pool);
    berth__lock_settle(pool);
    OK(berth__lock_leave(pool, BERTH_OK));
}

/* It is linked and admitted, and its worker was told. */
static void begin_admitted(void) {
    begin_with(1);
    settle();
}

static void run_it(void) {
    settle();
    while (!executed) explorer_yield();
    for (uint32_t i = 0; i < 9; i++) explorer_yield(); /* its worker comes to rest */
}

/* It runs, and nothing was put out yet: its hatch is open. */
static void begin_running(void) {
    begin_with(0);
    run_it();
}

/* It has ended, and nobody has looked; the lane is open again. */
static void begin_ended(void) {
    begin_with(1);
    run_it();
    berth__lock_enter(pool);
    open_quietly();
    OK(berth__lock_leave(pool, BERTH_OK));
    REQUIRE(berth__seal_of(pool, id) == BERTH__SEAL_READY);
}

static void destroy(void) {
    berth__lock_enter(pool);
    REQUIRE(berth__core_check(pool->core) == 0);
    OK(berth__lock_leave(pool, BERTH_OK));
    OK(berth_drain(pool, BERTH_FOREVER));
    OK(berth_pool_destroy(pool));
}

static void end_counted(void) {
    berth_stats stats = {.struct_size = sizeof stats};
    OK(berth_stats_read(pool, &stats));
    REQUIRE(stats.chunks_total == sent);
    REQUIRE(stats.tokens_generated_total == sent);
    REQUIRE(stats.chunks_dropped_total == late);
    REQUIRE(stats.retained == 1 - taken);
    REQUIRE(!taken || final.tokens_generated == sent);
    REQUIRE(!taken || final.chunks_dropped <= late);
    REQUIRE(!taken || (final.first_output_at_ns != 0) == (sent > 0));
    REQUIRE(final.first_output_at_ns <= final.ended_at_ns);
    destroy();
}

static void end_taken(void) {
    REQUIRE(taken == 1);
    end_counted();
}

static void end_ended_or_taken(void) {
    REQUIRE(taken == 1);
    REQUIRE(seen <= sent);
    REQUIRE(!was_ended || seen == sent);
    end_counted();
}

/* Nobody has looked since the chunk came, or he was told of it. */
static void end_named(void) {
    berth_request_id ready = 0;
    uint32_t count = 0;
    (void)berth_ready_take(pool, &ready, 1, &count);
    REQUIRE(named + count >= 1);
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
    end_counted();
}

/* One of two was read, and nobody waits for the other: it is news. */
static void end_left(void) {
    REQUIRE(sent == 2 && seen == 1);
    end_named();
}

/* Somebody else says that it has ended, while it puts out its first chunk. */
static void end_finished(void) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    OK(berth_outcome_take(pool, id, &outcome));
    REQUIRE(outcome.first_output_at_ns <= outcome.ended_at_ns);
    taken = 1;
    final = outcome;
    end_counted();
}

/* Each chunk that went in is there, once, as it was given. */
static void end_whole(void) {
    uint32_t count[2] = {0, 0};
    for (uint32_t i = 0; i < sent; i++) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        OK(berth_mailbox_read(pool, id, &byte, 1, 0, &record));
        REQUIRE(record.sequence == i && (byte == 'a' || byte == 'b'));
        count[byte - 'a']++;
    }
    REQUIRE(count[0] <= 1 && count[1] <= 1);
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
    end_counted();
}

/* ---- Bodies ---- */

/* Whoever finds a reader there comes again. */
static void wait_and_take(void) {
    for (;;) {
        berth_outcome outcome = {.struct_size = sizeof outcome};
        const uint32_t is_late = taken;
        const berth_status status = berth_outcome_take(pool, id, &outcome);
        if (status == BERTH_EAGAIN) {
            const berth_status waited = berth_wait(pool, id, BERTH_FOREVER, NULL);
            REQUIRE(waited == BERTH_OK || waited == BERTH_ESTALE);
        } else if (status == BERTH_EBUSY) {
            explorer_yield();
        } else {
            REQUIRE(status == BERTH_OK || status == BERTH_ESTALE);
            REQUIRE(!is_late || status == BERTH_ESTALE);
            if (status == BERTH_OK) final = outcome;
            taken += status == BERTH_OK;
            return;
        }
    }
}

static void scrape(void) {
    for (uint32_t i = 0; i < 2; i++) {
        berth_stats stats = {.struct_size = sizeof stats};
        OK(berth_stats_read(pool, &stats));
        REQUIRE(stats.chunks_total <= 2 && stats.tokens_generated_total == stats.chunks_total);
    }
}

static void cancel(void) {
    const berth_status status = berth_cancel(pool, id);
    REQUIRE(status == BERTH_OK || status == BERTH_EENDED || status == BERTH_ESTALE);
}

/* Chunks in order, each once, until the end, or until the outcome was taken. */
static void read_with(uint64_t timeout_ns) {
    for (;;) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        const uint32_t is_late = taken;
        const berth_status status = berth_mailbox_read(pool, id, &byte, 1, timeout_ns, &record);
        REQUIRE(!is_late || status == BERTH_ESTALE);
        if (status == BERTH_ESTALE) return;
        if (status == BERTH_ETIMEDOUT && timeout_ns == 0) {
            explorer_yield();
            continue;
        }
        OK(status);
        if (record.kind == BERTH_RECORD_END) {
            REQUIRE(record.sequence == seen && record.outcome.tokens_generated == seen);
            was_ended = 1;
            return;
        }
        REQUIRE(record.sequence == seen && byte == (char)('a' + seen));
        seen++;
    }
}

static void read_for_ever(void) {
    read_with(BERTH_FOREVER);
}

static void look_again_and_again(void) {
    read_with(0);
}

static void peek(void) {
    for (;;) {
        berth_span spans[2];
        uint32_t count = 0;
        const uint32_t is_late = taken;
        const berth_status status = berth_mailbox_peek(pool, id, spans, 2, &count);
        REQUIRE(!is_late || status == BERTH_ESTALE);
        if (status == BERTH_ESTALE) return;
        if (status == BERTH_EAGAIN) {
            explorer_yield();
            continue;
        }
        OK(status);
        const char *byte = spans[0].bytes;
        REQUIRE(count >= 1 && spans[0].size == 1 && *byte == 'a');
        explorer_yield();
        REQUIRE(*byte == 'a'); /* whoever takes the outcome meanwhile */
        OK(berth_mailbox_consume(pool, id, spans[0].lease, 1));
        seen++;
        return;
    }
}

static void emit(void) {
    OK(berth_emit(pool, id, "a", 1, 1));
    sent++;
}

static void emit_both(void) {
    OK(berth_emit(pool, id, "a", 1, 1));
    OK(berth_emit(pool, id, "b", 1, 1));
    sent = 2;
}

static void read_one(void) {
    char byte = 0;
    berth_record record = {.struct_size = sizeof record};
    OK(berth_mailbox_read(pool, id, &byte, 1, BERTH_FOREVER, &record));
    REQUIRE(record.sequence == 0 && byte == 'a');
    seen = 1;
}

static void emit_or_be_late(void) {
    const berth_status status = berth_emit(pool, id, "a", 1, 1);
    REQUIRE(status == BERTH_OK || status == BERTH_EENDED);
    sent += status == BERTH_OK;
    late += status == BERTH_EENDED;
}

static void finish(void) {
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
}

/* It was taken back from its worker, with its hatch shut meanwhile, and is dealt once more. */
static void deal_again(void) {
    scrape();
    berth__lock_enter(pool);
    berth__emit_open_early(pool, berth__row_at(pool, berth__id_place(id)));
    OK(berth__lock_leave(pool, BERTH_OK));
    const berth_status status = berth_emit(pool, id, "b", 1, 1);
    REQUIRE(status == BERTH_OK || status == BERTH_EBUSY);
    sent += status == BERTH_OK;
}

/* Two at a time, where one is asked for: nothing is changed for one of them, who comes again. */
static void emit_until_in(void) {
    berth_status status = BERTH_EBUSY;
    while (status == BERTH_EBUSY) {
        status = berth_emit(pool, id, "a", 1, 1);
        if (status == BERTH_EBUSY) explorer_yield();
    }
    OK(status);
    sent++;
}

static void ask_for_the_list(void) {
    berth_request_id ready = 0;
    uint32_t count = 0;
    const uint32_t has_news = sent;
    const berth_status status = berth_ready_take(pool, &ready, 1, &count);
    REQUIRE(status == BERTH_OK || (status == BERTH_EAGAIN && !has_news));
    REQUIRE(count == 0 || ready == id);
    named += count;
}

/* ---- Scenarios ---- */

static const explorer_scenario scenarios[] = {
    {"a stream that nobody reads", begin_admitted, {wait_and_take, scrape}, end_taken},
    {"two who take it", begin_admitted, {wait_and_take, wait_and_take}, end_taken},
    {"a cancel", begin_admitted, {wait_and_take, cancel}, end_taken},
    {"a reader who sleeps", begin_admitted, {wait_and_take, read_for_ever}, end_ended_or_taken},
    {"a reader who looks",
     begin_admitted,
     {wait_and_take, look_again_and_again},
     end_ended_or_taken},
    {"a reader without a copy", begin_admitted, {wait_and_take, peek}, end_ended_or_taken},
    {"an end, and who looks",
     begin_ended,
     {wait_and_take, look_again_and_again},
     end_ended_or_taken},
    {"an end, and who peeks", begin_ended, {wait_and_take, peek}, end_ended_or_taken},
    {"the first who asks for the list", begin_running, {emit, ask_for_the_list}, end_named},
    {"a reader who leaves one", begin_running, {emit_both, read_one}, end_left},
    {"a finish beside the first chunk", begin_running, {emit_or_be_late, finish}, end_finished},
    {"a producer who is dealt once more", begin_running, {emit_until_in, deal_again}, end_whole},
};

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])

static const explorer_scenario *scenario_at(size_t i) {
    return i < SCENARIO_COUNT ? &scenarios[i] : NULL;
}

static uint32_t preemptions_for(const explorer_scenario *scenario) {
    (void)scenario;
    return 2 + verdict_is_long() - EXPLORER_IS_SLOW;
}

/* A moment of looking passes at once; who comes back for a hole sleeps meanwhile. */
#define NS_PER_LOOK (BERTH__LANE_HOLE_NS / 2)

int main(void) {
    const verdict_program program = {.name = "interleave/stream",
                                     .scenario_at = scenario_at,
                                     .preemptions_for = preemptions_for,
                                     .orders_min = 50};
    explorer_set_clock(NS_PER_LOOK);
    return verdict_run(&program);
}
