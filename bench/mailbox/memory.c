/* SPDX-License-Identifier: MIT */
#include "workloads.h"

#include "carrier.h"

#include <berth.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MORE 10000u
#define LIVE 100000u
#define RING_SIZE 1024u

/* What malloc has handed out; 0 where there is no pool. */
static double size_of(const berth_options *options) {
    const struct mallinfo2 before = mallinfo2();
    berth_pool *pool;
    if (berth_pool_create(options, NULL, &pool) != BERTH_OK) return 0;
    const struct mallinfo2 after = mallinfo2();
    (void)berth_pool_destroy(pool);
    return (double)(after.uordblks + after.hblkhd) - (double)(before.uordblks + before.hblkhd);
}

static void put_each(const workload *at) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.mailboxes_max = MORE;
    options.mailbox_size = RING_SIZE;
    const double base = size_of(&options);
    options.mailboxes_max = 2 * MORE;
    bench_board_put(at->board, "memory/idle-mailbox-1KiB", "berth", "bytes", "", at->round,
                    (size_of(&options) - base) / MORE);
    options.mailboxes_max = MORE;
    options.ended_max += MORE;
    bench_board_put(at->board, "memory/retained-outcome", "berth", "bytes", "", at->round,
                    (size_of(&options) - base) / MORE);
}

static double resident(void) {
    unsigned long pages = 0, held = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    const int found = fscanf(file, "%lu %lu", &pages, &held);
    fclose(file);
    return found == 2 ? (double)held * (double)sysconf(_SC_PAGESIZE) : 0;
}

typedef struct crowd {
    berth_plan_entry *entries;
    berth_result *results;
    uint32_t count;
} crowd;

/* Submit, plan and give each a token, until `count` mailboxes live and hold one. */
static bool fill(berth_pool *pool, const crowd *of, const token *made) {
    uint32_t running = 0;
    while (running < of->count) {
        berth_request_id id;
        for (uint32_t i = 0; i < 5000 && running < of->count; i++, running++) {
            berth_request request = {.struct_size = sizeof request, .max_new_tokens = 100};
            if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) return false;
        }
        berth_plan plan = {
            .struct_size = sizeof plan, .entry_max = 2 * of->count, .entries = of->entries};
        if (berth_plan_next(pool, &plan) != BERTH_OK) return false;
        uint32_t results = 0;
        for (uint32_t i = 0; i < plan.entry_count; i++)
            if (plan.entries[i].tokens_generated == 0)
                of->results[results++] = (berth_result){.id = plan.entries[i].id,
                                                        .tokens_generated = 1,
                                                        .bytes = made,
                                                        .bytes_size = sizeof *made};
        if (berth_commit(pool, plan.step_id, of->results, results) != BERTH_OK) return false;
    }
    return true;
}

bool memory_run(const workload *at) {
    const token made = token_of(0, 0);
    crowd of = {.count = at->quick ? 1000 : LIVE};
    berth_pool *pool = NULL;
    berth_options options;
    put_each(at);
    of.entries = calloc(2 * of.count, sizeof *of.entries);
    of.results = calloc(of.count, sizeof *of.results);
    if (of.entries == NULL || of.results == NULL) return false;
    memset(of.entries, 1, 2 * of.count * sizeof *of.entries);
    memset(of.results, 1, of.count * sizeof *of.results);
    berth_options_init(&options, sizeof options);
    options.running_max = of.count;
    options.mailboxes_max = of.count;
    options.mailbox_size = RING_SIZE;
    options.parked_max = 5000;
    const double before = resident();
    const bool good =
        berth_pool_create(&options, NULL, &pool) == BERTH_OK && fill(pool, &of, &made);
    bench_board_put(at->board, "memory/100000-live-1KiB", "berth", "bytes", "", at->round,
                    resident() - before);
    berth_stats stats = {.struct_size = sizeof stats};
    const bool all = good && berth_stats_read(pool, &stats) == BERTH_OK &&
                     stats.running == of.count && stats.chunks_total == of.count;
    if (pool != NULL) (void)berth_pool_destroy(pool);
    free(of.entries);
    free(of.results);
    return all;
}
