/* SPDX-License-Identifier: MIT */
/*
 * What:    a JSON text that is checked once and then walked in place, key by key, with places.
 * Why:     a wrong key must be named with its line and column, and a repeated one must be seen;
 *          a tree of values has neither. Walking allocates nothing, so it cannot run out of memory.
 * Rules:   berth__json_check comes first; everything else is only for a text that has passed it.
 * Threads: none; pure functions over memory that the caller lends.
 */
#ifndef BERTH__ADAPTERS_JSON_TEXT_H
#define BERTH__ADAPTERS_JSON_TEXT_H

#include "berth.h"

#define BERTH__JSON_DEPTH_MAX 16u
#define BERTH__JSON_NAME_SIZE 64u

typedef struct berth__json_text {
    const char *bytes;
    size_t size;
} berth__json_text;

enum berth__json_kind {
    BERTH__JSON_OBJECT = 0,
    BERTH__JSON_ARRAY = 1,
    BERTH__JSON_STRING = 2,
    BERTH__JSON_INTEGER = 3, /* no fraction, no exponent; any sign and size */
    BERTH__JSON_REAL = 4,
    BERTH__JSON_TRUE = 5,
    BERTH__JSON_FALSE = 6,
    BERTH__JSON_NULL = 7
};

/* One value: bytes[begin] is its first byte, bytes[end] the one after its last. */
typedef struct berth__json_value {
    enum berth__json_kind kind;
    size_t begin;
    size_t end;
} berth__json_value;

/* One member of an object or element of an array. */
typedef struct berth__json_member {
    size_t at;       /* offset of the key, or of the element */
    uint32_t index;  /* from 0, in order of the text */
    uint32_t is_cut; /* the key is longer than name has room for */

    /* The key, escapes undone, ended by NUL; "" in an array. */
    char name[BERTH__JSON_NAME_SIZE];
    berth__json_value value;
} berth__json_member;

typedef struct berth__json_iterator {
    berth__json_text text;
    size_t at;
    uint32_t index;
    uint32_t is_object;
} berth__json_iterator;

/* BERTH_OK if the text is one JSON value by RFC 8259, in UTF-8, at most BERTH__JSON_DEPTH_MAX
 * deep and without NUL in strings. Else BERTH_ECONFIG, the offset and what is wrong (static). */
berth_status berth__json_check(berth__json_text text, size_t *at, const char **message);

/* Line and column from 1, column in bytes. */
void berth__json_place(berth__json_text text, size_t at, uint32_t *line, uint32_t *column);

berth__json_value berth__json_root(berth__json_text text);

/* Walk an object or array: enter, then next until it returns 0. */
void berth__json_enter(berth__json_text text, berth__json_value container,
                       berth__json_iterator *iterator);
int berth__json_next(berth__json_iterator *iterator, berth__json_member *member);

/* Undo the escapes of a string into `out`, ended by NUL. 0 if it was cut to fit. */
int berth__json_string(berth__json_text text, berth__json_value value, char *out, size_t size);

/* 1 and the number, if the value is a whole one from min to max, written without '-'. */
int berth__json_whole(berth__json_text text, berth__json_value value, const uint64_t range[2],
                      uint64_t *out);

#endif
