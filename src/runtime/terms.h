/* SPDX-License-Identifier: MIT */
/*
 * What:    which requests ask for nothing but what all have (berth__terms), and what that is.
 * Why:     most are such: they come in by the lane, or under the lock by a shorter way, and what
 *          cannot be wrong with them is not looked for.
 * Rules:   a request that suits is not malformed: what the long way says of others stays there.
 * Threads: any; they look at what is fixed.
 */
#ifndef BERTH__RUNTIME_TERMS_H
#define BERTH__RUNTIME_TERMS_H

#include "berth.h"
#include "core/lend.h"

/* Can there be such requests in this pool? */
uint32_t berth__terms_may_suit(const berth_options *normalised, const berth_executor *executor);

/* Is this one of them, in a pool where there can be? */
uint32_t berth__terms_suit(const berth_pool *pool, const berth_request *request);

/* Its terms, defaults applied. */
void berth__terms_fill(const berth_pool *pool, const berth_request *request, berth__terms *out);

/* What becomes of the chunks of one whose reader is slow: berth_full. */
uint32_t berth__terms_full(const berth_options *options, const berth_request *request);

#endif
