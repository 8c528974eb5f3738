/* SPDX-License-Identifier: MIT */
#include "core/plain_step.h"
#include "base/checked.h"
#include "base/hot.h"
#include "core/budget.h"
#include "core/hooks.h"
#include "core/kv.h"
#include "core/kv_grow.h"
#include "core/life.h"
#include "core/share.h"
#include "core/step.h"

int berth__plain_step_suits(const berth_options *options) {
    return options->face == BERTH_FACE_ENGINE && !berth__kv_grows(options) &&
           options->step_tokens == 0;
}

uint32_t berth__plain_step_minds(const berth_options *options) {
    return (berth__kv_grows(options) ? (uint32_t)BERTH__MINDS_KV : 0) |
           (options->prefix_owner == BERTH_PREFIX_ENGINE ? (uint32_t)BERTH__MINDS_FOUND : 0) |
           (options->prefix_blocks_max != 0 ? (uint32_t)BERTH__MINDS_BLOCKS : 0) |
           (options->tenants_max != 0 ? (uint32_t)BERTH__MINDS_TENANTS : 0);
}

/* Where one step at most is outstanding, none is when the next is planned: nobody asks what is in
 * flight, and it is not written down. */
static int is_alone(const berth__core *core) {
    return core->plain_steps && core->options.steps_max == 1;
}

/* ---- Plans ---- */

/* One whose prefill is behind it gets a decode, the others as much of it as they may. */
static uint64_t give(const berth__core *core, uint32_t place, uint64_t ahead) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t prefill = core->runs[entry->slot].prefill_tokens;
    if (ahead < prefill) return berth__budget_chunk(core, prefill - ahead);
    if (berth__budget_is_single(core, entry)) return 1;
    return berth__budget_decode(core, place);
}

void berth__plain_step_list(berth__core *core, berth_plan *plan) {
    const uint64_t at = (core->step_id + 1) % BERTH__STEPS_MAX;
    const int alone = core->options.steps_max == 1;
    uint32_t admitted = 0;
    if (plan->entries == NULL) return; /* it can hold nobody */
    berth_plan_entry *out = plan->entries + plan->entry_count;
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next) {
        const berth__entry *entry = &core->entries[p];
        if (entry->state != BERTH__RUNNING || entry->paused || entry->suspended) continue;
        berth__run *run = &core->runs[entry->slot];
        /* Who has no prompt and was admitted in this plan has got his tokens by that. */
        const uint64_t given = run->step_tokens[at];
        const uint64_t before = run->planned_tokens - given;
        const uint64_t ahead = berth__add_saturating(entry->tokens_computed, before);
        const uint64_t tokens = given > 0 ? given : give(core, p, ahead);
        if (tokens == 0) continue;
        if (!alone || given > 0) {
            run->step_tokens[at] = alone ? 0 : tokens;
            run->planned_tokens = alone ? 0 : before + tokens;
        }
        admitted += entry->planned ? 0 : 1;
        berth__step_list(core, p, ahead, tokens, out++);
    }
    plan->admitted_count = admitted;
    plan->entry_count = (uint32_t)(out - plan->entries);
}

/* ---- Commits ---- */

/* May it be counted without a look at what the request holds? Yes if the engine has said what it
 * found in its cache, and where KV grows, if it computed what it was given: that is what it holds
 * KV for. */
static int is_as_planned(const berth__core *core, uint32_t place, uint64_t computed) {
    const berth__run *run = &core->runs[core->entries[place].slot];
    if ((core->minds & BERTH__MINDS_ALL) != 0) return 0;
    if ((core->minds & BERTH__MINDS_FOUND) != 0 && !run->found) return 0;
    return (core->minds & BERTH__MINDS_KV) == 0 ||
           computed == *berth__flight_tokens(core, place, berth__flight_oldest(core));
}

static berth_status commit_any(berth__core *core, uint32_t place, uint64_t computed,
                               uint64_t generated, uint32_t has_output) {
    const berth__progress progress = {
        .tokens_computed = computed, .tokens_generated = generated, .has_output = has_output};
    return berth__step_commit(core, place, &progress);
}

/* The result of one that the step contains, the first of it. */
static inline berth_status count(berth__core *core, uint32_t place, uint64_t computed,
                                 uint64_t generated, uint32_t has_output) {
    berth__entry *entry = &core->entries[place];
    berth_stats *counters = &core->counters;
    entry->committed = 1;
    if (entry->outcome != BERTH_OUTCOME_NONE) return BERTH_EENDED;
    entry->tokens_computed = berth__add_saturating(entry->tokens_computed, computed);
    entry->tokens_generated = berth__add_saturating(entry->tokens_generated, generated);
    counters->tokens_computed_total =
        berth__add_saturating(counters->tokens_computed_total, computed);
    counters->tokens_generated_total =
        berth__add_saturating(counters->tokens_generated_total, generated);
    if ((has_output || generated > 0) && !entry->has_output) berth__life_output(core, place);
    return BERTH_OK;
}

/* The same where there is more to mind. Inlined, it would cost the others its room on the stack. */
BERTH__APART static berth_status mind(berth__core *core, uint32_t place, uint64_t computed,
                                      uint64_t generated, uint32_t has_output) {
    if (!is_as_planned(core, place, computed))
        return commit_any(core, place, computed, generated, has_output);
    const berth_status status = count(core, place, computed, generated, has_output);
    if (status != BERTH_OK) return status;
    berth__flight_clear(core, place, berth__flight_oldest(core));
    berth__hook_served(core, place, 0, generated);
    berth__share_progress(core, place);
    return BERTH_OK;
}

berth_status berth__core_commit_tokens(berth__core *core, uint32_t place, uint64_t computed,
                                       uint64_t generated, uint32_t has_output) {
    const berth__entry *entry = &core->entries[place];
    if ((entry->in_step & core->commit_bit) == 0) return BERTH_ESTALE;
    if (entry->committed) return BERTH_EINVAL;
    if (core->minds != 0) return mind(core, place, computed, generated, has_output);
    return count(core, place, computed, generated, has_output);
}

/* What was written down of one that was in it; who was not mentioned has done nothing. */
static void take_back(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const berth_step_id step_id = berth__flight_oldest(core);
    if ((core->minds & BERTH__MINDS_KV) != 0 && entry->state == BERTH__RUNNING && !entry->committed)
        berth__kv_grow_take_back(core, place, step_id);
    berth__flight_clear(core, place, step_id);
}

void berth__plain_step_end(berth__core *core) {
    const int alone = is_alone(core);
    const uint8_t bit = (uint8_t)core->commit_bit;
    uint32_t place = core->running.head;
    while (place != BERTH__NONE) {
        const uint32_t next = core->links[place].next;
        berth__entry *entry = &core->entries[place];
        if ((entry->in_step & bit) != 0) {
            if (!alone) take_back(core, place);
            entry->in_step &= (uint8_t)~bit;
            entry->committed = 0;
            if (!entry->in_step && (entry->state != BERTH__RUNNING || entry->paused))
                berth__step_leave(core, place);
        }
        place = next;
    }
    core->steps_outstanding--;
}
