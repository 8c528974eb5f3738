/* SPDX-License-Identifier: MIT */
/*
 * What:    the target that a request has: its first token, and its tokens' mean distance.
 * Why:     goodput counts the requests that met it; a refusal is a miss.
 * Rules:   ttft=TIME[+prompt],tpot=TIME; "+prompt" adds the time that its prompt takes alone.
 * Threads: none; pure functions.
 */
#ifndef REPLAY_SLO_H
#define REPLAY_SLO_H

#include "model.h"
#include "trace.h"

typedef struct replay_slo {
    uint64_t ttft_ns;
    uint64_t tpot_ns;
    uint32_t plus_prompt;
    uint32_t reserved;
} replay_slo;

/* 2 s and the time of the prompt alone; 100 ms. */
extern const replay_slo replay_slo_default;

/* 0, or -1 where `text` is no such thing; times as 2s, 100ms. */
int replay_slo_read(const char *text, replay_slo *out);

/* When the row's first token is due, from its arrival. */
uint64_t replay_slo_first_ns(const replay_slo *slo, const replay_model *model,
                             const replay_row *row);

/* 1 if the row has completed in time. */
int replay_slo_met(const replay_slo *slo, const replay_model *model, const replay_row *row);

#endif
