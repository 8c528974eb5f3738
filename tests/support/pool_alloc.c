/* SPDX-License-Identifier: MIT */
#include "support/pool_alloc.h"

#include <stdatomic.h>
#include <stdlib.h>

/* The linker's names for the functions behind the wraps; absent in tiers that do not wrap. */
void *__real_malloc(size_t size) __attribute__((weak));
void *__real_calloc(size_t count, size_t size) __attribute__((weak));
void *__real_realloc(void *old, size_t size) __attribute__((weak));
void __real_free(void *old) __attribute__((weak));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

/* The JSON library is the only other one whose allocations are the library's own doing. */
void json_set_alloc_funcs(void *(*allocate)(size_t), void (*release)(void *)) __attribute__((weak));

static _Atomic uint64_t asked;
static _Atomic uint64_t fail_at;
static atomic_int fail_all_after;
static _Atomic int64_t live;

static int must_fail(void) {
    uint64_t number = atomic_fetch_add(&asked, 1) + 1;
    uint64_t at = atomic_load(&fail_at);
    if (at == 0) return 0;
    return atomic_load(&fail_all_after) ? number >= at : number == at;
}

void *__wrap_malloc(size_t size) {
    if (must_fail()) return NULL;
    void *made = __real_malloc(size);
    if (made != NULL) atomic_fetch_add(&live, 1);
    return made;
}

void *__wrap_calloc(size_t count, size_t size) {
    if (must_fail()) return NULL;
    void *made = __real_calloc(count, size);
    if (made != NULL) atomic_fetch_add(&live, 1);
    return made;
}

void *__wrap_realloc(void *old, size_t size) {
    if (must_fail()) return NULL;
    void *made = __real_realloc(old, size);
    if (made != NULL && old == NULL) atomic_fetch_add(&live, 1);
    return made;
}

void __wrap_free(void *old) {
    if (old != NULL) atomic_fetch_sub(&live, 1);
    __real_free(old);
}

void pool_alloc_start(void) {
    if (json_set_alloc_funcs != NULL) json_set_alloc_funcs(__wrap_malloc, __wrap_free);
}

void pool_alloc_fail(uint64_t at, int all_after) {
    atomic_store(&fail_at, 0);
    atomic_store(&asked, 0);
    atomic_store(&fail_all_after, all_after);
    atomic_store(&fail_at, at);
}

uint64_t pool_alloc_count(void) {
    return atomic_load(&asked);
}

int64_t pool_alloc_live(void) {
    return atomic_load(&live);
}
