/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdlib.h>

/* Which rows a spread is about: those of a band, or of all (0). */
static replay_spread spread_of(const replay_trace *trace, uint32_t band, int of_ttft,
                               uint64_t *buffer) {
    size_t count = 0;
    for (uint32_t i = 0; i < trace->count; i++) {
        const replay_row *row = &trace->rows[i];
        const uint64_t until_ns = of_ttft ? row->first_at_ns : row->admitted_at_ns;
        if ((band != 0 && row->band != band) || until_ns == REPLAY_NEVER) continue;
        buffer[count++] = until_ns > row->arrive_at_ns ? until_ns - row->arrive_at_ns : 0;
    }
    return replay_spread_of(buffer, count);
}

/* From its arrival to its admission, or to its end if it never was admitted. */
static uint64_t wait_of(const replay_row *row) {
    const uint64_t until_ns =
        row->admitted_at_ns != REPLAY_NEVER ? row->admitted_at_ns : row->ended_at_ns;
    if (until_ns == REPLAY_NEVER || until_ns < row->arrive_at_ns) return 0;
    return until_ns - row->arrive_at_ns;
}

static void count_row(const replay_settings *settings, const replay_row *row,
                      replay_band_report *out) {
    const uint64_t wait_ns = wait_of(row);
    out->submitted++;
    out->completed += row->outcome == BERTH_OUTCOME_COMPLETED;
    out->cancelled += row->outcome == BERTH_OUTCOME_CANCELLED;
    out->expired += row->outcome == BERTH_OUTCOME_EXPIRED;
    out->failed += row->outcome == BERTH_OUTCOME_FAILED;
    out->evicted += row->outcome == BERTH_OUTCOME_EVICTED;
    out->late += row->late;
    out->good += (uint64_t)replay_slo_met(&settings->slo, settings->model, row);
    if (wait_ns > out->wait_ns_max) out->wait_ns_max = wait_ns;
    if (row->refusal == BERTH_REFUSAL_NONE) return;
    out->refused[row->refusal]++;
    out->refused_total++;
}

static void count_tenant(const replay_settings *settings, const replay_row *row,
                         replay_report *out) {
    if (row->tenant_rank >= REPLAY_FAIRNESS_TENANTS) return;
    replay_tenant_report *of = &out->tenants[row->tenant_rank];
    of->tenant = row->tenant;
    of->submitted++;
    of->good += (uint64_t)replay_slo_met(&settings->slo, settings->model, row);
    if (wait_of(row) > of->wait_ns_max) of->wait_ns_max = wait_of(row);
}

static void count_rows(const replay_host *host, replay_report *out) {
    const replay_trace *trace = host->trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        const replay_row *row = &trace->rows[i];
        count_row(host->settings, row, &out->all);
        count_row(host->settings, row, &out->bands[row->band]);
        count_tenant(host->settings, row, out);
        if (wait_of(row) <= out->longest.wait_ns) continue;
        out->longest = (replay_waiter){wait_of(row), row->tenant};
    }
}

static int spreads(const replay_trace *trace, replay_report *out) {
    uint64_t *buffer = malloc(trace->count * sizeof *buffer);
    if (buffer == NULL) return replay_broken("no memory for the report");
    for (uint32_t band = 0; band <= REPLAY_BANDS; band++) {
        replay_band_report *of = band == 0 ? &out->all : &out->bands[band];
        of->queue_wait = spread_of(trace, band, 0, buffer);
        of->ttft = spread_of(trace, band, 1, buffer);
    }
    free(buffer);
    return 0;
}

/* The first and the last arrival are this far apart. */
static uint64_t arrivals_ns(const replay_trace *trace) {
    return trace->rows[trace->count - 1].arrive_at_ns - trace->rows[0].arrive_at_ns;
}

int replay_report_make(const replay_host *host, replay_report *out) {
    const replay_trace *trace = host->trace;
    *out = (replay_report){.tenant_count = trace->tenant_count,
                           .preemptions = host->preemptions,
                           .recomputed = host->recomputed,
                           .prefix_asked_tokens = host->prefix.asked_tokens,
                           .prefix_hit_tokens = host->prefix.hit_tokens,
                           .prefix_evicted = host->prefix.evicted,
                           .has_prefix = host->prefix.block_count > 0,
                           .generated = host->generated,
                           .duration_ns = host->now_ns,
                           .steps = host->steps,
                           .step_tokens = host->step_tokens,
                           .has_steps = host->decisions != NULL,
                           .service_gap = host->fairness.gap};
    if (out->has_steps) out->hash = replay_decisions_hash(host->decisions);
    out->parked_max = host->settings->parked_max != 0 ? host->settings->parked_max : trace->count;
    count_rows(host, out);
    if (spreads(trace, out) != 0) return -1;
    for (uint32_t i = 0; i < 2; i++) out->service_pair[i] = trace->tenants[host->fairness.pair[i]];
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        out->peak[r] = host->peak[r];
        out->capacity[r] = host->capacity[r];
        if (host->now_ns != 0) out->mean[r] = host->used_ns[r] / (double)host->now_ns;
    }
    if (arrivals_ns(trace) > 0)
        out->good_per_s = (double)out->all.good / ((double)arrivals_ns(trace) / 1e9);
    if (host->now_ns > 0)
        out->tokens_per_s = (double)host->generated / ((double)host->now_ns / 1e9);
    return 0;
}
