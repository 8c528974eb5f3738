/* SPDX-License-Identifier: MIT */
/*
 * What:    does a parked request fit now, and if not, what is in its way.
 * Why:     every policy of admission asks this one question in this one place.
 * Rules:   it fits if a slot and a worker are free, no resource is overdrawn, its cost is free on
 *          every resource with what it shares already there, its band's ceiling allows it, tokens
 *          of the step are left for it, and the KV mode lets it in. What stands first in the way is
 *          told.
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_FIT_H
#define BERTH__CORE_FIT_H

#include "core/state.h"

enum berth__fit {
    BERTH__FIT_YES = 0,
    BERTH__FIT_SLOT = 1,      /* no slot is free: nobody fits */
    BERTH__FIT_IDLE = 2,      /* no worker or ring is free: nobody fits */
    BERTH__FIT_OVERDRAFT = 3, /* a resource is overdrawn: nobody fits */
    BERTH__FIT_RESOURCE = 4,  /* a resource has less free than it asks for */
    BERTH__FIT_CEILING = 5,   /* its band's ceiling */
    BERTH__FIT_SET = 6,       /* no more sets can be held */
    BERTH__FIT_KV_MODE = 7,   /* its KV fits, but would not for long */
    BERTH__FIT_STEP = 8       /* nothing would be left for it of the step's tokens */
};

/* `resource` receives which one with OVERDRAFT and RESOURCE; it may be NULL. O(resources). */
uint32_t berth__fit_check(const berth__core *core, uint32_t place, uint32_t *resource);

/* 1 if a newcomer that is not in the table fits, the KV mode and what it shares left aside. */
int berth__fit_load(const berth__core *core, const berth__load *load);

/* 1 if nobody else can fit either when this is the answer for one. */
int berth__fit_is_for_all(uint32_t fit);

#endif
