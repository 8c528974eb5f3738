/* SPDX-License-Identifier: MIT */
/*
 * What:    a walk over the parked requests, in the order in which admission should consider them.
 * Why:     who is next, and who after that, is decided here; whether they fit, is decided by
 *          others.
 * Rules:   each parked request comes once; a cursor is good until the queue changes. The first one
 *          is found in O(1).
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_CURSOR_H
#define BERTH__CORE_CURSOR_H

#include "core/state.h"

typedef struct berth__cursor {
    uint32_t place;       /* where it stands; BERTH__NONE past the last */
    uint32_t flow;        /* the one it is in, where there are flows */
    uint32_t alone;       /* nobody else of this flow may go now */
    uint32_t levels_need; /* levels below their share that were not begun yet: they come first */
    uint32_t levels_left; /* the others that were not begun yet */
} berth__cursor;

/* Whom admission considers first; BERTH__NONE if nobody is parked. */
uint32_t berth__cursor_first(const berth__core *core, berth__cursor *cursor);

/* The one after that; BERTH__NONE past the last, from then on always. */
uint32_t berth__cursor_next(const berth__core *core, berth__cursor *cursor);

#endif
