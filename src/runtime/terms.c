/* SPDX-License-Identifier: MIT */
#include "runtime/terms.h"
#include "base/hot.h"
#include "runtime/pool.h"

uint32_t berth__terms_may_suit(const berth_options *normalised, const berth_executor *executor) {
    return berth__submit_is_plain(normalised) && executor->cost == NULL && executor->rank == NULL;
}

/* All costs are looked at, however many resources there are: that takes no branch. */
BERTH__HOT uint32_t berth__terms_suit(const berth_pool *pool, const berth_request *request) {
    const berth_options *options = &pool->options;
    const uint32_t full_end =
        options->face == BERTH_FACE_ENGINE ? BERTH_FULL_PREEMPT + 1u : BERTH_FULL_PAUSE;
    uint64_t more = request->mailbox_flags | request->block_hash_count | request->rank |
                    request->ticket | request->set | request->set_units;
    for (uint32_t r = 0; r < BERTH_RESOURCES_MAX; r++)
        more |= r < options->resource_count ? 0 : request->cost[r];
    return more == 0 && request->samples <= 1 && request->band <= options->band_count &&
           request->cost_count == options->resource_count &&
           request->mailbox_mode <= BERTH_MAILBOX_OUTCOME && request->mailbox_full < full_end;
}

BERTH__HOT void berth__terms_fill(const berth_pool *pool, const berth_request *request,
                                  berth__terms *out) {
    const berth_options *options = &pool->options;
    out->payload_size = request->payload_size;
    out->prompt_tokens = request->prompt_tokens;
    out->max_new_tokens = request->max_new_tokens;
    out->queue_ns = request->queue_ns != 0 ? request->queue_ns : options->queue_ns_max;
    out->first_output_ns = request->first_output_ns;
    out->total_ns = request->total_ns;
    out->tenant = request->tenant;
    out->band = request->band != 0 ? request->band : options->band_default;
    out->pinned = pool->executor.release != NULL;
}

uint32_t berth__terms_full(const berth_options *options, const berth_request *request) {
    return request->mailbox_full != 0 ? request->mailbox_full : options->mailbox_full;
}
