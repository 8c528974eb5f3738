/* SPDX-License-Identifier: MIT */
/*
 * What:    the invariants of flows, shares and tenants, worked out anew from the table.
 * Why:     as check.c: tests call it after each event.
 * Rules:   0, or the line of the first that does not hold. O(tenants * requests): for tests.
 * Threads: none; looks only.
 */
#ifndef BERTH__CORE_CHECK_FLOWS_H
#define BERTH__CORE_CHECK_FLOWS_H

#include "core/state.h"

uint32_t berth__check_flows(const berth__core *core);

#endif
