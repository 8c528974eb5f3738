/* SPDX-License-Identifier: MIT */
#include "adapters/growth.h"

#include <string.h>

berth_status berth__growth_read(void *to, size_t size, const void *from) {
    const unsigned char *byte = from;
    uint32_t given;
    memcpy(&given, from, sizeof given);
    if (given < size) return BERTH_EINVAL;
    for (size_t i = size; i < given; i++)
        if (byte[i] != 0) return BERTH_EINVAL;

    const uint32_t known = (uint32_t)size;
    memcpy(to, from, size);
    memcpy(to, &known, sizeof known);
    return BERTH_OK;
}

void berth__growth_write(void *to, size_t size, const void *from) {
    unsigned char *target = to;
    const unsigned char *source = from;
    memcpy(target + sizeof(uint32_t), source + sizeof(uint32_t), size - sizeof(uint32_t));
}
