/* SPDX-License-Identifier: MIT */
/*
 * Every sequence of events of a small scope, states deduplicated: after each event the core agrees
 * with its model and every law holds.
 *
 * Scope: 2 bands, 2 places to run, parked_max 2, ended_max 1, one resource of 2 units, prompts of
 * 1 token. A state is written in canonical form (requests in order of arrival, ids by rank,
 * moments relative to now), so that states that differ only in names and dates count as one.
 *
 * Alphabet, both faces:                        engine only:
 *   a  submit low, 1 unit                        p  plan
 *   b  submit high, 1 unit                       q  plan with too little room
 *   c  submit low, 2 units                       0  commit without results
 *   d  submit high, 2 units, queue 1 tick        1  commit, all as planned
 *   e  submit low, 1 unit, total 2 ticks         2  commit, the first finishes
 *   x  cancel the oldest that goes on            3  commit, all finish
 *   y  cancel the newest that goes on            4  commit, the last fails
 *   z  cancel an id that is stale              worker only:
 *   t  the clock moves by one tick               f  finish the first that runs
 *   u  charge the first that runs: 3 units       g  fail the last that runs
 *   v  charge the first that runs: 0 units       o  emit from the first that runs
 *   s  capacity 1     S  capacity 2              l  let go the first that is stopping
 *   r  recost the first parked: 2 units          m  let go the last that is stopping
 *   h  preempt the first that runs (engine)
 *   w  suspend the first that goes on   W  resume it   F  the step failed for want of KV (engine)
 *   k  take the oldest outcome                   P  pin the oldest ended, or unpin what is pinned
 *   K  take the outcome of one still stopping
 *   C  close          D  shutdown
 *   A  submit low, 1 unit, queue half a tick     B  submit high, 2 units, total 2 ticks
 *   T  the clock moves by 60 ticks               i  admit (worker)
 *
 * Where KV grows, the units are KV blocks of one token, 4 of them: 1 or 2 units are that many
 * tokens of prompt with 2 to come, charges are gone, s and S make the capacity 2 and 4.
 *
 * Where waits are predicted there is one place to run and three are parked at most, so that there
 * is something to wait for; how fast the queue drains is part of a state, and known from the start:
 * somebody has waited for a tick or two.
 */
#include "support/core_pair.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TICK UINT64_C(10)
#define DEPTH_MAX 12u
#define SHORT_DEPTH 10u

/* The whole alphabet to a moderate depth, and a part of it to the full one. */
static const char *const engine_all = "abcdexyztuvsSrkKCDhpq01234";
static const char *const engine_part = "abdxtuvkp02";
static const char *const engine_often = "abdxtshkp02";
static const char *const growing = "abcxsSkp012";
static const char *const waiting = "abdxtwWFp012";
static const char *const timely = "aABtTxp013";
static const char *const timely_gate = "aABtTxfli";
static const char *const engine_most = "abcdexytuvsSkKhp02";
static const char *const worker_all = "abcdexyztuvsSrkKCDfgolmP";
static const char *const worker_part = "abdxtuvkfl";
static const char *const worker_most = "abdxytuvkKfl";

/* ---- Whom an event is about ---- */

typedef int wanted(const core_model_request *r);

static int goes_on(const core_model_request *r) {
    return r->state == BERTH__PARKED || r->state == BERTH__RUNNING;
}

static int is_running(const core_model_request *r) {
    return r->state == BERTH__RUNNING;
}

static int is_parked(const core_model_request *r) {
    return r->state == BERTH__PARKED;
}

static int is_stopping(const core_model_request *r) {
    return r->state == BERTH__STOPPING;
}

static int is_retained(const core_model_request *r) {
    return r->state == BERTH__ENDED && !r->gone;
}

static int is_suspended(const core_model_request *r) {
    return r->suspended != 0;
}

static int is_pinned(const core_model_request *r) {
    return r->pinned != 0;
}

/* The name of the first, or last, request that is wanted; 0 (an id that never was) if none is. */
static uint32_t pick(const core_pair *pair, wanted *want, int last) {
    uint32_t found = 0;
    for (uint32_t name = 1; name < pair->name_count; name++) {
        const core_model_request *r = core_model_find(&pair->model, pair->ids[name]);
        if (r != NULL && want(r) && (last || found == 0)) found = name;
    }
    return found;
}

static uint32_t pick_stale(const core_pair *pair) {
    for (uint32_t name = 1; name < pair->name_count; name++)
        if (core_model_find(&pair->model, pair->ids[name]) == NULL) return name;
    return 0;
}

/* ---- Letters to events ---- */

static const char *before = ""; /* events that every life begins with */

static uint32_t samples_asked; /* of every request whose KV grows; 0 = 1 */

static void ask(core_event *e, const core_pair *pair, uint32_t band, uint64_t units) {
    e->kind = CORE_SUBMIT;
    e->name = pair->name_count;
    e->submit.terms.band = band;
    e->submit.terms.prompt_tokens = 1;
    e->submit.terms.payload_size = 1;
    if (core_model_kv_grows(&pair->model)) {
        e->submit.terms.prompt_tokens = units;
        e->submit.terms.max_new_tokens = 2;
        e->submit.samples = samples_asked;
        return;
    }
    e->submit.cost_count = 1;
    e->submit.cost[0] = units;
}

static void about(core_event *e, uint32_t kind, uint32_t name, uint32_t choice) {
    e->kind = kind;
    e->name = name;
    e->choice = choice;
}

static void charge(core_event *e, const core_pair *pair, uint64_t units) {
    about(e, CORE_CHARGE, pick(pair, is_running, 0), 0);
    e->submit.cost_count = 1;
    e->submit.cost[0] = units;
}

static void capacity(core_event *e, const core_pair *pair, uint64_t units) {
    e->kind = CORE_CAPACITY;
    e->amount = core_model_kv_grows(&pair->model) ? 2 * units : units;
}

/* Letters of both faces; 0 if it is none of them. */
static int shared_letter(char letter, const core_pair *pair, core_event *e) {
    switch (letter) {
    case 'a': ask(e, pair, 1, 1); return 1;
    case 'b': ask(e, pair, 2, 1); return 1;
    case 'c': ask(e, pair, 1, 2); return 1;
    case 'd': ask(e, pair, 2, 2), e->submit.terms.queue_ns = TICK; return 1;
    case 'e': ask(e, pair, 1, 1), e->submit.terms.total_ns = 2 * TICK; return 1;
    case 'A': ask(e, pair, 1, 1), e->submit.terms.queue_ns = TICK / 2; return 1;
    case 'B': ask(e, pair, 2, 2), e->submit.terms.total_ns = 2 * TICK; return 1;
    case 'T': e->kind = CORE_EXPIRE, e->elapsed_ns = 60 * TICK; return 1;
    case 'x': about(e, CORE_CANCEL, pick(pair, goes_on, 0), BERTH_CANCEL_CALLER); return 1;
    case 'y': about(e, CORE_CANCEL, pick(pair, goes_on, 1), BERTH_CANCEL_CALLER); return 1;
    case 'z': about(e, CORE_CANCEL, pick_stale(pair), BERTH_CANCEL_CALLER); return 1;
    case 't': e->kind = CORE_EXPIRE, e->elapsed_ns = TICK; return 1;
    case 'u': charge(e, pair, 3); return 1;
    case 'v': charge(e, pair, 0); return 1;
    case 's': capacity(e, pair, 1); return 1;
    case 'S': capacity(e, pair, 2); return 1;
    case 'k': about(e, CORE_FORGET, pick(pair, is_retained, 0), 0); return 1;
    case 'K': about(e, CORE_FORGET, pick(pair, is_stopping, 0), 0); return 1;
    case 'C': e->kind = CORE_CLOSE; return 1;
    case 'D': e->kind = CORE_SHUTDOWN, e->choice = 1; return 1;
    default: return 0;
    }
}

static core_event event_of(char letter, const core_pair *pair) {
    core_event e;
    memset(&e, 0, sizeof e);
    if (shared_letter(letter, pair, &e)) return e;
    switch (letter) {
    case 'r':
        about(&e, CORE_RECOST, pick(pair, is_parked, 0), 0);
        e.submit.terms.prompt_tokens = 1;
        e.submit.cost_count = 1;
        e.submit.cost[0] = 2;
        break;
    case 'i': e.kind = CORE_ADMIT; break;
    case 'p': e.kind = CORE_PLAN, e.amount = UINT64_MAX; break;
    case 'q': e.kind = CORE_PLAN, e.amount = 1; break;
    case 'h': about(&e, CORE_PREEMPT, pick(pair, is_running, 0), 0); break;
    case 'w': about(&e, CORE_SUSPEND, pick(pair, goes_on, 0), 1); break;
    case 'W': about(&e, CORE_SUSPEND, pick(pair, is_suspended, 0), 0); break;
    case 'F': e.kind = CORE_PLAN_FAIL; break;
    case 'f': about(&e, CORE_FINISH, pick(pair, is_running, 0), BERTH_FINISH_STOP); break;
    case 'g': about(&e, CORE_FINISH, pick(pair, is_running, 1), BERTH_FINISH_FAILED); break;
    case 'o': about(&e, CORE_EMIT, pick(pair, is_running, 0), 0), e.amount = 1; break;
    case 'l': about(&e, CORE_LET_GO, pick(pair, is_stopping, 0), 0); break;
    case 'm': about(&e, CORE_LET_GO, pick(pair, is_stopping, 1), 0); break;
    case 'P':
        e.name = pick(pair, is_pinned, 0);
        e.kind = e.name != 0 ? CORE_UNPIN : CORE_PIN;
        if (e.name == 0) e.name = pick(pair, is_retained, 0);
        break;
    default: /* '0' to '4' */
        e.kind = CORE_COMMIT;
        e.choice = CORE_COMMIT_NOTHING + (uint32_t)(letter - '0');
        break;
    }
    return e;
}

/* ---- Canonical form ---- */

typedef struct writer {
    uint64_t words[256];
    uint32_t count;
} writer;

static void put(writer *w, uint64_t word) {
    w->words[w->count++] = word;
}

static uint64_t left(const core_pair *pair, uint64_t due) {
    if (due == UINT64_MAX) return UINT64_MAX;
    return due > pair->model.now ? due - pair->model.now : 0;
}

/* How many others have a smaller stamp: stamps themselves only ever grow. */
static uint64_t rank(const core_pair *pair, uint32_t state, size_t offset, uint64_t stamp) {
    uint64_t smaller = 0;
    for (uint32_t i = 0; i < pair->model.place_count; i++) {
        const core_model_request *r = &pair->model.requests[i];
        uint64_t other;
        memcpy(&other, (const char *)r + offset, sizeof other);
        smaller +=
            r->state >= state && r->state < BERTH__ENDED + (state == BERTH__ENDED) && other < stamp;
    }
    return smaller;
}

static void put_request(writer *w, const core_pair *pair, const core_model_request *r) {
    put(w, r->state | r->gone << 4 | r->pinned << 5 | r->in_step << 6 | r->committed << 7 |
               r->planned << 8 | (uint64_t)(r->preemptions > 0) << 11 |
               (uint64_t)r->suspended << 12 | r->engine_knows << 9 | r->has_output << 10 |
               (uint64_t)r->outcome.band << 16);
    if (r->state == BERTH__RUNNING || r->state == BERTH__STOPPING) {
        put(w, r->slot);
        put(w, rank(pair, BERTH__RUNNING, offsetof(core_model_request, admission), r->admission));
        put(w, r->outcome.tokens_computed < r->prefill_tokens);
        put(w, r->asked[0]);
        put(w, core_model_kv_grows(&pair->model) ? r->outcome.tokens_computed : 0);
        put(w, r->planned_tokens);
    }
    if (r->state == BERTH__ENDED) {
        put(w, rank(pair, BERTH__ENDED, offsetof(core_model_request, ending), r->ending));
        return;
    }
    put(w, r->units[0]);
    put(w, core_model_kv_grows(&pair->model) ? r->outcome.tokens_generated : 0);
    put(w, left(pair, r->queue_due));
    put(w, left(pair, r->total_due));
}

static void put_slots(writer *w, const core_model *model) {
    for (uint32_t i = 0; i < model->leaving_count; i++)
        put(w, 64 + model->leaving[i].slot + 128 * model->leaving[i].flags);
    for (uint32_t s = 0; s < model->options.running_max; s++) {
        uint64_t freed_before = 0;
        for (uint32_t other = 0; other < model->options.running_max; other++)
            freed_before += model->slot_freed[other] < model->slot_freed[s];
        put(w, model->slot_freed[s] == 0 ? 99 : freed_before);
    }
}

/* How long ago somebody was parked matters up to where what is known is history. */
static void put_pace(writer *w, const core_model *model) {
    const core_model_pace *pace = &model->pace;
    const uint64_t ago = model->now - pace->busy_at_ns;
    const uint64_t known = pace->admitted == 0 ? 0 : 16 * (pace->busy_ns / pace->admitted) + 1;
    if (model->options.wait_ppm == 0) return;
    put(w, pace->busy_ns);
    put(w, pace->admitted);
    put(w, pace->units[0]);
    put(w, ago < known ? ago : known);
}

static uint64_t canonical(const core_pair *pair) {
    static writer w;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    w.count = 0;
    for (uint32_t name = 1; name < pair->name_count; name++) { /* names are in order of arrival */
        const core_model_request *r = core_model_find(&pair->model, pair->ids[name]);
        if (r != NULL) put_request(&w, pair, r);
    }
    put_slots(&w, &pair->model);
    put_pace(&w, &pair->model);
    put(&w, pair->model.closed);
    put(&w, pair->model.pause_steps);
    put(&w, pair->model.step_outstanding);
    put(&w, pair->model.options.resources[0].capacity_units);
    put(&w, pick_stale(pair) != 0);
    for (uint32_t i = 0; i < w.count; i++) {
        uint64_t state = hash ^ w.words[i];
        hash = core_random(&state);
    }
    return hash == 0 ? 1 : hash;
}

/* ---- The search, breadth first ---- */

/* A state is the way to it: its parent and the letter that led here. */
typedef struct node {
    uint32_t parent;
    char letter;
} node;

typedef struct search {
    core_pair pair;
    const char *alphabet;
    node *nodes;
    uint64_t *seen; /* open addressing; 0 = empty */
    unsigned char *start;
    unsigned char *here;
    uint64_t seen_mask;
    uint64_t events;
    uint64_t late; /* ways to a state in which somebody was refused for his deadline */
    uint32_t node_count;
    uint32_t node_max;
} search;

static void *grow(void *memory, size_t size) {
    void *larger = realloc(memory, size);
    if (larger == NULL) fail_msg("out of memory at %zu bytes", size);
    return larger;
}

/* 1 if the state is new. */
static int remember(search *s, uint64_t hash) {
    uint64_t at = hash & s->seen_mask;
    while (s->seen[at] != 0) {
        if (s->seen[at] == hash) return 0;
        at = (at + 1) & s->seen_mask;
    }
    s->seen[at] = hash;
    return 1;
}

/* Twice the room, before more than half of it is taken. */
static void make_room(search *s) {
    uint64_t *old = s->seen;
    const uint64_t old_count = s->seen_mask + 1;
    if (s->node_count == s->node_max) {
        s->node_max *= 2;
        s->nodes = grow(s->nodes, s->node_max * sizeof *s->nodes);
    }
    if (2 * (uint64_t)s->node_count < old_count) return;
    s->seen_mask = 2 * old_count - 1;
    s->seen = calloc(2 * old_count, sizeof *s->seen);
    assert_non_null(s->seen);
    for (uint64_t i = 0; i < old_count; i++)
        if (old[i] != 0) (void)remember(s, old[i]);
    free(old);
}

/* The letters from the start to a node; how many. */
static uint32_t way_to(const search *s, uint32_t index, char *way) {
    char back[DEPTH_MAX + 1];
    uint32_t length = 0;
    for (; index != 0; index = s->nodes[index].parent) back[length++] = s->nodes[index].letter;
    for (uint32_t i = 0; i < length; i++) way[i] = back[length - 1 - i];
    way[length] = '\0';
    return length;
}

static void go_to(search *s, uint32_t index) {
    char way[DEPTH_MAX + 2];
    const uint32_t length = way_to(s, index, way);
    core_pair_restore(&s->pair, s->start);
    for (uint32_t i = 0; i < length; i++) {
        const core_event e = event_of(way[i], &s->pair);
        if (core_pair_apply(&s->pair, &e) != NULL) fail_msg("replay of %s differs", way);
    }
    core_pair_save(&s->pair, s->here);
}

static void expand(search *s, uint32_t index) {
    char way[DEPTH_MAX + 2];
    go_to(s, index);
    for (const char *letter = s->alphabet; *letter != '\0'; letter++) {
        if (letter != s->alphabet) core_pair_restore(&s->pair, s->here);
        const core_event e = event_of(*letter, &s->pair);
        const char *wrong = core_pair_apply(&s->pair, &e);
        s->events++;
        s->late += s->pair.model.counters.refusal_total[BERTH_REFUSAL_DEADLINE] > 0;
        if (wrong != NULL) {
            (void)way_to(s, index, way);
            fail_msg("after the events %s%c: %s", way, *letter, wrong);
        }
        if (!remember(s, canonical(&s->pair))) continue;
        make_room(s);
        s->nodes[s->node_count++] = (node){.parent = index, .letter = *letter};
    }
}

static berth_options plain_options(uint32_t face) {
    berth_options options = core_kit_options(face, 2, 2);
    options.band_count = 2;
    options.ended_max = 1;
    core_kit_add_resource(&options, "units", 2);
    return options;
}

static berth_options growing_options(uint32_t mode) {
    berth_options options = plain_options(BERTH_FACE_ENGINE);
    options.resources[0].capacity_units = 4;
    options.kv_block_tokens = 1;
    options.kv_mode = mode;
    return options;
}

static uint64_t explore(const berth_options *options, const char *alphabet, uint32_t depth) {
    static search s;
    const uint32_t face = options->face;
    memset(&s, 0, sizeof s);
    core_pair_init(&s.pair, options);
    s.alphabet = alphabet;
    s.node_max = 1024;
    s.nodes = grow(NULL, s.node_max * sizeof *s.nodes);
    s.seen_mask = 4095;
    s.seen = calloc(s.seen_mask + 1, sizeof *s.seen);
    s.start = grow(NULL, core_pair_state_size(&s.pair));
    s.here = grow(NULL, core_pair_state_size(&s.pair));
    assert_non_null(s.seen);
    for (const char *letter = before; *letter != '\0'; letter++) {
        const core_event e = event_of(*letter, &s.pair);
        assert_null(core_pair_apply(&s.pair, &e));
    }
    core_pair_save(&s.pair, s.start);
    (void)remember(&s, canonical(&s.pair));
    s.node_count = 1;
    uint32_t level = 0;
    for (uint32_t d = 0; d < depth; d++) {
        const uint32_t end = s.node_count;
        while (level < end) expand(&s, level++);
        printf("exhaustive: face %u, depth %u: %u states, %" PRIu64 " events\n", (unsigned)face,
               (unsigned)(d + 1), (unsigned)s.node_count, s.events);
    }
    core_pair_fini(&s.pair);
    free(s.nodes);
    free(s.seen);
    free(s.start);
    free(s.here);
    return s.late;
}

static void explore_plain(uint32_t face, const char *alphabet, uint32_t depth) {
    const berth_options options = plain_options(face);
    (void)explore(&options, alphabet, depth);
}

static uint32_t deep(void) {
    return core_long_tier() ? DEPTH_MAX : SHORT_DEPTH;
}

static void every_life_of_an_engine_pool_to_a_moderate_depth_keeps_the_laws(void **state) {
    (void)state;
    explore_plain(BERTH_FACE_ENGINE, engine_all, core_long_tier() ? 10 : 5);
}

static void every_life_of_a_gate_pool_to_a_moderate_depth_keeps_the_laws(void **state) {
    (void)state;
    explore_plain(BERTH_FACE_GATE, worker_all, core_long_tier() ? 9 : 5);
}

static void every_life_of_an_engine_pool_of_many_events_keeps_the_laws(void **state) {
    (void)state;
    explore_plain(BERTH_FACE_ENGINE, core_long_tier() ? engine_most : engine_part, deep());
}

static void every_life_of_an_engine_pool_that_preempts_keeps_the_laws(void **state) {
    (void)state;
    explore_plain(BERTH_FACE_ENGINE, engine_often, core_long_tier() ? 10 : 8);
}

static void every_life_of_an_engine_pool_whose_kv_grows_keeps_the_laws(void **state) {
    berth_options options = growing_options(BERTH_KV_OPTIMISTIC);
    (void)state;
    (void)explore(&options, growing, core_long_tier() ? 11 : 8);
    options.kv_watermark_ppm = 250000; /* one block */
    options.victim = BERTH_VICTIM_LEAST_COMPUTED;
    options.preempt_max = 1;
    options.preempt_pause_steps = 1;
    (void)explore(&options, growing, core_long_tier() ? 11 : 8);
}

static void every_life_of_an_engine_pool_that_looks_ahead_keeps_the_laws(void **state) {
    (void)state;
    for (uint32_t mode = BERTH_KV_RATIO; mode <= BERTH_KV_PREDICTED; mode++) {
        const berth_options options = growing_options(mode);
        (void)explore(&options, growing, core_long_tier() ? 10 : 7);
    }
}

static void every_life_of_an_engine_pool_that_waits_and_fails_keeps_the_laws(void **state) {
    const berth_options options = growing_options(BERTH_KV_OPTIMISTIC);
    (void)state;
    explore_plain(BERTH_FACE_ENGINE, waiting, core_long_tier() ? 10 : 7);
    (void)explore(&options, waiting, core_long_tier() ? 10 : 7);
}

static void every_life_of_an_engine_pool_with_small_steps_keeps_the_laws(void **state) {
    berth_options options = growing_options(BERTH_KV_OPTIMISTIC);
    (void)state;
    options.step_tokens = 4;
    options.prefill_tokens_max = 1;
    options.draft_tokens = 1;
    (void)explore(&options, growing, core_long_tier() ? 11 : 8);
}

static void every_life_of_an_engine_pool_with_samples_keeps_the_laws(void **state) {
    berth_options options = growing_options(BERTH_KV_OPTIMISTIC);
    (void)state;
    options.resources[0].capacity_units = 6;
    options.kv_block_tokens = 2;
    samples_asked = 2;
    (void)explore(&options, growing, core_long_tier() ? 11 : 8);
    options.step_tokens = 4;
    options.prefill_tokens_max = 1;
    options.draft_tokens = 1; /* so that two of them do not go in at once */
    (void)explore(&options, growing, core_long_tier() ? 11 : 8);
    samples_asked = 0;
}

static void every_life_of_a_pool_that_predicts_waits_keeps_the_laws(void **state) {
    static const uint32_t parts[] = {1000000, 400000};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        berth_options options = plain_options(BERTH_FACE_GATE);
        options.running_max = 1;
        options.parked_max = 3;
        options.wait_ppm = parts[i];
        before = "aatfli";
        assert_true(explore(&options, timely_gate, core_long_tier() ? 9 : 7) > 100);
        options.face = BERTH_FACE_ENGINE;
        before = "aapt3tp";
        assert_true(explore(&options, timely, core_long_tier() ? 9 : 7) > 100);
    }
    before = "";
}

static void every_life_of_a_gate_pool_of_many_events_keeps_the_laws(void **state) {
    (void)state;
    explore_plain(BERTH_FACE_GATE, core_long_tier() ? worker_most : worker_part, deep());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_life_of_an_engine_pool_to_a_moderate_depth_keeps_the_laws),
        cmocka_unit_test(every_life_of_a_gate_pool_to_a_moderate_depth_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_of_many_events_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_that_preempts_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_whose_kv_grows_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_with_small_steps_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_with_samples_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_that_looks_ahead_keeps_the_laws),
        cmocka_unit_test(every_life_of_an_engine_pool_that_waits_and_fails_keeps_the_laws),
        cmocka_unit_test(every_life_of_a_pool_that_predicts_waits_keeps_the_laws),
        cmocka_unit_test(every_life_of_a_gate_pool_of_many_events_keeps_the_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
