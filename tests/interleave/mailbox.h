/* SPDX-License-Identifier: MIT */
/*
 * What:    what the scenarios share: one pool, one request, how they begin and end.
 * Why:     those of the producer's short way (emit.c) run in the same program as the others.
 * Rules:   begin anew for every order.
 * Threads: the explorer's.
 */
#ifndef BERTH_TESTS_INTERLEAVE_MAILBOX_H
#define BERTH_TESTS_INTERLEAVE_MAILBOX_H

#include "interleave/explorer.h"

#include "berth.h"

extern berth_pool *pool;
extern berth_request_id id;

#define OK(call) REQUIRE((call) == BERTH_OK)

/* A gate's pool with one ring; a request that is in, and whose reader knows it. */
void begin_plain(void);
void destroy(void);

void read_for_ever(void);
void end_all_read(void);

extern const explorer_scenario emit_scenarios[];
extern const unsigned emit_scenario_count;

#endif
