/* SPDX-License-Identifier: MIT */
/*
 * What:    a mark for the functions that one request into an idle worker pool runs through, from
 *          its submit to its outcome.
 * Why:     after some milliseconds nothing is in any cache, nor its pages in a translation buffer:
 *          what is marked lies together, on half as many pages (bench/README.md).
 * Rules:   only what nearly every request runs through, by the lock; what is inlined needs no mark.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_HOT_H
#define BERTH__BASE_HOT_H

#if defined(__GNUC__)
#define BERTH__HOT __attribute__((hot))
#else
#define BERTH__HOT
#endif

#endif
