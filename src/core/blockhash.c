/* SPDX-License-Identifier: MIT */
#include "core/blockhash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void put_u64(unsigned char *to, uint64_t value) {
    for (uint32_t i = 0; i < 8; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static berth_block_hash hash_of(XXH128_hash_t hash) {
    return (berth_block_hash){.low = hash.low64, .high = hash.high64};
}

static void begin(XXH3_state_t *state, uint64_t low, uint64_t high) {
    unsigned char bytes[16];
    put_u64(bytes, low);
    put_u64(bytes + 8, high);
    XXH3_INITSTATE(state);
    (void)XXH3_128bits_reset(state);
    (void)XXH3_128bits_update(state, bytes, sizeof bytes);
}

berth_block_hash berth__blockhash_root(uint64_t adapter, const void *salt, size_t salt_size) {
    XXH3_state_t state;
    begin(&state, adapter, salt_size);
    if (salt_size > 0) (void)XXH3_128bits_update(&state, salt, salt_size);
    return hash_of(XXH3_128bits_digest(&state));
}

/* Tokens as little-endian bytes; where that is how they lie, as they lie. */
static void add_tokens(XXH3_state_t *state, const uint32_t *tokens, uint32_t token_count) {
    if (XXH_CPU_LITTLE_ENDIAN) {
        (void)XXH3_128bits_update(state, tokens, (size_t)4 * token_count);
        return;
    }
    for (uint32_t i = 0; i < token_count; i++) {
        unsigned char bytes[4];
        for (uint32_t b = 0; b < 4; b++) bytes[b] = (unsigned char)(tokens[i] >> 8 * b);
        (void)XXH3_128bits_update(state, bytes, sizeof bytes);
    }
}

berth_block_hash berth__blockhash_next(berth_block_hash parent, const uint32_t *tokens,
                                       uint32_t token_count) {
    XXH3_state_t state;
    begin(&state, parent.low, parent.high);
    add_tokens(&state, tokens, token_count);
    return hash_of(XXH3_128bits_digest(&state));
}
