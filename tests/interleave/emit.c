/* SPDX-License-Identifier: MIT */
/*
 * The producer's short way: a hatch that is open while somebody falls asleep, cancels, looks, takes
 * the ring, or emits as well.
 */
#include "interleave/mailbox.h"

#include <stddef.h>
#include <string.h>

static uint32_t sent;    /* emits that said OK; the first one is begin's */
static uint32_t dropped; /* that said EENDED */
static uint32_t busy;    /* that said EBUSY */
static uint32_t seen;    /* chunks read */
static uint32_t told;    /* 1 once the outcome was told */
static uint64_t tokens;  /* which it told */

/* The first chunk opens the hatch. */
static void begin_open(void) {
    begin_plain();
    OK(berth_emit(pool, id, "a", 1, 1));
    sent = 1;
    dropped = busy = seen = told = 0;
}

static void emit_one(void) {
    const uint32_t is_late = told;
    const berth_status status = berth_emit(pool, id, "b", 1, 1);
    REQUIRE(!is_late || status == BERTH_EENDED);
    REQUIRE(status == BERTH_OK || status == BERTH_EENDED || status == BERTH_EBUSY);
    sent += status == BERTH_OK;
    dropped += status == BERTH_EENDED;
    busy += status == BERTH_EBUSY;
}

static void emit_and_finish(void) {
    OK(berth_emit(pool, id, "b", 1, 1));
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
}

static void note_outcome(void) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    OK(berth_wait(pool, id, 0, &outcome));
    tokens = outcome.tokens_generated;
    told = 1;
}

static void cancel(void) {
    OK(berth_cancel(pool, id));
    note_outcome();
}

static void finish(void) {
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
    note_outcome();
}

/* All that is there now. Returns 1 if the end is. */
static uint32_t read_what_is_there(void) {
    for (;;) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        const berth_status status = berth_mailbox_read(pool, id, &byte, 1, 0, &record);
        if (status == BERTH_ETIMEDOUT) return 0;
        REQUIRE(status == BERTH_OK);
        if (record.kind == BERTH_RECORD_END) {
            REQUIRE(record.sequence == seen);
            REQUIRE(record.outcome.tokens_generated == seen);
            REQUIRE(record.outcome.chunks_dropped == dropped);
            return 1;
        }
        REQUIRE(record.sequence == seen);
        REQUIRE(byte == (seen == 0 ? 'a' : 'b'));
        seen++;
    }
}

static void look_at_counters(void) {
    berth_stats stats = {.struct_size = sizeof stats};
    OK(berth_stats_read(pool, &stats));
    REQUIRE(stats.chunks_total >= 1 && stats.chunks_total <= 3);
    REQUIRE(stats.tokens_generated_total == stats.chunks_total);
    REQUIRE(stats.bytes_total == stats.chunks_total);
}

/* Whatever was said to be in is there, and is counted; whatever was not is neither. */
static void end_all_counted(void) {
    berth_stats stats = {.struct_size = sizeof stats};
    OK(berth_stats_read(pool, &stats));
    REQUIRE(stats.chunks_total == sent);
    REQUIRE(stats.tokens_generated_total == sent);
    REQUIRE(stats.bytes_total == sent);
    REQUIRE(stats.chunks_dropped_total == dropped);
    const berth_status status = berth_finish(pool, id, BERTH_FINISH_STOP, 0);
    REQUIRE(status == BERTH_OK || status == BERTH_EENDED || status == BERTH_ESTALE);
    REQUIRE(read_what_is_there());
    REQUIRE(seen == sent);
    REQUIRE(!told || tokens == sent);
    destroy();
}

static void end_one_or_both_counted(void) {
    REQUIRE(sent + busy == 3);
    end_all_counted();
}

/* Whoever takes the list, and then reads what is there, misses nothing: it is listed again. */
static void take_and_read(void) {
    berth_request_id ready;
    uint32_t count;
    OK(berth_ready_take(pool, &ready, 1, &count));
    (void)read_what_is_there();
}

static void end_listed_again(void) {
    berth_request_id ready;
    uint32_t count;
    if (seen < sent) OK(berth_ready_take(pool, &ready, 1, &count));
    end_all_counted();
}

static void read_two(void) {
    while (seen < 2) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        OK(berth_mailbox_read(pool, id, &byte, 1, BERTH_FOREVER, &record));
        REQUIRE(record.sequence == seen);
        seen++;
    }
}

static void wait_for_any_and_read(void) {
    (void)read_what_is_there();
    while (seen < 2) {
        uint32_t index = 9;
        OK(berth_mailbox_wait_any(pool, &id, 1, BERTH_FOREVER, &index));
        REQUIRE(index == 0);
        (void)read_what_is_there();
    }
}

/* The one ring goes to the next request, whoever is inside of it. */
static void cancel_and_produce_again(void) {
    berth_request request = {.struct_size = sizeof request};
    berth_request_id next;
    berth_record record = {.struct_size = sizeof record};
    char bytes[4] = {0};
    OK(berth_cancel(pool, id));
    (void)berth_finish(pool, id, BERTH_FINISH_STOP, 0); /* it lets go */
    OK(berth_outcome_take(pool, id, NULL));
    OK(berth_submit(pool, &request, &next, NULL));
    do {
        OK(berth_mailbox_read(pool, next, NULL, 0, BERTH_FOREVER, &record));
    } while (record.kind != BERTH_RECORD_ADMITTED);
    OK(berth_emit(pool, next, "xyz", 3, 1));
    OK(berth_emit(pool, next, "z", 1, 1));
    OK(berth_mailbox_read(pool, next, bytes, 3, BERTH_FOREVER, &record));
    REQUIRE(record.sequence == 0 && memcmp(bytes, "xyz", 3) == 0);
    OK(berth_mailbox_read(pool, next, bytes, 3, BERTH_FOREVER, &record));
    REQUIRE(record.sequence == 1 && bytes[0] == 'z');
    OK(berth_finish(pool, next, BERTH_FINISH_STOP, 0));
}

static void emit_to_who_may_be_gone(void) {
    const berth_status status = berth_emit(pool, id, "b", 1, 1);
    REQUIRE(status == BERTH_OK || status == BERTH_EENDED || status == BERTH_ESTALE);
}

const explorer_scenario emit_scenarios[] = {
    {"an open hatch: a reader who sleeps until the end",
     begin_open,
     {read_for_ever, emit_and_finish},
     end_all_read},
    {"an open hatch: a reader who sleeps", begin_open, {read_two, emit_one}, end_all_counted},
    {"an open hatch: a wait for any",
     begin_open,
     {wait_for_any_and_read, emit_one},
     end_all_counted},
    {"an open hatch: a cancel", begin_open, {emit_one, cancel}, end_all_counted},
    {"an open hatch: the end, and who looks",
     begin_open,
     {emit_one, finish, look_at_counters},
     end_all_counted},
    {"an open hatch: two who emit", begin_open, {emit_one, emit_one}, end_one_or_both_counted},
    {"an open hatch: the ready list", begin_open, {take_and_read, emit_one}, end_listed_again},
    {"an open hatch: a ring that changes hands",
     begin_open,
     {emit_to_who_may_be_gone, cancel_and_produce_again},
     destroy},
};
const unsigned emit_scenario_count = sizeof emit_scenarios / sizeof emit_scenarios[0];
