/* SPDX-License-Identifier: MIT */
/*
 * What:    which blocks of prompt are known, resident, held and being computed: the prefix index.
 * Why:     a request whose prompt begins as another's did asks only for what is not there yet, and
 *          a block that several requests share is counted once.
 * Rules:   a block is named by the hash of all tokens up to its end, so it has one parent. Resident
 *          and held are closed towards the root: who holds a block holds all before it. What nobody
 *          holds is cached, and given up oldest first, which is leaf first.
 * Threads: none of its own.
 *
 *   root <- b1 <- b2 <- b3 <- b4        a request is its last block (`tail`): the rest are parents
 *           '--v--'    '--v---'
 *           resident   absent: wanted by parked requests, computed by the first that is admitted
 *
 * The tree is that of SGLang's radix cache and of vLLM's chained block hashes; here a node is one
 * block, and all the request keeps is the number of its last one.
 */
#ifndef BERTH__CORE_PREFIX_H
#define BERTH__CORE_PREFIX_H

#include "base/list.h"
#include "berth.h"

enum berth__block_state {
    BERTH__BLOCK_FREE = 0,
    BERTH__BLOCK_ABSENT = 1,  /* somebody wants it, or its eviction is to be told */
    BERTH__BLOCK_RESIDENT = 2 /* computed; cached while nobody holds it */
};

typedef struct berth__block {
    berth_block_hash hash;
    uint32_t parent;            /* BERTH__NONE at the root */
    uint32_t bucket_next;       /* in its bucket of the hash table */
    uint32_t depth;             /* blocks up to and with this one */
    uint32_t refs;              /* children, chains that end here, and 1 while `told` is due */
    uint32_t holders;           /* requests whose last held block it is, and children held */
    uint32_t resident_children; /* resident blocks whose parent it is */
    uint32_t owner;             /* place that computes it; BERTH__NONE */
    uint32_t toward;            /* the next block that its owner computes; BERTH__NONE */
    uint8_t state;              /* berth__block_state */
    uint8_t doomed;             /* the engine gave it up while blocks behind it are resident */
    uint8_t telling;            /* its eviction is in the list `evicted` */
    uint8_t reserved[5];
} berth__block;

typedef struct berth__prefix {
    berth__block *blocks;
    berth__link *links; /* free, cached, evicted: a block is in one of them at most */
    uint32_t *buckets;  /* a power of two of them */
    berth__list free;
    berth__list cached;   /* in order of being let go */
    berth__list evicted;  /* to be told to the engine */
    uint32_t block_count; /* 0 = there is no index */
    uint32_t bucket_mask;
    uint32_t tells;           /* evictions are told */
    uint32_t held_count;      /* resident blocks that somebody holds */
    uint64_t change_count;    /* moves whenever a hit may have changed */
    uint64_t truncated_total; /* blocks of prompts that found no room in the index */
    uint64_t evicted_total;
} berth__prefix;

/* How many buckets an index of so many blocks has. */
uint32_t berth__prefix_bucket_count(uint32_t block_count);

/* The arrays are the caller's: block_count blocks and links, bucket_count buckets. */
void berth__prefix_init(berth__prefix *prefix, berth__block *blocks, berth__link *links,
                        uint32_t *buckets, uint32_t block_count);

/*
 * A request with these blocks came: know them, up to the first that finds no room or contradicts
 * what is known (the same hash behind another parent). Returns the last one, or BERTH__NONE.
 */
uint32_t berth__prefix_want(berth__prefix *prefix, const berth_block_hash *hashes, uint32_t count);

/* It is gone. */
void berth__prefix_unwant(berth__prefix *prefix, uint32_t tail);

/* Blocks up to and with this one; 0 for BERTH__NONE. */
uint32_t berth__prefix_depth(const berth__prefix *prefix, uint32_t block);

/* The last block of the chain that is resident with all before it, at most depth_max deep; in
 * `next` the one behind it on the chain. BERTH__NONE where there is none. O(blocks of chain). */
uint32_t berth__prefix_hit(const berth__prefix *prefix, uint32_t tail, uint32_t depth_max,
                           uint32_t *next);

/* Who is computing this block? BERTH__NONE if nobody is, or `block` is BERTH__NONE. */
uint32_t berth__prefix_owner_of(const berth__prefix *prefix, uint32_t block);

/* Of the blocks up to this resident one: how many does nobody hold? */
uint32_t berth__prefix_unheld(const berth__prefix *prefix, uint32_t block);

/* Hold a resident block and all before it; how many were not held before. */
uint32_t berth__prefix_acquire(berth__prefix *prefix, uint32_t block);

/* Let go of them; how many nobody holds now. */
uint32_t berth__prefix_release(berth__prefix *prefix, uint32_t block);

/* A running request computes what is behind `held`: it owns the rest of its chain, and its first
 * block is returned. If any of it is somebody else's, or resident already (the last token of a
 * prompt is computed even where its block is there), only what lies before that; if that is
 * nothing, BERTH__NONE. */
uint32_t berth__prefix_begin(berth__prefix *prefix, uint32_t tail, uint32_t held, uint32_t owner);

/* It has computed the block `next`, the one behind `held`: resident and held from now on. Returns
 * the one to be computed after it, or BERTH__NONE. */
uint32_t berth__prefix_publish(berth__prefix *prefix, uint32_t next);

/* It computes no further: what it owns from `next` on is nobody's. */
void berth__prefix_abandon(berth__prefix *prefix, uint32_t next);

/* Give up the block that has been cached longest; 0 if none is cached. */
uint32_t berth__prefix_evict(berth__prefix *prefix);

/* The engine gave this block up. 0 if it is not known, not resident, or held. */
uint32_t berth__prefix_lost(berth__prefix *prefix, const berth_block_hash *hash);

/* Name an eviction that was not told yet; 0 if there is none. */
uint32_t berth__prefix_tell(berth__prefix *prefix, berth_block_hash *out);

/* 0, or the line of the first invariant that does not hold. O(blocks): tests and debug. */
uint32_t berth__prefix_check(const berth__prefix *prefix);

#endif
