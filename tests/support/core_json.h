/* SPDX-License-Identifier: MIT */
/*
 * What:    the checked JSON text beside jansson, which is asked about the same bytes.
 * Why:     chosen texts (unit) and a fuzzer's (fuzz) are judged the same way.
 * Rules:   where the two do not agree, a cmocka assertion fails.
 * Threads: any.
 */
#ifndef BERTH_TESTS_CORE_JSON_H
#define BERTH_TESTS_CORE_JSON_H

#include "berth.h"

/* The verdict of berth__json_check, asked of a copy of exactly this size. */
berth_status core_json_check(const char *from, size_t size);

/* It is jansson's, too. For a text without NUL bytes and no deeper than BERTH__JSON_DEPTH_MAX. */
void core_json_agree(const char *text, size_t size);

#endif
