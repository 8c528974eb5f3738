/* SPDX-License-Identifier: MIT */
/*
 * What:    how many tokens a request is likely to generate.
 * Why:     the most that it may generate is often a number that nobody thought about; what the
 *          tenant and the band generated of late says more.
 * Rules:   the mean of the tenant's completed outputs, once there are 8; else the median of the
 *          band's, once there are 8; else the most it may. Never more than the most it may. Only
 *          learnt where it is asked for; integers only, moved only by events.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_PREDICT_H
#define BERTH__CORE_PREDICT_H

#include "berth.h"

typedef struct berth__core berth__core;

/* Do these options need the lengths of outputs (core->lengths)? */
int berth__predict_needs_lengths(const berth_options *options);

uint64_t berth__predict_output(const berth__core *core, uint32_t place);

/* It has completed, with the tokens that it has generated. */
void berth__predict_learn(berth__core *core, uint32_t place);

#endif
