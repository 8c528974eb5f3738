/* SPDX-License-Identifier: MIT */
/*
 * What:    copying structs that grow in and out, by the size that the caller knows.
 * Why:     a caller built against another version must neither be overrun nor be ignored.
 * Rules:   a struct as short as this version's first is the least; what is longer than this
 *          version knows must be zero on the way in, and is zeroed on the way out.
 * Threads: none; pure functions.
 */
#ifndef BERTH__BASE_GROW_H
#define BERTH__BASE_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* No struct will ever be longer: a larger size is a field that was never set. */
#define BERTH__GROW_SIZE_MAX 65536u

/* Can this be the size of a caller's struct? */
uint32_t berth__grow_is_good(size_t size, size_t size_min);

/* The same of the struct_size that a caller's struct begins with. */
uint32_t berth__grow_is_known(const void *theirs, size_t size_min);

/* Copy a caller's struct into ours of `size` bytes, at least `size_min` of them, the rest zero.
 * 0 if it is too short, or asks for what this version does not know. */
uint32_t berth__grow_in(void *ours, size_t size, const void *theirs, size_t size_min);

/* Copy ours out, as much as the caller has room for; struct_size stays the caller's. */
void berth__grow_out(void *theirs, const void *ours, size_t size);

/* Zero a caller's struct but for its struct_size. Nothing if it is NULL, or its size cannot be. */
void berth__grow_clear(void *theirs, size_t size_min);

/* The same of a struct that is as long as ours, which is known where this is in line: a line at a
 * time, of which a compiler makes the widest stores that there are. */
static inline void berth__grow_clear_ours(void *theirs, size_t size) {
    const uint32_t our_size = (uint32_t)size;
    unsigned char *bytes = theirs;
    for (size_t line = 0; line < size / 64; line++) memset(bytes + 64 * line, 0, 64);
    memset(bytes + size / 64 * 64, 0, size % 64);
    memcpy(theirs, &our_size, sizeof our_size);
}

#endif
