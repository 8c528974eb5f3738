/* SPDX-License-Identifier: MIT */
/*
 * What:    who gives way when running requests outgrow the KV cache.
 * Why:     running out costs one request at a time, and the right one: never all.
 * Rules:   a lower band gives way before a higher one, whatever else is true; in a band, those that
 *          were preempted preempt_max times come last; then by options.victim; then the newest.
 * Threads: none of its own.
 *
 * A line of candidates is made when the first victim of a plan is needed, and popped from then on:
 * O(running) once, and O(log running) for each.
 */
#ifndef BERTH__CORE_VICTIM_H
#define BERTH__CORE_VICTIM_H

#include "core/state.h"

/* Everybody who runs may be asked, from now until the line is made again. Who is in a step cannot
 * give way yet: that is the business of who asks. */
void berth__victim_begin(berth__core *core);

/* Take the next one out of the line; BERTH__NONE if it is empty. */
uint32_t berth__victim_next(berth__core *core);

#endif
