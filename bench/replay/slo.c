/* SPDX-License-Identifier: MIT */
#include "slo.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 1e6

const replay_slo replay_slo_default = {
    .ttft_ns = UINT64_C(2000000000), .tpot_ns = UINT64_C(100000000), .plus_prompt = 1};

/* NAME=TIME from `at` on; NULL, or where it ends. */
static const char *time_of(const char *at, const char *name, uint64_t *out_ns) {
    const size_t size = strlen(name);
    char *end;
    if (strncmp(at, name, size) != 0 || at[size] != '=') return NULL;
    at += size + 1;
    if ((*at < '0' || *at > '9') && *at != '.') return NULL;
    const double value = strtod(at, &end);
    const double unit = strncmp(end, "ms", 2) == 0 ? 1e6 : *end == 's' ? 1e9 : 0.0;
    if (unit == 0.0 || !(value > 0.0 && value * unit <= SECONDS_MAX * 1e9)) return NULL;
    *out_ns = (uint64_t)(value * unit);
    return end + (unit < 1e9 ? 2 : 1);
}

int replay_slo_read(const char *text, replay_slo *out) {
    static const char plus[] = "+prompt";
    replay_slo slo = {0};
    const char *at = time_of(text, "ttft", &slo.ttft_ns);
    if (at == NULL) return -1;
    if (strncmp(at, plus, sizeof plus - 1) == 0) {
        slo.plus_prompt = 1;
        at += sizeof plus - 1;
    }
    if (*at != ',') return -1;
    at = time_of(at + 1, "tpot", &slo.tpot_ns);
    if (at == NULL || *at != '\0') return -1;
    *out = slo;
    return 0;
}

uint64_t replay_slo_first_ns(const replay_slo *slo, const replay_model *model,
                             const replay_row *row) {
    replay_load load = {0};
    if (!slo->plus_prompt) return slo->ttft_ns;
    replay_load_prefill(&load, row->prompt_tokens);
    return slo->ttft_ns + model->step_ns(&load);
}

int replay_slo_met(const replay_slo *slo, const replay_model *model, const replay_row *row) {
    if (row->outcome != BERTH_OUTCOME_COMPLETED) return 0;
    const uint64_t first_at_ns =
        row->first_at_ns != REPLAY_NEVER ? row->first_at_ns : row->ended_at_ns;
    if (first_at_ns - row->arrive_at_ns > replay_slo_first_ns(slo, model, row)) return 0;
    if (row->output_tokens < 2) return 1;
    return (row->last_at_ns - row->first_at_ns) / (row->output_tokens - 1) <= slo->tpot_ns;
}
