/* SPDX-License-Identifier: MIT */
/*
 * The mailbox and its wake-ups, in every order of two or three threads. Built once with the library
 * as it is, and once per bug of CMakeLists.txt (SEEDED): then some order has to fail.
 */
#include "interleave/mailbox.h"
#include "interleave/verdict.h"

#include <stddef.h>

berth_pool *pool;
berth_request_id id;
static berth_key key;
static berth_owner_id owner;
static uint32_t got;   /* chunks read so far, by all */
static uint32_t ended; /* ENDs read */
static uint32_t taken; /* readers sent away; outcomes taken */

/* ---- Begin and end ---- */

static void begin_with(uint32_t face, uint32_t flags) {
    berth_options options;
    OK(berth_options_init(&options, sizeof options));
    options.face = face;
    options.running_max = 1;
    options.parked_max = 2;
    options.ended_max = 2;
    options.mailboxes_max = 1;
    options.mailbox_size = 256;
    if (flags != 0) {
        options.keys_max = 2;
        options.keys_grace_ns = BERTH_FOREVER; /* any time may pass between two steps */
        options.keys_retain_ns = BERTH_FOREVER;
    }
    OK(berth_pool_create(&options, NULL, &pool));
    berth_request request = {
        .struct_size = sizeof request, .mailbox_flags = flags, .max_new_tokens = 4};
    got = ended = taken = 0;
    if (face == BERTH_FACE_ENGINE) return;
    OK(berth_submit(pool, &request, &id, NULL));
    owner = id;
    if (flags == 0) return;
    berth_attachment at = {.struct_size = sizeof at};
    OK(berth_mailbox_key(pool, id, &key));
    OK(berth_mailbox_attach(pool, &key, &at));
    owner = at.owner;
}

static void skip_admitted(void) {
    berth_record record = {.struct_size = sizeof record};
    OK(berth_mailbox_read(pool, owner, NULL, 0, 0, &record));
    REQUIRE(record.kind == BERTH_RECORD_ADMITTED);
}

void begin_plain(void) {
    begin_with(BERTH_FACE_GATE, 0);
    skip_admitted();
}

static void begin_keyed(void) {
    begin_with(BERTH_FACE_GATE, BERTH_MAILBOX_KEYED);
    skip_admitted();
}

static void begin_engine(void) {
    begin_with(BERTH_FACE_ENGINE, 0);
}

void destroy(void) {
    OK(berth_pool_destroy(pool));
}

void end_all_read(void) {
    REQUIRE(got == 2);
    REQUIRE(ended == 1);
    destroy();
}

/* ---- Bodies ---- */

static void produce(void) {
    OK(berth_emit(pool, id, "a", 1, 1));
    OK(berth_emit(pool, id, "b", 1, 1));
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
}

/* Chunks in order, each once, until the end or until sent away. */
static void read_as(berth_owner_id reader, uint64_t timeout_ns) {
    for (;;) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        const berth_status status = berth_mailbox_read(pool, reader, &byte, 1, timeout_ns, &record);
        if (status == BERTH_ETIMEDOUT && timeout_ns != BERTH_FOREVER) continue;
        if (status == BERTH_ETAKEN) {
            taken++;
            return;
        }
        REQUIRE(status == BERTH_OK);
        if (record.kind == BERTH_RECORD_END) {
            REQUIRE(record.sequence == 2);
            ended++;
            return;
        }
        REQUIRE(record.kind == BERTH_RECORD_CHUNK);
        REQUIRE(record.sequence == got);
        REQUIRE(byte == (char)('a' + got));
        got++;
    }
}

void read_for_ever(void) {
    read_as(owner, BERTH_FOREVER);
}

/* A limit that passes: the outcome stays where it is, and no chunk is lost. */
static void read_impatiently(void) {
    read_as(owner, 1);
}

static void wait_for_the_outcome(void) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    OK(berth_wait(pool, id, BERTH_FOREVER, &outcome));
    REQUIRE(outcome.kind == BERTH_OUTCOME_COMPLETED);
}

static void wait_or_come_late(void) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_status status = berth_wait(pool, id, BERTH_FOREVER, &outcome);
    REQUIRE(status == BERTH_OK || status == BERTH_ESTALE);
    REQUIRE(status != BERTH_OK || outcome.kind == BERTH_OUTCOME_COMPLETED);
}

static void take_the_outcome(void) {
    for (;;) {
        const berth_status status = berth_outcome_take(pool, id, NULL);
        if (status == BERTH_OK) taken++;
        if (status != BERTH_EAGAIN) return;
        explorer_yield();
    }
}

static void wait_for_any(void) {
    uint32_t index = 9;
    OK(berth_mailbox_wait_any(pool, &owner, 1, BERTH_FOREVER, &index));
    REQUIRE(index == 0);
    read_as(owner, BERTH_FOREVER);
}

static void peek_and_consume(void) {
    while (got < 2) {
        berth_span spans[4];
        uint32_t count = 0;
        uint32_t index;
        OK(berth_mailbox_wait_any(pool, &owner, 1, BERTH_FOREVER, &index));
        const berth_status status = berth_mailbox_peek(pool, owner, spans, 4, &count);
        REQUIRE(status == BERTH_OK);
        for (uint32_t i = 0; i < count; i++) {
            REQUIRE(spans[i].sequence == got);
            REQUIRE(*(const char *)spans[i].bytes == (char)('a' + got));
            got++;
        }
        OK(berth_mailbox_consume(pool, owner, spans[0].lease, count));
    }
    read_as(owner, BERTH_FOREVER);
}

/* EBUSY is the other one copying a chunk at that moment: try again. */
static berth_owner_id take_over(void) {
    berth_attachment at = {.struct_size = sizeof at,
                           .flags = BERTH_ATTACH_TAKE_OVER,
                           .sequence = BERTH_SEQUENCE_UNREAD};
    berth_status status;
    while ((status = berth_mailbox_attach(pool, &key, &at)) == BERTH_EBUSY) explorer_yield();
    REQUIRE(status == BERTH_OK);
    return at.owner;
}

static void take_over_and_read(void) {
    read_as(take_over(), BERTH_FOREVER);
}

/* The connection of the reader breaks; he comes back from where he was. */
static void break_the_connection(void) {
    const berth_owner_id before = owner;
    while (berth_mailbox_detach(pool, before, 0) == BERTH_EBUSY) explorer_yield();
    berth_attachment at = {.struct_size = sizeof at, .sequence = BERTH_SEQUENCE_UNREAD};
    OK(berth_mailbox_attach(pool, &key, &at));
    read_as(at.owner, BERTH_FOREVER);
}

static void read_until_detached(void) {
    for (;;) {
        char byte = 0;
        berth_record record = {.struct_size = sizeof record};
        const berth_status status =
            berth_mailbox_read(pool, owner, &byte, 1, BERTH_FOREVER, &record);
        if (status == BERTH_ESTALE || status == BERTH_ETAKEN) return;
        REQUIRE(status == BERTH_OK);
        if (record.kind == BERTH_RECORD_END) {
            ended++;
            return;
        }
        REQUIRE(record.sequence == got);
        got++;
    }
}

/* The one ring goes from a request whose outcome is taken to the next one, whoever reads. */
static void produce_take_and_produce_again(void) {
    berth_request request = {.struct_size = sizeof request};
    berth_request_id next;
    berth_record record = {.struct_size = sizeof record};
    char byte;
    OK(berth_emit(pool, id, "a", 1, 1));
    OK(berth_finish(pool, id, BERTH_FINISH_STOP, 0));
    while (berth_outcome_take(pool, id, NULL) == BERTH_EBUSY) explorer_yield();
    OK(berth_submit(pool, &request, &next, NULL));
    do {
        OK(berth_mailbox_read(pool, next, NULL, 0, BERTH_FOREVER, &record));
    } while (record.kind != BERTH_RECORD_ADMITTED);
    OK(berth_emit(pool, next, "z", 1, 1));
    OK(berth_mailbox_read(pool, next, &byte, 1, BERTH_FOREVER, &record));
    REQUIRE(byte == 'z');
    OK(berth_finish(pool, next, BERTH_FINISH_STOP, 0));
}

static void read_what_may_go(void) {
    for (uint32_t i = 0; i < 2; i++) {
        char byte = 'a';
        berth_record record = {.struct_size = sizeof record};
        const berth_status status = berth_mailbox_read(pool, id, &byte, 1, 0, &record);
        REQUIRE(byte == 'a');
        if (status == BERTH_ESTALE) return;
        REQUIRE(status == BERTH_OK || status == BERTH_ETIMEDOUT);
    }
}

static void plan_and_commit(void) {
    berth_plan_entry entries[4];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entries, .entry_max = 4};
    OK(berth_plan_wait(pool, &plan, BERTH_FOREVER));
    REQUIRE(plan.entry_count == 1);
    berth_result result = {.id = entries[0].id,
                           .tokens_computed = entries[0].tokens,
                           .tokens_generated = 1,
                           .bytes = "a",
                           .bytes_size = 1,
                           .finish = BERTH_FINISH_STOP};
    OK(berth_commit(pool, plan.step_id, &result, 1));
}

static void submit_and_read(void) {
    berth_request request = {.struct_size = sizeof request, .max_new_tokens = 1};
    berth_request_id mine;
    char byte;
    berth_record record = {.struct_size = sizeof record};
    OK(berth_submit(pool, &request, &mine, NULL));
    OK(berth_mailbox_read(pool, mine, &byte, 1, BERTH_FOREVER, &record));
    REQUIRE(record.kind == BERTH_RECORD_CHUNK && byte == 'a');
    OK(berth_mailbox_read(pool, mine, &byte, 1, BERTH_FOREVER, &record));
    REQUIRE(record.kind == BERTH_RECORD_END);
}

static void end_taken_once(void) {
    REQUIRE(taken == 1);
    destroy();
}

static void end_taken_over(void) {
    REQUIRE(got == 2);
    REQUIRE(ended + taken == 2);
    destroy();
}

/* The first may have read to the end before he was replaced: then both read it. */
static void end_reconnected(void) {
    REQUIRE(got == 2);
    REQUIRE(ended == 1 || ended == 2);
    destroy();
}

/* ---- Scenarios ---- */

static const explorer_scenario scenarios[] = {
    {"a reader who sleeps", begin_plain, {read_for_ever, produce}, end_all_read},
    {"a reader with a limit", begin_plain, {read_impatiently, produce}, end_all_read},
    {"a reader and one who waits",
     begin_plain,
     {read_for_ever, produce, wait_for_the_outcome},
     end_all_read},
    {"an outcome that two take",
     begin_plain,
     {wait_or_come_late, produce, take_the_outcome, take_the_outcome},
     end_taken_once},
    {"a wait for any", begin_plain, {wait_for_any, produce}, end_all_read},
    {"spans", begin_plain, {peek_and_consume, produce}, end_all_read},
    {"a take-over", begin_keyed, {read_for_ever, produce, take_over_and_read}, end_taken_over},
    {"a connection that breaks",
     begin_keyed,
     {read_until_detached, produce, break_the_connection},
     end_reconnected},
    {"a ring that changes hands",
     begin_plain,
     {read_what_may_go, produce_take_and_produce_again},
     destroy},
    {"an engine that sleeps", begin_engine, {plan_and_commit, submit_and_read}, destroy},
};

#define SCENARIO_COUNT (sizeof scenarios / sizeof scenarios[0])

/* Three threads have many more orders than two. */
static const explorer_scenario *scenario_at(size_t i) {
    if (i < SCENARIO_COUNT) return &scenarios[i];
    i -= SCENARIO_COUNT;
    return i < emit_scenario_count ? &emit_scenarios[i] : NULL;
}

static uint32_t preemptions_for(const explorer_scenario *scenario) {
    return (scenario->bodies[2] == NULL && !EXPLORER_IS_SLOW ? 2 : 1) + verdict_is_long();
}

int main(void) {
    const verdict_program program = {.name = "interleave/mailbox",
                                     .scenario_at = scenario_at,
                                     .preemptions_for = preemptions_for,
                                     .orders_min = EXPLORER_IS_SLOW ? 10 : 100};
    return verdict_run(&program);
}
