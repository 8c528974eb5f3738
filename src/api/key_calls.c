/* SPDX-License-Identifier: MIT */
/* Keys, and owners of mailboxes: arguments checked, structs copied, one call down. */
#include "berth.h"

#include "base/first.h"
#include "base/grow.h"
#include "runtime/key.h"
#include "runtime/owner.h"

#include <string.h>

berth_status berth_key_to_text(const berth_key *key, char *buffer, size_t buffer_size) {
    if (key == NULL || buffer == NULL) return BERTH_EINVAL;
    if (buffer_size < BERTH_KEY_TEXT_SIZE + 1) return BERTH_ESPACE;
    berth__key_write(key, buffer);
    buffer[BERTH_KEY_TEXT_SIZE] = '\0';
    return BERTH_OK;
}

berth_status berth_key_from_text(const char *text, size_t text_size, berth_key *out) {
    berth_key key;
    if (out == NULL) return BERTH_EINVAL;
    memset(out, 0, sizeof *out);
    if (text == NULL || text_size != BERTH_KEY_TEXT_SIZE || !berth__key_read(text, &key))
        return BERTH_EINVAL;
    *out = key;
    return BERTH_OK;
}

berth_status berth_mailbox_key(berth_pool *pool, berth_request_id id, berth_key *out) {
    if (out == NULL) return BERTH_EINVAL;
    memset(out, 0, sizeof *out);
    return pool == NULL || id == 0 ? BERTH_EINVAL : berth__owner_key(pool, id, out);
}

berth_status berth_mailbox_attach(berth_pool *pool, const berth_key *key,
                                  berth_attachment *attachment) {
    berth_attachment ours;
    if (attachment == NULL ||
        !berth__grow_in(&ours, sizeof ours, attachment, BERTH__FIRST_ATTACHMENT))
        return BERTH_EINVAL;
    ours.owner = ours.id = ours.oldest = ours.next = 0;
    berth__grow_out(attachment, &ours, sizeof ours);
    if (pool == NULL || key == NULL || (ours.flags & ~(uint32_t)BERTH_ATTACH_TAKE_OVER) != 0)
        return BERTH_EINVAL;
    const berth_status status = berth__owner_attach(pool, key, &ours);
    if (status == BERTH_OK || status == BERTH_ELOST)
        berth__grow_out(attachment, &ours, sizeof ours);
    return status;
}

berth_status berth_mailbox_detach(berth_pool *pool, berth_owner_id owner, uint32_t flags) {
    if (pool == NULL || owner == 0 || (flags & ~(uint32_t)BERTH_DETACH_CANCEL) != 0)
        return BERTH_EINVAL;
    return berth__owner_detach(pool, owner, flags);
}
