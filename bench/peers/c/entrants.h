/* SPDX-License-Identifier: MIT */
/* What: the entrants that are written in C.
 * Why: one table for the program that holds them.
 * Rules: each in the file of its name; see peer.h.
 * Threads: see peer.h. */
#ifndef PEER_ENTRANTS_H
#define PEER_ENTRANTS_H

#include "peer.h"

extern const peer_ops ours;
extern const peer_ops peer_libuv;
extern const peer_ops peer_glib;
extern const peer_ops peer_glib_sorted;
extern const peer_ops peer_mutex_ring;
extern const peer_ops peer_futex_ring;

#endif
