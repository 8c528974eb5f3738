/* SPDX-License-Identifier: MIT */
#include "base/grow.h"

static uint32_t size_of(const void *theirs) {
    uint32_t size;
    memcpy(&size, theirs, sizeof size);
    return size;
}

uint32_t berth__grow_is_good(size_t size, size_t size_min) {
    return size >= size_min && size <= BERTH__GROW_SIZE_MAX;
}

uint32_t berth__grow_is_known(const void *theirs, size_t size_min) {
    return berth__grow_is_good(size_of(theirs), size_min);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

uint32_t berth__grow_in(void *ours, size_t size, const void *theirs, size_t size_min) {
    const size_t theirs_size = size_of(theirs);
    const unsigned char *bytes = theirs;
    const uint32_t our_size = (uint32_t)size;
    if (!berth__grow_is_good(theirs_size, size_min)) return 0;
    for (size_t i = size; i < theirs_size; i++)
        if (bytes[i] != 0) return 0;
    memcpy(ours, theirs, smaller(size, theirs_size));
    if (theirs_size < size) memset((unsigned char *)ours + theirs_size, 0, size - theirs_size);
    memcpy(ours, &our_size, sizeof our_size);
    return 1;
}

void berth__grow_out(void *theirs, const void *ours, size_t size) {
    const uint32_t theirs_size = size_of(theirs);
    memcpy(theirs, ours, smaller(size, theirs_size));
    if (theirs_size > size) memset((unsigned char *)theirs + size, 0, theirs_size - size);
    memcpy(theirs, &theirs_size, sizeof theirs_size);
}

void berth__grow_clear(void *theirs, size_t size_min) {
    if (theirs == NULL || !berth__grow_is_known(theirs, size_min)) return;
    memset((unsigned char *)theirs + sizeof(uint32_t), 0, size_of(theirs) - sizeof(uint32_t));
}
