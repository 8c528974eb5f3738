/* SPDX-License-Identifier: MIT */
/*
 * What:    a core to test: made from options, its sink watched, its laws checked on demand.
 * Why:     every driver (unit, model, sim, golden) asks the same questions after every event.
 * Rules:   core_kit_law() returns NULL or a sentence that says which law is broken; nothing here
 *          asserts by itself except the macros at the end.
 * Threads: one per kit.
 */
#ifndef BERTH__TESTS_SUPPORT_CORE_KIT_H
#define BERTH__TESTS_SUPPORT_CORE_KIT_H

#include "core/core.h"
#include "core/lend.h"
#include "core/options.h"

/* What the core told its sink, in order, since core_kit_clear(). */
typedef struct core_transition {
    uint32_t transition;
    uint32_t reserved;
    berth_request_id id;
} core_transition;

typedef struct core_log {
    core_transition *items;
    uint32_t count;
    uint32_t max;
} core_log;

/* What the sink knows about the request of one place. */
typedef struct core_life {
    berth_request_id id;
    uint32_t seen; /* bit t is set once transition t was told */
    uint32_t reserved;
} core_life;

typedef struct core_kit {
    berth__core *core;
    size_t core_size;
    berth_options options; /* normalised */
    core_log log;
    core_life *lives; /* by place */
    uint32_t place_count;
    uint32_t may_overdraw; /* the last event was a report, so that overdraft may have grown */
    uint64_t accepted;
    uint64_t told[7]; /* by transition, since create */
    uint64_t overdraft[BERTH_RESOURCES_MAX];
    const char *broken; /* first thing that the sink saw and should not have */
} core_kit;

/* Options of a small pool: all defaults applied, so that a test sets only what it is about. */
berth_options core_kit_options(uint32_t face, uint32_t running_max, uint32_t parked_max);

/* Give resource 0.. a name and a capacity; resource_count grows by one. */
void core_kit_add_resource(berth_options *options, const char *name, uint64_t capacity_units);

/* Options need not be normalised. Memory is the kit's until core_kit_fini. */
void core_kit_init(core_kit *kit, const berth_options *options);
void core_kit_fini(core_kit *kit);

void core_kit_clear(core_kit *kit);

/* A submit was accepted: its id may be told to the sink from now on, and was new. */
void core_kit_accept(core_kit *kit, berth_request_id id);

/* By its terms, where they are all that it has and the core takes it so; else as a submit. */
berth_status core_submit_any(berth__core *core, uint64_t now, const berth__submit *submit,
                             berth_request_id *out, berth_refusal *refusal);

/* NULL, or the law that does not hold. `deep` also runs the O(requests) invariants. */
const char *core_kit_law(core_kit *kit, int deep);

/* Save everything that an event can change, and put it back. */
size_t core_kit_state_size(const core_kit *kit);
void core_kit_save(const core_kit *kit, void *state);
void core_kit_restore(core_kit *kit, const void *state);

void core_log_add(core_log *log, uint32_t transition, berth_request_id id);

/* SplitMix64: the next number of a stream. */
uint64_t core_random(uint64_t *state);

/* A number below `bound`, which is not 0. */
uint64_t core_random_below(uint64_t *state, uint64_t bound);

/* 1 if the long forms were asked for (BERTH_TEST_TIER=long). */
int core_long_tier(void);

/* BERTH_TEST_SEED, or `otherwise`. */
uint64_t core_seed(uint64_t otherwise);

/* ---- For unit tests: submit with a law check; each asserts through cmocka. ---- */

/* A request of a band that asks for `units` of resource 0 (0 = no cost at all). */
berth__submit core_ask(uint32_t band, uint64_t units);

/* Submit that must be accepted. */
berth_request_id core_kit_take_in(core_kit *kit, uint64_t now, const berth__submit *submit);

/* Submit that must be refused for `reason`; the refusal. */
berth_refusal core_kit_turn_away(core_kit *kit, uint64_t now, const berth__submit *submit,
                                 uint32_t reason);

/* All laws hold. */
void core_kit_must_hold(core_kit *kit);

berth__view core_kit_view(const core_kit *kit, berth_request_id id);
berth_stats core_kit_stats(const core_kit *kit);

#endif
