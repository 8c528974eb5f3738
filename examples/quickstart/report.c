/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#define CELL_SIZE 40u

static const char *const names[] = {"", "low", "normal", "high"}; /* by band */

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Times to first token of one band of the workload, sorted; how many there are. */
static uint32_t first_tokens(const quick_run *run, uint32_t band, uint64_t *out) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->work->count; i++) {
        const berth_outcome *outcome = &run->item[i].outcome;
        if (run->work->item[i].band != band || outcome->first_output_at_ns == 0) continue;
        out[count++] = outcome->first_output_at_ns - outcome->submitted_at_ns;
    }
    qsort(out, count, sizeof *out, by_size);
    return count;
}

/* The smallest value that `percent` of all do not exceed. */
static double percentile_s(const uint64_t *sorted, uint32_t count, uint32_t percent) {
    if (count == 0) return 0;
    uint32_t rank = (count * percent + 99) / 100;
    return (double)sorted[rank > 0 ? rank - 1 : 0] / 1e9;
}

static void row(const char *name, const char *left, const char *right) {
    printf("  %-38s %-24s %-24s\n", name, left, right);
}

static void first_token_cell(const quick_run *run, uint32_t band, char *cell) {
    uint64_t times[WORKLOAD_COUNT];
    uint32_t count = first_tokens(run, band, times);
    if (count == 0)
        snprintf(cell, CELL_SIZE, "-");
    else
        snprintf(cell, CELL_SIZE, "%.2f / %.2f s  (%u)", percentile_s(times, count, 50),
                 percentile_s(times, count, 99), count);
}

static void priority_rows(const quick_run *berth, const quick_run *fifo) {
    char left[CELL_SIZE], right[CELL_SIZE], name[CELL_SIZE];
    printf("priority: time to first token, p50 / p99 (of how many)\n");
    for (uint32_t band = BERTH_BAND_HIGH; band >= BERTH_BAND_LOW; band--) {
        first_token_cell(berth, band, left);
        first_token_cell(fifo, band, right);
        snprintf(name, sizeof name, "%s band", names[band]);
        row(name, left, right);
    }
}

/* Shortest and longest time that refused clients were told to stay away. */
static void retry_cell(const quick_run *run, char *cell) {
    uint64_t low = UINT64_MAX, high = 0;
    for (uint32_t i = 0; i < run->work->count; i++) {
        const run_item *item = &run->item[i];
        if (item->refusal == BERTH_REFUSAL_NONE) continue;
        if (item->retry_after_ns < low) low = item->retry_after_ns;
        if (item->retry_after_ns > high) high = item->retry_after_ns;
    }
    if (run->refused == 0)
        snprintf(cell, CELL_SIZE, "-");
    else
        snprintf(cell, CELL_SIZE, "%.2f to %.2f s", (double)low / 1e9, (double)high / 1e9);
}

static void count_row(const char *name, uint64_t berth, uint64_t fifo) {
    char left[CELL_SIZE], right[CELL_SIZE];
    snprintf(left, sizeof left, "%llu", (unsigned long long)berth);
    snprintf(right, sizeof right, "%llu", (unsigned long long)fifo);
    row(name, left, right);
}

static uint64_t refused_of(const quick_run *run, uint32_t band) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < run->work->count; i++)
        count += run->work->item[i].band == band && run->item[i].refusal != BERTH_REFUSAL_NONE;
    return count;
}

static void backpressure_rows(const quick_run *berth, const quick_run *fifo) {
    char left[CELL_SIZE], right[CELL_SIZE], name[CELL_SIZE];
    printf("backpressure: refused at once instead of waiting for nothing\n");
    count_row("refused", berth->refused, fifo->refused);
    for (uint32_t band = BERTH_BAND_HIGH; band >= BERTH_BAND_LOW; band--) {
        snprintf(name, sizeof name, "  of the %s band", names[band]);
        count_row(name, refused_of(berth, band), refused_of(fifo, band));
    }
    retry_cell(berth, left);
    retry_cell(fifo, right);
    row("told to try again after", left, right);
    count_row("most parked at once", berth->stats.parked_peak, fifo->stats.parked_peak);
}

static void kv_cells(const quick_run *run, char *occupied, char *over) {
    snprintf(occupied, CELL_SIZE, "%llu of %u", (unsigned long long)run->engine.blocks_peak,
             ENGINE_KV_BLOCKS);
    snprintf(over, CELL_SIZE, "%llu of %llu", (unsigned long long)run->engine.steps_over,
             (unsigned long long)run->engine.steps);
}

static void cost_rows(const quick_run *berth, const quick_run *fifo) {
    char left[CELL_SIZE], right[CELL_SIZE], left_over[CELL_SIZE], right_over[CELL_SIZE];
    printf("cost accounting: KV blocks, as the engine itself counted them\n");
    snprintf(left, sizeof left, "%llu of %llu",
             (unsigned long long)berth->stats.resources[0].used_units_peak,
             (unsigned long long)berth->stats.resources[0].capacity_units);
    row("granted, peak", left, "not counted");
    kv_cells(berth, left, left_over);
    kv_cells(fifo, right, right_over);
    row("occupied, peak", left, right);
    row("steps that needed more than there is", left_over, right_over);
}

static void total_rows(const quick_run *berth, const quick_run *fifo) {
    char left[CELL_SIZE], right[CELL_SIZE];
    printf("all\n");
    count_row("completed", run_outcome_count(berth, BERTH_OUTCOME_COMPLETED),
              run_outcome_count(fifo, BERTH_OUTCOME_COMPLETED));
    count_row("cancelled", run_outcome_count(berth, BERTH_OUTCOME_CANCELLED),
              run_outcome_count(fifo, BERTH_OUTCOME_CANCELLED));
    snprintf(left, sizeof left, "%.1f s", (double)berth->wall_ns / 1e9);
    snprintf(right, sizeof right, "%.1f s", (double)fifo->wall_ns / 1e9);
    row("until the last one ended", left, right);
    snprintf(left, sizeof left, "%.0f",
             (double)berth->engine.tokens / ((double)berth->wall_ns / 1e9));
    snprintf(right, sizeof right, "%.0f",
             (double)fifo->engine.tokens / ((double)fifo->wall_ns / 1e9));
    row("tokens per second", left, right);
}

void report_write(const quick_run *berth, const quick_run *fifo) {
    printf("\nThe same %u requests, the same engine (%u slots, %u KV blocks):\n\n",
           berth->work->count, ENGINE_SLOTS, ENGINE_KV_BLOCKS);
    row("", "Berth", "plain FIFO");
    priority_rows(berth, fifo);
    backpressure_rows(berth, fifo);
    cost_rows(berth, fifo);
    total_rows(berth, fifo);
    if (fifo->engine.steps_over > 0)
        printf(
            "\nPlain FIFO admits into any free slot and counts no KV. This engine only sleeps, so "
            "it got\naway with it in %llu steps, where a real one would have failed or thrown "
            "work away; what\nplain FIFO shows above was reached with memory that is not there.\n",
            (unsigned long long)fifo->engine.steps_over);
    printf("\n");
}
