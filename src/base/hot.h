/* SPDX-License-Identifier: MIT */
/*
 * What:    marks for functions. HOT: one request into an idle worker pool runs through it, from its
 *          submit to its outcome. APART: what is rare in a function that is called for each token,
 *          request or deadline.
 * Why:     HOT: after some milliseconds nothing is in any cache, nor its pages in a translation
 *          buffer: what is marked lies together, on half as many pages (bench/README.md). APART: in
 *          line it would make the function that calls it keep and restore registers each time.
 * Rules:   HOT: only what nearly every request runs through, by the lock; what is inlined needs no
 *          mark.
 * Threads: none of its own.
 */
#ifndef BERTH__BASE_HOT_H
#define BERTH__BASE_HOT_H

#if defined(__GNUC__)
#define BERTH__HOT __attribute__((hot))
#define BERTH__APART __attribute__((noinline))
#else
#define BERTH__HOT
#define BERTH__APART
#endif

#endif
