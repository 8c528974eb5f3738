/* SPDX-License-Identifier: MIT */
/*
 * What:    who gets which band, and when a faster replay lets a request come.
 * Why:     no trace has priorities; fifo and bands must be compared on the same deal.
 * Rules:   a row's band depends on the seed, its index and the shares, on nothing else.
 * Threads: none.
 */
#ifndef REPLAY_DEAL_H
#define REPLAY_DEAL_H

#include "settings.h"
#include "trace.h"

void replay_deal(const replay_settings *settings, replay_trace *trace);

#endif
