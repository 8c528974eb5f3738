/* SPDX-License-Identifier: MIT */
/*
 * What:    an engine's plan and commit once more, where a step moves nothing but tokens.
 * Why:     what a step costs per request is what the engine loses for it: what cannot be there is
 *          not asked for.
 * Rules:   a second way to the same end. A plan goes this way where KV does not grow and the tokens
 *          of a step have no limit, and walks those who run once: what kv_grow.c, budget.c and
 *          step.c would do. A result goes this way on any engine, if it says tokens and no more,
 *          and they change nothing of what the request holds. tests/model/plain_step.c holds both
 *          ways against each other.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PLAIN_STEP_H
#define BERTH__CORE_PLAIN_STEP_H

#include "core/state.h"

/* Can all plans be made this way? */
int berth__plain_step_suits(const berth_options *normalised);

/* What tokens change on an engine beside the counts of tokens. */
enum berth__minds {
    BERTH__MINDS_KV = 1,      /* what is held, where KV grows */
    BERTH__MINDS_FOUND = 2,   /* the engine says what it found in its cache */
    BERTH__MINDS_BLOCKS = 4,  /* blocks of prompts are complete */
    BERTH__MINDS_TENANTS = 8, /* what a tenant has had */
    BERTH__MINDS_ALL = 16     /* set by tests: no result goes this way, and no step ends by it */
};

uint32_t berth__plain_step_minds(const berth_options *normalised);

/* Give everyone who runs and is not held up his tokens, all that he wants, and list him. */
void berth__plain_step_list(berth__core *core, berth_plan *plan);

/* The oldest step is over. */
void berth__plain_step_end(berth__core *core);

#endif
