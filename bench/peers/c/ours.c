/* SPDX-License-Identifier: MIT */
/* Berth on its worker face, with the options that a host has to set and no others. */
#include "ours_special.h"

#include <berth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PARKED_MAX 1024u
#define DEFAULT_ENDED_MAX 256u

static int32_t execute(void *user_data, const berth_call *call) {
    (void)user_data;
    peer_run(call->payload);
    return BERTH_EXECUTE_DONE;
}

static void *create(const peer_shape *shape) {
    berth_options options;
    berth_executor executor = {.struct_size = sizeof executor, .execute = execute};
    berth_pool *pool = NULL;
    berth_options_init(&options, sizeof options);
    options.face = BERTH_FACE_WORKER;
    options.worker_count = shape->workers;
    if (shape->in_flight_max > DEFAULT_PARKED_MAX) options.parked_max = shape->in_flight_max;
    if (shape->in_flight_max > DEFAULT_ENDED_MAX) options.ended_max = shape->in_flight_max;
    if (shape->tenants > 0) {
        options.fairness = BERTH_FAIRNESS_VTC;
        options.tenants_max = shape->tenants;
    }
    options.resource_count = 2;
    snprintf(options.resources[0].name, BERTH_NAME_SIZE, "kv_blocks");
    options.resources[0].capacity_units = 4096;
    snprintf(options.resources[1].name, BERTH_NAME_SIZE, "sequences");
    options.resources[1].capacity_units = 64;
    return berth_pool_create(&options, &executor, &pool) == BERTH_OK ? pool : NULL;
}

static void give_up(const char *call, berth_status status) {
    fprintf(stderr, "%s: %s\n", call, berth_status_name(status));
    exit(1);
}

static void submit(void *pool, peer_task *task) {
    berth_request request = {.struct_size = sizeof request,
                             .band = task->band,
                             .payload = task,
                             .tenant = task->tenant,
                             .prompt_tokens = 16 * (uint64_t)task->cost[0],
                             .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                             .cost_count = 2,
                             .cost = {task->cost[0], task->cost[1]},
                             .queue_ns = task->deadline_ns};
    berth_status status = berth_submit(pool, &request, &task->id, NULL);
    if (status != BERTH_OK) give_up("berth_submit", status);
}

static void wait_for(void *pool, peer_task *task) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    berth_status status = berth_outcome_take(pool, task->id, &outcome);
    if (status == BERTH_EAGAIN) {
        berth_wait(pool, task->id, BERTH_FOREVER, NULL);
        status = berth_outcome_take(pool, task->id, &outcome);
    }
    if (status != BERTH_OK) give_up("berth_outcome_take", status);
    if (outcome.kind != BERTH_OUTCOME_COMPLETED) give_up("a request", BERTH_EENDED);
}

static void destroy(void *pool) {
    berth_status status = berth_pool_destroy(pool);
    while (status == BERTH_EBUSY) status = berth_pool_destroy(pool);
    if (status != BERTH_OK) give_up("berth_pool_destroy", status);
}

static uint32_t number(int argc, char **argv, int index) {
    if (index >= argc) exit(2);
    return (uint32_t)strtoul(argv[index], NULL, 10);
}

static int32_t special(int argc, char **argv) {
    const char *name = argv[2];
    if (strcmp(name, "engine") == 0)
        ours_engine(number(argc, argv, 3), number(argc, argv, 4));
    else if (strcmp(name, "cancel") == 0)
        ours_cancel(number(argc, argv, 3));
    else if (strcmp(name, "expire") == 0)
        ours_expire(number(argc, argv, 3));
    else if (strcmp(name, "memory") == 0)
        ours_memory();
    else if (strcmp(name, "library") == 0)
        ours_library();
    else
        return argc > 3 ? ours_recipe(name, number(argc, argv, 3)) : 0;
    return 1;
}

const peer_ops ours = {
    .name = "berth",
    .features = PEER_PRIORITY | PEER_COST | PEER_DEADLINE | PEER_CANCEL | PEER_RESULT,
    .create = create,
    .submit = submit,
    .wait = wait_for,
    .destroy = destroy,
    .special = special,
};
