/* SPDX-License-Identifier: MIT */
/*
 * What:    asking the system for huge pages where a table is large.
 * Why:     whoever ends a parked request of a large pool looks up places that are in no cache, of
 *          pages that are in no translation buffer; of huge pages hundreds of times fewer are
 *          needed.
 * Rules:   only a hint, which the system may not know or not follow. Not for less than PAGES_FROM:
 *          malloc gives so much to nobody else afterwards, and the pages that are only partly used
 *          are few beside it.
 * Threads: any.
 */
#ifndef BERTH__RUNTIME_PAGES_H
#define BERTH__RUNTIME_PAGES_H

#include <stddef.h>

/* glibc maps a block of this size by itself, whatever it has learnt of the program. */
#define BERTH__PAGES_FROM ((size_t)32 << 20)

void berth__pages_expect(void *memory, size_t size);

#endif
