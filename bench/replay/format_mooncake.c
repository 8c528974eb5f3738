/* SPDX-License-Identifier: MIT */
#include "format_mooncake.h"

#include <jansson.h>
#include <string.h>

#define MILLISECOND_NS UINT64_C(1000000)
#define MILLISECONDS_MAX UINT64_C(1000000000000) /* 31 years */

/* One line of the text, and the object that stands there. */
typedef struct line {
    const replay_reader *in;
    const char *end;
    json_t *object;
} line;

/* Where the value of `key` begins, for an error; the line's own begin if the key is not there. */
static const char *place_of(const line *of, const char *key) {
    const size_t size = strlen(key);
    for (const char *at = of->in->at; at + size + 2 < of->end; at++) {
        if (*at != '"' || memcmp(at + 1, key, size) != 0 || at[size + 1] != '"') continue;
        const char *value = at + size + 2;
        while (value < of->end && (*value == ' ' || *value == '\t')) value++;
        if (value == of->end || *value != ':') continue;
        for (value++; value < of->end && (*value == ' ' || *value == '\t');) value++;
        return value;
    }
    return of->in->at;
}

static int whole(const line *of, const char *key, uint64_t max, uint64_t *out) {
    const json_t *value = json_object_get(of->object, key);
    if (value == NULL) return replay_reader_wrong(of->in, of->in->at, "key '%s' is missing", key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return replay_reader_wrong(of->in, place_of(of, key),
                                   "key '%s': expected a whole number from 0 to %llu", key,
                                   (unsigned long long)max);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

static int hash_ids(const line *of, replay_row *row, replay_trace *out) {
    const json_t *array = json_object_get(of->object, "hash_ids");
    row->hash_at = out->hash_count;
    if (array == NULL) return 0;
    const size_t count = json_array_size(array);
    const size_t blocks =
        (row->prompt_tokens + REPLAY_MOONCAKE_BLOCK_TOKENS - 1) / REPLAY_MOONCAKE_BLOCK_TOKENS;
    if (!json_is_array(array))
        return replay_reader_wrong(of->in, place_of(of, "hash_ids"),
                                   "key 'hash_ids': expected an array of whole numbers");
    if (count > blocks)
        return replay_reader_wrong(of->in, place_of(of, "hash_ids"),
                                   "key 'hash_ids': %zu names, but input_length has %zu blocks",
                                   count, blocks);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(array, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return replay_reader_wrong(of->in, place_of(of, "hash_ids"),
                                       "key 'hash_ids[%zu]': expected a whole number, 0 or more",
                                       i);
        if (replay_trace_add_hash(out, (uint64_t)json_integer_value(id)) != 0)
            return replay_reader_wrong(of->in, of->in->at, "no memory for this row");
    }
    row->hash_count = (uint32_t)count;
    return 0;
}

static int row_of(const line *of, replay_row *row, replay_trace *out) {
    uint64_t ms = 0, prompt = 0, output = 0;
    if (!json_is_object(of->object))
        return replay_reader_wrong(of->in, of->in->at, "expected a JSON object");
    if (whole(of, "timestamp", MILLISECONDS_MAX, &ms) != 0) return -1;
    if (whole(of, "input_length", REPLAY_TOKENS_MAX, &prompt) != 0) return -1;
    if (whole(of, "output_length", REPLAY_TOKENS_MAX, &output) != 0) return -1;
    row->arrive_at_ns = ms * MILLISECOND_NS;
    row->prompt_tokens = (uint32_t)prompt;
    row->output_tokens = (uint32_t)output;
    return hash_ids(of, row, out);
}

static int row(replay_reader *in, replay_row *out_row, replay_trace *out) {
    json_error_t error;
    const char *end = memchr(in->at, '\n', (size_t)(in->end - in->at));
    line of = {.in = in, .end = end != NULL ? end : in->end};
    if (of.end == in->at || *in->at == '\r')
        return replay_reader_wrong(in, in->at, "an empty line");
    of.object = json_loadb(in->at, (size_t)(of.end - in->at), JSON_REJECT_DUPLICATES, &error);
    if (of.object == NULL) {
        const size_t size = (size_t)(of.end - in->at);
        const size_t position = error.position > 0 ? (size_t)error.position - 1 : 0;
        for (char *c = error.text; *c != '\0'; c++) /* it may quote the line; spare terminals */
            if (*c < ' ' || *c > '~') *c = '?';
        return replay_reader_wrong(in, in->at + (position < size ? position : size), "%.120s",
                                   error.text);
    }
    const int result = row_of(&of, out_row, out);
    json_decref(of.object);
    in->at = of.end;
    return result != 0 ? -1 : replay_reader_end_of_line(in);
}

int replay_format_mooncake(replay_reader *in, replay_trace *out) {
    out->hash_tokens = REPLAY_MOONCAKE_BLOCK_TOKENS;
    while (replay_reader_has_row(in, out)) {
        const replay_reader before = *in;
        replay_row next = {0};
        if (row(in, &next, out) != 0) return -1;
        if (replay_reader_add(in, &before, next, out) != 0) return -1;
    }
    return 0;
}
