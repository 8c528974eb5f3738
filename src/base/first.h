/* SPDX-License-Identifier: MIT */
/*
 * What:    the sizes that the public structs had in version 0.1, where they began to grow.
 * Why:     a caller may be as old as that; nothing shorter was ever handed out.
 * Rules:   a struct that grows gets its old size here, by its last field of version 0.1.
 * Threads: none.
 */
#ifndef BERTH__BASE_FIRST_H
#define BERTH__BASE_FIRST_H

#include "berth.h"

/* The size of a struct whose last field was this one. */
#define BERTH__FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

#define BERTH__FIRST_OPTIONS BERTH__FIRST_SIZE(berth_options, seed)
#define BERTH__FIRST_CONFIG_ERROR BERTH__FIRST_SIZE(berth_config_error, message)
#define BERTH__FIRST_EXECUTOR BERTH__FIRST_SIZE(berth_executor, cost)
#define BERTH__FIRST_REQUEST BERTH__FIRST_SIZE(berth_request, total_ns)
#define BERTH__FIRST_REFUSAL BERTH__FIRST_SIZE(berth_refusal, retry_after_ns)
#define BERTH__FIRST_OUTCOME BERTH__FIRST_SIZE(berth_outcome, reserved1)
#define BERTH__FIRST_RECORD BERTH__FIRST_SIZE(berth_record, outcome)
#define BERTH__FIRST_PLAN BERTH__FIRST_SIZE(berth_plan, parked_count)
#define BERTH__FIRST_BLOCK_KEY BERTH__FIRST_SIZE(berth_block_key, salt_size)
#define BERTH__FIRST_TENANT_STATS BERTH__FIRST_SIZE(berth_tenant_stats, units)
#define BERTH__FIRST_ATTACHMENT BERTH__FIRST_SIZE(berth_attachment, next)
#define BERTH__FIRST_STATS BERTH__FIRST_SIZE(berth_stats, resources)

#endif
