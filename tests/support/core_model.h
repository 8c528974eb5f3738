/* SPDX-License-Identifier: MIT */
/*
 * What:    the core once more, as obvious as can be: one array, linear scans, sums worked out anew.
 * Why:     core and model must agree on every decision; what is clever in the core is plain here.
 * Rules:   same events, same answers, same order of transitions; only retry_after_ns (0 or 1 here,
 *          for "no hint" and "a hint"), drain_interval_ns and predicted_wait_ns (0 here, both as of
 *          the last event that touched the queue) are not modelled.
 * Threads: none of its own.
 */
#ifndef BERTH__TESTS_SUPPORT_CORE_MODEL_H
#define BERTH__TESTS_SUPPORT_CORE_MODEL_H

#include "core/quantile.h"
#include "support/core_kit.h"

typedef struct core_model_request {
    berth_request_id id;
    uint64_t generation;
    uint64_t freed; /* tick at which the place became free: the longest free is reused first */
    uint64_t arrival;
    uint64_t admission;
    uint64_t ending;
    uint64_t queue_due;
    uint64_t first_output_due;
    uint64_t total_due;
    uint64_t pause_due; /* UINT64_MAX where it is not paused */
    uint32_t gives_up;  /* with a pause: it is preempted */
    uint32_t reserved;
    uint32_t state;
    uint32_t slot;
    uint32_t gone;
    uint32_t pinned;
    uint32_t in_step;
    uint32_t committed;
    uint32_t planned;
    uint32_t engine_knows;
    uint32_t has_output;
    uint32_t preemptions;
    uint32_t suspended;
    uint32_t samples;
    uint64_t payload_size;
    uint64_t max_new_tokens;
    uint64_t units[BERTH_RESOURCES_MAX];
    uint64_t asked[BERTH_RESOURCES_MAX]; /* its units when it was admitted */
    uint64_t prefill_tokens;             /* since then: a prefill up to here */
    uint64_t planned_tokens;             /* in the outstanding step */
    uint64_t likely_end;                 /* of its output, where lengths are predicted */
    berth_outcome outcome;
} core_model_request;

typedef struct core_model_leaving {
    berth_request_id id;
    uint32_t slot;
    uint32_t band;
    uint32_t flags;
    uint32_t reserved;
} core_model_leaving;

/* Outputs of one tenant in one band. */
typedef struct core_model_lengths {
    uint64_t tenant;
    uint64_t band;    /* 0 = nobody's */
    uint64_t learned; /* tick of the last one */
    berth__quantile quantile;
} core_model_lengths;

/* How fast the queue drains. */
typedef struct core_model_pace {
    uint64_t busy_ns;    /* in which somebody was parked */
    uint64_t busy_at_ns; /* when somebody was last */
    uint64_t admitted;   /* of those who had waited */
    uint64_t units[BERTH_RESOURCES_MAX];
} core_model_pace;

typedef struct core_model {
    berth_options options; /* normalised; capacities change here */
    core_log log;
    core_model_request *requests; /* requests_max of them */
    uint64_t *slot_freed;         /* tick at which each slot became free; 0 = taken */
    core_model_leaving *leaving;
    core_model_lengths *own_lengths; /* kv_lengths_max of them; tenants are never given up here */
    uint32_t place_count;
    uint32_t leaving_count;
    uint64_t now;
    uint64_t ticks;
    berth_step_id step_id;
    uint32_t step_outstanding;
    uint32_t closed;
    uint32_t idle_count; /* UINT32_MAX = no bound */
    uint32_t pause_steps;
    uint32_t planning;
    uint32_t reserved;
    core_model_pace pace;
    uint64_t ratio; /* in millionths, times kv_ratio_decay_steps */
    berth__quantile lengths[BERTH_BANDS_MAX];
    uint64_t used_peak[BERTH_RESOURCES_MAX];
    berth_stats counters; /* totals and peaks only */
} core_model;

void core_model_init(core_model *model, const berth_options *normalised);
void core_model_fini(core_model *model);

size_t core_model_state_size(const core_model *model);
void core_model_save(const core_model *model, void *state);
void core_model_restore(core_model *model, const void *state);

/* The events of core.h, one for one. */
berth_status core_model_submit(core_model *model, uint64_t now, const berth__submit *submit,
                               berth_request_id *out, berth_refusal *refusal);
berth_status core_model_recost(core_model *model, uint64_t now, berth_request_id id,
                               const berth__submit *known, berth_refusal *refusal);
berth_status core_model_charge(core_model *model, uint64_t now, berth_request_id id,
                               const uint64_t *held, uint32_t held_count);
berth_status core_model_capacity_set(core_model *model, uint64_t now, uint32_t resource,
                                     uint64_t capacity_units);
berth_status core_model_cancel(core_model *model, uint64_t now, berth_request_id id,
                               uint32_t cause);
void core_model_expire(core_model *model, uint64_t now);
uint64_t core_model_next_at(const core_model *model);
void core_model_close(core_model *model, uint64_t now);
void core_model_shutdown(core_model *model, uint64_t now, uint32_t running);
void core_model_set_idle(core_model *model, uint32_t idle_count);
uint32_t core_model_admit(core_model *model, uint64_t now);
berth_status core_model_emit(core_model *model, uint64_t now, berth_request_id id, uint64_t tokens);
berth_status core_model_finish(core_model *model, uint64_t now, berth_request_id id,
                               uint32_t finish, int32_t code);
berth_status core_model_preempt(core_model *model, uint64_t now, berth_request_id id);
berth_status core_model_pause(core_model *model, uint64_t now, berth_request_id id, uint32_t how);
berth_status core_model_let_go(core_model *model, uint64_t now, berth_request_id id);
uint32_t core_model_has_plan(const core_model *model);
berth_status core_model_plan(core_model *model, uint64_t now, berth_plan *plan);
berth_status core_model_plan_fail(core_model *model, uint64_t now, berth_step_id step_id);
berth_status core_model_suspend(core_model *model, uint64_t now, berth_request_id id,
                                uint32_t suspended);
berth_status core_model_commit_begin(core_model *model, uint64_t now, berth_step_id step_id);
berth_status core_model_commit_entry(core_model *model, berth_request_id id,
                                     const berth__progress *progress);
void core_model_commit_end(core_model *model);
berth_status core_model_forget(core_model *model, berth_request_id id, uint32_t dropped);
void core_model_pin(core_model *model, berth_request_id id, uint32_t pinned);
void core_model_count_chunk(core_model *model, berth_request_id id, uint32_t delivered,
                            uint64_t size);
berth_status core_model_view(const core_model *model, berth_request_id id, berth__view *out);
void core_model_stats(const core_model *model, berth_stats *out);
berth_request_id core_model_oldest_ended(const core_model *model);

/* The request of an id that is out, or NULL. */
core_model_request *core_model_find(const core_model *model, berth_request_id id);

/* ---- Inside the model: prices and limits ---- */

berth_status core_model_price(const core_model *model, const berth__submit *submit,
                              uint64_t *units);
uint32_t core_model_never_fits(const core_model *model, const uint64_t *units);
uint64_t core_model_parked_count(const core_model *model, uint32_t first, uint32_t last);
berth_status core_model_limits(const core_model *model, const berth__submit *submit,
                               const uint64_t *units, berth_refusal *refusal);
/* What a tenant has parked and held is summed, limits or not: does that exceed 64 bits? */
int core_model_tenant_overflows(const core_model *model, uint64_t tenant, const uint64_t *more);
berth_status core_model_recost_limits(const core_model *model, const core_model_request *r,
                                      const berth__submit *known, const uint64_t *units,
                                      berth_refusal *refusal);
uint64_t core_model_has_hint(const core_model *model, uint64_t size, const uint64_t *units,
                             const berth_refusal *refusal);

/* ---- Inside the model: who would be in time ---- */

/* The clock moves on, from the model's now, before anything else happens. */
void core_model_wait_until(core_model *model, uint64_t now);

/* The first admission of a request. */
void core_model_wait_admitted(core_model *model, const core_model_request *r);
berth_status core_model_wait_check(const core_model *model, const berth__submit *submit,
                                   const uint64_t *units, berth_refusal *refusal);

/* ---- Inside the model: KV that grows ---- */

int core_model_kv_grows(const core_model *model);

/* What a running request holds with so many tokens; 0 where KV does not grow. */
uint64_t core_model_kv_held(const core_model *model, const core_model_request *r, uint64_t tokens);

/* What a parked request of so many tokens asks for, put into `units`. */
void core_model_kv_price(const core_model *model, const berth__submit *submit, uint64_t generated,
                         uint64_t *units);

/* Units of so many tokens, as wide as they come. */
uint64_t core_model_kv_units(const core_model *model, const berth__submit *submit, uint64_t tokens);

/* What it will ask for when it is parked again. */
void core_model_kv_ask(const core_model *model, core_model_request *r);

/* The most that a newcomer may grow to. */
void core_model_kv_peak(const core_model *model, const berth__submit *submit, const uint64_t *units,
                        uint64_t *peak);

/* The resource that can never hold a parked request; BERTH_RESOURCES_MAX if all can. */
uint32_t core_model_kv_never(const core_model *model, const core_model_request *r);
int core_model_kv_admits(const core_model *model, const core_model_request *r);

/* Before a step: grant growth, preempt who is in the way; how many were. */
uint32_t core_model_kv_grow(core_model *model);
void core_model_plan_admission(core_model *model, uint64_t now, const berth_plan *plan,
                               uint32_t gave_way);
void core_model_kv_step(core_model *model, uint32_t gave_way);
void core_model_kv_admitted(core_model *model, core_model_request *r);
void core_model_kv_learn(core_model *model, const core_model_request *r);

/* ---- Inside the model: the tokens of a step ---- */

int core_model_is_prefill(const core_model_request *r);
uint64_t core_model_decode(const core_model *model, const core_model_request *r);

/* Would something be left for a newcomer? */
int core_model_budget_allows(const core_model *model, const core_model_request *candidate);

/* 1 if a request may have so many samples. */
int core_model_may_sample(const core_model *model, uint32_t samples);

int core_model_held_up(const core_model_request *r);
int core_model_is_held(const core_model_request *r);
void core_model_give_slot(core_model *model, uint32_t slot);
core_model_request *core_model_first_to_give_way(const core_model *model);
void core_model_stop(core_model *model, core_model_request *r, uint32_t kind, uint32_t detail,
                     int32_t code);
core_model_request *core_model_next_held(const core_model *model, uint64_t after);
uint64_t core_model_free(const core_model *model, uint32_t resource);
void core_model_raise_peaks(core_model *model);
void core_model_give_way(core_model *model, core_model_request *r);

#endif
