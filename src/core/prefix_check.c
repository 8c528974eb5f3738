/* SPDX-License-Identifier: MIT */
/* Every invariant of the prefix index, worked out anew: for tests and debug builds. */
#include "core/prefix.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) return (uint32_t)__LINE__;                                               \
    } while (0)

/* What others say of one block. O(blocks). */
typedef struct children {
    uint32_t all;
    uint32_t resident;
    uint32_t held;
} children;

static children count_children(const berth__prefix *prefix, uint32_t block) {
    children c = {0};
    for (uint32_t i = 0; i < prefix->block_count; i++) {
        const berth__block *b = &prefix->blocks[i];
        if (b->state == BERTH__BLOCK_FREE || b->parent != block) continue;
        c.all++;
        c.resident += b->state == BERTH__BLOCK_RESIDENT;
        c.held += b->holders > 0;
    }
    return c;
}

static uint32_t check_parent(const berth__prefix *prefix, const berth__block *b) {
    MUST(b->depth == berth__prefix_depth(prefix, b->parent) + 1);
    if (b->parent == BERTH__NONE) return 0;
    const berth__block *parent = &prefix->blocks[b->parent];
    MUST(parent->state != BERTH__BLOCK_FREE);
    MUST(b->state != BERTH__BLOCK_RESIDENT || parent->state == BERTH__BLOCK_RESIDENT);
    MUST(b->holders == 0 || (parent->holders > 0 && !parent->doomed));
    return 0;
}

static uint32_t check_block(const berth__prefix *prefix, uint32_t block) {
    const berth__block *b = &prefix->blocks[block];
    const children c = count_children(prefix, block);
    MUST(b->refs >= c.all + b->telling);
    MUST(b->resident_children == c.resident);
    MUST(b->holders >= c.held);
    MUST(b->refs > 0 || b->state == BERTH__BLOCK_RESIDENT);
    MUST(b->holders == 0 || (b->state == BERTH__BLOCK_RESIDENT && b->owner == BERTH__NONE));
    MUST(!b->doomed || (b->state == BERTH__BLOCK_RESIDENT && b->resident_children > 0));
    MUST(!b->telling || b->state == BERTH__BLOCK_ABSENT);
    if (b->toward != BERTH__NONE) {
        MUST(b->owner != BERTH__NONE && prefix->blocks[b->toward].owner == b->owner);
        MUST(prefix->blocks[b->toward].parent == block);
    }
    return check_parent(prefix, b);
}

uint32_t berth__prefix_check(const berth__prefix *prefix) {
    uint32_t free = 0;
    uint32_t cached = 0;
    uint32_t telling = 0;
    uint32_t held = 0;
    for (uint32_t block = 0; block < prefix->block_count; block++) {
        const berth__block *b = &prefix->blocks[block];
        free += b->state == BERTH__BLOCK_FREE;
        if (b->state == BERTH__BLOCK_FREE) continue;
        cached += b->state == BERTH__BLOCK_RESIDENT && b->holders == 0;
        held += b->holders > 0;
        telling += b->telling;
        const uint32_t line = check_block(prefix, block);
        if (line != 0) return line;
    }
    MUST(free == prefix->free.count);
    MUST(cached == prefix->cached.count);
    MUST(telling == prefix->evicted.count);
    MUST(held == prefix->held_count);
    return 0;
}
