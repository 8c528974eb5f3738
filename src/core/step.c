/* SPDX-License-Identifier: MIT */
/*
 * The engine's steps: what a plan lists, what a commit means.
 *
 * Up to steps_max steps are outstanding, committed in order. A plan goes on from where those will
 * have got to: it first gives the decodes their tokens, with the KV that
 * they add, and some may have to give way; it names the slots to forget, which frees them for those
 * that it then admits (nobody, if somebody gave way); the prefills share what is left of the step's
 * tokens; it lists once every running request that got tokens. A commit is one result per request,
 * in any order, some left out; its end lets go of all that is stopping.
 */
#include "base/checked.h"
#include "core/admit.h"
#include "core/budget.h"
#include "core/core.h"
#include "core/flight.h"
#include "core/hooks.h"
#include "core/kv.h"
#include "core/kv_grow.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/plain_step.h"
#include "core/share.h"
#include "core/step.h"
#include "core/victim.h"

#include <string.h>

uint32_t berth__core_has_plan(const berth__core *core) {
    if (core->steps_outstanding == core->options.steps_max || berth__core_broken(core)) return 0;
    if (core->leaving_count > 0 || core->running.count > core->held_up) return 1;
    if (core->queue.total.count == 0) return 0;
    /* Beside those who are held up, only a plan can say: looking anew moves what is predicted, and
     * a question must not. Who asks for a plan then may get an empty one, and sleeps again. */
    if (core->running.count > 0 && berth__kv_mode_looks(core)) return 1;
    return berth__admit_is_due(core) != 0;
}

/* An upper bound of the entries that a plan would write now. */
static uint64_t entries_needed(const berth__core *core) {
    uint64_t running = core->running.count + core->queue.total.count;
    if (running > core->options.running_max) running = core->options.running_max;
    return core->leaving_count + running;
}

static void list_leaving(berth__core *core, berth_plan *plan) {
    for (uint32_t i = 0; i < core->leaving_count; i++) {
        const berth__leaving *leaving = &core->leaving[i];
        plan->entries[plan->entry_count++] = (berth_plan_entry){.id = leaving->id,
                                                                .slot = leaving->slot,
                                                                .kind = BERTH_ENTRY_LEAVE,
                                                                .flags = leaving->flags,
                                                                .band = leaving->band};
        core->slots_free[core->slots_free_count++] = leaving->slot;
    }
    plan->leave_count = core->leaving_count;
    core->leaving_count = 0;
}

static void list_running(berth__core *core, berth_plan *plan) {
    const uint64_t at = (core->step_id + 1) % BERTH__STEPS_MAX;
    if (plan->entries == NULL) return; /* it can hold nobody */
    berth_plan_entry *out = plan->entries + plan->entry_count;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        const berth__entry *entry = &core->entries[p];
        const berth__run *run = &core->runs[entry->slot];
        const uint64_t tokens = run->step_tokens[at];
        if (tokens == 0) continue; /* held up, or nothing was left of the step's tokens */
        const uint64_t before = run->planned_tokens - tokens;
        plan->admitted_count += entry->planned ? 0 : 1;
        berth__step_list(core, p, berth__add_saturating(entry->tokens_computed, before), tokens,
                         out++);
    }
    plan->entry_count = (uint32_t)(out - plan->entries);
}

/* Admit, unless somebody had to give way in this plan or shortly before. */
static void admit(berth__core *core, const berth_plan *plan, uint32_t gave_way) {
    if (gave_way > 0) {
        core->pause_steps = core->options.preempt_pause_steps;
        return;
    }
    /* Nor is it paused where all who run are held up: a plan that holds nothing makes no step, and
     * is not asked for again. */
    if (core->running.count == 0 ||
        (core->running.count == core->held_up && plan->leave_count == 0))
        core->pause_steps = 0;
    if (core->pause_steps > 0) {
        core->pause_steps--;
        return;
    }
    if (core->queue.total.count == 0 || core->draining > 0) return;
    berth__kv_mode_begin(core);
    (void)berth__admit_all(core);
}

static void fill(berth__core *core, berth_plan *plan) {
    const uint32_t gave_way = berth__kv_grow_all(core);
    berth__kv_mode_step(core, gave_way);
    list_leaving(core, plan);
    berth__budget_begin(core);
    admit(core, plan, gave_way);
    berth__budget_share(core);
    list_running(core, plan);
}

static void fill_plain(berth__core *core, berth_plan *plan) {
    list_leaving(core, plan);
    berth__budget_begin(core);
    admit(core, plan, 0);
    berth__plain_step_list(core, plan);
}

static void clear(berth_plan *plan) {
    plan->step_id = 0;
    plan->entry_count = 0;
    plan->leave_count = 0;
    plan->admitted_count = 0;
    plan->now_at_ns = 0;
    plan->parked_count = 0;
}

berth_status berth__core_plan(berth__core *core, uint64_t now, berth_plan *plan) {
    clear(plan);
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (core->steps_outstanding == core->options.steps_max) return BERTH_ESTEP;
    berth__life_tick(core, now);
    berth__life_expire(core);
    const uint64_t needed = entries_needed(core);
    if (needed > plan->entry_max) {
        plan->entry_count = (uint32_t)needed;
        return BERTH_ESPACE;
    }
    if (core->plain_steps)
        fill_plain(core, plan);
    else
        fill(core, plan);
    if (plan->entry_count > plan->leave_count) {
        plan->step_id = ++core->step_id;
        berth__rate_touch(&core->steps, core->now, core->steps_outstanding++ > 0);
    }
    plan->now_at_ns = core->now;
    plan->parked_count = core->queue.total.count;
    return BERTH_OK;
}

static int is_in(const berth__core *core, uint32_t place, berth_step_id step_id) {
    return (core->entries[place].in_step & berth__flight_bit(step_id)) != 0;
}

uint32_t berth__core_awaits(const berth__core *core, berth_request_id id) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    return core->steps_outstanding > 0 && place != BERTH__NONE &&
           is_in(core, place, berth__flight_oldest(core)) && !core->entries[place].committed;
}

berth_status berth__core_commit_begin(berth__core *core, uint64_t now, berth_step_id step_id) {
    if (berth__core_broken(core)) return BERTH_EBROKEN;
    if (core->steps_outstanding == 0 || step_id != berth__flight_oldest(core)) return BERTH_ESTEP;
    berth__life_tick(core, now);
    berth__life_expire(core);
    core->commit_bit = berth__flight_bit(step_id);
    return BERTH_OK;
}

static void progress_by(berth__core *core, uint32_t place, const berth__progress *progress) {
    berth__entry *entry = &core->entries[place];
    berth_stats *counters = &core->counters;
    entry->tokens_computed =
        berth__add_saturating(entry->tokens_computed, progress->tokens_computed);
    entry->tokens_generated =
        berth__add_saturating(entry->tokens_generated, progress->tokens_generated);
    counters->tokens_computed_total =
        berth__add_saturating(counters->tokens_computed_total, progress->tokens_computed);
    counters->tokens_generated_total =
        berth__add_saturating(counters->tokens_generated_total, progress->tokens_generated);
    berth__hook_served(core, place, 0, progress->tokens_generated);
    if (progress->has_output || progress->tokens_generated > 0) berth__life_output(core, place);
}

/* What it holds after the step, which began with `tokens` of it computed: as reported, and as its
 * tokens and those in flight need. */
static void work_out(const berth__core *core, uint32_t place, const berth__progress *progress,
                     uint64_t tokens, uint64_t *after) {
    const uint64_t in_flight = berth__run_of(core, place)->planned_tokens -
                               *berth__flight_tokens(core, place, berth__flight_oldest(core));
    const uint32_t held_count = progress->held == NULL ? 0 : progress->held_count;
    tokens = berth__add_saturating(tokens, progress->tokens_computed);
    tokens = berth__add_saturating(tokens, in_flight);
    berth__life_report(core, place, progress->held, held_count, after);
    if (core->entries[place].outcome == BERTH_OUTCOME_NONE)
        berth__kv_grow_settle(core, place, tokens, after);
}

static int says_what_was_found(const berth__core *core, uint32_t place) {
    return core->options.prefix_owner == BERTH_PREFIX_ENGINE && !berth__run_of(core, place)->found;
}

/* Can what is held be counted in 64 bits, if the engine found what it says? Asked before the index
 * is told. What moves to its own units is used until the index has let go of it; if the engine
 * names what it holds of KV, what moves to the shared ones is held beside that. */
static int can_be_counted(const berth__core *core, uint32_t place,
                          const berth__progress *progress) {
    const uint32_t kv = core->options.kv_resource;
    const uint64_t *units = berth__units_of(core, place);
    const int is_named =
        progress->held != NULL && kv < progress->held_count && !berth__kv_grows(&core->options);
    uint64_t after[BERTH_RESOURCES_MAX];
    uint64_t to_own;
    uint64_t to_shared;
    uint64_t used;
    berth__share_would_move(core, place, progress->prefix_tokens, &to_own, &to_shared);
    work_out(core, place, progress, progress->prefix_tokens, after);
    if (!berth__add(core->ledger.used[kv], to_own, &used)) return 0;
    if (!berth__add(after[kv], is_named ? to_shared : to_own, &after[kv])) return 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (!berth__add(core->ledger.used[r] - units[r], after[r], &used)) return 0;
    return 1;
}

/* An engine that owns the cache says once per admission what it found there. */
static berth_status hear_of_prefix(berth__core *core, uint32_t place,
                                   const berth__progress *progress) {
    if (!says_what_was_found(core, place))
        return progress->prefix_tokens == 0 ? BERTH_OK : BERTH_EINVAL;
    if (progress->prefix_tokens > core->entries[place].prompt_tokens) return BERTH_EINVAL;
    if (!can_be_counted(core, place, progress)) return BERTH_EOVERFLOW;
    berth__share_found(core, place, progress->prefix_tokens);
    berth__run_of(core, place)->found = 1;
    return BERTH_OK;
}

static berth_status hold(berth__core *core, uint32_t place, const berth__progress *progress) {
    uint64_t after[BERTH_RESOURCES_MAX];
    if (progress->held == NULL && !berth__kv_grows(&core->options)) return BERTH_OK;
    work_out(core, place, progress, core->entries[place].tokens_computed, after);
    return berth__life_hold(core, place, after);
}

berth_status berth__step_commit(berth__core *core, uint32_t place,
                                const berth__progress *progress) {
    berth__entry *entry = &core->entries[place];
    berth_status status = hear_of_prefix(core, place, progress);
    if (status != BERTH_OK) return status;
    status = hold(core, place, progress);
    if (status != BERTH_OK) return status;
    entry->committed = 1;
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    berth__flight_clear(core, place, berth__flight_oldest(core));
    progress_by(core, place, progress);
    berth__share_progress(core, place);
    if (progress->finish == BERTH_FINISH_NONE) return BERTH_OK;
    entry->engine_knows = 1;
    berth__life_finish(core, place, progress->finish, progress->code);
    return BERTH_OK;
}

static int says_tokens_only(const berth__progress *progress) {
    return progress->finish == BERTH_FINISH_NONE && progress->held == NULL &&
           progress->prefix_tokens == 0;
}

berth_status berth__core_commit_entry(berth__core *core, berth_request_id id,
                                      const berth__progress *progress) {
    const uint32_t place = berth__ids_find(&core->ids, id);
    const uint32_t held_count = progress->held == NULL ? 0 : progress->held_count;
    if (progress->finish > BERTH_FINISH_FAILED || held_count > core->options.resource_count)
        return BERTH_EINVAL;
    if (berth__kv_is_named(&core->options, progress->held, held_count)) return BERTH_EINVAL;
    if (place == BERTH__NONE) return BERTH_ESTALE;
    if (says_tokens_only(progress))
        return berth__core_commit_tokens(core, place, progress->tokens_computed,
                                         progress->tokens_generated, progress->has_output);
    if (!is_in(core, place, berth__flight_oldest(core))) return BERTH_ESTALE;
    if (core->entries[place].committed) return BERTH_EINVAL;
    return berth__step_commit(core, place, progress);
}

void berth__step_leave(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    if (entry->state != BERTH__RUNNING)
        berth__life_end(core, place);
    else if (entry->paused == BERTH__PAUSE_GIVE_UP)
        berth__life_preempt(core, place);
}

/* One that was in it. Who was not mentioned has done nothing. */
static void end_step_of(berth__core *core, uint32_t place, berth_step_id step_id) {
    berth__entry *entry = &core->entries[place];
    if (entry->state == BERTH__RUNNING && !entry->committed)
        berth__kv_grow_take_back(core, place, step_id);
    berth__flight_clear(core, place, step_id);
    entry->in_step &= (uint8_t)~berth__flight_bit(step_id);
    entry->committed = 0;
    if (!entry->in_step) berth__step_leave(core, place);
}

/* The oldest step is over. */
static void end_step(berth__core *core) {
    const berth_step_id step_id = berth__flight_oldest(core);
    uint32_t place = core->running.head;
    while (place != BERTH__NONE) {
        const uint32_t next = core->links[place].next;
        if (is_in(core, place, step_id)) end_step_of(core, place, step_id);
        place = next;
    }
    core->steps_outstanding--;
}

void berth__core_commit_end(berth__core *core) {
    if ((core->minds & BERTH__MINDS_ALL) == 0)
        berth__plain_step_end(core);
    else
        end_step(core);
    berth__rate_touch(&core->steps, core->now, 1);
    berth__rate_admitted(&core->steps, NULL, 0);
    core->counters.steps_total++;
}

berth_status berth__core_plan_fail(berth__core *core, uint64_t now, berth_step_id step_id) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0};
    const berth_status status = berth__core_commit_begin(core, now, step_id);
    if (status != BERTH_OK) return status;
    while (core->steps_outstanding > 0) {
        end_step(core);
        core->counters.steps_failed_total++;
    }
    core->pause_steps = core->options.preempt_pause_steps + 1;
    if (core->running.count == 1) berth__life_stop(core, core->running.head, cause);
    if (core->running.count <= 1) return BERTH_OK;
    berth__victim_begin(core);
    berth__life_preempt(core, berth__victim_next(core));
    berth__kv_mode_step(core, 1);
    return BERTH_OK;
}
