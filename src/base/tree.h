/* SPDX-License-Identifier: MIT */
/*
 * What:    ordered sets of small numbers over one shared array of nodes: by key, then by turn.
 * Why:     the next in any order but that of arrival, found, followed and taken out in O(log n).
 * Rules:   a place is in at most one tree that uses the same nodes; (key, turn) is unique in a
 *          tree; the caller knows which tree a place is in.
 * Threads: none of its own.
 *
 * A treap (Seidel and Aragon, "Randomized search trees", 1996): the heap weights are a mix of the
 * turn, so that the shape follows from the events alone; no answer depends on the shape.
 */
#ifndef BERTH__BASE_TREE_H
#define BERTH__BASE_TREE_H

#include "base/list.h"

typedef struct berth__tree_node {
    uint64_t key;
    uint64_t turn;
    uint32_t parent;
    uint32_t left;
    uint32_t right;
    uint32_t weight; /* a parent's is not below its children's */
} berth__tree_node;

typedef struct berth__tree {
    uint32_t root;
    uint32_t first; /* the least; BERTH__NONE if the tree is empty */
    uint32_t count;
} berth__tree;

void berth__tree_init(berth__tree *tree);

/* The node's key and turn are set by the caller before, and stay while it is in. */
void berth__tree_insert(berth__tree *tree, berth__tree_node *nodes, uint32_t place);
void berth__tree_remove(berth__tree *tree, berth__tree_node *nodes, uint32_t place);

/* The one after `place`; BERTH__NONE past the last. */
uint32_t berth__tree_next(const berth__tree_node *nodes, uint32_t place);

/* The greatest; BERTH__NONE if the tree is empty. */
uint32_t berth__tree_last(const berth__tree *tree, const berth__tree_node *nodes);

#endif
