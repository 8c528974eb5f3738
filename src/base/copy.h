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

#define BERTH__COPY_FEW 64u

/* At most BERTH__COPY_FEW: pieces of one size from both ends, which overlap in the middle. */
static inline void berth__copy_few(void *to, const void *from, uint64_t size) {
    unsigned char *into = to;
    const unsigned char *bytes = from;
    if (size >= 16) {
        if (size > 32) {
            memcpy(into + 16, bytes + 16, 16);
            memcpy(into + size - 32, bytes + size - 32, 16);
        }
        memcpy(into, bytes, 16);
        memcpy(into + size - 16, bytes + size - 16, 16);
    } else if (size >= 8) {
        memcpy(into, bytes, 8);
        memcpy(into + size - 8, bytes + size - 8, 8);
    } else if (size >= 4) {
        memcpy(into, bytes, 4);
        memcpy(into + size - 4, bytes + size - 4, 4);
    } else if (size > 0) {
        into[0] = bytes[0];
        into[size / 2] = bytes[size / 2];
        into[size - 1] = bytes[size - 1];
    }
}

static inline void berth__copy(void *to, const void *from, uint64_t size) {
    if (size <= BERTH__COPY_FEW)
        berth__copy_few(to, from, size);
    else
        memcpy(to, from, (size_t)size);
}

#endif
