/* SPDX-License-Identifier: MIT */
#include "core/prefix.h"

#define LOOK_MAX 8u /* cached blocks that are looked at for one that makes room in the index */

uint32_t berth__prefix_bucket_count(uint32_t block_count) {
    uint32_t count = 1;
    while (count < block_count) count *= 2;
    return count;
}

void berth__prefix_init(berth__prefix *prefix, berth__block *blocks, berth__link *links,
                        uint32_t *buckets, uint32_t block_count) {
    const uint32_t bucket_count = berth__prefix_bucket_count(block_count);
    *prefix = (berth__prefix){.blocks = blocks,
                              .links = links,
                              .buckets = buckets,
                              .block_count = block_count,
                              .bucket_mask = bucket_count - 1};
    berth__list_init(&prefix->free);
    berth__list_init(&prefix->cached);
    berth__list_init(&prefix->evicted);
    for (uint32_t b = 0; b < bucket_count && block_count > 0; b++) buckets[b] = BERTH__NONE;
    for (uint32_t b = 0; b < block_count; b++) {
        blocks[b] = (berth__block){.state = BERTH__BLOCK_FREE};
        berth__list_push(&prefix->free, links, b);
    }
}

/* ---- Which blocks are known ---- */

static uint32_t *bucket_of(const berth__prefix *prefix, const berth_block_hash *hash) {
    return &prefix->buckets[(uint32_t)hash->low & prefix->bucket_mask];
}

static uint32_t find(const berth__prefix *prefix, const berth_block_hash *hash) {
    uint32_t b = *bucket_of(prefix, hash);
    while (b != BERTH__NONE &&
           (prefix->blocks[b].hash.low != hash->low || prefix->blocks[b].hash.high != hash->high))
        b = prefix->blocks[b].bucket_next;
    return b;
}

static void leave_bucket(berth__prefix *prefix, uint32_t block) {
    uint32_t *at = bucket_of(prefix, &prefix->blocks[block].hash);
    while (*at != block) at = &prefix->blocks[*at].bucket_next;
    *at = prefix->blocks[block].bucket_next;
}

/* What is absent and means nothing to anybody any more is free, and its parents with it. */
static void free_if_unused(berth__prefix *prefix, uint32_t block) {
    while (block != BERTH__NONE) {
        berth__block *b = &prefix->blocks[block];
        const uint32_t parent = b->parent;
        if (b->refs > 0 || b->state != BERTH__BLOCK_ABSENT) return;
        leave_bucket(prefix, block);
        b->state = BERTH__BLOCK_FREE;
        berth__list_push(&prefix->free, prefix->links, block);
        if (parent != BERTH__NONE) prefix->blocks[parent].refs--;
        block = parent;
    }
}

static void unref(berth__prefix *prefix, uint32_t block) {
    prefix->blocks[block].refs--;
    free_if_unused(prefix, block);
}

/* A resident block that nobody holds becomes absent; so do doomed parents that waited for it. */
static void forget_resident(berth__prefix *prefix, uint32_t block) {
    prefix->change_count++;
    while (block != BERTH__NONE) {
        berth__block *b = &prefix->blocks[block];
        const uint32_t parent = b->parent;
        berth__list_remove(&prefix->cached, prefix->links, block);
        b->state = BERTH__BLOCK_ABSENT;
        b->doomed = 0;
        block = BERTH__NONE;
        if (parent != BERTH__NONE) {
            berth__block *p = &prefix->blocks[parent];
            p->resident_children--;
            if (p->doomed && p->resident_children == 0) block = parent;
        }
    }
}

/* A cached block without resident children goes; the engine is told where it has to be. */
static void give_up(berth__prefix *prefix, uint32_t block) {
    berth__block *b = &prefix->blocks[block];
    b->refs++;
    forget_resident(prefix, block);
    prefix->evicted_total++;
    if (prefix->tells) {
        b->telling = 1;
        berth__list_push(&prefix->evicted, prefix->links, block);
    } else {
        unref(prefix, block);
    }
}

uint32_t berth__prefix_evict(berth__prefix *prefix) {
    if (prefix->cached.count == 0) return 0;
    give_up(prefix, prefix->cached.head);
    return 1;
}

/* The first of the longest cached that is wanted by nobody and has no block behind it. */
static uint32_t longest_unwanted(const berth__prefix *prefix) {
    uint32_t block = prefix->cached.head;
    for (uint32_t looks = 0; looks < LOOK_MAX && block != BERTH__NONE; looks++) {
        if (prefix->blocks[block].refs == 0) return block;
        block = prefix->links[block].next;
    }
    return BERTH__NONE;
}

/* Room for one more block. What the engine must be told of first makes room only later. */
static uint32_t take_block(berth__prefix *prefix) {
    if (prefix->free.count == 0) {
        const uint32_t block = longest_unwanted(prefix);
        if (block == BERTH__NONE) return BERTH__NONE;
        give_up(prefix, block);
    }
    const uint32_t block = prefix->free.head;
    if (block != BERTH__NONE) berth__list_remove(&prefix->free, prefix->links, block);
    return block;
}

static uint32_t add_block(berth__prefix *prefix, const berth_block_hash *hash, uint32_t parent) {
    const uint32_t block = take_block(prefix);
    if (block == BERTH__NONE) return BERTH__NONE;
    uint32_t *bucket = bucket_of(prefix, hash);
    prefix->blocks[block] = (berth__block){.hash = *hash,
                                           .parent = parent,
                                           .bucket_next = *bucket,
                                           .depth = berth__prefix_depth(prefix, parent) + 1,
                                           .owner = BERTH__NONE,
                                           .toward = BERTH__NONE,
                                           .state = BERTH__BLOCK_ABSENT};
    *bucket = block;
    if (parent != BERTH__NONE) prefix->blocks[parent].refs++;
    return block;
}

uint32_t berth__prefix_want(berth__prefix *prefix, const berth_block_hash *hashes, uint32_t count) {
    uint32_t tail = BERTH__NONE; /* with a reference of ours, so that making room cannot take it */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t block = find(prefix, &hashes[i]);
        if (block == BERTH__NONE) block = add_block(prefix, &hashes[i], tail);
        if (block == BERTH__NONE || prefix->blocks[block].parent != tail) {
            prefix->truncated_total += count - i;
            break;
        }
        prefix->blocks[block].refs++;
        if (tail != BERTH__NONE) prefix->blocks[tail].refs--;
        tail = block;
    }
    return tail;
}

void berth__prefix_unwant(berth__prefix *prefix, uint32_t tail) {
    if (tail != BERTH__NONE) unref(prefix, tail);
}

uint32_t berth__prefix_depth(const berth__prefix *prefix, uint32_t block) {
    return block == BERTH__NONE ? 0 : prefix->blocks[block].depth;
}

/* ---- What is resident, and who holds it ---- */

uint32_t berth__prefix_hit(const berth__prefix *prefix, uint32_t tail, uint32_t depth_max,
                           uint32_t *next) {
    uint32_t hit = BERTH__NONE;
    uint32_t behind = BERTH__NONE;
    for (uint32_t block = tail; block != BERTH__NONE; block = prefix->blocks[block].parent) {
        const berth__block *b = &prefix->blocks[block];
        if (b->depth <= depth_max) {
            if (b->state != BERTH__BLOCK_RESIDENT || b->doomed) {
                hit = BERTH__NONE;
            } else if (hit == BERTH__NONE) {
                hit = block;
                *next = behind;
            }
            if (b->holders > 0) return hit; /* so are all before it, and none of them is doomed */
        }
        behind = block;
    }
    if (hit == BERTH__NONE) *next = behind;
    return hit;
}

uint32_t berth__prefix_owner_of(const berth__prefix *prefix, uint32_t block) {
    return block == BERTH__NONE ? BERTH__NONE : prefix->blocks[block].owner;
}

uint32_t berth__prefix_unheld(const berth__prefix *prefix, uint32_t block) {
    uint32_t count = 0;
    for (; block != BERTH__NONE && prefix->blocks[block].holders == 0;
         block = prefix->blocks[block].parent)
        count++;
    return count;
}

uint32_t berth__prefix_acquire(berth__prefix *prefix, uint32_t block) {
    uint32_t count = 0;
    for (; block != BERTH__NONE; block = prefix->blocks[block].parent) {
        if (prefix->blocks[block].holders++ > 0) break;
        berth__list_remove(&prefix->cached, prefix->links, block);
        count++;
    }
    prefix->held_count += count;
    return count;
}

uint32_t berth__prefix_release(berth__prefix *prefix, uint32_t block) {
    uint32_t count = 0;
    for (; block != BERTH__NONE; block = prefix->blocks[block].parent) {
        if (--prefix->blocks[block].holders > 0) break;
        berth__list_push(&prefix->cached, prefix->links, block);
        count++;
    }
    prefix->held_count -= count;
    return count;
}

/* ---- Who computes what ---- */

void berth__prefix_abandon(berth__prefix *prefix, uint32_t next) {
    while (next != BERTH__NONE) {
        berth__block *b = &prefix->blocks[next];
        next = b->toward;
        b->owner = BERTH__NONE;
        b->toward = BERTH__NONE;
    }
    prefix->change_count++;
}

uint32_t berth__prefix_begin(berth__prefix *prefix, uint32_t tail, uint32_t held, uint32_t owner) {
    uint32_t next = BERTH__NONE;
    for (uint32_t block = tail; block != held; block = prefix->blocks[block].parent) {
        berth__block *b = &prefix->blocks[block];
        if (b->owner != BERTH__NONE || (b->state == BERTH__BLOCK_RESIDENT && !b->doomed)) {
            berth__prefix_abandon(prefix, next);
            next = BERTH__NONE;
            continue;
        }
        b->owner = owner;
        b->toward = next;
        next = block;
    }
    /* What does not follow on `held` could not be published in order. */
    if (next == BERTH__NONE || prefix->blocks[next].parent == held) return next;
    berth__prefix_abandon(prefix, next);
    return BERTH__NONE;
}

uint32_t berth__prefix_publish(berth__prefix *prefix, uint32_t next) {
    berth__block *b = &prefix->blocks[next];
    const uint32_t toward = b->toward;
    b->owner = BERTH__NONE;
    b->toward = BERTH__NONE;
    if (b->state == BERTH__BLOCK_RESIDENT) { /* doomed: here it is anew */
        berth__list_remove(&prefix->cached, prefix->links, next);
    } else {
        if (b->parent != BERTH__NONE) prefix->blocks[b->parent].resident_children++;
        if (b->telling) { /* it came back before anybody heard that it was gone */
            b->telling = 0;
            berth__list_remove(&prefix->evicted, prefix->links, next);
            b->refs--;
        }
    }
    b->state = BERTH__BLOCK_RESIDENT;
    b->doomed = 0;
    b->holders = 1; /* the publisher; it held the parent, which is now held by this child */
    prefix->held_count++;
    prefix->change_count++;
    return toward;
}

/* ---- What the engine says and hears of its cache ---- */

uint32_t berth__prefix_lost(berth__prefix *prefix, const berth_block_hash *hash) {
    const uint32_t block = prefix->block_count == 0 ? BERTH__NONE : find(prefix, hash);
    if (block == BERTH__NONE) return 0;
    berth__block *b = &prefix->blocks[block];
    if (b->state != BERTH__BLOCK_RESIDENT || b->doomed || b->holders > 0) return 0;
    prefix->evicted_total++;
    if (b->resident_children > 0) {
        b->doomed = 1;
        prefix->change_count++;
        return 1;
    }
    forget_resident(prefix, block);
    free_if_unused(prefix, block);
    return 1;
}

uint32_t berth__prefix_tell(berth__prefix *prefix, berth_block_hash *out) {
    const uint32_t block = prefix->evicted.head;
    if (block == BERTH__NONE) return 0;
    *out = prefix->blocks[block].hash;
    prefix->blocks[block].telling = 0;
    berth__list_remove(&prefix->evicted, prefix->links, block);
    unref(prefix, block);
    return 1;
}
