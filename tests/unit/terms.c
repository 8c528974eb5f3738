/* SPDX-License-Identifier: MIT */
/* Which requests come in by their terms alone, and that it makes no difference: two pools hear the
 * same, and one of them takes the long way with all. */
#include "runtime/terms.h"
#include "base/ids.h"
#include "runtime/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), BERTH_OK)
#define RESOURCES 2u
#define CAPACITY 100u
#define PARKED_MAX 20u
#define PAYLOAD_SIZE 64u

static void no_release(void *user_data, void *payload, uint64_t payload_size) {
    (void)user_data;
    (void)payload;
    (void)payload_size;
}

static int32_t no_cost(void *user_data, const berth_request *request, uint64_t *cost,
                       uint32_t cost_count) {
    (void)user_data;
    (void)request;
    for (uint32_t r = 0; r < cost_count; r++) cost[r] = 0;
    return 0;
}

static uint64_t no_rank(void *user_data, const berth_request *request) {
    (void)user_data;
    (void)request;
    return 0;
}

static berth_options small_pool(uint32_t face) {
    berth_options options;
    OK(berth_options_init(&options, sizeof options));
    options.face = face;
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.parked_max = PARKED_MAX;
    options.running_max = 1;
    options.queue_ns_max = 5000;
    options.resource_count = RESOURCES;
    for (uint32_t r = 0; r < RESOURCES; r++) {
        options.resources[r].name[0] = (char)('a' + r);
        options.resources[r].capacity_units = CAPACITY;
    }
    return options;
}

/* ---- What suits ---- */

typedef struct edit {
    void (*make)(berth_request *request);
    uint32_t on_engine; /* does it suit there? */
    uint32_t on_gate;
} edit;

#define EDIT(name, what)                                                                           \
    static void name(berth_request *q) {                                                           \
        what;                                                                                      \
    }

static uint64_t payload;
static const berth_block_hash hash = {1, 2};

EDIT(nothing, (void)q)
EDIT(band_last, q->band = BERTH_BAND_CRITICAL)
EDIT(band_beyond, q->band = BERTH_BAND_CRITICAL + 1)
EDIT(tokens, q->prompt_tokens = 7; q->max_new_tokens = 9)
EDIT(with_payload, q->payload = &payload; q->payload_size = PAYLOAD_SIZE)
EDIT(deadlines, q->queue_ns = 10; q->first_output_ns = 20; q->total_ns = UINT64_MAX)
EDIT(tenant, q->tenant = UINT64_MAX)
EDIT(never_fits, q->cost[1] = CAPACITY + 1)
EDIT(all_there_is, q->cost[0] = CAPACITY)
EDIT(cost_of_one, q->cost_count = 1; q->cost[1] = 0)
EDIT(cost_of_three, q->cost_count = 3)
EDIT(cost_behind_count, q->cost[2] = 1)
EDIT(cost_at_the_end, q->cost[BERTH_RESOURCES_MAX - 1] = 1)
EDIT(streams, q->mailbox_mode = BERTH_MAILBOX_STREAM)
EDIT(mode_beyond, q->mailbox_mode = BERTH_MAILBOX_OUTCOME + 1)
EDIT(full_coalesce, q->mailbox_full = BERTH_FULL_COALESCE)
EDIT(full_pause, q->mailbox_full = BERTH_FULL_PAUSE)
EDIT(full_preempt, q->mailbox_full = BERTH_FULL_PREEMPT)
EDIT(full_beyond, q->mailbox_full = BERTH_FULL_PREEMPT + 1)
EDIT(keyed, q->mailbox_flags = BERTH_MAILBOX_KEYED)
EDIT(ranked, q->rank = 1)
EDIT(hashes, q->block_hashes = &hash; q->block_hash_count = 1)
EDIT(hashes_nowhere, q->block_hash_count = 1)
EDIT(with_ticket, q->ticket = 1)
EDIT(set, q->set = 1)
EDIT(set_units, q->set_units = 1)
EDIT(one_sample, q->samples = 1)
EDIT(two_samples, q->samples = 2)
EDIT(run_time, q->run_ns = 5)

static const edit edits[] = {
    {nothing, 1, 1},
    {band_last, 1, 1},
    {band_beyond, 0, 0},
    {tokens, 1, 1},
    {with_payload, 1, 1},
    {deadlines, 1, 1},
    {tenant, 1, 1},
    {never_fits, 1, 1},
    {all_there_is, 1, 1},
    {cost_of_one, 0, 0},
    {cost_of_three, 0, 0},
    {cost_behind_count, 0, 0},
    {cost_at_the_end, 0, 0},
    {streams, 1, 1},
    {mode_beyond, 0, 0},
    {full_coalesce, 1, 1},
    {full_pause, 1, 0},
    {full_preempt, 1, 0},
    {full_beyond, 0, 0},
    {keyed, 0, 0},
    {ranked, 0, 0},
    {hashes, 0, 0},
    {hashes_nowhere, 0, 0},
    {with_ticket, 0, 0},
    {set, 0, 0},
    {set_units, 0, 0},
    {one_sample, 1, 1},
    {two_samples, 0, 0},
    {run_time, 1, 1},
};

#define EDITS (sizeof edits / sizeof edits[0])

static berth_request good(void) {
    return (berth_request){.struct_size = sizeof(berth_request),
                           .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                           .cost_count = RESOURCES,
                           .cost = {3, 4}};
}

/* ---- Two pools ---- */

typedef struct pair {
    berth_pool *plain;
    berth_pool *fully;
    uint64_t taken;
    uint64_t refused;
    uint64_t malformed;
} pair;

static pair make_with(const berth_options *options) {
    const berth_executor executor = {.struct_size = sizeof executor, .release = no_release};
    pair p = {0};
    OK(berth_pool_create(options, &executor, &p.plain));
    OK(berth_pool_create(options, &executor, &p.fully));
    assert_true(p.plain->plain_terms);
    p.fully->plain_terms = 0;
    return p;
}

static pair make(uint32_t face) {
    const berth_options options = small_pool(face);
    return make_with(&options);
}

/* Who was let through a gate is to be finished first, his deadline met or not, and nobody let in
 * for him. */
static void destroy(berth_pool *pool) {
    for (uint32_t finish = 0; finish < 2; finish++) {
        for (uint32_t place = 0; place < pool->row_count; place++) {
            const berth__row *row = berth__row_at(pool, place);
            if (row->id == 0 || row->ended || pool->options.face != BERTH_FACE_GATE) continue;
            if (!row->admitted) OK(berth_cancel(pool, row->id));
            if (row->admitted && finish) (void)berth_finish(pool, row->id, BERTH_FINISH_STOP, 0);
        }
    }
    OK(berth_pool_destroy(pool));
}

static void end(pair *p) {
    destroy(p->plain);
    destroy(p->fully);
}

static void compare(const pair *p, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    berth_stats stats[2] = {{.struct_size = sizeof stats[0]}, {.struct_size = sizeof stats[0]}};
    berth__view views[2];
    OK(berth_stats_read(p->plain, &stats[0]));
    OK(berth_stats_read(p->fully, &stats[1]));
    assert_memory_equal(&stats[0], &stats[1], sizeof stats[0]);
    assert_int_equal(berth__core_check(p->plain->core), 0);
    if (id == 0) return;
    OK(berth__core_view(p->plain->core, id, &views[0]));
    OK(berth__core_view(p->fully->core, id, &views[1]));
    assert_memory_equal(&views[0], &views[1], sizeof views[0]);
    assert_memory_equal(berth__row_at(p->plain, place), berth__row_at(p->fully, place),
                        sizeof(berth__row));
    assert_true(berth__core_next_at(p->plain->core) == berth__core_next_at(p->fully->core));
}

static void submit(pair *p, const berth_request *request) {
    berth_request_id ids[2];
    berth_refusal why[2] = {{.struct_size = sizeof why[0]}, {.struct_size = sizeof why[0]}};
    const berth_status status = berth_submit(p->plain, request, &ids[0], &why[0]);
    assert_int_equal(berth_submit(p->fully, request, &ids[1], &why[1]), status);
    assert_memory_equal(&why[0], &why[1], sizeof why[0]);
    assert_true(ids[0] == ids[1]);
    p->taken += status == BERTH_OK;
    p->refused += status == BERTH_EREFUSED;
    p->malformed += status == BERTH_EINVAL;
    compare(p, ids[0]);
}

/* ---- Tests ---- */

static void ask(uint32_t face, const edit *of, uint32_t suits) {
    pair p = make(face);
    berth_request request = good();
    of->make(&request);
    assert_int_equal(berth__terms_suit(p.plain, &request), suits);
    submit(&p, &request);
    /* Who suits is never malformed. */
    assert_true(!suits || p.malformed == 0);
    end(&p);
}

static void each_on_its_own(void **state) {
    (void)state;
    for (uint32_t e = 0; e < EDITS; e++) {
        ask(BERTH_FACE_ENGINE, &edits[e], edits[e].on_engine);
        ask(BERTH_FACE_GATE, &edits[e], edits[e].on_gate);
    }
}

static uint64_t draw(uint64_t *random, uint64_t below) {
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*random >> 33) % below;
}

/* Edits upon edits, with time going by, until the queue is full and after. */
static void one_upon_the_other(void **state) {
    uint64_t random = 7;
    pair all = {0};
    (void)state;
    for (uint32_t run = 0; run < 200; run++) {
        pair p = make(run % 2 ? BERTH_FACE_GATE : BERTH_FACE_ENGINE);
        uint64_t now = 0;
        for (uint32_t i = 0; i < 2 * PARKED_MAX; i++) {
            berth_request request = good();
            for (uint64_t k = draw(&random, 3); k > 0; k--)
                edits[draw(&random, EDITS)].make(&request);
            submit(&p, &request);
            now += draw(&random, 8);
            OK(berth_clock_advance(p.plain, now));
            OK(berth_clock_advance(p.fully, now));
        }
        all.taken += p.taken;
        all.refused += p.refused;
        all.malformed += p.malformed;
        end(&p);
    }
    assert_true(all.taken > 1000 && all.refused > 100 && all.malformed > 100);
}

static void who_asks_the_host_takes_the_long_way(void **state) {
    const berth_options options = small_pool(BERTH_FACE_GATE);
    berth_executor executor = {.struct_size = sizeof executor, .cost = no_cost};
    berth_pool *pool;
    (void)state;
    assert_false(berth__terms_may_suit(&options, &executor));
    OK(berth_pool_create(&options, &executor, &pool));
    assert_false(pool->plain_terms);
    OK(berth_pool_destroy(pool));
    executor = (berth_executor){.struct_size = sizeof executor, .rank = no_rank};
    assert_false(berth__terms_may_suit(&options, &executor));
}

static void a_cost_in_every_resource_suits(void **state) {
    berth_options options = small_pool(BERTH_FACE_GATE);
    berth_request request = good();
    (void)state;
    options.resource_count = BERTH_RESOURCES_MAX;
    request.cost_count = BERTH_RESOURCES_MAX;
    for (uint32_t r = 0; r < BERTH_RESOURCES_MAX; r++) {
        options.resources[r].name[0] = (char)('a' + r);
        options.resources[r].capacity_units = CAPACITY;
        request.cost[r] = r + 1;
    }
    pair p = make_with(&options);
    assert_true(berth__terms_suit(p.plain, &request));
    submit(&p, &request);
    submit(&p, &request);
    request.cost[BERTH_RESOURCES_MAX - 1] = CAPACITY + 1;
    submit(&p, &request);
    assert_true(p.taken == 2 && p.refused == 1);
    end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_on_its_own),
        cmocka_unit_test(one_upon_the_other),
        cmocka_unit_test(who_asks_the_host_takes_the_long_way),
        cmocka_unit_test(a_cost_in_every_resource_suits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
