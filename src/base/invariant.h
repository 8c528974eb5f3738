/* SPDX-License-Identifier: MIT */
/*
 * What:    BERTH__ASSERT(broken, condition): what must be true whatever the host does.
 * Why:     a broken invariant is our bug: debug builds stop at it, others fail the pool.
 * Rules:   `broken` is a uint32_t lvalue that the pool's calls look at; never a control flow.
 * Threads: as the lvalue's.
 */
#ifndef BERTH__BASE_INVARIANT_H
#define BERTH__BASE_INVARIANT_H

#ifdef BERTH_DEBUG_INVARIANTS
#include <assert.h>
#define BERTH__ASSERT(broken, condition) assert((condition) && !(broken))
#else
#define BERTH__ASSERT(broken, condition) ((condition) ? (void)0 : (void)((broken) = 1))
#endif

#endif
