/* SPDX-License-Identifier: MIT */
#include "runtime/key.h"

#include <string.h>
#include <uv.h>

berth_status berth__key_make(berth_key *out) {
    /* Without a loop and a callback it answers at once, on this thread. */
    return uv_random(NULL, NULL, out->bytes, sizeof out->bytes, 0, NULL) == 0 ? BERTH_OK
                                                                              : BERTH_ESYSTEM;
}

uint32_t berth__key_equal(const berth_key *a, const berth_key *b) {
    uint32_t different = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++) different |= (uint32_t)(a->bytes[i] ^ b->bytes[i]);
    return different == 0;
}

uint64_t berth__key_bits(const berth_key *key) {
    uint64_t bits;
    memcpy(&bits, key->bytes, sizeof bits);
    return bits;
}

void berth__key_write(const berth_key *key, char *text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof key->bytes; i++) {
        text[2 * i] = digits[key->bytes[i] >> 4];
        text[2 * i + 1] = digits[key->bytes[i] & 15];
    }
}

/* 16 for what is no digit. */
static uint32_t value_of(char digit) {
    if (digit >= '0' && digit <= '9') return (uint32_t)(digit - '0');
    if (digit >= 'a' && digit <= 'f') return (uint32_t)(digit - 'a') + 10;
    return 16;
}

uint32_t berth__key_read(const char *text, berth_key *out) {
    for (size_t i = 0; i < sizeof out->bytes; i++) {
        const uint32_t high = value_of(text[2 * i]);
        const uint32_t low = value_of(text[2 * i + 1]);
        if (high > 15 || low > 15) return 0;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}
