/* SPDX-License-Identifier: MIT */
/*
 * A host with faults over the core, on a clock of its own: a seed decides everything. Requests are
 * submitted, cancelled, recosted, charged and finished; capacities shrink and grow; the clock jumps
 * forth and back; steps fail or are executed in part; output comes late; ids are stale. At the end
 * the faults stop, and everything that was accepted must finish. Laws are checked after every
 * event, the O(requests) ones after every 32nd. BERTH_TEST_SEED=N replays one seed.
 */
#include "support/core_kit.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_PER_SEED 4000u
#define SHORT_OPERATIONS UINT64_C(1000000)
#define LONG_OPERATIONS UINT64_C(10000000)
#define KNOWN_MAX 256u
#define CAPACITY 40u

typedef struct host {
    core_kit kit;
    uint64_t seed;
    uint64_t random;
    uint64_t now;
    uint64_t events;
    uint64_t operations; /* submits, cancels and finishes */
    uint64_t hash;       /* of every transition, in order */
    uint64_t capacity[2];
    berth_request_id known[KNOWN_MAX]; /* the latest ids, also those that are stale by now */
    uint32_t known_count;
    uint32_t faults; /* 0 in the last phase */
    berth_plan_entry entries[64];
    berth_plan plan; /* step_id 0 = none outstanding */
} host;

static uint64_t below(host *h, uint64_t bound) {
    return core_random_below(&h->random, bound);
}

static uint64_t moment(host *h) {
    if (h->faults && below(h, 40) == 0) return h->now / 2; /* the clock steps back */
    return h->now;
}

static berth_request_id any(host *h) {
    if (h->faults && below(h, 50) == 0) return core_random(&h->random);
    return h->known_count == 0
               ? 0
               : h->known[below(h, h->known_count < KNOWN_MAX ? h->known_count : KNOWN_MAX)];
}

static void check(host *h) {
    const char *law = core_kit_law(&h->kit, h->events++ % 32 == 0);
    if (law != NULL) fail_msg("seed %" PRIu64 ", event %" PRIu64 ": %s", h->seed, h->events, law);
    for (uint32_t i = 0; i < h->kit.log.count; i++) {
        const core_transition *t = &h->kit.log.items[i];
        uint64_t mixed = h->hash ^ t->id ^ (uint64_t)t->transition << 56;
        h->hash = core_random(&mixed);
    }
    core_kit_clear(&h->kit);
}

static int is_engine(const host *h) {
    return h->kit.options.face == BERTH_FACE_ENGINE;
}

/* ---- What a host does ---- */

static void submit(host *h) {
    berth__submit ask = {.cost_count = 2};
    berth_request_id id;
    berth_refusal refusal;
    ask.terms.band = 1 + (uint32_t)below(h, 4);
    ask.cost[0] = below(h, 9);
    ask.cost[1] = below(h, 3);
    ask.terms.payload_size = below(h, 100);
    ask.terms.prompt_tokens = below(h, 30);
    ask.terms.max_new_tokens = below(h, 30);
    if (below(h, 40) == 0) ask.cost[0] = CAPACITY / 2 + below(h, CAPACITY);
    if (below(h, 4) == 0) ask.terms.queue_ns = 1 + below(h, 400);
    if (below(h, 8) == 0) ask.terms.first_output_ns = 1 + below(h, 600);
    if (below(h, 8) == 0) ask.terms.total_ns = 1 + below(h, 1000);
    const berth_status status = berth__core_submit(h->kit.core, moment(h), &ask, &id, &refusal);
    h->operations++;
    if (status == BERTH_OK) {
        core_kit_accept(&h->kit, id);
        h->known[h->known_count++ % KNOWN_MAX] = id;
    } else if (status != BERTH_EREFUSED || refusal.reason == BERTH_REFUSAL_NONE || id != 0) {
        fail_msg("seed %" PRIu64 ": submit said %d", h->seed, (int)status);
    }
    if (!is_engine(h)) (void)berth__core_admit(h->kit.core, h->now);
}

static void cancel(host *h) {
    const uint64_t now = moment(h);
    const berth_request_id id = any(h);
    h->operations++;
    (void)berth__core_cancel(h->kit.core, now, id, 1 + (uint32_t)below(h, 3));
}

static void take(host *h) {
    const berth_request_id id = any(h);
    (void)berth__core_forget(h->kit.core, id, (uint32_t)below(h, 2));
}

static void recost(host *h) {
    berth__submit ask = {.cost_count = (uint32_t)below(h, 3)};
    ask.terms.prompt_tokens = below(h, 40);
    ask.terms.max_new_tokens = below(h, 40);
    for (uint32_t r = 0; r < ask.cost_count; r++) ask.cost[r] = below(h, 9);
    const uint64_t now = moment(h);
    (void)berth__core_recost(h->kit.core, now, any(h), &ask, NULL);
}

static void charge(host *h) {
    uint64_t held[2];
    const uint64_t now = moment(h);
    const berth_request_id id = any(h);
    held[0] = below(h, 14);
    held[1] = below(h, 4);
    h->kit.may_overdraw = 1;
    (void)berth__core_charge(h->kit.core, now, id, held, (uint32_t)below(h, 3));
}

static void resize(host *h) {
    const uint32_t resource = (uint32_t)below(h, 2);
    h->kit.may_overdraw = 1;
    const uint64_t now = moment(h);
    (void)berth__core_capacity_set(h->kit.core, now, resource, 1 + below(h, h->capacity[resource]));
}

static void restore(host *h) {
    for (uint32_t r = 0; r < 2; r++) {
        const berth_status status =
            berth__core_capacity_set(h->kit.core, h->now, r, h->capacity[r]);
        assert_int_equal(status, BERTH_OK);
    }
}

static void pin(host *h) {
    const berth_request_id id = any(h);
    berth__core_pin(h->kit.core, id);
    if (below(h, 3) != 0) berth__core_unpin(h->kit.core, id);
}

/* ---- An engine's turn ---- */

static void compute_one(host *h, const berth_plan_entry *entry) {
    berth__progress progress = {.tokens_computed = entry->tokens,
                                .tokens_generated = entry->kind == BERTH_ENTRY_DECODE};
    if (h->faults && below(h, 6) == 0) progress.tokens_computed = below(h, entry->tokens + 1);
    if (entry->tokens_generated >= entry->max_new_tokens || (h->faults && below(h, 20) == 0))
        progress.finish = 1 + (uint32_t)below(h, 3);
    h->operations += progress.finish != 0;
    (void)berth__core_commit_entry(h->kit.core, entry->id, &progress);
    if (h->faults && below(h, 30) == 0) /* said twice */
        (void)berth__core_commit_entry(h->kit.core, entry->id, &progress);
    if (h->faults && below(h, 30) == 0) /* late output of somebody else */
        (void)berth__core_commit_entry(h->kit.core, any(h), &progress);
}

static void commit(host *h) {
    const int fails = h->faults && below(h, 15) == 0;
    if (h->faults && below(h, 30) == 0)
        assert_int_equal(berth__core_commit_begin(h->kit.core, h->now, h->plan.step_id + 1),
                         BERTH_ESTEP);
    assert_int_equal(berth__core_commit_begin(h->kit.core, moment(h), h->plan.step_id), BERTH_OK);
    for (uint32_t i = h->plan.leave_count; i < h->plan.entry_count && !fails; i++)
        if (!h->faults || below(h, 12) != 0) compute_one(h, &h->entries[i]);
    berth__core_commit_end(h->kit.core);
    h->plan.step_id = 0;
}

static void turn(host *h) {
    if (h->plan.step_id != 0) {
        commit(h);
        return;
    }
    h->plan = (berth_plan){.struct_size = sizeof h->plan, .entry_max = 64, .entries = h->entries};
    assert_int_equal(berth__core_plan(h->kit.core, moment(h), &h->plan), BERTH_OK);
}

/* ---- Workers ---- */

static void work(host *h) {
    const berth_request_id id = any(h);
    const uint64_t dice = below(h, 4);
    const uint64_t now = moment(h);
    if (dice == 0) (void)berth__core_emit(h->kit.core, now, id, below(h, 3));
    if (dice == 1) {
        h->operations++;
        (void)berth__core_finish(h->kit.core, now, id, 1 + (uint32_t)below(h, 3), -1);
    }
    if (dice >= 2) (void)berth__core_let_go(h->kit.core, now, id);
    (void)berth__core_admit(h->kit.core, h->now);
}

static void event(host *h) {
    const uint64_t dice = below(h, 100);
    h->now += below(h, 3) == 0 ? below(h, 20) : 0;
    if (below(h, 500) == 0) h->now += below(h, 2000); /* the clock jumps */
    if (dice < 34) {
        submit(h);
    } else if (dice < 46) {
        cancel(h);
    } else if (dice < 80) {
        is_engine(h) ? turn(h) : work(h);
    } else if (dice < 86) {
        take(h);
    } else if (dice < 89) {
        recost(h);
    } else if (dice < 92) {
        charge(h);
    } else if (dice < 93) {
        resize(h);
    } else if (dice < 95) {
        restore(h);
    } else if (dice < 97) {
        pin(h);
    } else {
        berth__core_expire(h->kit.core, moment(h));
        assert_true(berth__core_next_at(h->kit.core) > 0);
    }
    check(h);
}

/* ---- The end: no more faults, everything finishes ---- */

/* A worker knows whom it was given: everyone admitted that has not ended. */
static void finish_all_workers(host *h) {
    for (uint32_t place = 0; place < h->kit.place_count; place++) {
        const core_life *life = &h->kit.lives[place];
        if ((life->seen >> BERTH__T_ADMITTED & 1u) == 0) continue;
        if ((life->seen >> BERTH__T_ENDED & 1u) != 0) continue;
        if (berth__core_finish(h->kit.core, h->now, life->id, BERTH_FINISH_STOP, 0) == BERTH_OK)
            h->operations++;
        assert_int_equal(berth__core_let_go(h->kit.core, h->now, life->id), BERTH_OK);
        check(h);
    }
    (void)berth__core_admit(h->kit.core, h->now);
}

static void wind_down(host *h) {
    h->faults = 0;
    restore(h);
    for (uint32_t round = 0; round < 4000; round++) {
        const berth_stats stats = core_kit_stats(&h->kit);
        if (stats.parked + stats.running + stats.stopping == 0 && h->plan.step_id == 0) return;
        h->now += 1;
        if (is_engine(h))
            turn(h);
        else
            finish_all_workers(h);
        check(h);
    }
    const berth_stats s = core_kit_stats(&h->kit);
    fail_msg("seed %" PRIu64 ": %" PRIu64 " parked, %" PRIu64 " running, %" PRIu64
             " stopping are left",
             h->seed, s.parked, s.running, s.stopping);
}

static void must_have_finished(host *h) {
    const berth_stats stats = core_kit_stats(&h->kit);
    const core_kit *kit = &h->kit;
    assert_null(core_kit_law(&h->kit, 1));
    assert_true(stats.submitted_total == stats.refused_total + stats.ended_total);
    assert_true(kit->told[BERTH__T_OUTCOME] == kit->accepted);
    assert_true(kit->told[BERTH__T_ENDED] == kit->accepted);
    for (uint32_t r = 0; r < 2; r++) {
        assert_true(stats.resources[r].used_units == 0);
        assert_true(stats.resources[r].parked_units == 0);
    }
    assert_true(berth__core_next_at(h->kit.core) == UINT64_MAX);
}

/* One life; how many operations it had. */
static uint64_t live(uint64_t seed, uint64_t *hash) {
    static host h;
    memset(&h, 0, sizeof h);
    h.seed = seed;
    h.random = seed;
    h.faults = 1;
    h.capacity[0] = CAPACITY;
    h.capacity[1] = 12;
    const uint32_t face = below(&h, 2) == 0 ? BERTH_FACE_ENGINE : BERTH_FACE_GATE;
    const uint32_t running_max = 1 + (uint32_t)below(&h, 24);
    berth_options options = core_kit_options(face, running_max, 1 + (uint32_t)below(&h, 60));
    options.ended_max = 1 + (uint32_t)below(&h, 40);
    if (below(&h, 2) == 0) options.parked_size_max = 2000;
    core_kit_add_resource(&options, "kv_blocks", h.capacity[0]);
    core_kit_add_resource(&options, "sequences", h.capacity[1]);
    if (below(&h, 3) == 0) options.bands[0].parked_max = 5;
    if (below(&h, 3) == 0) options.resources[0].parked_units_max = 80;
    core_kit_init(&h.kit, &options);
    for (uint32_t i = 0; i < EVENTS_PER_SEED; i++) event(&h);
    wind_down(&h);
    must_have_finished(&h);
    core_kit_fini(&h.kit);
    *hash = h.hash;
    return h.operations;
}

static void whatever_happens_every_request_finishes_and_no_law_breaks(void **state) {
    const uint64_t wanted = core_long_tier() ? LONG_OPERATIONS : SHORT_OPERATIONS;
    const uint64_t first = core_seed(1);
    uint64_t operations = 0;
    uint64_t seed = first;
    uint64_t hash;
    (void)state;
    while (operations < wanted) operations += live(seed++, &hash);
    printf("simulation: %" PRIu64 " submits, cancels and finishes over %" PRIu64
           " seeds from %" PRIu64 "\n",
           operations, seed - first, first);
}

static void a_seed_reproduces_its_life_exactly(void **state) {
    uint64_t hash[3];
    (void)state;
    assert_true(live(42, &hash[0]) == live(42, &hash[1]));
    (void)live(43, &hash[2]);
    assert_true(hash[0] == hash[1]);
    assert_true(hash[0] != hash[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_every_request_finishes_and_no_law_breaks),
        cmocka_unit_test(a_seed_reproduces_its_life_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
