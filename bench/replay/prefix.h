/* SPDX-License-Identifier: MIT */
/*
 * What:    which KV blocks prompts share by the trace's names, and the engine's own account of
 *          those that it has: who computed them, who holds them, which were given up.
 * Why:     the pool credits what its index says is there; only an account of its own can tell
 *          whether it is, and whether a prompt is computed twice while it could wait.
 * Rules:   a name of the trace stands for its block and all before it, but that is not taken on
 *          trust: blocks are those of the tree of all prompts, so an equal name behind another
 *          prefix is another block. One such block is as many KV blocks as its tokens fill; what a
 *          prompt has of its last one is named where it fills KV blocks, too, but for the block
 *          with the prompt's last token.
 * Threads: one.
 */
#ifndef REPLAY_PREFIX_H
#define REPLAY_PREFIX_H

#include "trace.h"

typedef struct replay_prefix {
    const replay_trace *trace;
    uint32_t *nodes;         /* by the trace's hash_ids: which block of the tree it is */
    berth_block_hash *names; /* room for those of the longest prompt */
    uint32_t *holders;       /* by KV block: running requests that hold it */
    uint8_t *resident;       /* by KV block: it is in the cache */
    uint32_t block_count;    /* KV blocks of the tree; 0 = no cache is kept */
    uint32_t per_node;       /* KV blocks in a block of the trace */
    uint64_t resident_count;
    uint64_t held;         /* of them, how many somebody holds: each counted once */
    uint64_t evicted;      /* blocks, so far */
    uint64_t asked_tokens; /* of prompts, at every admission */
    uint64_t hit_tokens;   /* of these, found in the cache */
} replay_prefix;

/* Does the trace name blocks that a cache could go by? */
int replay_prefix_has_names(const replay_trace *trace);

/* Whose names are those of the trace, which is kept. 0, or -1 without memory. */
int replay_prefix_init(replay_prefix *prefix, const replay_trace *trace);

/* Also of one that is all zero. */
void replay_prefix_fini(replay_prefix *prefix);

/* The names of the prompt's KV blocks, for its submit; in `names` until the next call. */
uint32_t replay_prefix_name(replay_prefix *prefix, const replay_row *row);

/* Tokens of the prompt that are resident from its begin on, in whole blocks; never its last. */
uint64_t replay_prefix_hit_tokens(const replay_prefix *prefix, const replay_row *row);

/* It was admitted, and holds what was found. */
void replay_prefix_hold(replay_prefix *prefix, replay_row *row);

/* It has computed more: the blocks of its prompt that are complete are there, and it holds them.
 * -1 where another one has computed one of them meanwhile. */
int replay_prefix_progress(replay_prefix *prefix, replay_row *row);

/* It runs no more. */
void replay_prefix_let_go(replay_prefix *prefix, replay_row *row);

/* The pool gave up the block of this name. -1 where it is not there, or somebody holds it. */
int replay_prefix_give_up(replay_prefix *prefix, const berth_block_hash *name);

#endif
