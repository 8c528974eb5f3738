/* SPDX-License-Identifier: MIT */
/* Producers on the short way beside a reader who sleeps now and then, one who cancels, one who
 * looks at the counters, and a second producer who should not be there: each chunk that was said to
 * be in is read once and whole, in its producer's order, and the outcome counts it. */
#include <sched.h>

#include "support/pool_host.h"
#include "support/pool_threads.h"

#define PRODUCERS 2u
#define CHUNK_MAX 40u

typedef struct stream {
    pool_host *host;
    _Atomic berth_request_id id; /* of the turn; 0 between two */
    atomic_uint turn;
    atomic_uint inside;  /* producers that have seen this turn and are not done */
    atomic_uint sent;    /* OKs of this turn */
    atomic_uint dropped; /* EENDEDs of this turn */
    atomic_uint busy;    /* EBUSYs, in all */
    atomic_uint odd;     /* a status that cannot be */
    atomic_uint stop;
    uint32_t seen[PRODUCERS]; /* the reader's: chunks of each, this turn */
    uint32_t wrong;           /* the reader's */
} stream;

typedef struct producer {
    pool_thread thread;
    stream *of;
    uint32_t number;
    uint64_t random;
} producer;

/* Chunk k of producer p: who and which, and bytes that follow from it. */
static uint64_t write_chunk(unsigned char *bytes, uint32_t turn, uint32_t p, uint32_t k) {
    const uint64_t size = 3 + (turn + 7 * k) % (CHUNK_MAX - 3);
    bytes[0] = (unsigned char)p;
    bytes[1] = (unsigned char)k;
    for (uint64_t i = 2; i < size; i++) bytes[i] = (unsigned char)(turn + 31 * k + 7 * p + i);
    return size;
}

static uint32_t emit_some(producer *self, berth_request_id id, uint32_t turn, uint32_t *next) {
    stream *of = self->of;
    unsigned char bytes[CHUNK_MAX];
    const uint64_t size = write_chunk(bytes, turn, self->number, *next);
    const berth_status status = berth_emit(of->host->pool, id, bytes, size, 1);
    if (status == BERTH_OK) {
        atomic_fetch_add(&of->sent, 1);
        (*next)++;
    } else if (status == BERTH_EENDED) {
        atomic_fetch_add(&of->dropped, 1);
    } else if (status == BERTH_EBUSY) {
        atomic_fetch_add(&of->busy, 1);
    } else if (status == BERTH_EFULL) {
        sched_yield();
    } else if (status != BERTH_ESTALE) {
        atomic_fetch_add(&of->odd, 1);
    }
    return status == BERTH_OK || status == BERTH_EFULL || status == BERTH_EBUSY;
}

/* Emits for the request of each turn until it is over. The second one only now and then. */
static void produce(void *argument) {
    producer *self = argument;
    stream *of = self->of;
    uint32_t done = 0;
    while (!atomic_load(&of->stop)) {
        atomic_fetch_add(&of->inside, 1);
        const berth_request_id id = atomic_load(&of->id);
        const uint32_t turn = atomic_load(&of->turn);
        uint32_t next = 0;
        const uint32_t works =
            id != 0 && turn != done && (self->number == 0 || pool_random(&self->random) % 4 == 0);
        while (works && emit_some(self, id, turn, &next)) continue;
        if (id != 0) done = turn;
        atomic_fetch_sub(&of->inside, 1);
        sched_yield();
    }
}

static void scrape(void *argument) {
    stream *of = argument;
    uint64_t last = 0;
    while (!atomic_load(&of->stop)) {
        berth_stats stats = {.struct_size = sizeof stats};
        (void)berth_stats_read(of->host->pool, &stats);
        if (stats.chunks_total < last || stats.tokens_generated_total != stats.chunks_total)
            atomic_fetch_add(&of->odd, 1);
        last = stats.chunks_total;
        sched_yield();
    }
}

static void note(stream *of, const unsigned char *bytes, uint64_t size, uint32_t turn) {
    unsigned char wanted[CHUNK_MAX];
    const uint32_t p = bytes[0];
    if (p >= PRODUCERS || write_chunk(wanted, turn, p, of->seen[p]) != size ||
        memcmp(bytes, wanted, size) != 0)
        of->wrong++;
    else
        of->seen[p]++;
}

/* Reads a chunk by one of three ways; 1 if there was one. */
static uint32_t read_one(stream *of, berth_request_id id, uint64_t *random, uint32_t *sequence) {
    unsigned char bytes[CHUNK_MAX];
    const uint32_t turn = atomic_load(&of->turn);
    const uint64_t timeout_ns = pool_random(random) % 4 == 0 ? 50000 : 0;
    uint32_t index;
    berth_record record = {.struct_size = sizeof record};
    if (pool_random(random) % 8 == 0)
        (void)berth_mailbox_wait_any(of->host->pool, &id, 1, 50000, &index);
    if (pool_random(random) % 8 == 0) {
        berth_request_id ready;
        (void)berth_ready_take(of->host->pool, &ready, 1, &index);
    }
    const berth_status status =
        berth_mailbox_read(of->host->pool, id, bytes, sizeof bytes, timeout_ns, &record);
    if (status == BERTH_ETIMEDOUT) return 1;
    if (status != BERTH_OK) {
        atomic_fetch_add(&of->odd, 1);
        return 0;
    }
    if (record.kind == BERTH_RECORD_ADMITTED) return 1;
    if (record.sequence != *sequence) of->wrong++;
    if (record.kind == BERTH_RECORD_END) return 0;
    (*sequence)++;
    note(of, bytes, record.size, turn);
    return 1;
}

/* One request, from submit to its end. */
static void take_a_turn(stream *of, uint64_t *random) {
    berth_request request = {.struct_size = sizeof request};
    berth_request_id id;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    uint32_t sequence = 0;
    const uint64_t until = pool_random(random) % 60;
    CHECK_OK(berth_submit(of->host->pool, &request, &id, NULL));
    atomic_store(&of->sent, 0);
    atomic_store(&of->dropped, 0);
    memset(of->seen, 0, sizeof of->seen);
    atomic_fetch_add(&of->turn, 1);
    atomic_store(&of->id, id);
    for (uint64_t i = 0; i < until; i++)
        if (!read_one(of, id, random, &sequence)) break;
    CHECK_OK(berth_cancel(of->host->pool, id));
    while (read_one(of, id, random, &sequence)) continue;
    CHECK_OK(berth_wait(of->host->pool, id, 0, &outcome));
    assert_int_equal(outcome.tokens_generated, sequence);
    assert_int_equal(of->seen[0] + of->seen[1], sequence);
    atomic_store(&of->id, 0);
    /* Sometimes the request goes while its producers are still at it. */
    if (pool_random(random) % 2 == 0)
        while (atomic_load(&of->inside) > 0) sched_yield();
    CHECK(berth_finish(of->host->pool, id, BERTH_FINISH_STOP, 0), BERTH_EENDED);
    CHECK_OK(berth_outcome_take(of->host->pool, id, NULL));
    while (atomic_load(&of->inside) > 0) sched_yield();
    assert_int_equal(atomic_load(&of->sent), sequence);
}

static void what_is_in_is_read_once_and_counted(void **state) {
    (void)state;
    static stream of;
    static producer producers[PRODUCERS];
    static pool_thread scraper;
    uint64_t random = pool_seed();
    of.host = pool_host_new(BERTH_FACE_GATE);
    of.host->options.clock = BERTH_CLOCK_SYSTEM;
    of.host->options.running_max = 1;
    of.host->options.mailboxes_max = 1;
    of.host->options.mailbox_size = 512;
    pool_host_start(of.host);
    for (uint32_t p = 0; p < PRODUCERS; p++) {
        producers[p] = (producer){.of = &of, .number = p, .random = random + p};
        pool_thread_start(&producers[p].thread, produce, &producers[p]);
    }
    pool_thread_start(&scraper, scrape, &of);
    const uint32_t turns = pool_rounds(1000, 20000, 200);
    for (uint32_t i = 0; i < turns; i++) take_a_turn(&of, &random);
    atomic_store(&of.stop, 1);
    for (uint32_t p = 0; p < PRODUCERS; p++) pool_thread_join(&producers[p].thread);
    pool_thread_join(&scraper);
    assert_int_equal(of.wrong, 0);
    assert_int_equal(atomic_load(&of.odd), 0);
    pool_host_end(of.host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_is_read_once_and_counted),
    };
    pool_watchdog("stress/emit", pool_tier_long() ? 900 : 120);
    return cmocka_run_group_tests_name("stress/emit", tests, NULL, NULL);
}
