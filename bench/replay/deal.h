/* SPDX-License-Identifier: MIT */
/*
 * What:    who gets which band and tenant, and when a faster replay lets a request come.
 * Why:     no trace has priorities, most have no tenants; policies must see the same deal.
 * Rules:   a row's band and tenant depend on the seed, its index and the shares, on nothing else.
 * Threads: none.
 */
#ifndef REPLAY_DEAL_H
#define REPLAY_DEAL_H

#include "settings.h"
#include "trace.h"

/* 0, or -1 without memory. */
int replay_deal(const replay_settings *settings, replay_trace *trace);

#endif
