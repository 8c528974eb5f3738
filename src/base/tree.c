/* SPDX-License-Identifier: MIT */
#include "base/tree.h"

void berth__tree_init(berth__tree *tree) {
    tree->root = BERTH__NONE;
    tree->first = BERTH__NONE;
    tree->count = 0;
}

/* The finaliser of SplitMix64. */
static uint32_t weigh(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(x ^ x >> 31);
}

static int before(const berth__tree_node *a, const berth__tree_node *b) {
    return a->key < b->key || (a->key == b->key && a->turn < b->turn);
}

/* Whoever pointed at `old` as its child, or the root, points at `with` now. */
static void replace(berth__tree *tree, berth__tree_node *nodes, uint32_t old, uint32_t with) {
    const uint32_t parent = nodes[old].parent;
    if (parent == BERTH__NONE)
        tree->root = with;
    else if (nodes[parent].left == old)
        nodes[parent].left = with;
    else
        nodes[parent].right = with;
    if (with != BERTH__NONE) nodes[with].parent = parent;
}

/* Turn the edge between `place` and its parent round: the order stays, the place rises by one. */
static void rise(berth__tree *tree, berth__tree_node *nodes, uint32_t place) {
    const uint32_t parent = nodes[place].parent;
    uint32_t moved;
    replace(tree, nodes, parent, place);
    if (nodes[parent].left == place) {
        moved = nodes[place].right;
        nodes[parent].left = moved;
        nodes[place].right = parent;
    } else {
        moved = nodes[place].left;
        nodes[parent].right = moved;
        nodes[place].left = parent;
    }
    if (moved != BERTH__NONE) nodes[moved].parent = parent;
    nodes[parent].parent = place;
}

static void hang(berth__tree *tree, berth__tree_node *nodes, uint32_t place) {
    uint32_t parent = BERTH__NONE;
    uint32_t at = tree->root;
    int left = 0;
    while (at != BERTH__NONE) {
        parent = at;
        left = before(&nodes[place], &nodes[at]);
        at = left ? nodes[at].left : nodes[at].right;
    }
    nodes[place].parent = parent;
    nodes[place].left = BERTH__NONE;
    nodes[place].right = BERTH__NONE;
    if (parent == BERTH__NONE)
        tree->root = place;
    else if (left)
        nodes[parent].left = place;
    else
        nodes[parent].right = place;
}

void berth__tree_insert(berth__tree *tree, berth__tree_node *nodes, uint32_t place) {
    nodes[place].weight = weigh(nodes[place].turn);
    hang(tree, nodes, place);
    while (nodes[place].parent != BERTH__NONE &&
           nodes[nodes[place].parent].weight < nodes[place].weight)
        rise(tree, nodes, place);
    if (tree->first == BERTH__NONE || before(&nodes[place], &nodes[tree->first]))
        tree->first = place;
    tree->count++;
}

void berth__tree_remove(berth__tree *tree, berth__tree_node *nodes, uint32_t place) {
    if (tree->first == place) tree->first = berth__tree_next(nodes, place);
    while (nodes[place].left != BERTH__NONE && nodes[place].right != BERTH__NONE) {
        const uint32_t left = nodes[place].left;
        const uint32_t right = nodes[place].right;
        rise(tree, nodes, nodes[left].weight >= nodes[right].weight ? left : right);
    }
    replace(tree, nodes, place,
            nodes[place].left != BERTH__NONE ? nodes[place].left : nodes[place].right);
    tree->count--;
}

uint32_t berth__tree_next(const berth__tree_node *nodes, uint32_t place) {
    if (nodes[place].right != BERTH__NONE) {
        place = nodes[place].right;
        while (nodes[place].left != BERTH__NONE) place = nodes[place].left;
        return place;
    }
    while (nodes[place].parent != BERTH__NONE && nodes[nodes[place].parent].right == place)
        place = nodes[place].parent;
    return nodes[place].parent;
}

uint32_t berth__tree_last(const berth__tree *tree, const berth__tree_node *nodes) {
    uint32_t place = tree->root;
    while (place != BERTH__NONE && nodes[place].right != BERTH__NONE) place = nodes[place].right;
    return place;
}
