/* SPDX-License-Identifier: MIT */
/*
 * What:    the parked requests of each band in an order other than plain arrival: flows, one per
 *          band, or per band and tenant with fairness, and in each its requests by the order's key.
 * Why:     the order, fairness and aging need more than a list; where none of them is on nothing
 *          here exists and the queue's lists are the order.
 * Rules:   a level is a band to compete in: a request's own, or the next one once it has aged. A
 *          flow is in its level's tree while somebody in it is parked and its tenant may run more.
 * Threads: none of its own.
 *
 *   level --(counter)--> flow --(key)--> request
 *
 * In a flow the line holds everybody by arrival there; the tree, made only for other orders, holds
 * the same ones by key. Nobody is passed by more than order_displaced_max later ones: the flow
 * counts admissions past its oldest, each request remembers that count from when it was parked,
 * and once the oldest sees a difference of the maximum it goes first and alone. Those that pass
 * a request are among those that pass the oldest, so the difference is never below the truth.
 */
#ifndef BERTH__CORE_FLOWS_H
#define BERTH__CORE_FLOWS_H

#include "base/tree.h"
#include "berth.h"

typedef struct berth__flow {
    berth__list line;
    berth__tree tree;
    uint32_t eligible; /* 1 while it is in its level's tree */
    uint32_t reserved;
    uint64_t passed; /* admissions of others than the oldest */
} berth__flow;

typedef struct berth__level {
    berth__tree flows; /* the eligible ones, by counter */
    uint64_t floor;    /* the counter of the last one that left */
} berth__level;

typedef struct berth__flows {
    uint32_t on;
    uint32_t by_key;      /* the order is not that of arrival: nodes and passed_before exist */
    uint32_t levels_with; /* bit b is set while level b has an eligible flow */
    uint32_t flow_count;
    uint64_t turns; /* of flows: among equal counters, who was served longest ago goes first */
    berth__flow *flows;
    berth__tree_node *flow_nodes; /* key: the counter, kept while the flow is not in the tree too */
    berth__link *links;           /* by place; of the lines */
    berth__tree_node *nodes;      /* by place */
    uint64_t *passed_before;      /* by place: the flow's count when it was parked */
    uint32_t aged_next[BERTH_BANDS_MAX]; /* of a band's queue, the first that has not aged */
    berth__level levels[BERTH_BANDS_MAX];
} berth__flows;

typedef struct berth__core berth__core;

/* Do these options need flows? */
int berth__flows_are_needed(const berth_options *options);
uint32_t berth__flows_count(const berth_options *options);
void berth__flows_init(berth__flows *flows, const berth_options *options);

/* A request was parked, after the queue took it; or leaves, before the queue lets it go. */
void berth__flows_push(berth__core *core, uint32_t place);
void berth__flows_remove(berth__core *core, uint32_t place);

/* It leaves because it is admitted: count whom it passes. Before the removal. */
void berth__flows_pass(berth__core *core, uint32_t place);

/* A request that comes gets its key, which it keeps for its life; a recost makes a new one of
 * what is known now. A rank is only asked for once: it cannot change under the tree. */
void berth__flows_set_key(berth__core *core, uint32_t place, uint64_t rank);
void berth__flows_rekey(berth__core *core, uint32_t place);

/* Its tenant may run more, or may not: the flow competes, or waits aside. */
void berth__flows_set_eligible(berth__core *core, uint32_t flow, uint32_t level, uint32_t eligible);

/* The first of an eligible flow; `alone` says that nobody else of it may go now. */
uint32_t berth__flows_first(const berth__core *core, uint32_t flow, uint32_t *alone);

/* The one after that in the same flow. */
uint32_t berth__flows_next(const berth__core *core, uint32_t place);

#endif
