/* SPDX-License-Identifier: MIT */
/*
 * What:    a copy of bytes that are mostly few: the text of a token.
 * Why:     a call of memcpy takes about as long as copying them.
 * Rules:   as memcpy; with size 0 either may be NULL.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_COPY_H
#define BERTH__BASE_COPY_H

#include <stdint.h>
#include <string.h>

/* From 16 to 64 bytes are pieces of 16 from both ends, which overlap in the middle. */
static inline void berth__copy(void *to, const void *from, uint64_t size) {
    unsigned char *into = to;
    const unsigned char *bytes = from;
    if (size < 16 || size > 64) {
        if (size > 0) memcpy(into, bytes, (size_t)size);
        return;
    }
    if (size > 32) {
        memcpy(into + 16, bytes + 16, 16);
        memcpy(into + size - 32, bytes + size - 32, 16);
    }
    memcpy(into, bytes, 16);
    memcpy(into + size - 16, bytes + size - 16, 16);
}

#endif
