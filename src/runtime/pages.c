/* SPDX-License-Identifier: MIT */
#include "runtime/pages.h"

#include <stdint.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#ifdef MADV_HUGEPAGE
void berth__pages_expect(void *memory, size_t size) {
    const uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    const uintptr_t first = ((uintptr_t)memory + mask) & ~mask;
    const uintptr_t end = ((uintptr_t)memory + size) & ~mask;
    if (size < BERTH__PAGES_FROM) return;
    (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}
#else
void berth__pages_expect(void *memory, size_t size) {
    (void)memory;
    (void)size;
}
#endif
