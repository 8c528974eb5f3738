/* SPDX-License-Identifier: MIT */
#include "report_table.h"

#include <inttypes.h>
#include <stdio.h>

static void print_part(const char *before, uint32_t ppm, const char *after) {
    if (ppm != 0) printf("%s %g %s", before, (double)ppm / 1e6, after);
}

static void print_policy(const replay_policy *p, const replay_report *report) {
    printf("policy %s: kv %s", p->name, replay_policy_kv_name(p));
    if (p->kv_ppm != 0) printf(":%g", (double)p->kv_ppm / 1e6);
    if (replay_policy_grows(p)) printf(", victim %s", replay_policy_victim_name(p));
    printf(", fairness %s, order %s, fit %s", replay_policy_fairness_name(p),
           replay_policy_order_name(p), replay_policy_fit_name(p));
    if (report->step_tokens != 0) printf(", %" PRIu64 " tokens a step", report->step_tokens);
    if (p->prefill_tokens_max != 0) printf(", %" PRIu64 " of a prompt", p->prefill_tokens_max);
    print_part(", waits at most", p->queue_ppm, "of the ttft");
    print_part(", refused above", p->wait_ppm, "of that");
    print_part(", the late behind others up to", p->late_ppm, "of the pool");
    print_part(", pace", p->pace_ppm, "of the tpot");
    print_part(", a prefill's fixed cost at most", p->fixed_ppm, "of its tokens'");
    if (p->overcommit) printf(", a full cache fails all");
}

static void print_slo(const replay_settings *s) {
    printf(
        "good: first token within %g s%s, %g ms per further token\n", (double)s->slo.ttft_ns / 1e9,
        s->slo.plus_prompt ? " and what the prompt takes alone" : "", (double)s->slo.tpot_ns / 1e6);
}

static void print_settings(const replay_settings *s, uint32_t rows, const replay_report *report) {
    const replay_generator *g = &s->generator;
    printf("replay: %s, %u requests, speed %g, model %s (%s)\n",
           s->trace_path != NULL ? s->trace_path : "generated", (unsigned)rows, s->speed,
           s->model->name, s->model->what);
    if (s->trace_path == NULL)
        printf("generator: %g requests/s, gamma gaps of variation %g; lognormal lengths, prompt "
               "median %g sigma %g at most %u, output median %g sigma %g at most %u\n",
               g->rate, g->gap_cv, g->prompt_median, g->prompt_sigma, (unsigned)g->prompt_max,
               g->output_median, g->output_sigma, (unsigned)g->output_max);
    print_policy(&s->policy, report);
    puts(report->has_prefix ? ", prompts share KV" : "");
    printf("dealt %u/%u/%u %% high/normal/low by seed %" PRIu64 ", %u tenants, kv %" PRIu64
           " tokens in blocks of %u, %" PRIu64 " sequences, at most %u parked\n",
           (unsigned)s->shares[BERTH_BAND_HIGH], (unsigned)s->shares[BERTH_BAND_NORMAL],
           (unsigned)s->shares[BERTH_BAND_LOW], s->seed, (unsigned)report->tenant_count,
           s->kv_tokens, REPLAY_BLOCK_TOKENS, report->capacity[REPLAY_SEQUENCES],
           (unsigned)report->parked_max);
    if (replay_settings_steps(s) > 1 || s->host_ns > 0)
        printf("%u steps in flight, %g ms from a plan until its step can begin\n",
               (unsigned)replay_settings_steps(s), (double)s->host_ns / 1e6);
    if (s->queue_timeout_ns != 0)
        printf("a request waits %g s at most\n", (double)s->queue_timeout_ns / 1e9);
    print_slo(s);
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
    printf("%-8s %9" PRIu64 " %8" PRIu64 " %9" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9.3f", name,
           band->submitted, band->refused_total, band->completed, band->expired, band->good,
           (double)band->wait_ns_max / 1e9);
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

/* How the others ended, where there are any. */
static void print_ends(const replay_band_report *all) {
    if (all->late > 0)
        printf("late: %" PRIu64 " waited in vain and went on behind all others\n", all->late);
    if (all->cancelled + all->evicted + all->failed == 0) return;
    printf("ended otherwise: cancelled %" PRIu64 ", evicted %" PRIu64 ", failed %" PRIu64 "\n",
           all->cancelled, all->evicted, all->failed);
}

static void print_bands(const replay_settings *s, const replay_report *report) {
    printf("%67s   %-35s   %s\n", "", "queue wait of who got in, s", "first token, s");
    printf("%-8s %9s %8s %9s %8s %8s %9s", "band", "submitted", "refused", "completed", "expired",
           "good", "longest");
    for (int i = 0; i < 2; i++) printf(" | %8s %8s %8s %8s", "p50", "p90", "p99", "max");
    putchar('\n');
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        if (s->shares[band] > 0) print_band(replay_band_name(band), &report->bands[band]);
    print_band("all", &report->all);
    putchar('\n');
    for (uint32_t band = REPLAY_BANDS; band > 0; band--)
        print_refusals(replay_band_name(band), &report->bands[band]);
    print_ends(&report->all);
}

/* The largest tenants; --json has 64 of them. */
static void print_tenants(const replay_report *report) {
    if (report->tenant_count < 2) return;
    printf("tenants, by requests: longest wait, s:");
    for (uint32_t i = 0; i < report->tenant_count && i < 8; i++)
        printf("%s %" PRIu64 " %.3f", i == 0 ? "" : ",", report->tenants[i].tenant,
               (double)report->tenants[i].wait_ns_max / 1e9);
    printf("%s\n", report->tenant_count > 8 ? ", ..." : "");
}

int replay_report_table(const replay_settings *settings, uint32_t rows,
                        const replay_report *report) {
    static const char *const names[REPLAY_RESOURCES] = {"kv_blocks", "sequences"};
    const double submitted = (double)report->all.submitted;
    print_settings(settings, rows, report);
    print_bands(settings, report);
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++)
        printf("%s: mean %.1f (%.1f %%), peak %" PRIu64 " of %" PRIu64 "\n", names[r],
               report->mean[r], 100.0 * report->mean[r] / (double)report->capacity[r],
               report->peak[r], report->capacity[r]);
    printf("goodput: %" PRIu64 " requests (%.2f %%), %.3f a second of arrivals\n", report->all.good,
           100.0 * (double)report->all.good / submitted, report->good_per_s);
    printf("longest wait: %.3f s, of tenant %" PRIu64 "\n", (double)report->longest.wait_ns / 1e9,
           report->longest.tenant);
    print_tenants(report);
    if (report->has_steps && report->tenant_count > 1)
        printf("service gap: %.0f weighted tokens, between tenants %" PRIu64 " and %" PRIu64
               " while both waited\n",
               report->service_gap, report->service_pair[0], report->service_pair[1]);
    printf("preemptions: %" PRIu64 ", %" PRIu64 " tokens computed for nothing\n",
           report->preemptions, report->recomputed);
    if (report->has_prefix)
        printf("prefix cache: %" PRIu64 " of %" PRIu64 " prompt tokens found (%.2f %%), %" PRIu64
               " blocks given up\n",
               report->prefix_hit_tokens, report->prefix_asked_tokens,
               report->prefix_asked_tokens > 0
                   ? 100.0 * (double)report->prefix_hit_tokens / (double)report->prefix_asked_tokens
                   : 0.0,
               report->prefix_evicted);
    printf("output: %" PRIu64 " tokens in %.1f s, %.1f tokens/s", report->generated,
           (double)report->duration_ns / 1e9, report->tokens_per_s);
    if (report->has_steps)
        printf("; %" PRIu64 " steps\ndecision hash: %016" PRIx64, report->steps, report->hash);
    printf("\nwall: %.2f s\n", report->wall_s);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : replay_broken("cannot write the report");
}
