/* SPDX-License-Identifier: MIT */
#include "prefix.h"
#include "model.h"

#include <stdlib.h>

#define ROOT UINT32_MAX

/* ---- The tree of all prompts ---- */

/* One place of a table by parent and name; `node` is one more than the block's number, 0 = empty.
 */
typedef struct place {
    uint64_t name;
    uint32_t parent;
    uint32_t node;
} place;

typedef struct tree {
    place *places;
    uint64_t mask;
    uint32_t node_count;
    uint32_t reserved;
} tree;

/* The steps of splitmix64 that spread a number over all bits. */
static uint64_t spread(uint64_t value) {
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* The block of this name behind `parent`; a new one where none is known. */
static uint32_t node_of(tree *t, uint32_t parent, uint64_t name) {
    uint64_t at = spread(name ^ spread(parent)) & t->mask;
    while (t->places[at].node != 0 &&
           (t->places[at].parent != parent || t->places[at].name != name))
        at = (at + 1) & t->mask;
    if (t->places[at].node == 0)
        t->places[at] = (place){.name = name, .parent = parent, .node = ++t->node_count};
    return t->places[at].node - 1;
}

static int tree_init(tree *t, uint64_t name_count) {
    uint64_t size = 2;
    while (size < 2 * name_count) size *= 2;
    *t = (tree){.places = calloc(size, sizeof *t->places), .mask = size - 1};
    return t->places != NULL ? 0 : -1;
}

/* Every prompt from the root on; where its names are in the tree. */
static void grow(tree *t, const replay_trace *trace, uint32_t *nodes) {
    for (uint32_t i = 0; i < trace->count; i++) {
        const replay_row *row = &trace->rows[i];
        uint32_t parent = ROOT;
        for (uint64_t at = row->hash_at; at < row->hash_at + row->hash_count; at++)
            parent = nodes[at] = node_of(t, parent, trace->hash_ids[at]);
    }
}

/* ---- KV blocks ---- */

int replay_prefix_has_names(const replay_trace *trace) {
    return trace->hash_count > 0 && trace->hash_tokens >= REPLAY_BLOCK_TOKENS &&
           trace->hash_tokens % REPLAY_BLOCK_TOKENS == 0;
}

/* Full KV blocks of its prompt that have names, but for the one with its last token: that token is
 * computed in any case. */
static uint32_t named_of(const replay_prefix *prefix, const replay_row *row) {
    const uint32_t full =
        row->prompt_tokens > 0 ? (row->prompt_tokens - 1) / REPLAY_BLOCK_TOKENS : 0;
    const uint64_t named = (uint64_t)row->hash_count * prefix->per_node;
    return named < full ? (uint32_t)named : full;
}

/* The k-th KV block of its prompt. */
static uint32_t block_of(const replay_prefix *prefix, const replay_row *row, uint32_t k) {
    return prefix->nodes[row->hash_at + k / prefix->per_node] * prefix->per_node +
           k % prefix->per_node;
}

int replay_prefix_init(replay_prefix *prefix, const replay_trace *trace) {
    tree t;
    uint32_t longest = 1;
    *prefix = (replay_prefix){.trace = trace, .per_node = trace->hash_tokens / REPLAY_BLOCK_TOKENS};
    prefix->nodes = malloc(trace->hash_count * sizeof *prefix->nodes);
    if (prefix->nodes == NULL || tree_init(&t, trace->hash_count) != 0) return -1;
    grow(&t, trace, prefix->nodes);
    free(t.places);
    if (t.node_count > UINT32_MAX / prefix->per_node) return -1;
    for (uint32_t i = 0; i < trace->count; i++)
        if (named_of(prefix, &trace->rows[i]) > longest)
            longest = named_of(prefix, &trace->rows[i]);
    prefix->block_count = t.node_count * prefix->per_node;
    prefix->names = calloc(longest, sizeof *prefix->names);
    prefix->holders = calloc(prefix->block_count, sizeof *prefix->holders);
    prefix->resident = calloc(prefix->block_count, sizeof *prefix->resident);
    return prefix->names != NULL && prefix->holders != NULL && prefix->resident != NULL ? 0 : -1;
}

void replay_prefix_fini(replay_prefix *prefix) {
    free(prefix->nodes);
    free(prefix->names);
    free(prefix->holders);
    free(prefix->resident);
    *prefix = (replay_prefix){0};
}

uint32_t replay_prefix_name(replay_prefix *prefix, const replay_row *row) {
    const uint32_t count = named_of(prefix, row);
    for (uint32_t k = 0; k < count; k++)
        prefix->names[k] = (berth_block_hash){.low = block_of(prefix, row, k)};
    return count;
}

/* ---- What is there ---- */

uint64_t replay_prefix_hit_tokens(const replay_prefix *prefix, const replay_row *row) {
    const uint32_t named = named_of(prefix, row);
    uint32_t count = 0;
    while (count < named && prefix->resident[block_of(prefix, row, count)]) count++;
    return (uint64_t)count * REPLAY_BLOCK_TOKENS;
}

static void hold(replay_prefix *prefix, replay_row *row) {
    prefix->held += prefix->holders[block_of(prefix, row, row->shared)]++ == 0;
    row->shared++;
}

void replay_prefix_hold(replay_prefix *prefix, replay_row *row) {
    const uint64_t tokens = replay_prefix_hit_tokens(prefix, row);
    prefix->asked_tokens += row->prompt_tokens;
    prefix->hit_tokens += tokens;
    while ((uint64_t)row->shared * REPLAY_BLOCK_TOKENS < tokens) hold(prefix, row);
}

int replay_prefix_progress(replay_prefix *prefix, replay_row *row) {
    const uint32_t named = prefix->block_count > 0 ? named_of(prefix, row) : 0;
    while (row->shared < named &&
           (uint64_t)(row->shared + 1) * REPLAY_BLOCK_TOKENS <= row->computed) {
        uint8_t *resident = &prefix->resident[block_of(prefix, row, row->shared)];
        if (*resident) return -1;
        *resident = 1;
        prefix->resident_count++;
        hold(prefix, row);
    }
    return 0;
}

void replay_prefix_let_go(replay_prefix *prefix, replay_row *row) {
    while (row->shared > 0) {
        row->shared--;
        prefix->held -= --prefix->holders[block_of(prefix, row, row->shared)] == 0;
    }
}

int replay_prefix_give_up(replay_prefix *prefix, const berth_block_hash *name) {
    if (name->low >= prefix->block_count || name->high != 0) return -1;
    if (!prefix->resident[name->low] || prefix->holders[name->low] > 0) return -1;
    prefix->resident[name->low] = 0;
    prefix->resident_count--;
    prefix->evicted++;
    return 0;
}
