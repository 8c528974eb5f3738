/* SPDX-License-Identifier: MIT */
/*
 * What:    what a request shares with others: the blocks that its prompt begins with, and its set.
 * Why:     what is shared is counted once, and what is computed once is not asked for again.
 * Rules:   a request's own units never include what it shares; used = sum of units + shared.
 *          Between events the cached blocks fit into what is free.
 * Threads: none of its own.
 *
 *   a running request's context:   | shared, held in the index | its own units             |
 *                                  0 ... held ................. computed ... what it may grow to
 *   A block of the prompt that it computes moves from its own units to the shared ones when it is
 *   complete: used does not change by that.
 */
#ifndef BERTH__CORE_SHARE_H
#define BERTH__CORE_SHARE_H

#include "core/state.h"

/* Is the block size or a count of tokens such that there can be nothing to share? */
static inline int berth__share_has_index(const berth__core *core) {
    return core->prefix.block_count > 0;
}

/* The most that its set could add to a cost; what can never fit is refused by it. Saturates. */
void berth__share_add_set(const berth_options *options, const berth__submit *submit,
                          uint64_t *cost);

/* The same for a request that is there. */
void berth__share_add_named_set(const berth__core *core, uint32_t place, uint64_t *cost);

/* EINVAL where hashes or a set are named and the options know of none; else OK. */
berth_status berth__share_check(const berth_options *options, const berth__submit *submit);

/* A new request names what it shares. */
void berth__share_name(berth__core *core, uint32_t place, const berth__submit *submit);

/* A parked request, recosted, names other blocks; none named leaves the old ones. */
void berth__share_rename(berth__core *core, uint32_t place, const berth__submit *submit);

/* It has ended: nobody needs to know any more what it shared. */
void berth__share_forget(berth__core *core, uint32_t place);

/* The first resource of which its band can never have these units and those of its set, or
 * resource_count if there is none. */
uint32_t berth__share_never_fits(const berth__core *core, uint32_t place, const uint64_t *units);

/* Tokens of its prompt that are resident now; at least one token is always left to compute. */
uint64_t berth__share_hit_tokens(const berth__core *core, uint32_t place);

/* What its admission would add to what is used: `cost` comes as its units. 0 if no more sets can be
 * held. */
int berth__share_price(const berth__core *core, uint32_t place, uint64_t *cost);

/* Somebody who makes progress is computing what this request needs next: wait for it. */
int berth__share_is_coming(const berth__core *core, uint32_t place);

/* It runs: it holds what is resident of its prompt, and its set. Its own units shrink by what it
 * shares; its computed tokens begin behind it. */
void berth__share_hold(berth__core *core, uint32_t place);

/* It has computed more: complete blocks of its prompt become shared. */
void berth__share_progress(berth__core *core, uint32_t place);

/* The engine says how much of the prompt it found in its own cache; with the units that it would
 * move to its own, or at most to the shared ones, used can still be counted. */
void berth__share_found(berth__core *core, uint32_t place, uint64_t tokens);
void berth__share_would_move(const berth__core *core, uint32_t place, uint64_t tokens,
                             uint64_t *to_own, uint64_t *to_shared);

/* It runs no more: what it held is cached. */
void berth__share_let_go(berth__core *core, uint32_t place);

/* Give up cached blocks until the rest fits into what is free. After anything that uses more. */
void berth__share_reclaim(berth__core *core);

/* Is what was remembered of the index still so? O(blocks of its prompt): tests and debug. */
int berth__share_remembers_well(const berth__core *core, uint32_t place);

/* Units of one resource that are shared and held. O(sets): tests and debug. */
uint64_t berth__share_units(const berth__core *core, uint32_t resource);

#endif
