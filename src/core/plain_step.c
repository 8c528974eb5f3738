/* SPDX-License-Identifier: MIT */
#include "core/plain_step.h"
#include "base/checked.h"
#include "core/budget.h"
#include "core/kv.h"
#include "core/life.h"
#include "core/step.h"

int berth__plain_step_suits(const berth_options *options) {
    return options->face == BERTH_FACE_ENGINE && !berth__kv_grows(options) &&
           options->step_tokens == 0 && options->tenants_max == 0 &&
           options->prefix_blocks_max == 0 && options->prefix_owner != BERTH_PREFIX_ENGINE;
}

uint32_t berth__core_has_plain_steps(const berth__core *core) {
    return core->plain_steps;
}

/* Where one step at most is outstanding, none is when the next is planned: nobody asks what is in
 * flight, and it is not written down. */
static int is_alone(const berth__core *core) {
    return core->options.steps_max == 1;
}

/* ---- Plans ---- */

/* One whose prefill is behind it gets a decode, the others as much of it as they may. */
static uint64_t give(const berth__core *core, uint32_t place, uint64_t ahead) {
    const berth__entry *entry = &core->entries[place];
    const uint64_t prefill = core->runs[entry->slot].prefill_tokens;
    if (ahead < prefill) return berth__budget_chunk(core, prefill - ahead);
    if (entry->samples == 1 && core->options.draft_tokens == 0 && !entry->in_step) return 1;
    return berth__budget_decode(core, place);
}

void berth__plain_step_list(berth__core *core, berth_plan *plan) {
    berth_plan_entry *out = plan->entries + plan->entry_count;
    const uint64_t at = (core->step_id + 1) % BERTH__STEPS_MAX;
    const int alone = is_alone(core);
    uint32_t admitted = 0;
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

berth_status berth__core_commit_tokens(berth__core *core, uint32_t place, uint64_t computed,
                                       uint64_t generated, uint32_t has_output) {
    berth__entry *entry = &core->entries[place];
    berth_stats *counters = &core->counters;
    if ((entry->in_step & core->commit_bit) == 0) return BERTH_ESTALE;
    if (entry->committed) return BERTH_EINVAL;
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

/* One that was in it. */
static void end_of(berth__core *core, uint32_t place, uint64_t at) {
    berth__entry *entry = &core->entries[place];
    entry->in_step &= (uint8_t)~core->commit_bit;
    entry->committed = 0;
    if (!is_alone(core)) {
        berth__run *run = &core->runs[entry->slot];
        run->planned_tokens -= run->step_tokens[at];
        run->step_tokens[at] = 0;
    }
    if (!entry->in_step && (entry->state != BERTH__RUNNING || entry->paused))
        berth__step_leave(core, place);
}

void berth__plain_step_end(berth__core *core) {
    const uint64_t at = berth__flight_oldest(core) % BERTH__STEPS_MAX;
    uint32_t place = core->running.head;
    while (place != BERTH__NONE) {
        const uint32_t next = core->links[place].next;
        if ((core->entries[place].in_step & core->commit_bit) != 0) end_of(core, place, at);
        place = next;
    }
    core->steps_outstanding--;
}
