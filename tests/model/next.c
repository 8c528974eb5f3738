/* SPDX-License-Identifier: MIT */
/*
 * Who goes next, under every order, fairness, share, ceiling and aging: each admission must be one
 * that the rules, read off a plain array, allow; and when admission stops, the rules must say so.
 * Where two tenants have had the same, either may go.
 */
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTS_MAX 400u
#define TENANTS 3u
#define BANDS 3u
#define ONE (UINT64_C(1) << 20)

enum { PARKED = 1, RUNNING, OVER };

typedef struct request {
    berth_request_id id;
    int state;
    uint32_t band; /* index */
    uint32_t level;
    uint32_t tenant;
    uint32_t passed; /* by later ones of its flow, since it came to its level */
    uint32_t seen;   /* admissions of others than the flow's oldest in that time */
    uint64_t submitted;
    uint64_t came; /* to its level */
    uint64_t key;
    uint64_t units;
} request;

typedef struct flow {
    uint64_t counter;
    int waits; /* it competes */
} flow;

typedef struct world {
    core_kit kit;
    berth_options options;
    uint64_t now;
    uint64_t seed;
    uint64_t random;
    uint32_t count;
    request requests[REQUESTS_MAX];
    flow flows[BANDS][TENANTS];
    uint64_t floors[BANDS];
} world;

#define MUST(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s; BERTH_TEST_SEED=%llu", #condition, (unsigned long long)(w)->seed);       \
    } while (0)

/* ---- The rules, read off the array ---- */

static uint64_t part(uint64_t whole, uint32_t ppm) {
    return (whole * ppm + 999999) / 1000000;
}

static uint32_t flow_of(const world *w, const request *r) {
    return w->options.fairness == BERTH_FAIRNESS_NONE ? 0 : r->tenant;
}

static uint32_t count_of(const world *w, uint32_t level, uint32_t f, int state) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const request *r = &w->requests[i];
        count += r->state == state && (level == BANDS || r->level == level) &&
                 (f == TENANTS || flow_of(w, r) == f);
    }
    return count;
}

static uint64_t units_of(const world *w, uint32_t level) {
    uint64_t units = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].state == RUNNING && (level == BANDS || w->requests[i].level == level))
            units += w->requests[i].units;
    return units;
}

static int may_run(const world *w, uint32_t f) {
    const uint32_t max = w->options.tenant_defaults.running_max;
    return max == 0 || count_of(w, BANDS, f, RUNNING) < max;
}

static int in_need(const world *w, uint32_t level) {
    const uint32_t ppm = w->options.bands[level].share_ppm;
    return ppm != 0 && count_of(w, level, TENANTS, RUNNING) < part(w->options.running_max, ppm) &&
           units_of(w, level) < part(w->options.resources[0].capacity_units, ppm);
}

static int competes(const world *w, uint32_t level, uint32_t f) {
    return count_of(w, level, f, PARKED) > 0 && may_run(w, f);
}

static int level_competes(const world *w, uint32_t level) {
    int any = 0;
    for (uint32_t f = 0; f < TENANTS; f++) any |= competes(w, level, f);
    return any;
}

/* The level that goes first; BANDS if none does. */
static uint32_t first_level(const world *w) {
    for (uint32_t b = BANDS; b-- > 0;)
        if (level_competes(w, b) && in_need(w, b)) return b;
    for (uint32_t b = BANDS; b-- > 0;)
        if (level_competes(w, b)) return b;
    return BANDS;
}

static uint64_t least(const world *w, uint32_t level) {
    uint64_t counter = UINT64_MAX;
    for (uint32_t f = 0; f < TENANTS; f++)
        if (w->flows[level][f].waits && w->flows[level][f].counter < counter)
            counter = w->flows[level][f].counter;
    return counter;
}

static int came_before(const request *a, const request *b) {
    return a->came < b->came || (a->came == b->came && a < b);
}

static int goes_before(const request *a, const request *b) {
    return a->key < b->key || (a->key == b->key && a < b);
}

static const request *first_of(const world *w, uint32_t level, uint32_t f) {
    const request *oldest = NULL;
    const request *first = NULL;
    const uint32_t max = w->options.order_displaced_max;
    for (uint32_t i = 0; i < w->count; i++) {
        const request *r = &w->requests[i];
        if (r->state != PARKED || r->level != level || flow_of(w, r) != f) continue;
        if (oldest == NULL || came_before(r, oldest)) oldest = r;
        if (first == NULL || goes_before(r, first)) first = r;
    }
    if (w->options.order == BERTH_ORDER_ARRIVAL) return oldest;
    return max != 0 && oldest->seen >= max ? oldest : first;
}

static int fits(const world *w, const request *r) {
    const uint64_t slots = count_of(w, BANDS, TENANTS, RUNNING);
    const uint64_t used = units_of(w, BANDS) + r->units;
    const uint64_t capacity = w->options.resources[0].capacity_units;
    const uint32_t ppm = w->options.bands[r->level].ceiling_ppm;
    if (slots >= w->options.running_max || used > capacity) return 0;
    if (in_need(w, r->level)) return 1;
    return slots < part(w->options.running_max, ppm) && used <= part(capacity, ppm);
}

/* May this one go first now? */
static int is_first(const world *w, const request *r) {
    const uint32_t f = flow_of(w, r);
    return r->level == first_level(w) && w->flows[r->level][f].waits &&
           w->flows[r->level][f].counter == least(w, r->level) && first_of(w, r->level, f) == r;
}

/* ---- What follows from an event ---- */

/* Who comes to compete is lifted; the last to leave sets the floor. */
static void follow(world *w) {
    for (uint32_t b = 0; b < BANDS; b++)
        for (uint32_t f = 0; f < TENANTS; f++) {
            flow *of = &w->flows[b][f];
            const int now = competes(w, b, f);
            if (of->waits && !now) {
                of->waits = 0;
                if (least(w, b) == UINT64_MAX && of->counter > w->floors[b])
                    w->floors[b] = of->counter;
            } else if (!of->waits && now) {
                const uint64_t lift = least(w, b) == UINT64_MAX ? w->floors[b] : least(w, b);
                if (w->options.fairness != BERTH_FAIRNESS_NONE && of->counter < lift)
                    of->counter = lift;
                of->waits = 1;
            }
        }
}

static void charge(world *w, const request *r, uint64_t tokens) {
    if (w->options.fairness == BERTH_FAIRNESS_NONE) return;
    w->flows[r->level][flow_of(w, r)].counter += tokens * ONE;
}

/* One by one, from the lowest band up and there by age. */
static void age_band(world *w, uint32_t band) {
    for (uint32_t i = 0; i < w->count; i++) {
        request *r = &w->requests[i];
        const uint64_t aging_ns = w->options.bands[r->band].aging_ns;
        if (r->band != band || r->state != PARKED || r->level != band || aging_ns == 0) continue;
        if (w->now - r->submitted < aging_ns) continue;
        r->state = OVER; /* it leaves one flow, and comes to another */
        follow(w);
        r->state = PARKED;
        r->level++;
        r->came = r->submitted + aging_ns;
        r->passed = r->seen = 0;
        follow(w);
    }
}

static int is_of_flow(const world *w, const request *other, const request *r) {
    return other != r && other->state == PARKED && other->level == r->level &&
           flow_of(w, other) == flow_of(w, r);
}

static void admitted(world *w, request *r) {
    const uint32_t max = w->options.order_displaced_max;
    uint32_t passes = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (is_of_flow(w, &w->requests[i], r) && came_before(&w->requests[i], r)) passes = 1;
    for (uint32_t i = 0; i < w->count; i++) {
        request *other = &w->requests[i];
        if (!is_of_flow(w, other, r)) continue;
        other->seen += passes;
        other->passed += came_before(other, r) ? 1u : 0u;
        MUST(w, max == 0 || other->passed <= max);
    }
    r->state = RUNNING;
    follow(w);
    charge(w, r, w->options.vtc_prompt_weight * 5);
}

/* ---- Events ---- */

static uint64_t below(world *w, uint64_t bound) {
    return core_random_below(&w->random, bound);
}

static uint64_t key_of(const world *w, const berth__submit *s) {
    if (w->options.order == BERTH_ORDER_RANK) return s->rank;
    switch ((enum berth_order)w->options.order) {
    case BERTH_ORDER_DEADLINE:
        return s->terms.total_ns == 0 ? UINT64_MAX - 1 : w->now + s->terms.total_ns;
    case BERTH_ORDER_SHORTEST: return s->terms.prompt_tokens + s->terms.max_new_tokens;
    case BERTH_ORDER_PREFIX:
    case BERTH_ORDER_ARRIVAL: break;
    }
    return 0;
}

static void submit(world *w, uint32_t band, uint32_t tenant, uint64_t units, uint64_t rank) {
    berth__submit s = core_ask(band + 1, units);
    if (w->count == REQUESTS_MAX) return;
    s.terms.tenant = 100 + tenant;
    s.terms.prompt_tokens = 5;
    s.terms.max_new_tokens = rank;
    s.terms.total_ns = rank % 3 == 0 ? 0 : 100000 + rank;
    s.rank = rank;
    request *r = &w->requests[w->count++];
    *r = (request){.id = core_kit_take_in(&w->kit, w->now, &s),
                   .state = PARKED,
                   .band = band,
                   .level = band,
                   .tenant = tenant,
                   .submitted = w->now,
                   .came = w->now,
                   .key = key_of(w, &s),
                   .units = units};
    follow(w);
}

static request *find(world *w, berth_request_id id) {
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].id == id) return &w->requests[i];
    return NULL;
}

/* The nth in this state, counted round; NULL if there is none. */
static request *pick(world *w, int state, uint64_t n) {
    const uint32_t count = count_of(w, BANDS, TENANTS, state);
    if (count == 0) return NULL;
    n %= count;
    for (uint32_t i = 0; i < w->count; i++)
        if (w->requests[i].state == state && n-- == 0) return &w->requests[i];
    return NULL;
}

static void admit(world *w) {
    core_kit_clear(&w->kit);
    (void)berth__core_admit(w->kit.core, w->now);
    for (uint32_t i = 0; i < w->kit.log.count; i++) {
        request *r = find(w, w->kit.log.items[i].id);
        assert_int_equal(w->kit.log.items[i].transition, BERTH__T_ADMITTED);
        MUST(w, is_first(w, r));
        MUST(w, fits(w, r));
        admitted(w, r);
    }
    int stopped = 1;
    for (uint32_t i = 0; i < w->count; i++) {
        const request *r = &w->requests[i];
        if (r->state != PARKED || !is_first(w, r)) continue;
        stopped = !fits(w, r);
        if (stopped) break;
    }
    MUST(w, stopped);
}

static void emit(world *w, request *r, uint64_t tokens) {
    if (r == NULL) return;
    assert_int_equal(berth__core_emit(w->kit.core, w->now, r->id, tokens), BERTH_OK);
    charge(w, r, w->options.vtc_output_weight * tokens);
}

static void finish(world *w, request *r) {
    if (r == NULL) return;
    /* What fails teaches nothing of how long outputs are. */
    assert_int_equal(berth__core_finish(w->kit.core, w->now, r->id, BERTH_FINISH_FAILED, 0), 0);
    assert_int_equal(berth__core_let_go(w->kit.core, w->now, r->id), BERTH_OK);
    r->state = OVER;
    follow(w);
}

static void cancel(world *w, request *r) {
    if (r == NULL) return;
    assert_int_equal(berth__core_cancel(w->kit.core, w->now, r->id, BERTH_CANCEL_CALLER), 0);
    r->state = OVER;
    follow(w);
}

static void pass_time(world *w, uint64_t by) {
    w->now += by;
    berth__core_expire(w->kit.core, w->now);
    for (uint32_t b = 0; b < BANDS; b++) age_band(w, b);
}

/* ---- Worlds ---- */

static void begin(world *w, const berth_options *options, uint64_t seed) {
    memset(w, 0, sizeof *w);
    w->random = seed;
    core_kit_init(&w->kit, options);
    w->options = w->kit.options;
}

static void end(world *w) {
    core_kit_fini(&w->kit);
}

static berth_options random_options(uint64_t *random) {
    berth_options o =
        core_kit_options(BERTH_FACE_GATE, 1 + (uint32_t)core_random_below(random, 5), REQUESTS_MAX);
    uint32_t ceiling = 300000;
    uint32_t shares = 1000000;
    core_kit_add_resource(&o, "units", 10);
    o.band_count = BANDS;
    o.ended_max = REQUESTS_MAX;
    o.order = (uint32_t)core_random_below(random, 5);
    if (o.order == BERTH_ORDER_PREFIX) o.order = BERTH_ORDER_ARRIVAL; /* it needs an engine */
    if (o.order != BERTH_ORDER_ARRIVAL && core_random_below(random, 2))
        o.order_displaced_max = 1 + (uint32_t)core_random_below(random, 4);
    if (core_random_below(random, 2)) {
        o.fairness = BERTH_FAIRNESS_VTC;
        o.tenants_max = TENANTS;
        o.tenant_defaults.running_max = (uint32_t)core_random_below(random, 3);
    }
    const int with_ceilings = core_random_below(random, 2) != 0;
    for (uint32_t b = 0; b < BANDS; b++) {
        ceiling += (uint32_t)core_random_below(random, (1000000 - ceiling) / 2 + 1);
        o.bands[b].ceiling_ppm = with_ceilings ? ceiling : 0;
        if (core_random_below(random, 3) == 0) {
            o.bands[b].share_ppm = (uint32_t)core_random_below(random, shares / 2 + 1);
            shares -= o.bands[b].share_ppm;
        } else if (b + 1 < BANDS && core_random_below(random, 2)) {
            o.bands[b].aging_ns = 1 + core_random_below(random, 30);
        }
    }
    return o;
}

static void one_event(world *w) {
    switch (below(w, 8)) {
    case 0:
    case 1:
    case 2:
        submit(w, (uint32_t)below(w, BANDS), (uint32_t)below(w, TENANTS), 1 + below(w, 3),
               below(w, 20));
        break;
    case 3: pass_time(w, below(w, 8)); break;
    case 4: emit(w, pick(w, RUNNING, below(w, 99)), 1 + below(w, 9)); break;
    case 5: finish(w, pick(w, RUNNING, below(w, 99))); break;
    case 6:
        if (below(w, 3) == 0) cancel(w, pick(w, PARKED, below(w, 99)));
        break;
    default: admit(w); break;
    }
    core_kit_must_hold(&w->kit);
}

static void every_admission_is_one_that_the_rules_allow(void **state) {
    const uint64_t seed = core_seed(1);
    const uint32_t rounds = core_long_tier() ? 20000 : 150;
    world *w = calloc(1, sizeof *w);
    (void)state;
    assert_non_null(w);
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t random = seed + i;
        const berth_options options = random_options(&random);
        begin(w, &options, random);
        w->seed = seed + i;
        for (uint32_t n = 0; n < 300; n++) one_event(w);
        end(w);
    }
    free(w);
}

/* Every program of this many events from a small alphabet, in a few small worlds. */
static void one_small_event(world *w, uint32_t letter) {
    switch (letter) {
    case 0: submit(w, 0, 0, 2, 9); break;
    case 1: submit(w, 1, 1, 1, 1); break;
    case 2: submit(w, 1, 2, 1, 5); break;
    case 3: pass_time(w, 2); break;
    case 4: emit(w, pick(w, RUNNING, 0), 7); break;
    case 5: finish(w, pick(w, RUNNING, 0)); break;
    default: admit(w); break;
    }
}

static berth_options small_options(uint32_t kind) {
    berth_options o = core_kit_options(BERTH_FACE_GATE, 2, 16);
    core_kit_add_resource(&o, "units", 3);
    o.band_count = BANDS;
    o.order = kind;
    if (kind != BERTH_ORDER_ARRIVAL) o.order_displaced_max = 1;
    if (kind % 2 == 0) o.fairness = BERTH_FAIRNESS_VTC;
    if (kind % 2 == 0) o.tenants_max = TENANTS;
    if (kind < 3) o.bands[0].aging_ns = 3;
    if (kind >= 3) o.bands[0].share_ppm = 300000;
    if (kind == 4) o.bands[1].ceiling_ppm = o.bands[0].ceiling_ppm = 700000;
    return o;
}

static void every_short_program_follows_the_rules(void **state) {
    enum { LETTERS = 7 };
    const uint32_t length = core_long_tier() ? 8 : 5;
    world *w = calloc(1, sizeof *w);
    uint64_t programs = 1;
    (void)state;
    assert_non_null(w);
    for (uint32_t i = 0; i < length; i++) programs *= LETTERS;
    for (uint32_t kind = 0; kind <= BERTH_ORDER_RANK; kind++) {
        if (kind == BERTH_ORDER_PREFIX) continue; /* it needs prompts that are computed */
        const berth_options options = small_options(kind);
        for (uint64_t program = 0; program < programs; program++) {
            uint64_t rest = program;
            begin(w, &options, 0);
            for (uint32_t i = 0; i < length; i++, rest /= LETTERS)
                one_small_event(w, (uint32_t)(rest % LETTERS));
            admit(w);
            core_kit_must_hold(&w->kit);
            end(w);
        }
    }
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_admission_is_one_that_the_rules_allow),
        cmocka_unit_test(every_short_program_follows_the_rules),
    };
    return cmocka_run_group_tests_name("model/next", tests, NULL, NULL);
}
