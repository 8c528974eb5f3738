/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

#define TICK_NS (20 * MILLISECOND)
#define WATCHDOG_NS (60 * SECOND)
#define REFUSALS_SHOWN 3u
#define IDS_AT_ONCE 32u

static const char *band_name(uint32_t band) {
    static const char *const names[] = {"", "low", "normal", "high"};
    return names[band];
}

static void fail(quick_run *run, const char *call, berth_status status) {
    pthread_mutex_lock(&run->lock);
    if (run->failed == BERTH_OK) run->failed_in = call;
    if (run->failed == BERTH_OK) run->failed = status;
    pthread_mutex_unlock(&run->lock);
}

static uint64_t clock_now(const quick_run *run) {
    uint64_t now = 0;
    (void)berth_clock_now(run->engine.pool, &now);
    return now;
}

/* Berth calls this when it no longer needs a payload: exactly once per accepted request. */
static void on_release(void *user_data, void *payload, uint64_t payload_size) {
    quick_run *run = user_data;
    (void)payload;
    (void)payload_size;
    atomic_fetch_add_explicit(&run->released, 1, memory_order_relaxed);
}

/* The whole difference between the two runs. */
static void choose_options(berth_options *options, enum run_policy policy) {
    berth_options_init(options, sizeof *options);
    options->running_max = ENGINE_SLOTS;
    options->ended_max = WORKLOAD_COUNT;
    /* Rings for all and room for the longest reply: a busy machine may be late to read them. */
    options->mailboxes_max = WORKLOAD_COUNT;
    options->mailbox_size = 16384;
    if (policy == RUN_FIFO) {
        options->band_count = 1;
        options->parked_max = WORKLOAD_COUNT; /* as good as none: the whole input fits */
        return;
    }
    options->parked_max = RUN_PARKED_MAX;
    options->bands[BERTH_BAND_NORMAL - 1].parked_max = RUN_PARKED_NORMAL_MAX;
    options->bands[BERTH_BAND_LOW - 1].parked_max = RUN_PARKED_LOW_MAX;
    options->resource_count = 1;
    strcpy(options->resources[0].name, "kv_blocks");
    options->resources[0].capacity_units = ENGINE_KV_BLOCKS;
    options->kv_block_tokens = ENGINE_KV_BLOCK_TOKENS;
}

static void show_refusal(const workload_item *item, const berth_refusal *refusal) {
    show_line("  refused: request %u (%s band), limit %s: %llu of %llu; try again in %.2f s",
              item->index, band_name(item->band), berth_refusal_name(refusal->reason),
              (unsigned long long)refusal->asked, (unsigned long long)refusal->limit,
              (double)refusal->retry_after_ns / 1e9);
}

/* The lock is held across submit, so that the reader never meets an id it cannot look up. */
static void submit_one(quick_run *run, const workload_item *item) {
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request request = {.struct_size = sizeof request,
                             .band = run->policy == RUN_FIFO ? 1 : item->band,
                             .payload = (void *)(uintptr_t)item,
                             .payload_size = sizeof *item,
                             .prompt_tokens = item->prompt_tokens,
                             .max_new_tokens = item->max_new_tokens};
    pthread_mutex_lock(&run->lock);
    run_item *seen = &run->item[item->index];
    berth_status status = berth_submit(run->engine.pool, &request, &seen->id, &refusal);
    run->submitted++;
    if (status == BERTH_OK) run->accepted++;
    if (status == BERTH_EREFUSED) {
        seen->refusal = refusal.reason;
        seen->retry_after_ns = refusal.retry_after_ns;
        run->refused++;
    }
    uint32_t refused = run->refused;
    pthread_mutex_unlock(&run->lock);
    if (status == BERTH_EREFUSED && refused <= REFUSALS_SHOWN) show_refusal(item, &refusal);
    if (status != BERTH_OK && status != BERTH_EREFUSED) fail(run, "berth_submit", status);
}

/* Clients whose patience is over; a request that has ended meanwhile does not mind. */
static void cancel_due(quick_run *run, uint64_t since_ns) {
    for (uint32_t i = 0; i < run->submitted; i++) {
        const workload_item *item = &run->work->item[i];
        run_item *seen = &run->item[i];
        if (item->cancel_ns == 0 || since_ns < item->at_ns + item->cancel_ns) continue;
        pthread_mutex_lock(&run->lock);
        berth_request_id id = seen->gave_up ? 0 : seen->id;
        seen->gave_up = 1;
        pthread_mutex_unlock(&run->lock);
        if (id == 0) continue;
        berth_status status = berth_cancel(run->engine.pool, id);
        if (status != BERTH_OK && status != BERTH_EENDED && status != BERTH_ESTALE)
            fail(run, "berth_cancel", status);
    }
}

/* What the header promises of every snapshot. */
static int law_holds(const berth_stats *stats) {
    uint64_t outcomes = 0, refusals = 0;
    for (uint32_t i = 0; i < BERTH_OUTCOME_COUNT; i++) outcomes += stats->outcome_total[i];
    for (uint32_t i = 0; i < BERTH_REFUSAL_COUNT; i++) refusals += stats->refusal_total[i];
    for (uint32_t i = 0; i < stats->band_count; i++) {
        const berth_band_stats *band = &stats->bands[i];
        if (band->submitted_total !=
            band->refused_total + band->parked + band->running + band->stopping + band->ended_total)
            return 0;
    }
    return outcomes == stats->ended_total && refusals == stats->refused_total &&
           stats->submitted_total == stats->refused_total + stats->parked + stats->running +
                                         stats->stopping + stats->ended_total;
}

static void snapshot(quick_run *run) {
    berth_stats *stats = &run->stats;
    stats->struct_size = sizeof *stats;
    berth_status status = berth_stats_read(run->engine.pool, stats);
    if (status != BERTH_OK) fail(run, "berth_stats_read", status);
    if (!law_holds(stats)) run->law_broken++;
    for (uint32_t i = 0; i < stats->resource_count; i++)
        if (stats->resources[i].used_units > stats->resources[i].capacity_units) run->overcommits++;
}

static void show_where(quick_run *run, uint64_t since_ns) {
    char text[160];
    char parked[64];
    const berth_stats *stats = &run->stats;
    snapshot(run);
    if (run->policy == RUN_FIFO)
        snprintf(parked, sizeof parked, "parked %3u", (unsigned)stats->parked);
    else
        snprintf(parked, sizeof parked, "parked high %u normal %2u low %2u",
                 (unsigned)stats->bands[BERTH_BAND_HIGH - 1].parked,
                 (unsigned)stats->bands[BERTH_BAND_NORMAL - 1].parked,
                 (unsigned)stats->bands[BERTH_BAND_LOW - 1].parked);
    snprintf(text, sizeof text, " %4.1f s  ended %3u/%u  running %2u  refused %2u  %s",
             (double)since_ns / 1e9, (unsigned)stats->ended_total, run->work->count,
             (unsigned)stats->running, (unsigned)stats->refused_total, parked);
    show_progress(since_ns, text);
}

static uint32_t index_of(quick_run *run, berth_request_id id) {
    uint32_t index = WORKLOAD_COUNT;
    pthread_mutex_lock(&run->lock);
    for (uint32_t i = 0; i < run->submitted; i++)
        if (run->item[i].id == id) index = i;
    pthread_mutex_unlock(&run->lock);
    return index;
}

static void keep_outcome(quick_run *run, uint32_t index, const berth_outcome *outcome) {
    pthread_mutex_lock(&run->lock);
    run->item[index].outcome = *outcome;
    run->ended++;
    pthread_mutex_unlock(&run->lock);
}

/* Everything that is in one mailbox; with its end the request is given back to the pool. */
static void read_mailbox(quick_run *run, berth_request_id id) {
    char buffer[64];
    berth_record record = {.struct_size = sizeof record};
    uint32_t index = index_of(run, id);
    berth_status status;
    for (;;) {
        status = berth_mailbox_read(run->engine.pool, id, buffer, sizeof buffer, 0, &record);
        if (status != BERTH_OK) break;
        if (record.kind == BERTH_RECORD_CHUNK && index == run->work->watched)
            show_reply(buffer, (size_t)record.size);
        if (record.kind != BERTH_RECORD_END) continue;
        status = berth_outcome_take(run->engine.pool, id, &record.outcome);
        if (status != BERTH_OK) fail(run, "berth_outcome_take", status);
        if (index < WORKLOAD_COUNT) keep_outcome(run, index, &record.outcome);
        return;
    }
    if (status != BERTH_ETIMEDOUT && status != BERTH_ESTALE)
        fail(run, "berth_mailbox_read", status);
}

static int all_read(quick_run *run) {
    pthread_mutex_lock(&run->lock);
    int all = !run->submitting && run->ended == run->accepted;
    pthread_mutex_unlock(&run->lock);
    return all;
}

/* One thread reads all replies: it sleeps on the pool's descriptor, as an event loop would. */
static void *read_replies(void *context) {
    quick_run *run = context;
    int32_t descriptor = -1;
    berth_status status = berth_ready_descriptor(run->engine.pool, &descriptor);
    if (status != BERTH_OK) fail(run, "berth_ready_descriptor", status);
    while (run->failed == BERTH_OK && !all_read(run)) {
        berth_request_id ids[IDS_AT_ONCE];
        uint32_t count = 0;
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        (void)poll(&ready, 1, 20);
        while (berth_ready_take(run->engine.pool, ids, IDS_AT_ONCE, &count) == BERTH_OK)
            for (uint32_t i = 0; i < count; i++) read_mailbox(run, ids[i]);
    }
    return NULL;
}

/* The client: submits when a request arrives, cancels when patience ends, shows where it stands. */
static void play(quick_run *run) {
    const workload *work = run->work;
    uint64_t since = 0;
    while (!all_read(run) && run->engine.failed == BERTH_OK && run->failed == BERTH_OK) {
        while (run->submitted < work->count && work->item[run->submitted].at_ns <= since)
            submit_one(run, &work->item[run->submitted]);
        if (run->submitted == work->count) {
            pthread_mutex_lock(&run->lock);
            run->submitting = 0;
            pthread_mutex_unlock(&run->lock);
        }
        cancel_due(run, since);
        show_where(run, since);
        uint64_t next = since + TICK_NS;
        if (run->submitted < work->count && work->item[run->submitted].at_ns < next)
            next = work->item[run->submitted].at_ns;
        engine_sleep(next > since ? next - since : 1);
        since = clock_now(run) - run->start_ns;
        if (since > WATCHDOG_NS) {
            fprintf(stderr, "quickstart: requests are still waiting after %.0f s\n",
                    (double)WATCHDOG_NS / 1e9);
            exit(1);
        }
    }
    if (run->engine.failed != BERTH_OK) fail(run, run->engine.failed_in, run->engine.failed);
    run->wall_ns = since;
    show_where(run, since);
}

static void stop(quick_run *run, pthread_t engine_thread, pthread_t reader_thread) {
    berth_status status = berth_close(run->engine.pool); /* the engine leaves its plan_wait */
    if (status != BERTH_OK) fail(run, "berth_close", status);
    pthread_join(engine_thread, NULL);
    pthread_join(reader_thread, NULL);
    snapshot(run);
    status = berth_pool_destroy(run->engine.pool);
    if (status != BERTH_OK) fail(run, "berth_pool_destroy", status);
    run->engine.pool = NULL;
}

int run_do(quick_run *run, const workload *work, enum run_policy policy) {
    berth_options options;
    berth_executor executor = {
        .struct_size = sizeof executor, .user_data = run, .release = on_release};
    pthread_t engine_thread, reader_thread;
    memset(run, 0, sizeof *run);
    pthread_mutex_init(&run->lock, NULL);
    run->work = work;
    run->policy = policy;
    run->submitting = 1;
    choose_options(&options, policy);
    berth_status status = berth_pool_create(&options, &executor, &run->engine.pool);
    if (status != BERTH_OK) {
        fail(run, "berth_pool_create", status);
        return -1;
    }
    if (pthread_create(&engine_thread, NULL, engine_run, &run->engine) != 0 ||
        pthread_create(&reader_thread, NULL, read_replies, run) != 0) {
        fprintf(stderr, "quickstart: the system has no thread left\n");
        exit(1);
    }
    show_open();
    run->start_ns = clock_now(run);
    play(run);
    show_close();
    stop(run, engine_thread, reader_thread);
    pthread_mutex_destroy(&run->lock);
    return run->failed == BERTH_OK ? 0 : -1;
}

uint32_t run_outcome_count(const quick_run *run, uint32_t kind) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->work->count; i++)
        if (run->item[i].outcome.kind == kind) count++;
    return count;
}

static int check(int holds, const char *law) {
    if (!holds) fprintf(stderr, "quickstart: broken: %s\n", law);
    return holds ? 0 : -1;
}

int run_check(const quick_run *run) {
    const berth_stats *stats = &run->stats;
    int status = 0;
    if (run->failed != BERTH_OK)
        fprintf(stderr, "quickstart: %s said %s: %s\n", run->failed_in,
                berth_status_name(run->failed), berth_status_message(run->failed));
    if (run->failed != BERTH_OK) return -1;
    status |= check(run->law_broken == 0, "submitted = refused + parked + running + stopping + "
                                          "ended, in every snapshot");
    status |= check(run->overcommits == 0, "no resource is used above its capacity");
    status |= check(stats->parked + stats->running + stats->stopping == 0, "everything ended");
    status |= check(run->submitted == run->work->count && stats->submitted_total == run->submitted,
                    "the pool counted every submit");
    status |= check(stats->refused_total == run->refused && stats->ended_total == run->accepted &&
                        run->ended == run->accepted,
                    "every accepted request ended, and its outcome was read");
    for (uint32_t kind = 1; kind < BERTH_OUTCOME_COUNT; kind++)
        status |= check(stats->outcome_total[kind] == run_outcome_count(run, kind),
                        "the reader saw the outcomes that the pool counted");
    status |= check(stats->retained_dropped_total == 0, "no outcome was dropped unread");
    status |= check(atomic_load(&run->released) == run->accepted,
                    "release() was called once for every accepted request");
    if (run->policy == RUN_BERTH)
        status |= check(run->engine.steps_over == 0, "the engine never ran out of KV");
    return status;
}
