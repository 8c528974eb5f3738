/* SPDX-License-Identifier: MIT */
/* Outcomes, mailboxes and readiness: arguments checked, structs copied, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "base/hot.h"
#include "runtime/any.h"
#include "runtime/mailbox.h"
#include "runtime/reader.h"
#include "runtime/ready.h"

#include <string.h>

static uint32_t outcome_is_good(const berth_outcome *out) {
    return out == NULL || berth__grow_is_known(out, BERTH__FIRST_OUTCOME);
}

BERTH__HOT berth_status berth_wait(berth_pool *pool, berth_request_id id, uint64_t timeout_ns,
                                   berth_outcome *out) {
    berth_outcome ours;
    berth__grow_clear(out, BERTH__FIRST_OUTCOME);
    if (pool == NULL || id == 0 || !outcome_is_good(out)) return BERTH_EINVAL;
    const berth_status status =
        berth__mailbox_wait(pool, id, timeout_ns, out != NULL ? &ours : NULL);
    if (status == BERTH_OK && out != NULL) berth__grow_out(out, &ours, sizeof ours);
    return status;
}

BERTH__HOT berth_status berth_outcome_take(berth_pool *pool, berth_request_id id,
                                           berth_outcome *out) {
    berth_outcome ours;
    berth_outcome *to = out != NULL && out->struct_size == sizeof ours ? out : &ours;
    berth_status status = BERTH_EINVAL;
    if (pool != NULL && id != 0 && outcome_is_good(out)) status = berth__mailbox_take(pool, id, to);
    if (status != BERTH_OK)
        berth__grow_clear(out, BERTH__FIRST_OUTCOME);
    else if (out != NULL && to != out)
        berth__grow_out(out, &ours, sizeof ours);
    return status;
}

/* A read that is wrong, or whose record is of another version. */
static BERTH__APART berth_status read_any(berth_pool *pool, berth_request_id id,
                                          const berth__buffer *to, uint64_t timeout_ns,
                                          berth_record *out) {
    berth_record ours;
    if (out == NULL || !berth__grow_is_known(out, BERTH__FIRST_RECORD)) return BERTH_EINVAL;
    berth__grow_clear(out, BERTH__FIRST_RECORD);
    if (pool == NULL || id == 0 || (to->bytes == NULL && to->size != 0)) return BERTH_EINVAL;
    memset(&ours, 0, sizeof ours);
    const berth_status status = berth__reader_read(pool, id, *to, timeout_ns, &ours);
    if (status == BERTH_OK || status == BERTH_ESPACE) berth__grow_out(out, &ours, sizeof ours);
    return status;
}

/* A record as long as ours is written where it lies. */
berth_status berth_mailbox_read(berth_pool *pool, berth_request_id id, void *buffer,
                                size_t buffer_size, uint64_t timeout_ns, berth_record *out) {
    if (pool == NULL || id == 0 || buffer == NULL || out == NULL ||
        out->struct_size != sizeof *out) {
        const berth__buffer to = {.bytes = buffer, .size = buffer_size};
        return read_any(pool, id, &to, timeout_ns, out);
    }
    berth__grow_clear_ours(out, sizeof *out);
    return berth__reader_read(pool, id, (berth__buffer){buffer, buffer_size}, timeout_ns, out);
}

berth_status berth_mailbox_peek(berth_pool *pool, berth_request_id id, berth_span *spans,
                                uint32_t span_max, uint32_t *out_count) {
    if (out_count != NULL) *out_count = 0;
    if (pool == NULL || id == 0 || spans == NULL || span_max < 2 || out_count == NULL)
        return BERTH_EINVAL;
    return berth__reader_peek(pool, id, spans, span_max, out_count);
}

berth_status berth_mailbox_consume(berth_pool *pool, berth_request_id id, uint32_t lease,
                                   uint32_t chunk_count) {
    if (pool == NULL || id == 0) return BERTH_EINVAL;
    return berth__reader_consume(pool, id, lease, chunk_count);
}

berth_status berth_mailbox_wait_any(berth_pool *pool, const berth_request_id *ids,
                                    uint32_t id_count, uint64_t timeout_ns, uint32_t *out_index) {
    if (out_index != NULL) *out_index = 0;
    if (pool == NULL || ids == NULL || id_count == 0 || out_index == NULL) return BERTH_EINVAL;
    for (uint32_t i = 0; i < id_count; i++)
        if (ids[i] == 0) return BERTH_EINVAL;
    return berth__any_wait(pool, &(berth__any){ids, id_count}, timeout_ns, out_index);
}

berth_status berth_mailbox_close(berth_pool *pool, berth_request_id id) {
    return pool == NULL || id == 0 ? BERTH_EINVAL : berth__mailbox_close(pool, id);
}

berth_status berth_ready_descriptor(berth_pool *pool, int32_t *out) {
    if (out == NULL) return BERTH_EINVAL;
    *out = -1;
    return pool == NULL ? BERTH_EINVAL : berth__ready_descriptor(pool, out);
}

berth_status berth_ready_take(berth_pool *pool, berth_request_id *ids, uint32_t ids_max,
                              uint32_t *out_count) {
    if (out_count != NULL) *out_count = 0;
    if (pool == NULL || ids == NULL || ids_max == 0 || out_count == NULL) return BERTH_EINVAL;
    return berth__ready_take(pool, ids, ids_max, out_count);
}
