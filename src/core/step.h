/* SPDX-License-Identifier: MIT */
/*
 * What:    how a request comes into a step, and leaves its last one.
 * Why:     steps are planned and ended in two ways (step.c, plain_step.c), which have this in
 *          common.
 * Rules:   what is listed runs, and was given tokens in the plan being made.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_STEP_H
#define BERTH__CORE_STEP_H

#include "core/flight.h"

/* Of one that no plan has listed yet. */
static inline uint32_t berth__step_flags(const berth__entry *entry) {
    return entry->preemptions == 0 ? BERTH_ENTRY_ADMITTED
                                   : BERTH_ENTRY_ADMITTED | BERTH_ENTRY_RESUMED;
}

/* Write its entry; the step contains it from here on. `ahead`: what it will have computed once the
 * outstanding steps have done as planned. */
static inline void berth__step_list(berth__core *core, uint32_t place, uint64_t ahead,
                                    uint64_t tokens, berth_plan_entry *out) {
    berth__entry *entry = &core->entries[place];
    const uint64_t prefill = core->runs[entry->slot].prefill_tokens;
    /* Field by field: an entry that is made zero first costs half as much again. */
    out->id = berth__ids_of(&core->ids, place);
    out->payload = NULL;
    out->slot = entry->slot;
    out->kind = ahead < prefill ? BERTH_ENTRY_PREFILL : BERTH_ENTRY_DECODE;
    out->flags = entry->planned ? 0 : berth__step_flags(entry);
    out->band = entry->band_index + 1u;
    out->tokens = tokens;
    out->tokens_computed = ahead;
    out->tokens_generated = entry->tokens_generated;
    out->prompt_tokens = entry->prompt_tokens;
    out->max_new_tokens = entry->max_new_tokens;
    out->prefix_tokens = berth__prefix_tokens_of(core, place);
    out->samples = entry->samples;
    out->reserved0 = 0;
    for (size_t i = 0; i < sizeof out->reserved / sizeof out->reserved[0]; i++)
        out->reserved[i] = 0;
    entry->planned = 1;
    entry->in_step |= berth__flight_bit(core->step_id + 1);
}

/* One result of one that the step contains, the first of it; all but its finish was checked. */
berth_status berth__step_commit(berth__core *core, uint32_t place, const berth__progress *progress);

/* The last outstanding step that contained it is over: who is stopping is let go, and who is to
 * give way for its reader does. */
void berth__step_leave(berth__core *core, uint32_t place);

#endif
