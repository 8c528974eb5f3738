/* SPDX-License-Identifier: MIT */
/*
 * berth-quickstart - one burst of requests, run with Berth and then as plain FIFO.
 *
 * Three threads per run: this one submits, cancels and shows (run.c), one is the engine
 * (engine.c), one reads all replies (run.c). The engine sleeps instead of computing; everything
 * else is what a real host does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "run.h"
#include "workload.h"

#define SEED UINT64_C(2026)

static const char USAGE[] = "usage: berth-quickstart [--trace FILE]\n"
                            "  --trace FILE  take lengths and arrivals from a trace in the Azure\n"
                            "                format: TIMESTAMP,ContextTokens,GeneratedTokens\n";

static void describe(const workload *work) {
    uint32_t band[BERTH_BAND_HIGH + 1] = {0};
    uint32_t impatient = 0;
    uint64_t prompt = 0, output = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        band[work->item[i].band]++;
        impatient += work->item[i].cancel_ns > 0;
        prompt += work->item[i].prompt_tokens;
        output += work->item[i].output_tokens;
    }
    printf("%u requests within %.1f s: %u high, %u normal, %u low; %u clients will give up.\n",
           work->count, (double)WORKLOAD_BURST_NS / 1e9, band[BERTH_BAND_HIGH],
           band[BERTH_BAND_NORMAL], band[BERTH_BAND_LOW], impatient);
    printf("On average %llu prompt tokens and %llu tokens of reply",
           (unsigned long long)(prompt / work->count), (unsigned long long)(output / work->count));
    if (work->from_trace)
        printf(", from the trace: its %.1f s compressed,\nprompts divided by %u (at most %u), "
               "replies by %u (at most %u)",
               (double)work->trace_ns / 1e9, WORKLOAD_TRACE_PROMPT_DIVISOR,
               WORKLOAD_TRACE_PROMPT_MAX, WORKLOAD_TRACE_OUTPUT_DIVISOR, WORKLOAD_TRACE_OUTPUT_MAX);
    printf(".\nThe reply shown is that of request %u, high band.\n", work->watched);
}

int main(int argc, char **argv) {
    static workload work;
    static quick_run berth, fifo;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--trace") == 0) {
        if (workload_load(&work, argv[2], SEED)) return 1;
    } else if (argc == 1) {
        workload_generate(&work, SEED);
    } else {
        fputs(USAGE, stderr);
        return 2;
    }
    describe(&work);
    printf("\nWith Berth: strict bands, at most %u normal and %u low parked, KV counted\n",
           RUN_PARKED_NORMAL_MAX, RUN_PARKED_LOW_MAX);
    int status = run_do(&berth, &work, RUN_BERTH);
    if (run_check(&berth)) return 1;
    printf("\nPlain FIFO: one band, no limit, any free slot\n");
    status |= run_do(&fifo, &work, RUN_FIFO);
    if (run_check(&fifo) || status) return 1;
    report_write(&berth, &fifo);
    printf("quickstart: ok completed=%u refused=%u cancelled=%u\n",
           run_outcome_count(&berth, BERTH_OUTCOME_COMPLETED), berth.refused,
           run_outcome_count(&berth, BERTH_OUTCOME_CANCELLED));
    return 0;
}
