/* SPDX-License-Identifier: MIT */
/*
 * What:    structs that grow: read one of any version into this version's form, and write it back.
 * Why:     every adapter that takes a struct with struct_size must treat it alike.
 * Rules:   every struct handled here begins with uint32_t struct_size.
 * Threads: none; pure functions.
 */
#ifndef BERTH__ADAPTERS_GROWTH_H
#define BERTH__ADAPTERS_GROWTH_H

#include "berth.h"

/* Copy `from` to `to`, whose version-0.1 form has `size` bytes, and set its struct_size to that.
 * BERTH_EINVAL if `from` is smaller, or larger with something set that this version does not know. */
berth_status berth__growth_read(void *to, size_t size, const void *from);

/* Copy `from` back over `to`, which berth__growth_read has accepted; struct_size stays as it is. */
void berth__growth_write(void *to, size_t size, const void *from);

#endif
