/* SPDX-License-Identifier: MIT */
#include "goodput.h"
#include "report_json.h"
#include "run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define REFERENCE "vllm"
#define OURS "berth"
#define PRESETS_MAX 16u

/* Up to saturation ours may be below another's goodput by this part, and below the best throughput
 * by the other. */
#define GOOD_SLACK 0.005
#define TOKENS_SLACK 0.01

static const double loads[] = {0.8, 1.0, 1.3, 2.0};

typedef struct experiment {
    const replay_settings *settings;
    const replay_trace *trace;
    double saturation; /* speed at which the trace asks as much as vllm can do */
    const replay_policy *presets[PRESETS_MAX];
    uint32_t preset_count;
    uint32_t missed; /* statements that do not hold */
    json_t *json;
} experiment;

/* The same requests, so much faster. */
static int run_at(const experiment *x, const replay_policy *policy, double speed,
                  replay_report *out) {
    replay_settings one = *x->settings;
    replay_trace faster;
    one.policy = *policy;
    one.speed *= speed;
    if (replay_trace_copy(x->trace, &faster) != 0) return replay_broken("no memory for the rows");
    for (uint32_t i = 0; i < faster.count; i++)
        faster.rows[i].arrive_at_ns = (uint64_t)((double)faster.rows[i].arrive_at_ns / speed);
    const int result = replay_run(&one, &faster, out);
    replay_trace_copy_fini(&faster);
    return result;
}

static int find_saturation(experiment *x) {
    const replay_trace *trace = x->trace;
    const uint64_t span_ns = trace->rows[trace->count - 1].arrive_at_ns;
    replay_report report;
    if (span_ns == 0) return replay_broken("all requests come at once: there is no load to vary");
    if (run_at(x, replay_preset_find(REFERENCE), (double)span_ns, &report) != 0) return -1;
    if (report.duration_ns == 0) return replay_broken("a trace without work");
    x->saturation = (double)span_ns / (double)report.duration_ns;
    return 0;
}

static double good_part(const replay_report *r) {
    return r->all.submitted > 0 ? (double)r->all.good / (double)r->all.submitted : 0.0;
}

static void print_row(const char *name, double load, const replay_report *r) {
    printf("%-5.2g %-9s %8.2f %9.3f %8" PRIu64 " %8" PRIu64 " %8" PRIu64
           " %9.3f %9.3f %9.3f %8" PRIu64 " %10.1f\n",
           load, name, 100.0 * good_part(r), r->good_per_s, r->all.refused_total, r->all.expired,
           r->all.late, (double)r->all.ttft.p50_ns / 1e9, (double)r->all.ttft.p99_ns / 1e9,
           (double)r->longest.wait_ns / 1e9, r->preemptions, r->tokens_per_s);
    fflush(stdout);
}

/* A statement about ours beside the best other one. */
static void judge(experiment *x, double load, const char *what, double ours, double other,
                  int holds) {
    x->missed += !holds;
    if (x->settings->json) {
        json_t *one = json_pack("{s:f, s:s, s:f, s:f, s:b}", "load", load, "statement", what,
                                "ours", ours, "other", other, "holds", holds);
        if (json_array_append_new(json_object_get(x->json, "statements"), one) != 0)
            replay_broken("no memory for a statement");
        return;
    }
    printf("      %s: %.6g, the best other %.6g: %s\n", what, ours, other,
           holds ? "holds" : "DOES NOT HOLD");
}

static void judge_load(experiment *x, double load, const replay_report *reports) {
    double best_good = 0.0, best_tokens = 0.0;
    const replay_report *ours = NULL;
    for (uint32_t i = 0; i < x->preset_count; i++) {
        if (strcmp(x->presets[i]->name, OURS) == 0) {
            ours = &reports[i];
            continue;
        }
        if (good_part(&reports[i]) > best_good) best_good = good_part(&reports[i]);
        if (reports[i].tokens_per_s > best_tokens) best_tokens = reports[i].tokens_per_s;
    }
    if (ours == NULL) return;
    if (load > 1.0) {
        judge(x, load, "goodput above every other", good_part(ours), best_good,
              good_part(ours) > best_good);
        return;
    }
    judge(x, load, "goodput not below any other by 0.5 %", good_part(ours), best_good,
          good_part(ours) >= best_good * (1.0 - GOOD_SLACK));
    judge(x, load, "tokens/s within 1 % of the best", ours->tokens_per_s, best_tokens,
          ours->tokens_per_s >= best_tokens * (1.0 - TOKENS_SLACK));
}

static int run_load(experiment *x, double load) {
    static replay_report reports[PRESETS_MAX];
    for (uint32_t i = 0; i < x->preset_count; i++) {
        replay_settings one = *x->settings;
        one.policy = *x->presets[i];
        one.speed *= load * x->saturation;
        if (run_at(x, x->presets[i], load * x->saturation, &reports[i]) != 0) return -1;
        if (!x->settings->json) {
            print_row(x->presets[i]->name, load, &reports[i]);
            continue;
        }
        json_t *row = json_pack("{s:f, s:s, s:o}", "load", load, "preset", x->presets[i]->name,
                                "report", replay_report_object(&one, &reports[i]));
        if (json_array_append_new(json_object_get(x->json, "runs"), row) != 0)
            return replay_broken("no memory for the report");
    }
    judge_load(x, load, reports);
    return 0;
}

static void print_head(const experiment *x) {
    const replay_settings *s = x->settings;
    printf("goodput: %s, %u requests, model %s, kv %" PRIu64 " tokens, seed %" PRIu64 "\n",
           s->trace_path != NULL ? s->trace_path : "generated", (unsigned)x->trace->count,
           s->model->name, s->kv_tokens, s->seed);
    printf(
        "good: first token within %g s%s, %g ms per further token\n", (double)s->slo.ttft_ns / 1e9,
        s->slo.plus_prompt ? " and what the prompt takes alone" : "", (double)s->slo.tpot_ns / 1e6);
    printf("load 1 is the trace %.4g times as fast: the rate at which %s completes it when all is "
           "there at once\n\n",
           x->saturation, REFERENCE);
    printf("%-5s %-9s %8s %9s %8s %8s %8s %9s %9s %9s %8s %10s\n", "load", "preset", "good %",
           "good/s", "refused", "expired", "late", "ttft p50", "p99", "longest", "preempt",
           "tokens/s");
}

int replay_goodput(const replay_settings *settings, const replay_trace *trace) {
    experiment x = {.settings = settings, .trace = trace};
    for (uint32_t i = 0; replay_preset_at(i) != NULL && x.preset_count < PRESETS_MAX; i++)
        x.presets[x.preset_count++] = replay_preset_at(i);
    if (find_saturation(&x) != 0) return -1;
    if (settings->json)
        x.json =
            json_pack("{s:f, s:[], s:[]}", "saturation_speed", x.saturation, "runs", "statements");
    else
        print_head(&x);
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++)
        if (run_load(&x, loads[i]) != 0) return -1;
    if (settings->json) {
        json_object_set_new(x.json, "missed", json_integer((json_int_t)x.missed));
        return replay_json_write(x.json);
    }
    printf("\n%u statements do not hold\n", (unsigned)x.missed);
    return ferror(stdout) ? replay_broken("cannot write the report") : 0;
}
