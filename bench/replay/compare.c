/* SPDX-License-Identifier: MIT */
#include "compare.h"
#include "compare_plot.h"
#include "report_json.h"
#include "run.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static double part(uint64_t of, uint64_t all) {
    return all > 0 ? 100.0 * (double)of / (double)all : 0.0;
}

static double seconds(uint64_t ns) {
    return (double)ns / 1e9;
}

static void print_head(const replay_settings *s, const replay_trace *trace) {
    printf("replay: %s, %u requests, speed %g, model %s, kv %" PRIu64 " tokens, seed %" PRIu64 "\n",
           s->trace_path != NULL ? s->trace_path : "generated", (unsigned)trace->count, s->speed,
           s->model->name, s->kv_tokens, s->seed);
    printf("good: first token within %g s%s, %g ms per further token\n\n", seconds(s->slo.ttft_ns),
           s->slo.plus_prompt ? " and what the prompt takes alone" : "",
           (double)s->slo.tpot_ns / 1e6);
    printf("%-9s %7s %8s %8s %9s | %8s %8s | %9s | %8s %10s | %6s | %9s | %10s\n", "preset",
           "good %", "good/s", "refused", "completed", "ttft p50", "p99", "longest", "preempt",
           "recomputed", "kv %", "tokens/s", "gap");
}

static void print_row(const char *name, const replay_report *r) {
    printf("%-9s %7.2f %8.3f %8" PRIu64 " %9" PRIu64 " | %8.3f %8.3f | %9.3f | %8" PRIu64
           " %10" PRIu64 " | %6.1f | %9.1f | ",
           name, part(r->all.good, r->all.submitted), r->good_per_s, r->all.refused_total,
           r->all.completed, seconds(r->all.ttft.p50_ns), seconds(r->all.ttft.p99_ns),
           seconds(r->longest.wait_ns), r->preemptions, r->recomputed,
           100.0 * r->mean[REPLAY_KV_BLOCKS] / (double)r->capacity[REPLAY_KV_BLOCKS],
           r->tokens_per_s);
    if (r->tenant_count > 1)
        printf("%10.0f\n", r->service_gap);
    else
        printf("%10s\n", "-");
    fflush(stdout);
}

int replay_compare(const replay_settings *settings, const replay_trace *trace) {
    static replay_report reports[REPLAY_COMPARED_MAX];
    const char *names[REPLAY_COMPARED_MAX];
    json_t *array = json_array();
    if (!settings->json) print_head(settings, trace);
    for (uint32_t i = 0; i < settings->compared_count; i++) {
        replay_settings one = *settings;
        one.policy = *settings->compared[i];
        names[i] = one.policy.name;
        if (replay_run(&one, trace, &reports[i]) != 0) return -1;
        if (!settings->json)
            print_row(names[i], &reports[i]);
        else if (json_array_append_new(array, replay_report_object(&one, &reports[i])) != 0)
            return replay_broken("no memory for the report");
    }
    if (settings->svg_path != NULL &&
        replay_compare_plot(names, reports, settings->compared_count, settings->svg_path) != 0)
        return -1;
    if (settings->json) return replay_json_write(array);
    json_decref(array);
    return ferror(stdout) ? replay_broken("cannot write the report") : 0;
}
