/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const resource_names[REPLAY_RESOURCES] = {"kv_blocks", "sequences"};

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

static void count_row(const replay_row *row, replay_band_report *out) {
    out->submitted++;
    out->completed += row->outcome == BERTH_OUTCOME_COMPLETED;
    out->cancelled += row->outcome == BERTH_OUTCOME_CANCELLED;
    out->expired += row->outcome == BERTH_OUTCOME_EXPIRED;
    if (row->refusal == BERTH_REFUSAL_NONE) return;
    out->refused[row->refusal]++;
    out->refused_total++;
}

int replay_report_make(const replay_host *host, replay_report *out) {
    const replay_trace *trace = host->trace;
    uint64_t *buffer = malloc(trace->count * sizeof *buffer);
    if (buffer == NULL) return replay_broken("no memory for the report");
    *out = (replay_report){0};
    for (uint32_t i = 0; i < trace->count; i++) {
        count_row(&trace->rows[i], &out->all);
        count_row(&trace->rows[i], &out->bands[trace->rows[i].band]);
    }
    for (uint32_t band = 0; band <= REPLAY_BANDS; band++) {
        replay_band_report *of = band == 0 ? &out->all : &out->bands[band];
        of->queue_wait = spread_of(trace, band, 0, buffer);
        of->ttft = spread_of(trace, band, 1, buffer);
    }
    free(buffer);
    if (host->now_ns == 0) return 0;
    out->tokens_per_s = (double)host->generated / ((double)host->now_ns / 1e9);
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++)
        out->mean[r] = host->used_ns[r] / (double)host->now_ns;
    return 0;
}

static const char *trace_name(const replay_settings *settings) {
    return settings->trace_path != NULL ? settings->trace_path : "generated";
}

/* Parked at most, as the pool was told. */
static uint32_t parked_max(const replay_host *host) {
    const replay_settings *settings = host->settings;
    return settings->parked_max != 0 ? settings->parked_max : host->trace->count;
}

/* ---- Table ---- */

static void print_settings(const replay_host *host) {
    const replay_settings *s = host->settings;
    const replay_generator *g = &s->generator;
    printf("replay: %s, %u requests, speed %g, model %s (%s)\n", trace_name(s),
           (unsigned)host->trace->count, s->speed, s->model->name, s->model->what);
    if (s->trace_path == NULL)
        printf("generator: %g requests/s, gamma gaps of variation %g; lognormal lengths, prompt "
               "median %g sigma %g at most %u, output median %g sigma %g at most %u\n",
               g->rate, g->gap_cv, g->prompt_median, g->prompt_sigma, (unsigned)g->prompt_max,
               g->output_median, g->output_sigma, (unsigned)g->output_max);
    printf("policy %s, dealt %u/%u/%u %% high/normal/low by seed %" PRIu64 ", kv %" PRIu64
           " tokens in blocks of %u, %u sequences, at most %u parked\n",
           replay_policy_name(s->policy), (unsigned)s->shares[BERTH_BAND_HIGH],
           (unsigned)s->shares[BERTH_BAND_NORMAL], (unsigned)s->shares[BERTH_BAND_LOW], s->seed,
           s->kv_tokens, REPLAY_BLOCK_TOKENS, (unsigned)s->sequences, (unsigned)parked_max(host));
    if (s->queue_timeout_ns != 0)
        printf("a request waits %g s at most\n", (double)s->queue_timeout_ns / 1e9);
    if (s->real_time > 0.0)
        printf("on worker threads and the system's clock, %g times faster; times below are the "
               "trace's\n",
               s->real_time);
    putchar('\n');
}

static void print_spread(const replay_spread *spread) {
    if (spread->count == 0) {
        printf(" |        -        -        -        -");
        return;
    }
    printf(" | %8.3f %8.3f %8.3f %8.3f", (double)spread->p50_ns / 1e9, (double)spread->p90_ns / 1e9,
           (double)spread->p99_ns / 1e9, (double)spread->max_ns / 1e9);
}

static void print_band(const char *name, const replay_band_report *band) {
    printf("%-8s %9" PRIu64 " %8" PRIu64 " %9" PRIu64 " %8" PRIu64, name, band->submitted,
           band->refused_total, band->completed, band->expired);
    print_spread(&band->queue_wait);
    print_spread(&band->ttft);
    putchar('\n');
}

static void print_refusals(const char *name, const replay_band_report *band) {
    const char *before = "";
    if (band->refused_total == 0) return;
    printf("refused, %s:", name);
    for (uint32_t reason = 1; reason < BERTH_REFUSAL_COUNT; reason++) {
        if (band->refused[reason] == 0) continue;
        printf("%s %s %" PRIu64, before, berth_refusal_name(reason), band->refused[reason]);
        before = ",";
    }
    putchar('\n');
}

int replay_report_table(const replay_host *host, const replay_report *report) {
    print_settings(host);
    printf("%45s   %-35s   %s\n", "", "queue wait, s", "first token, s");
    printf("%-8s %9s %8s %9s %8s", "band", "submitted", "refused", "completed", "expired");
    for (int i = 0; i < 2; i++) printf(" | %8s %8s %8s %8s", "p50", "p90", "p99", "max");
    putchar('\n');
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        if (host->settings->shares[band] > 0)
            print_band(replay_band_name(band), &report->bands[band]);
    print_band("all", &report->all);
    putchar('\n');
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        print_refusals(replay_band_name(band), &report->bands[band]);
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++)
        printf("%s: mean %.1f, peak %" PRIu64 " of %" PRIu64 "\n", resource_names[r],
               report->mean[r], host->peak[r], host->capacity[r]);
    printf("output: %" PRIu64 " tokens in %.1f s, %.1f tokens/s", host->generated,
           (double)host->now_ns / 1e9, report->tokens_per_s);
    if (host->decisions != NULL)
        printf("; %" PRIu64 " steps\ndecision hash: %016" PRIx64, host->steps,
               replay_decisions_hash(host->decisions));
    printf("\nwall: %.2f s\n", host->wall_s);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : replay_broken("cannot write the report");
}

/* ---- JSON ---- */

/* Keys that cannot be added leave the object short, so remember it: one check at the end. */
static int json_failed;

static void put(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value) != 0) json_failed = 1;
}

static void put_count(json_t *object, const char *key, uint64_t value) {
    put(object, key, json_integer((json_int_t)value));
}

static json_t *seconds(const replay_spread *spread, uint64_t ns) {
    return spread->count > 0 ? json_real((double)ns / 1e9) : json_null();
}

static json_t *spread_json(const replay_spread *spread) {
    json_t *object = json_object();
    put(object, "p50", seconds(spread, spread->p50_ns));
    put(object, "p90", seconds(spread, spread->p90_ns));
    put(object, "p99", seconds(spread, spread->p99_ns));
    put(object, "max", seconds(spread, spread->max_ns));
    return object;
}

static json_t *refused_json(const replay_band_report *band) {
    json_t *object = json_object();
    for (uint32_t reason = 1; reason < BERTH_REFUSAL_COUNT; reason++)
        put_count(object, berth_refusal_name(reason), band->refused[reason]);
    return object;
}

static void put_counts(json_t *object, const replay_band_report *band) {
    put_count(object, "submitted", band->submitted);
    put(object, "refused", refused_json(band));
    put_count(object, "refused_total", band->refused_total);
    put_count(object, "completed", band->completed);
    put_count(object, "cancelled", band->cancelled);
    put_count(object, "expired", band->expired);
}

static json_t *resources_json(const replay_host *host, const replay_report *report) {
    json_t *object = json_object();
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        json_t *resource = json_object();
        put(resource, "mean", json_real(report->mean[r]));
        put_count(resource, "peak", host->peak[r]);
        put_count(resource, "capacity", host->capacity[r]);
        put(object, resource_names[r], resource);
    }
    return object;
}

static json_t *bands_json(const replay_host *host, const replay_report *report) {
    json_t *object = json_object();
    for (uint32_t band = REPLAY_BANDS; band > 0; band--) {
        const replay_band_report *of = &report->bands[band];
        if (host->settings->shares[band] == 0) continue;
        json_t *one = json_object();
        put_counts(one, of);
        put(one, "ttft_s", spread_json(&of->ttft));
        put(one, "queue_wait_s", spread_json(&of->queue_wait));
        put(object, replay_band_name(band), one);
    }
    return object;
}

static json_t *generator_json(const replay_generator *g) {
    json_t *object = json_object();
    put_count(object, "requests", g->requests);
    put(object, "rate", json_real(g->rate));
    put(object, "gap_cv", json_real(g->gap_cv));
    put(object, "prompt_median", json_real(g->prompt_median));
    put(object, "prompt_sigma", json_real(g->prompt_sigma));
    put_count(object, "prompt_max", g->prompt_max);
    put(object, "output_median", json_real(g->output_median));
    put(object, "output_sigma", json_real(g->output_sigma));
    put_count(object, "output_max", g->output_max);
    return object;
}

static json_t *options_json(const replay_host *host) {
    const replay_settings *s = host->settings;
    json_t *object = json_object(), *shares = json_object();
    char seed[24]; /* 64 bits do not fit in what most readers make of a JSON number */
    snprintf(seed, sizeof seed, "%" PRIu64, s->seed);
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        put_count(shares, replay_band_name(band), s->shares[band]);
    /* A path that is not UTF-8 cannot be echoed; its absence must not fail the report. */
    json_t *path = json_string(trace_name(s));
    put(object, "trace", path != NULL ? path : json_null());
    put(object, "policy", json_string(replay_policy_name(s->policy)));
    put(object, "bands", shares);
    put(object, "model", json_string(s->model->name));
    put(object, "speed", json_real(s->speed));
    put(object, "real_time", s->real_time > 0.0 ? json_real(s->real_time) : json_null());
    put_count(object, "kv_tokens", s->kv_tokens);
    put_count(object, "block_tokens", REPLAY_BLOCK_TOKENS);
    put_count(object, "sequences", s->sequences);
    put_count(object, "parked_max", parked_max(host));
    put_count(object, "limit", s->limit);
    put(object, "queue_timeout_s", json_real((double)s->queue_timeout_ns / 1e9));
    put(object, "seed",
        s->seed <= INT64_MAX ? json_integer((json_int_t)s->seed) : json_string(seed));
    put(object, "generator", s->trace_path == NULL ? generator_json(&s->generator) : json_null());
    return object;
}

static json_t *hash_json(const replay_host *host) {
    char hash[17];
    if (host->decisions == NULL) return json_null();
    snprintf(hash, sizeof hash, "%016" PRIx64, replay_decisions_hash(host->decisions));
    return json_string(hash);
}

int replay_report_json(const replay_host *host, const replay_report *report) {
    json_t *object = json_object();
    json_failed = 0;
    put(object, "decision_hash", hash_json(host));
    put_counts(object, &report->all);
    put_count(object, "output_tokens", host->generated);
    put(object, "output_tokens_per_s", json_real(report->tokens_per_s));
    put(object, "duration_s", json_real((double)host->now_ns / 1e9));
    put(object, "steps",
        host->decisions != NULL ? json_integer((json_int_t)host->steps) : json_null());
    put(object, "wall_s", json_real(host->wall_s));
    put(object, "ttft_s", spread_json(&report->all.ttft));
    put(object, "queue_wait_s", spread_json(&report->all.queue_wait));
    put(object, "resources", resources_json(host, report));
    put(object, "bands", bands_json(host, report));
    put(object, "options", options_json(host));
    const int written = !json_failed &&
                        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
                        putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(object);
    return written ? 0 : replay_broken("cannot write the report");
}
