/* SPDX-License-Identifier: MIT */
/*
 * Every short life of a small pool with several steps in flight, states deduplicated: after each
 * event all of support/core_flight.h holds (plans against the model, the fence, who drains and for
 * how long, that no band gives way to a lower one), and from each state an engine that commits
 * comes to an end of everything.
 *
 * Scope: 2 bands, 2 places to run, 2 parked, 5 blocks of KV of one token. Alphabet:
 *   a  submit low, prompt 1, 3 to come      x  cancel the oldest that goes on
 *   b  submit high, prompt 2, 2 to come     w  suspend it          W  resume the oldest suspended
 *   p  plan                                 g  its reader is behind: it gives way
 *   0  commit, nobody mentioned             G  all readers have caught up
 *   1  commit, all as planned               h  preempt the oldest
 *   2  commit, the first stops              F  the oldest step failed
 *   3  commit, the first has computed nothing
 */
#include "support/core_flight.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEPTH_MAX 16u
#define REQUESTS 5u /* submitted in one life, at most */

typedef core_flights world;
typedef core_flight_request request;

/* ---- Letters to events ---- */

static request *oldest(world *w, uint32_t held_up) {
    for (uint32_t i = 0; i < w->request_count; i++)
        if (!w->requests[i].over && (w->requests[i].held_up & held_up) == held_up)
            return &w->requests[i];
    return NULL;
}

static int all(world *w, uint32_t index, const request *r, berth__progress *p) {
    (void)w, (void)index, (void)r, (void)p;
    return 1;
}

static int first_stops(world *w, uint32_t index, const request *r, berth__progress *p) {
    (void)w, (void)r;
    if (index == 0) p->finish = BERTH_FINISH_STOP;
    return 1;
}

static int first_does_nothing(world *w, uint32_t index, const request *r, berth__progress *p) {
    (void)w, (void)r;
    if (index == 0) p->tokens_computed = 0;
    return 1;
}

static int submit(world *w, uint32_t band, uint64_t prompt_tokens, uint64_t max_new_tokens) {
    const berth__submit ask = {.terms.band = band,
                               .terms.prompt_tokens = prompt_tokens,
                               .terms.max_new_tokens = max_new_tokens,
                               .samples = 1};
    return w->request_count < REQUESTS && core_flights_submit(w, &ask) == BERTH_OK;
}

static int commit(world *w, char letter) {
    static core_flight_result *const results[] = {NULL, all, first_stops, first_does_nothing};
    if (w->flight_count == 0) return 0;
    core_flights_commit(w, results[letter - '0']);
    return 1;
}

/* 0 if there is nobody it could be about. */
static int disturb(world *w, char letter) {
    request *r = oldest(w, letter == 'W' ? 1u : letter == 'G' ? 2u : 0);
    if (r == NULL) return 0;
    switch (letter) {
    case 'x': core_flights_cancel(w, r); return 1;
    case 'w':
    case 'W': core_flights_suspend(w, r, letter == 'w'); return 1;
    case 'g': core_flights_pause(w, r, 1); return 1;
    case 'h': core_flights_preempt(w, r); return 1;
    default: break;
    }
    for (uint32_t i = 0; i < w->request_count; i++)
        if (!w->requests[i].over) core_flights_unpause(w, &w->requests[i]);
    return 1;
}

/* 0 if it would change nothing here, or is the same as another one. */
static int apply(world *w, char letter) {
    switch (letter) {
    case 'a': return submit(w, 1, 1, 3);
    case 'b': return submit(w, 2, 2, 2);
    case 'p': return w->flight_count < w->kit.options.steps_max && core_flights_plan(w) + 1;
    case 'F':
        if (w->flight_count == 0) return 0;
        core_flights_fail(w);
        return 1;
    case '0':
    case '1':
    case '2':
    case '3': return commit(w, letter);
    default: return disturb(w, letter);
    }
}

/* ---- Canonical form ---- */

static uint64_t mix(uint64_t hash, uint64_t word) {
    uint64_t state = hash ^ word;
    return core_random(&state);
}

/* How many run that were admitted earlier. */
static uint32_t rank_of(const berth__core *core, uint32_t place) {
    uint32_t rank = 0;
    for (uint32_t p = core->running.head; p != place && p != BERTH__NONE; p = core->links[p].next)
        rank++;
    return rank;
}

static uint64_t mix_request(const world *w, const request *r, uint64_t hash) {
    const berth__core *core = w->kit.core;
    const uint32_t place = berth__id_place(r->id);
    const berth__entry *entry = &core->entries[place];
    hash = mix(hash, (uint64_t)r->over << 8 | r->held_up << 4 | r->gives_up << 3 | r->drains);
    if (berth__ids_find(&core->ids, r->id) != place || entry->state == BERTH__ENDED)
        return mix(hash, 1);
    hash = mix(hash, (uint64_t)entry->state << 16 | r->band << 8 | entry->preemptions);
    hash = mix(hash,
               r->prompt_tokens << 48 | r->prefill_tokens << 32 | r->computed << 16 | r->generated);
    hash = mix(hash, berth__units_of(core, place)[0] << 8 | (uint64_t)entry->planned << 4 |
                         (uint64_t)entry->paused << 1 | entry->suspended);
    if (entry->state == BERTH__PARKED) return hash;
    hash = mix(hash, (uint64_t)entry->slot << 8 | rank_of(core, place));
    for (uint32_t f = 0; f < w->flight_count; f++)
        hash = mix(hash, core_flights_tokens_in(w, f, r->id) + 1);
    return mix(hash, r->drains ? r->commits : 0);
}

static uint64_t canonical(const world *w) {
    const berth__core *core = w->kit.core;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < w->request_count; i++) hash = mix_request(w, &w->requests[i], hash);
    for (uint32_t i = 0; i < core->leaving_count; i++)
        hash = mix(hash, (uint64_t)core->leaving[i].flags << 8 | core->leaving[i].slot);
    for (uint32_t i = 0; i < core->slots_free_count; i++) hash = mix(hash, core->slots_free[i]);
    return mix(hash, (uint64_t)w->flight_count << 8 | core->pause_steps);
}

/* ---- The search, depth first ---- */

typedef struct search {
    const char *alphabet;
    uint64_t *seen; /* open addressing; 0 = empty */
    uint8_t *to_go; /* events that were left to go from there */
    unsigned char *saved[DEPTH_MAX + 1];
    char way[DEPTH_MAX + 1];
    uint64_t seen_mask;
    uint64_t states;
    uint64_t events;
    uint64_t ends;         /* lives that were brought to an end */
    uint64_t seen_late;    /* ways on which a result came late, */
    uint64_t seen_full;    /* somebody might have all of his tokens in flight, */
    uint64_t seen_drained; /* or somebody in a step had to give way */
} search;

static world w;

/* 1 if nobody came here with as many events left to go. */
static int is_news(search *s, uint64_t hash, uint8_t to_go) {
    uint64_t at = hash & s->seen_mask;
    while (s->seen[at] != 0 && s->seen[at] != hash) at = (at + 1) & s->seen_mask;
    if (s->seen[at] == hash && s->to_go[at] >= to_go) return 0;
    s->states += s->seen[at] == 0;
    assert_true(2 * s->states < s->seen_mask);
    s->seen[at] = hash;
    s->to_go[at] = to_go;
    return 1;
}

static void save(search *s, uint32_t level) {
    memcpy(s->saved[level], &w, sizeof w);
    core_kit_save(&w.kit, s->saved[level] + sizeof w);
}

static void restore(const search *s, uint32_t level) {
    const core_kit kit = w.kit;
    memcpy(&w, s->saved[level], sizeof w);
    w.kit = kit;
    core_kit_restore(&w.kit, s->saved[level] + sizeof w);
}

static void live(search *s, uint32_t level, uint32_t depth) {
    save(s, level);
    for (const char *letter = s->alphabet; *letter != '\0'; letter++) {
        restore(s, level);
        core_kit_clear(&w.kit);
        s->way[level] = *letter;
        s->way[level + 1] = '\0';
        if (!apply(&w, *letter)) continue;
        s->events++;
        core_flights_settle(&w);
        s->seen_late += w.late > 0;
        s->seen_full += w.full > 0;
        s->seen_drained += w.drained > 0;
        if (!is_news(s, canonical(&w), (uint8_t)(depth - level - 1))) continue;
        if (level + 1 < depth) {
            live(s, level + 1, depth);
        } else {
            core_flights_run_out(&w);
            s->ends++;
        }
    }
}

static search *now_searching;

/* An assertion does not say how it came to be: the events do. */
static int say_the_way(void **state) {
    (void)state;
    if (now_searching != NULL) print_error("after the events %s\n", now_searching->way);
    now_searching = NULL;
    return 0;
}

static void explore(const berth_options *options, const char *alphabet, uint32_t depth) {
    static search s;
    memset(&s, 0, sizeof s);
    memset(&w, 0, sizeof w);
    core_kit_init(&w.kit, options);
    s.alphabet = alphabet;
    s.seen_mask = (UINT64_C(1) << 23) - 1;
    s.seen = calloc(s.seen_mask + 1, sizeof *s.seen);
    s.to_go = calloc(s.seen_mask + 1, sizeof *s.to_go);
    assert_true(s.seen != NULL && s.to_go != NULL);
    for (uint32_t level = 0; level < depth; level++) {
        s.saved[level] = malloc(sizeof w + core_kit_state_size(&w.kit));
        assert_non_null(s.saved[level]);
    }
    now_searching = &s;
    live(&s, 0, depth);
    now_searching = NULL;
    assert_true(s.seen_late > 0 && s.seen_full > 0 && s.seen_drained > 0);
    printf("exhaustive: %u steps, depth %u: %" PRIu64 " states, %" PRIu64 " events, %" PRIu64
           " ends\n",
           (unsigned)options->steps_max, (unsigned)depth, s.states, s.events, s.ends);
    for (uint32_t level = 0; level < depth; level++) free(s.saved[level]);
    free(s.seen);
    free(s.to_go);
    core_kit_fini(&w.kit);
}

static berth_options options_of(uint32_t steps_max) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 2, 2);
    core_kit_add_resource(&o, "kv_blocks", 5);
    o.band_count = 2;
    o.kv_block_tokens = 1;
    o.kv_mode = BERTH_KV_OPTIMISTIC;
    o.steps_max = steps_max;
    return o;
}

static void every_short_life_with_steps_in_flight_keeps_the_laws(void **state) {
    (void)state;
    for (uint32_t steps = 2; steps <= 4; steps++) {
        const berth_options o = options_of(steps);
        explore(&o, "abp0123xwWgGhF", core_long_tier() ? 10 : 8);
    }
}

static void every_longer_life_of_plans_and_commits_keeps_the_laws(void **state) {
    (void)state;
    for (uint32_t steps = 2; steps <= 4; steps++) {
        const berth_options o = options_of(steps);
        explore(&o, "abp012x", core_long_tier() ? 14 : 11);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_short_life_with_steps_in_flight_keeps_the_laws,
                                  say_the_way),
        cmocka_unit_test_teardown(every_longer_life_of_plans_and_commits_keeps_the_laws,
                                  say_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
