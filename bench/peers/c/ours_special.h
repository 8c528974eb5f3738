/* SPDX-License-Identifier: MIT */
/* What: the workloads that are about Berth alone: steps of an engine, storms, memory.
 * Why: a pool of threads has no such thing, but the goals name figures for them.
 * Rules: see peer_ops.special.
 * Threads: one at a time. */
#ifndef PEER_OURS_SPECIAL_H
#define PEER_OURS_SPECIAL_H

#include "entrants.h"

/* engine RUNNING PARKED: one plan and its commit, nothing admitted. */
void ours_engine(uint32_t running, uint32_t parked);

/* cancel DEPTH: so many parked requests with a deadline each, cancelled in no order: one by
 * one, and by lists. */
void ours_cancel(uint32_t depth);

/* expire DEPTH: so many parked requests, all of which come due. */
void ours_expire(uint32_t depth);

/* memory: bytes that a pool allocates, by what they are for. */
void ours_memory(void);

/* library: size of the shared library without its symbols. */
void ours_library(void);

/* The replaced crate's benchmarks by name, as its recipe has them. 0 where there is none of it. */
int32_t ours_recipe(const char *name, uint32_t size);

#endif
