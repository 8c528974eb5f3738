/* SPDX-License-Identifier: MIT */
#include "support/core_kit.h"
#include "base/ids.h"
#include "core/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEN(transition) (1u << (transition))

/* ---- Small things that every driver needs ---- */

uint64_t core_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t core_random_below(uint64_t *state, uint64_t bound) {
    return core_random(state) % bound;
}

int core_long_tier(void) {
    const char *tier = getenv("BERTH_TEST_TIER");
    return tier != NULL && strcmp(tier, "long") == 0;
}

uint64_t core_seed(uint64_t otherwise) {
    const char *seed = getenv("BERTH_TEST_SEED");
    return seed == NULL || *seed == '\0' ? otherwise : strtoull(seed, NULL, 0);
}

void core_log_add(core_log *log, uint32_t transition, berth_request_id id) {
    if (log->count == log->max) {
        log->max = log->max == 0 ? 64 : 2 * log->max;
        log->items = realloc(log->items, log->max * sizeof *log->items);
        if (log->items == NULL) abort();
    }
    log->items[log->count++] = (core_transition){.transition = transition, .id = id};
}

/* ---- The sink ---- */

/* What must have been told before, and what must not, by transition. */
static const struct {
    uint32_t after;
    uint32_t before;
    const char *name;
} order_of[] = {
    [BERTH__T_ADMITTED] = {0, SEEN(BERTH__T_OUTCOME) | SEEN(BERTH__T_ENDED) | SEEN(BERTH__T_GONE),
                           "admitted twice, or after its outcome"},
    [BERTH__T_OUTCOME] = {0, SEEN(BERTH__T_ENDED) | SEEN(BERTH__T_GONE),
                          "two outcomes for one request"},
    [BERTH__T_ENDED] = {SEEN(BERTH__T_OUTCOME), 0, "ended twice, or without an outcome"},
    [BERTH__T_GONE] = {SEEN(BERTH__T_OUTCOME), 0, "gone twice, or without an outcome"},
    [BERTH__T_PREEMPTED] = {SEEN(BERTH__T_ADMITTED), SEEN(BERTH__T_OUTCOME),
                            "preempted twice, not running, or after its outcome"},
    [BERTH__T_UNADMITTED] = {SEEN(BERTH__T_ADMITTED), SEEN(BERTH__T_OUTCOME),
                             "taken back twice, not running, or after its outcome"},
};

static void watch(void *context, uint32_t transition, berth_request_id id) {
    core_kit *kit = context;
    const uint32_t place = berth__id_place(id);
    core_log_add(&kit->log, transition, id);
    if (transition < BERTH__T_ADMITTED || transition > BERTH__T_UNADMITTED ||
        place >= kit->place_count) {
        kit->broken = "the sink was told something that does not exist";
        return;
    }
    core_life *life = &kit->lives[place];
    const uint32_t bad = order_of[transition].before | SEEN(transition);
    if (life->id != id)
        kit->broken = "the sink was told about an id that is not out";
    else if ((life->seen & bad) != 0 ||
             (life->seen & order_of[transition].after) != order_of[transition].after)
        kit->broken = order_of[transition].name;
    life->seen |= SEEN(transition);
    /* Each of the two is to be told in turn. */
    if (transition == BERTH__T_PREEMPTED || transition == BERTH__T_UNADMITTED)
        life->seen &= ~SEEN(BERTH__T_ADMITTED);
    if (transition == BERTH__T_ADMITTED)
        life->seen &= ~(SEEN(BERTH__T_PREEMPTED) | SEEN(BERTH__T_UNADMITTED));
    kit->told[transition]++;
}

void core_kit_accept(core_kit *kit, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    const uint32_t done = SEEN(BERTH__T_ENDED) | SEEN(BERTH__T_GONE);
    kit->accepted++;
    if (id == 0 || place >= kit->place_count) {
        kit->broken = "a submit was accepted without an id";
        return;
    }
    core_life *life = &kit->lives[place];
    if (life->id != 0 && (life->seen & done) != done)
        kit->broken = "a place was given out before its request had ended and gone";
    if (life->id >= id) kit->broken = "an id was given out that is not newer than its place's last";
    *life = (core_life){.id = id};
}

/* ---- Making one ---- */

berth_options core_kit_options(uint32_t face, uint32_t running_max, uint32_t parked_max) {
    berth_options options;
    berth__options_default(&options);
    options.face = face;
    options.clock = face == BERTH_FACE_WORKER ? BERTH_CLOCK_SYSTEM : BERTH_CLOCK_VIRTUAL;
    options.running_max = running_max;
    options.parked_max = parked_max;
    options.ended_max = 64;
    options.band_count = 4;
    return options;
}

void core_kit_add_resource(berth_options *options, const char *name, uint64_t capacity_units) {
    berth_resource_options *resource = &options->resources[options->resource_count++];
    snprintf(resource->name, sizeof resource->name, "%s", name);
    resource->capacity_units = capacity_units;
}

static void *zeroed(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) abort();
    return memory;
}

void core_kit_init(core_kit *kit, const berth_options *options) {
    memset(kit, 0, sizeof *kit);
    kit->options = *options;
    if (berth__options_check(options, NULL) != BERTH_OK) abort();
    berth__options_normalise(&kit->options);
    kit->place_count = berth__options_requests_max(&kit->options);
    kit->lives = zeroed(kit->place_count * sizeof *kit->lives);
    kit->core_size = berth__core_size(&kit->options);
    kit->core = berth__core_init(zeroed(kit->core_size), &kit->options, watch, kit);
}

void core_kit_fini(core_kit *kit) {
    free(kit->core);
    free(kit->lives);
    free(kit->log.items);
    memset(kit, 0, sizeof *kit);
}

void core_kit_clear(core_kit *kit) {
    kit->log.count = 0;
}

/* ---- Saving: the core's pointers point into its own block, which never moves ---- */

size_t core_kit_state_size(const core_kit *kit) {
    return sizeof *kit + kit->place_count * sizeof *kit->lives + kit->core_size;
}

void core_kit_save(const core_kit *kit, void *state) {
    unsigned char *to = state;
    const size_t lives_size = kit->place_count * sizeof *kit->lives;
    memcpy(to, kit, sizeof *kit);
    memcpy(to + sizeof *kit, kit->lives, lives_size);
    memcpy(to + sizeof *kit + lives_size, kit->core, kit->core_size);
}

void core_kit_restore(core_kit *kit, const void *state) {
    const unsigned char *from = state;
    const size_t lives_size = kit->place_count * sizeof *kit->lives;
    const core_log log = kit->log;
    memcpy(kit, from, sizeof *kit);
    kit->log = log;
    kit->log.count = 0;
    memcpy(kit->lives, from + sizeof *kit, lives_size);
    memcpy(kit->core, from + sizeof *kit + lives_size, kit->core_size);
}

/* ---- Laws ---- */

static const char *totals_law(const berth_stats *s) {
    uint64_t outcomes = 0;
    uint64_t refusals = 0;
    for (uint32_t i = 0; i < BERTH_OUTCOMES_MAX; i++) outcomes += s->outcome_total[i];
    for (uint32_t i = 0; i < BERTH_REFUSALS_MAX; i++) refusals += s->refusal_total[i];
    if (outcomes != s->ended_total) return "ended_total is not the sum of outcome_total";
    if (refusals != s->refused_total) return "refused_total is not the sum of refusal_total";
    if (s->outcome_total[BERTH_OUTCOME_NONE] != 0) return "something ended without an outcome";
    if (s->refusal_total[BERTH_REFUSAL_NONE] != 0) return "something was refused for no reason";
    if (s->submitted_total !=
        s->refused_total + s->parked + s->running + s->stopping + s->ended_total)
        return "submitted is not refused + parked + running + stopping + ended";
    if (s->running + s->stopping > s->running_max) return "more run than running_max";
    /* Who was preempted is parked past every limit. */
    if (s->parked > s->parked_max + s->preemptions_total - s->readmitted_total)
        return "more are parked than parked_max";
    if (s->running > s->running_peak) return "running is above its peak";
    return NULL;
}

static const char *bands_law(const berth_stats *s) {
    berth_band_stats sum = {0};
    for (uint32_t b = 0; b < s->band_count; b++) {
        const berth_band_stats *band = &s->bands[b];
        if (band->submitted_total !=
            band->refused_total + band->parked + band->running + band->stopping + band->ended_total)
            return "a band's submitted is not refused + parked + running + stopping + ended";
        sum.submitted_total += band->submitted_total;
        sum.refused_total += band->refused_total;
        sum.ended_total += band->ended_total;
        sum.parked += band->parked;
        sum.running += band->running;
        sum.stopping += band->stopping;
        sum.parked_size += band->parked_size;
        sum.admitted_total += band->admitted_total;
        sum.preemptions_total += band->preemptions_total;
    }
    if (sum.submitted_total != s->submitted_total || sum.refused_total != s->refused_total ||
        sum.ended_total != s->ended_total || sum.parked != s->parked || sum.running != s->running ||
        sum.stopping != s->stopping || sum.parked_size != s->parked_size ||
        sum.admitted_total != s->admitted_total || sum.preemptions_total != s->preemptions_total)
        return "the bands do not add up to the pool";
    return NULL;
}

static const char *resources_law(core_kit *kit, const berth_stats *s) {
    const uint32_t may_grow = kit->may_overdraw;
    kit->may_overdraw = 0;
    for (uint32_t r = 0; r < s->resource_count; r++) {
        const berth_resource_stats *resource = &s->resources[r];
        const uint64_t over = resource->used_units > resource->capacity_units
                                  ? resource->used_units - resource->capacity_units
                                  : 0;
        const uint64_t before = kit->overdraft[r];
        kit->overdraft[r] = over;
        if (resource->overdraft_units != over) return "overdraft is not used above capacity";
        if (over > before && !may_grow) return "a grant made used exceed the capacity";
        if (resource->used_units > resource->used_units_peak) return "used is above its peak";
        if (s->running + s->stopping == 0 && resource->used_units != 0)
            return "units are held by nobody";
        if (s->parked == 0 && resource->parked_units != 0) return "units are asked for by nobody";
    }
    return NULL;
}

static const char *sink_law(const core_kit *kit, const berth_stats *s) {
    const uint64_t unfinished = s->parked + s->running;
    if (kit->broken != NULL) return kit->broken;
    if (kit->accepted != s->submitted_total - s->refused_total)
        return "accepted and submitted - refused differ";
    if (kit->told[BERTH__T_ADMITTED] - kit->told[BERTH__T_UNADMITTED] !=
        s->admitted_total + s->readmitted_total)
        return "admissions told and counted differ";
    if (kit->told[BERTH__T_PREEMPTED] != s->preemptions_total)
        return "preemptions told and counted differ";
    if (s->readmitted_total > s->preemptions_total) return "more were readmitted than preempted";
    if (kit->told[BERTH__T_ENDED] != s->ended_total) return "ends told and counted differ";
    if (kit->accepted - kit->told[BERTH__T_OUTCOME] != unfinished)
        return "outcomes told and requests without one do not add up to those accepted";
    if (s->retained > kit->options.ended_max) return "more ended requests are kept than ended_max";
    return NULL;
}

const char *core_kit_law(core_kit *kit, int deep) {
    static char text[64];
    berth_stats stats;
    berth__core_stats(kit->core, &stats);
    const char *law = totals_law(&stats);
    if (law == NULL) law = bands_law(&stats);
    if (law == NULL) law = resources_law(kit, &stats);
    if (law == NULL) law = sink_law(kit, &stats);
    if (law != NULL || !deep) return law;
    const uint32_t line = berth__core_check(kit->core);
    if (line == 0) return NULL;
    snprintf(text, sizeof text, "berth__core_check: line %u", (unsigned)line);
    return text;
}

/* ---- By terms ---- */

static int has_more(const berth__submit *submit) {
    for (uint32_t r = submit->cost_count; r < BERTH_RESOURCES_MAX; r++)
        if (submit->cost[r] != 0) return 1;
    return submit->rank != 0 || submit->block_hash_count != 0 || submit->set != 0 ||
           submit->set_units != 0 || submit->ticket != 0 || submit->refused_for != 0 ||
           submit->samples > 1 || submit->run_ns != 0;
}

berth_status core_submit_any(berth__core *core, uint64_t now, const berth__submit *submit,
                             berth_request_id *out, berth_refusal *refusal) {
    if (!has_more(submit) && submit->cost_count == core->options.resource_count &&
        berth__core_submit_terms(core, now, &submit->terms, submit->cost, out) == BERTH_OK) {
        if (refusal != NULL) *refusal = (berth_refusal){.struct_size = (uint32_t)sizeof *refusal};
        return BERTH_OK;
    }
    return berth__core_submit(core, now, submit, out, refusal);
}

/* ---- For unit tests ---- */

berth__submit core_ask(uint32_t band, uint64_t units) {
    berth__submit submit = {
        .terms.band = band, .terms.prompt_tokens = 4, .terms.max_new_tokens = 4};
    if (units == 0) return submit;
    submit.cost_count = 1;
    submit.cost[0] = units;
    return submit;
}

void core_kit_must_hold(core_kit *kit) {
    const char *law = core_kit_law(kit, 1);
    if (law != NULL) fail_msg("%s", law);
}

berth_request_id core_kit_take_in(core_kit *kit, uint64_t now, const berth__submit *submit) {
    berth_request_id id = 1;
    berth_refusal refusal;
    assert_int_equal(berth__core_submit(kit->core, now, submit, &id, &refusal), BERTH_OK);
    assert_int_equal(refusal.reason, BERTH_REFUSAL_NONE);
    assert_true(id != 0);
    core_kit_accept(kit, id);
    core_kit_must_hold(kit);
    return id;
}

berth_refusal core_kit_turn_away(core_kit *kit, uint64_t now, const berth__submit *submit,
                                 uint32_t reason) {
    berth_request_id id = 1;
    berth_refusal refusal = {0};
    const berth_status wanted = reason == BERTH_REFUSAL_CLOSED ? BERTH_ECLOSED : BERTH_EREFUSED;
    assert_int_equal(berth__core_submit(kit->core, now, submit, &id, &refusal), wanted);
    assert_int_equal(refusal.reason, reason);
    assert_true(id == 0);
    core_kit_must_hold(kit);
    return refusal;
}

berth__view core_kit_view(const core_kit *kit, berth_request_id id) {
    berth__view view;
    assert_int_equal(berth__core_view(kit->core, id, &view), BERTH_OK);
    return view;
}

berth_stats core_kit_stats(const core_kit *kit) {
    berth_stats stats;
    berth__core_stats(kit->core, &stats);
    return stats;
}
