/* SPDX-License-Identifier: MIT */
/*
 * What:    the requests of a replay, and where they come from: a file in one of three formats.
 * Why:     a figure is only as good as its input: what is malformed stops, by line and column.
 * Rules:   the format is told by the content, never by the name. Times are whole nanoseconds from
 *          the first row; rows keep the order of the file.
 * Threads: none; a row belongs to whoever runs it, see host.h.
 */
#ifndef REPLAY_TRACE_H
#define REPLAY_TRACE_H

#include <berth.h>

#include <stddef.h>
#include <stdint.h>

#define REPLAY_NEVER UINT64_MAX

/* Larger than any model's context; keeps n * n of the time models inside 64 bits. */
#define REPLAY_TOKENS_MAX 10000000u

/* A replay parks all rows if asked to, and keeps as many outcomes: see berth_options. */
#define REPLAY_ROWS_MAX 8000000u

/* One request of the trace, and what became of it. */
typedef struct replay_row {
    uint64_t arrive_at_ns;   /* from the start of the replay */
    uint64_t admitted_at_ns; /* REPLAY_NEVER until admitted */
    uint64_t first_at_ns;    /* first token; REPLAY_NEVER until then */
    uint64_t last_at_ns;     /* the latest token */
    uint64_t ended_at_ns;    /* REPLAY_NEVER until then */
    uint64_t generated;      /* tokens so far, as the engine counts them */
    uint64_t computed;       /* of prompt and output, since it was last admitted */
    uint64_t ahead;          /* the same, once the steps that are outstanding are done */
    uint64_t prefill;        /* tokens to compute before it generates (again) */
    uint64_t held;           /* KV blocks that the engine knows it to hold, beside shared ones */
    berth_request_id id;     /* 0 until accepted */
    struct replay_row *ended_next;
    uint32_t prompt_tokens;
    uint32_t output_tokens;
    uint32_t band;    /* dealt; berth_band */
    uint32_t refusal; /* berth_refusal_reason */
    uint32_t outcome; /* berth_outcome_kind */
    uint32_t index;   /* from 0, in order of the trace */
    uint64_t tenant;  /* whose it is; 0 where the trace does not say */
    uint64_t hash_at; /* its prompt's block names begin here in the trace's hash_ids */
    uint32_t hash_count;
    uint32_t tenant_rank; /* among the tenants; 0 has most requests */
    uint32_t parked;      /* as the host knows it */
    uint32_t late;        /* it waited in vain, and goes on behind all others */
    uint32_t preempted;   /* how often */
    uint32_t shared;      /* KV blocks of its prompt that it holds of the prefix cache */
    uint32_t steps;       /* outstanding ones that contain it */
    uint32_t finished;    /* by a result */
} replay_row;

typedef struct replay_trace {
    replay_row *rows;
    uint32_t count;
    uint32_t has_tenants;
    uint64_t *tenants; /* by rank; made by the deal */
    uint32_t tenant_count;
    uint32_t reserved0;
    uint64_t *hash_ids; /* equal numbers are equal blocks of a prompt with all before them */
    uint64_t hash_count;
    uint32_t hash_tokens; /* in one such block; 0 = the trace names none */
    uint32_t reserved;
} replay_trace;

/* Where and why a trace is malformed. Line and column count from 1; line 0 = the file itself. */
typedef struct replay_trace_error {
    uint64_t line;
    uint64_t column;
    char message[160];
} replay_trace_error;

/* Append a row with this arrival, tokens, tenant and names; 0, or -1 where memory or
 * REPLAY_ROWS_MAX is met. */
int replay_trace_add(replay_trace *trace, const replay_row *row);

/* Append a block's name, of which row->hash_at and hash_count will tell. 0, or -1 without memory.
 */
int replay_trace_add_hash(replay_trace *trace, uint64_t hash_id);

/*
 * Read `text`, whichever of the formats it is in (../README.md). `limit` rows at most, 0 = all.
 * 0, or -1 with error filled and nothing to free.
 */
int replay_trace_parse(const char *text, size_t size, uint32_t limit, replay_trace *out,
                       replay_trace_error *error);

/* As parse, from a file. */
int replay_trace_read(const char *path, uint32_t limit, replay_trace *out,
                      replay_trace_error *error);

/* A trace of the same rows, of which nothing has become yet; it shares the names of blocks and
 * tenants, so it is gone before this one. 0, or -1 without memory. */
int replay_trace_copy(const replay_trace *trace, replay_trace *out);

void replay_trace_fini(replay_trace *trace);

/* Frees a copy. */
void replay_trace_copy_fini(replay_trace *copy);

#endif
