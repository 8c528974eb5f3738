/* SPDX-License-Identifier: MIT */
/* What a stalled reader costs the producer, in instructions: callgrind counts those of berth_commit
 * alone, in a child that does the same steps with readers who keep up and with none. */
#include "workloads.h"

#include <berth.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS 64u
#define STEPS 500u
#define RING_SIZE 65536u /* holds all steps: no mailbox is full */

static void read_all(berth_pool *pool, const berth_request_id *ids) {
    berth_request_id ready[STREAMS];
    uint32_t count;
    while (berth_ready_take(pool, ready, STREAMS, &count) == BERTH_OK) continue;
    for (uint32_t i = 0; i < STREAMS; i++) {
        berth_span spans[4];
        if (berth_mailbox_peek(pool, ids[i], spans, 4, &count) == BERTH_OK)
            (void)berth_mailbox_consume(pool, ids[i], spans[0].lease, 1);
    }
}

int stall_child(bool with_readers) {
    static berth_plan_entry entries[2 * STREAMS];
    static berth_result results[STREAMS];
    berth_request_id ids[STREAMS];
    berth_options options;
    berth_pool *pool;
    int32_t descriptor;
    berth_options_init(&options, sizeof options);
    options.running_max = STREAMS;
    options.mailbox_size = RING_SIZE;
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;
    if (berth_ready_descriptor(pool, &descriptor) != BERTH_OK) return 1;
    for (uint32_t i = 0; i < STREAMS; i++) {
        berth_request request = {.struct_size = sizeof request, .max_new_tokens = STEPS};
        if (berth_submit(pool, &request, &ids[i], NULL) != BERTH_OK) return 1;
    }
    for (uint32_t k = 0; k < STEPS; k++) {
        berth_plan plan = {
            .struct_size = sizeof plan, .entry_max = 2 * STREAMS, .entries = entries};
        if (berth_plan_next(pool, &plan) != BERTH_OK || plan.entry_count != STREAMS) return 1;
        for (uint32_t i = 0; i < STREAMS; i++)
            results[i] = (berth_result){.id = entries[i].id,
                                        .tokens_computed = entries[i].tokens,
                                        .tokens_generated = 1,
                                        .bytes = "a token of thirty-two bytes, more",
                                        .bytes_size = 32};
        if (berth_commit(pool, plan.step_id, results, STREAMS) != BERTH_OK) return 1;
        if (with_readers) read_all(pool, ids);
    }
    return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
}

/* Instructions per token; NaN where callgrind does not run. */
static double count(const char *program, const char *how) {
    char command[1400], line[256];
    double collected = (double)NAN;
    snprintf(command, sizeof command,
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null "
             "--toggle-collect=berth_commit '%s' --stall-child %s 2>&1",
             program, how);
    FILE *child = popen(command, "r");
    if (child == NULL) return collected;
    while (fgets(line, sizeof line, child) != NULL) {
        const char *at = strstr(line, "Collected : ");
        if (at != NULL) collected = strtod(at + strlen("Collected : "), NULL);
    }
    return pclose(child) == 0 && collected > 0 ? collected / (STREAMS * STEPS) : (double)NAN;
}

void stall_run(const workload *at, const char *program) {
    const double read = count(program, "readers");
    const double stalled = count(program, "stalled");
    if (isnan(read) || isnan(stalled)) {
        bench_board_skip(at->board, "stalled", "berth", "valgrind does not run here");
        return;
    }
    bench_board_put(at->board, "readers-keep-up", "berth", "instructions", "", at->round, read);
    bench_board_put(at->board, "readers-stalled", "berth", "instructions", "", at->round, stalled);
}
