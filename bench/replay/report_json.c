/* SPDX-License-Identifier: MIT */
#include "report_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

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
    put_count(object, "evicted", band->evicted);
    put_count(object, "failed", band->failed);
    put_count(object, "late", band->late);
    put_count(object, "good", band->good);
    put(object, "longest_wait_s", json_real((double)band->wait_ns_max / 1e9));
}

static json_t *resources_json(const replay_report *report) {
    static const char *const names[REPLAY_RESOURCES] = {"kv_blocks", "sequences"};
    json_t *object = json_object();
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        json_t *resource = json_object();
        put(resource, "mean", json_real(report->mean[r]));
        put(resource, "utilisation", json_real(report->mean[r] / (double)report->capacity[r]));
        put_count(resource, "peak", report->peak[r]);
        put_count(resource, "capacity", report->capacity[r]);
        put(object, names[r], resource);
    }
    return object;
}

static json_t *bands_json(const replay_settings *settings, const replay_report *report) {
    json_t *object = json_object();
    for (uint32_t band = REPLAY_BANDS; band > 0; band--) {
        const replay_band_report *of = &report->bands[band];
        if (settings->shares[band] == 0) continue;
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

static json_t *policy_json(const replay_policy *p) {
    json_t *object = json_object();
    put(object, "preset", json_string(p->name));
    put(object, "one_band", json_boolean(p->one_band));
    put(object, "kv", json_string(replay_policy_kv_name(p)));
    put(object, "kv_parameter", json_real((double)p->kv_ppm / 1e6));
    put(object, "victim", json_string(replay_policy_victim_name(p)));
    put(object, "fairness", json_string(replay_policy_fairness_name(p)));
    put(object, "order", json_string(replay_policy_order_name(p)));
    put(object, "fit", json_string(replay_policy_fit_name(p)));
    put_count(object, "step_tokens", p->step_tokens);
    put_count(object, "prefill_tokens_max", p->prefill_tokens_max);
    put(object, "queue_part", json_real((double)p->queue_ppm / 1e6));
    put(object, "wait_part", json_real((double)p->wait_ppm / 1e6));
    put(object, "late_part", json_real((double)p->late_ppm / 1e6));
    put(object, "pace_part", json_real((double)p->pace_ppm / 1e6));
    put(object, "fixed_part", json_real((double)p->fixed_ppm / 1e6));
    put(object, "overcommit", json_boolean(p->overcommit));
    return object;
}

static json_t *slo_json(const replay_slo *slo) {
    json_t *object = json_object();
    put(object, "ttft_s", json_real((double)slo->ttft_ns / 1e9));
    put(object, "plus_prompt", json_boolean(slo->plus_prompt));
    put(object, "tpot_s", json_real((double)slo->tpot_ns / 1e9));
    return object;
}

static json_t *options_json(const replay_settings *s, const replay_report *report) {
    json_t *object = json_object(), *shares = json_object();
    char seed[24]; /* 64 bits do not fit in what most readers make of a JSON number */
    snprintf(seed, sizeof seed, "%" PRIu64, s->seed);
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        put_count(shares, replay_band_name(band), s->shares[band]);
    /* A path that is not UTF-8 cannot be echoed; its absence must not fail the report. */
    json_t *path = json_string(s->trace_path != NULL ? s->trace_path : "generated");
    put(object, "trace", path != NULL ? path : json_null());
    put(object, "policy", policy_json(&s->policy));
    put(object, "slo", slo_json(&s->slo));
    put(object, "bands", shares);
    put_count(object, "tenants", report->tenant_count);
    put(object, "model", json_string(s->model->name));
    put(object, "speed", json_real(s->speed));
    put(object, "real_time", s->real_time > 0.0 ? json_real(s->real_time) : json_null());
    put_count(object, "kv_tokens", s->kv_tokens);
    put_count(object, "block_tokens", REPLAY_BLOCK_TOKENS);
    put_count(object, "sequences", report->capacity[REPLAY_SEQUENCES]);
    put_count(object, "parked_max", report->parked_max);
    put_count(object, "limit", s->limit);
    put_count(object, "steps_in_flight", replay_settings_steps(s));
    put(object, "host_time_s", json_real((double)s->host_ns / 1e9));
    put(object, "queue_timeout_s", json_real((double)s->queue_timeout_ns / 1e9));
    put(object, "seed",
        s->seed <= INT64_MAX ? json_integer((json_int_t)s->seed) : json_string(seed));
    put(object, "generator", s->trace_path == NULL ? generator_json(&s->generator) : json_null());
    return object;
}

static json_t *hash_json(const replay_report *report) {
    char hash[17];
    if (!report->has_steps) return json_null();
    snprintf(hash, sizeof hash, "%016" PRIx64, report->hash);
    return json_string(hash);
}

static json_t *gap_json(const replay_report *report) {
    if (!report->has_steps || report->tenant_count < 2) return json_null();
    return json_real(report->service_gap);
}

static json_t *prefix_json(const replay_report *report) {
    const uint64_t asked = report->prefix_asked_tokens;
    if (!report->has_prefix) return json_null();
    json_t *object = json_object();
    put_count(object, "prompt_tokens", asked);
    put_count(object, "hit_tokens", report->prefix_hit_tokens);
    put(object, "hit_rate",
        asked > 0 ? json_real((double)report->prefix_hit_tokens / (double)asked) : json_null());
    put_count(object, "evicted_blocks", report->prefix_evicted);
    return object;
}

static json_t *tenants_json(const replay_report *report) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < report->tenant_count && i < REPLAY_FAIRNESS_TENANTS; i++) {
        const replay_tenant_report *of = &report->tenants[i];
        json_t *one = json_object();
        put_count(one, "tenant", of->tenant);
        put_count(one, "submitted", of->submitted);
        put_count(one, "good", of->good);
        put(one, "longest_wait_s", json_real((double)of->wait_ns_max / 1e9));
        if (json_array_append_new(array, one) != 0) json_failed = 1;
    }
    return array;
}

json_t *replay_report_object(const replay_settings *settings, const replay_report *report) {
    json_t *object = json_object();
    json_failed = 0;
    put(object, "decision_hash", hash_json(report));
    put_counts(object, &report->all);
    put(object, "good_per_s", json_real(report->good_per_s));
    put(object, "longest_wait_tenant", json_integer((json_int_t)report->longest.tenant));
    put(object, "tenants", tenants_json(report));
    put(object, "service_gap", gap_json(report));
    put_count(object, "preemptions", report->preemptions);
    put_count(object, "recomputed_tokens", report->recomputed);
    put(object, "prefix_cache", prefix_json(report));
    put_count(object, "output_tokens", report->generated);
    put(object, "output_tokens_per_s", json_real(report->tokens_per_s));
    put(object, "duration_s", json_real((double)report->duration_ns / 1e9));
    put(object, "steps", report->has_steps ? json_integer((json_int_t)report->steps) : json_null());
    put_count(object, "step_tokens", report->step_tokens);
    put(object, "wall_s", json_real(report->wall_s));
    put(object, "ttft_s", spread_json(&report->all.ttft));
    put(object, "queue_wait_s", spread_json(&report->all.queue_wait));
    put(object, "resources", resources_json(report));
    put(object, "bands", bands_json(settings, report));
    put(object, "options", options_json(settings, report));
    if (!json_failed) return object;
    json_decref(object);
    return NULL;
}

int replay_json_write(json_t *object) {
    const int written = object != NULL &&
                        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
                        putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(object);
    return written ? 0 : replay_broken("cannot write the report");
}

int replay_report_json(const replay_settings *settings, const replay_report *report) {
    return replay_json_write(replay_report_object(settings, report));
}
