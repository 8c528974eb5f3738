/* SPDX-License-Identifier: MIT */
/*
 * Admission only: your program runs the work by itself, wherever it likes, and asks Berth who may
 * start. Start here to put limits, bands and refusals before something that already works.
 *
 * Two uploads fit into 100 MiB of staging memory at a time; at most two more may wait.
 */
#include <berth.h>
#include <stdio.h>

#define UPLOADS 6u

static const uint64_t upload_mib[UPLOADS] = {60, 40, 30, 50, 20, 400};

/* In by now? The first record of a gate's mailbox says so; 0 = still parked. */
static int is_in(berth_pool *pool, berth_request_id id) {
    berth_record record = {.struct_size = sizeof record};
    return berth_mailbox_read(pool, id, NULL, 0, 0, &record) == BERTH_OK &&
           record.kind == BERTH_RECORD_ADMITTED;
}

/* Submits one; prints the refusal if there is one. Returns its id, or 0. */
static berth_request_id ask(berth_pool *pool, uint32_t index) {
    berth_request_id id;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request request = {
        .struct_size = sizeof request, .cost_count = 1, .cost = {upload_mib[index]}};
    berth_status status = berth_submit(pool, &request, &id, &refusal);
    if (status == BERTH_OK) return id;
    printf("upload %u of %3llu MiB: refused (%s: %llu of %llu), ", index,
           (unsigned long long)upload_mib[index], berth_refusal_name(refusal.reason),
           (unsigned long long)refusal.asked, (unsigned long long)refusal.limit);
    if (refusal.retry_after_ns == 0)
        printf("do not try again\n");
    else
        printf("try again in %.3f s\n", (double)refusal.retry_after_ns / 1e9);
    return 0;
}

int main(void) {
    berth_pool *pool;
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.face = BERTH_FACE_GATE;
    options.parked_max = 2;
    options.resource_count = 1;
    options.resources[0] = (berth_resource_options){.name = "staging_mib", .capacity_units = 100};
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;

    berth_request_id id[UPLOADS];
    for (uint32_t i = 0; i < UPLOADS; i++) id[i] = ask(pool, i);

    /* Whoever is in does its work and finishes, which lets the next ones in, in order. A program
     * with threads would sleep in berth_mailbox_read(..., BERTH_FOREVER, ...) for each instead. */
    for (uint32_t left = UPLOADS; left > 0;) {
        left = 0;
        for (uint32_t i = 0; i < UPLOADS; i++) {
            if (id[i] == 0) continue;
            left++;
            if (!is_in(pool, id[i])) continue;
            printf("upload %u of %3llu MiB: in, done\n", i, (unsigned long long)upload_mib[i]);
            if (berth_finish(pool, id[i], BERTH_FINISH_STOP, 0) != BERTH_OK) return 1;
            if (berth_outcome_take(pool, id[i], NULL) != BERTH_OK) return 1;
            id[i] = 0;
        }
    }
    return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
}
