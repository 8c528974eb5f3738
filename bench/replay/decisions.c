/* SPDX-License-Identifier: MIT */
#include "decisions.h"

#include <stddef.h>
#include <stdlib.h>
#include <xxhash.h>

#define FIELDS 5

struct replay_decisions {
    XXH3_state_t *state;
};

replay_decisions *replay_decisions_create(void) {
    replay_decisions *decisions = malloc(sizeof *decisions);
    if (decisions == NULL) return NULL;
    decisions->state = XXH3_createState();
    if (decisions->state != NULL && XXH3_64bits_reset(decisions->state) == XXH_OK) return decisions;
    replay_decisions_destroy(decisions);
    return NULL;
}

void replay_decisions_destroy(replay_decisions *decisions) {
    if (decisions == NULL) return;
    XXH3_freeState(decisions->state);
    free(decisions);
}

void replay_decisions_add(replay_decisions *decisions, const replay_decision_entry *entry) {
    const uint64_t fields[FIELDS] = {(uint64_t)entry->kind, entry->at_ns, entry->what[0],
                                     entry->what[1], entry->what[2]};
    unsigned char bytes[FIELDS * 8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(fields[i / 8] >> (i % 8 * 8));
    XXH3_64bits_update(decisions->state, bytes, sizeof bytes);
}

uint64_t replay_decisions_hash(const replay_decisions *decisions) {
    return XXH3_64bits_digest(decisions->state);
}
