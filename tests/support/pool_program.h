/* SPDX-License-Identifier: MIT */
/*
 * What:    a program of bytes that drives a pool and an obvious model of its mailboxes side by
 *          side: arrays of everything that was ever said. Every status, record and moment has to
 *          agree.
 * Why:     random bytes (api) and a fuzzer's (fuzz) go the same way.
 * Rules:   any bytes are a program; where they do not agree, a cmocka assertion fails.
 * Threads: one at a time.
 */
#ifndef BERTH_TESTS_POOL_PROGRAM_H
#define BERTH_TESTS_POOL_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* How far it came: owners that there were, mailboxes that expired and that gave way to a limit. */
typedef struct pool_program_counts {
    uint64_t owners;
    uint64_t expired;
    uint64_t evicted;
} pool_program_counts;

pool_program_counts pool_program_run(const uint8_t *bytes, size_t size);

#endif
