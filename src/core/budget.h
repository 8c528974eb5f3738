/* SPDX-License-Identifier: MIT */
/*
 * What:    how the tokens of one step are shared out, and whether a newcomer would get any.
 * Why:     a step has room for so many tokens; those who generate go on in each, and prompts take
 *          what is left, the higher band first.
 * Rules:   step_tokens has room for running_max decodes (options.c), and nobody is admitted whose
 *          samples would not all have room, so that each gets its tokens, and while there is a
 *          prefill at least one token is left for the first of them. Prefills go by band, then by
 *          admission, prefill_tokens_max each at most. Nobody is admitted for whom nothing would be
 *          left.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_BUDGET_H
#define BERTH__CORE_BUDGET_H

#include "core/state.h"

/* In a plan: 1 until all that is to be computed before it generates has been, or will be by the
 * outstanding steps. */
int berth__budget_is_prefill(const berth__core *core, uint32_t place);

/* Tokens of a decode: for each sample one and those of a draft, as far as it may still generate so
 * many. 0 if the outstanding steps may generate all. */
uint64_t berth__budget_decode(const berth__core *core, uint32_t place);

/* What a prefill with so much left would like of one step. */
static inline uint64_t berth__budget_chunk(const berth__core *core, uint64_t left) {
    const uint64_t most = core->options.prefill_tokens_max;
    return most != 0 && most < left ? most : left;
}

/* Is a decode one token, and that for certain? */
static inline int berth__budget_is_single(const berth__core *core, const berth__entry *entry) {
    return entry->samples == 1 && core->options.draft_tokens == 0 && !entry->in_step;
}

/* In a plan, when the decodes have been given their tokens: what the prefills would like.
 * O(running). */
void berth__budget_begin(berth__core *core);

/* 1 if so many samples by themselves exceed the tokens of a step once they generate. */
int berth__budget_never_allows(const berth_options *options, uint64_t samples);

/* Would something be left for the prefill of this parked request, and, later, in each step for its
 * samples beside those of all who run? Outside a plan only the latter counts. */
int berth__budget_allows(const berth__core *core, uint32_t place);

/* It was admitted. */
void berth__budget_admitted(berth__core *core, uint32_t place);

/* Give the prefills their tokens. O(running * bands) where they are short, else O(running). */
void berth__budget_share(berth__core *core);

#endif
