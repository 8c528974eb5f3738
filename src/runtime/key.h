/* SPDX-License-Identifier: MIT */
/*
 * What:    keys: made, compared, hashed, written and read.
 * Why:     a key opens somebody's output to whoever shows it.
 * Rules:   made of the system's random numbers only, and compared in a time that does not depend on
 *          where two keys differ. Keys never enter the core.
 * Threads: none; pure functions but for make, which is any's.
 */
#ifndef BERTH__RUNTIME_KEY_H
#define BERTH__RUNTIME_KEY_H

#include "berth.h"

/* ESYSTEM if the system has no random numbers. Without the pool lock. */
berth_status berth__key_make(berth_key *out);

/* 1 if they are equal. */
uint32_t berth__key_equal(const berth_key *a, const berth_key *b);

/* Bits of the key, which are random, so that nobody can choose where it lies in a table. */
uint64_t berth__key_bits(const berth_key *key);

/* `text` has BERTH_KEY_TEXT_SIZE characters; read returns 0 if they are not the text of a key. */
void berth__key_write(const berth_key *key, char *text);
uint32_t berth__key_read(const char *text, berth_key *out);

#endif
