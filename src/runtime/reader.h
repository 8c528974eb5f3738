/* SPDX-License-Identifier: MIT */
/*
 * What:    reading a mailbox: what is there without the pool lock, waiting for more with it.
 * Why:     readers of what is there disturb neither each other nor the engine.
 * Rules:   one reader at a time has the mailbox to himself, asleep or not: the gate keeps others
 *          out, and `row->watch` while he sleeps. Records come in order: admitted, chunks, the end.
 * Threads: any, without the lock.
 */
#ifndef BERTH__RUNTIME_READER_H
#define BERTH__RUNTIME_READER_H

#include "berth.h"

/* Where a reader wants a chunk. */
typedef struct berth__buffer {
    void *bytes;
    uint64_t size;
} berth__buffer;

/* The public calls, arguments checked. */
berth_status berth__reader_read(berth_pool *pool, berth_request_id id, berth__buffer buffer,
                                uint64_t timeout_ns, berth_record *out);

berth_status berth__reader_peek(berth_pool *pool, berth_request_id id, berth_span *spans,
                                uint32_t span_max, uint32_t *out_count);
berth_status berth__reader_consume(berth_pool *pool, berth_request_id id, uint32_t lease,
                                   uint32_t chunk_count);

#endif
