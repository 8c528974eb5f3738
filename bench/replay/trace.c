/* SPDX-License-Identifier: MIT */
#include "trace.h"
#include "format_azure.h"
#include "format_mooncake.h"
#include "format_servegen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong_file(replay_trace_error *error, const char *what, const char *why) {
    error->line = 0;
    error->column = 0;
    snprintf(error->message, sizeof error->message, "%s: %s", what, why);
    return -1;
}

/* Full at every power of two: double it. NULL without memory. */
static void *room_for_one(void *array, uint64_t count, size_t size) {
    if ((count & (count - 1)) != 0) return array;
    return realloc(array, (count == 0 ? 1 : (size_t)count * 2) * size);
}

int replay_trace_add(replay_trace *trace, const replay_row *row) {
    if (trace->count >= REPLAY_ROWS_MAX) return -1;
    replay_row *rows = room_for_one(trace->rows, trace->count, sizeof *rows);
    if (rows == NULL) return -1;
    trace->rows = rows;
    rows[trace->count] = (replay_row){.arrive_at_ns = row->arrive_at_ns,
                                      .admitted_at_ns = REPLAY_NEVER,
                                      .first_at_ns = REPLAY_NEVER,
                                      .ended_at_ns = REPLAY_NEVER,
                                      .prompt_tokens = row->prompt_tokens,
                                      .output_tokens = row->output_tokens,
                                      .tenant = row->tenant,
                                      .hash_at = row->hash_at,
                                      .hash_count = row->hash_count,
                                      .index = trace->count};
    trace->count++;
    return 0;
}

int replay_trace_add_hash(replay_trace *trace, uint64_t hash_id) {
    uint64_t *hash_ids = room_for_one(trace->hash_ids, trace->hash_count, sizeof *hash_ids);
    if (hash_ids == NULL) return -1;
    trace->hash_ids = hash_ids;
    hash_ids[trace->hash_count++] = hash_id;
    return 0;
}

typedef struct format {
    const char *begin; /* of the text */
    int (*read)(replay_reader *in, replay_trace *out);
} format;

static const format formats[] = {
    {"TIMESTAMP,", replay_format_azure},
    {"arrival_s,", replay_format_servegen},
    {"{", replay_format_mooncake},
};

static int read_rows(replay_reader *in, replay_trace *out) {
    static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, which some editors leave */
    if (in->at == in->end) return replay_reader_wrong(in, in->at, "the file is empty");
    if (in->end - in->at >= 3 && memcmp(in->at, mark, 3) == 0) in->at += 3;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const size_t size = strlen(formats[i].begin);
        if ((size_t)(in->end - in->at) < size || memcmp(in->at, formats[i].begin, size) != 0)
            continue;
        if (formats[i].read(in, out) != 0) return -1;
        if (out->count > 0) return 0;
        return replay_reader_wrong(in, in->at, "no row after the header");
    }
    return replay_reader_expected(in, "the header " REPLAY_AZURE_HEADER
                                      " or " REPLAY_SERVEGEN_HEADER ", or a line of JSON");
}

int replay_trace_parse(const char *text, size_t size, uint32_t limit, replay_trace *out,
                       replay_trace_error *error) {
    replay_reader in = {.at = text,
                        .end = text + size,
                        .line_start = text,
                        .line = 1,
                        .limit = limit,
                        .error = error};
    *out = (replay_trace){0};
    if (read_rows(&in, out) == 0) return 0;
    replay_trace_fini(out);
    return -1;
}

/* The whole file; NULL with error filled. The caller frees it. */
static char *whole(const char *path, size_t *out_size, replay_trace_error *error) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, room = 0;
    if (file == NULL) {
        wrong_file(error, "cannot open", strerror(errno));
        return NULL;
    }
    for (;;) {
        if (size == room) {
            char *larger = realloc(text, room = room == 0 ? 65536 : room * 2);
            if (larger == NULL) break;
            text = larger;
        }
        const size_t got = fread(text + size, 1, room - size, file);
        size += got;
        if (got == 0) break;
    }
    const int complete = feof(file) && !ferror(file);
    if (!complete) wrong_file(error, "cannot read", strerror(errno));
    fclose(file);
    if (complete) {
        *out_size = size;
        return text;
    }
    free(text);
    return NULL;
}

int replay_trace_read(const char *path, uint32_t limit, replay_trace *out,
                      replay_trace_error *error) {
    size_t size = 0;
    char *text = whole(path, &size, error);
    *out = (replay_trace){0};
    if (text == NULL) return -1;
    const int result = replay_trace_parse(text, size, limit, out, error);
    free(text);
    return result;
}

void replay_trace_fini(replay_trace *trace) {
    free(trace->rows);
    free(trace->hash_ids);
    free(trace->tenants);
    *trace = (replay_trace){0};
}

int replay_trace_copy(const replay_trace *trace, replay_trace *out) {
    *out = *trace;
    out->rows = malloc(trace->count * sizeof *out->rows);
    if (out->rows == NULL) return -1;
    memcpy(out->rows, trace->rows, trace->count * sizeof *out->rows);
    return 0;
}

void replay_trace_copy_fini(replay_trace *copy) {
    free(copy->rows);
    *copy = (replay_trace){0};
}
