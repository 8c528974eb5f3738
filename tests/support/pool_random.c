/* SPDX-License-Identifier: MIT */
#include "support/pool_random.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* As libuv declares it, but for types that this tier does not see. */
int __real_uv_random(void *loop, void *request, void *bytes, size_t size, unsigned flags,
                     void *done) __attribute__((weak));
int __wrap_uv_random(void *loop, void *request, void *bytes, size_t size, unsigned flags,
                     void *done);

static atomic_int mode;

int __wrap_uv_random(void *loop, void *request, void *bytes, size_t size, unsigned flags,
                     void *done) {
    const int now = atomic_load(&mode);
    if (now == POOL_RANDOM_FAILS) return -5;
    if (now == POOL_RANDOM_SYSTEM) return __real_uv_random(loop, request, bytes, size, flags, done);
    memset(bytes, 0x11, size);
    return 0;
}

void pool_random_set(int to) {
    atomic_store(&mode, to);
}
