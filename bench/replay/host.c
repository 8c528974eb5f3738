/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int replay_broken(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("berth-replay: broken: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return -1;
}

uint64_t replay_wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void replay_row_cost(const replay_row *row, uint64_t cost[REPLAY_RESOURCES]) {
    const uint64_t tokens = (uint64_t)row->prompt_tokens + row->output_tokens;
    cost[REPLAY_KV_BLOCKS] = (tokens + REPLAY_BLOCK_TOKENS - 1) / REPLAY_BLOCK_TOKENS;
    cost[REPLAY_SEQUENCES] = 1;
}

/* Those who waited in vain have a band of their own, below the dealt ones. */
static uint32_t has_late_band(const replay_settings *settings) {
    return settings->policy.late_ppm != 0;
}

static uint32_t band_of(const replay_settings *settings, const replay_row *row) {
    if (row->late) return 1;
    return (settings->policy.one_band ? BERTH_BAND_NORMAL : row->band) + has_late_band(settings);
}

static void fill_options(const replay_host *host, int workers, berth_options *options) {
    const replay_settings *settings = host->settings;
    berth_options_init(options, sizeof *options);
    options->face = workers ? BERTH_FACE_WORKER : BERTH_FACE_ENGINE;
    options->clock = workers ? BERTH_CLOCK_SYSTEM : BERTH_CLOCK_VIRTUAL;
    options->running_max = (uint32_t)host->capacity[REPLAY_SEQUENCES];
    options->parked_max = settings->parked_max != 0 ? settings->parked_max : host->trace->count;
    options->ended_max = host->trace->count;
    options->band_count = REPLAY_BANDS + has_late_band(settings);
    options->band_default = BERTH_BAND_NORMAL;
    if (has_late_band(settings)) options->bands[0].ceiling_ppm = settings->policy.late_ppm;
    options->prefix_blocks_max = host->prefix.block_count; /* room for every name there is */
    options->mailbox_size = 256;                           /* outcomes only: rings stay empty */
    options->mailboxes_max = options->running_max;
    options->seed = settings->seed;
    options->resource_count = REPLAY_RESOURCES;
    options->kv_resource = REPLAY_KV_BLOCKS;
    options->kv_block_tokens = REPLAY_BLOCK_TOKENS;
    replay_policy_apply(&settings->policy, host->trace->tenant_count, options);
    options->step_tokens = host->step_tokens;
    options->steps_max = workers ? 0 : replay_settings_steps(settings);
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++)
        options->resources[r].capacity_units = host->granted[r];
    strcpy(options->resources[REPLAY_KV_BLOCKS].name, "kv_blocks");
    strcpy(options->resources[REPLAY_SEQUENCES].name, "sequences");
    if (!workers) return;
    options->worker_count = options->running_max;
    options->worker_stack_size = 262144;
}

int replay_host_init(replay_host *host, const replay_settings *settings, replay_trace *trace,
                     const berth_executor *worker) {
    berth_executor executor = {.struct_size = sizeof executor};
    berth_config_error error = {.struct_size = sizeof error};
    berth_options options;
    *host = (replay_host){.settings = settings, .trace = trace};
    host->capacity[REPLAY_KV_BLOCKS] = settings->kv_tokens / REPLAY_BLOCK_TOKENS;
    host->capacity[REPLAY_SEQUENCES] =
        settings->policy.sequences != 0 ? settings->policy.sequences : settings->sequences;
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) host->granted[r] = host->capacity[r];
    host->step_tokens = settings->policy.step_tokens;
    if (settings->policy.fixed_ppm != 0)
        host->step_tokens = replay_model_step_tokens(settings->model, host->step_tokens,
                                                     settings->policy.fixed_ppm);
    if (settings->policy.overcommit) host->granted[REPLAY_KV_BLOCKS] = REPLAY_KV_TOKENS_MAX;
    if (replay_settings_has_prefix(settings) && replay_prefix_init(&host->prefix, trace) != 0)
        return replay_broken("no memory for the names of %llu blocks",
                             (unsigned long long)trace->hash_count);
    fill_options(host, worker != NULL, &options);
    if (worker != NULL) executor = *worker;
    executor.user_data = host;
    executor.release = replay_host_released;
    if (berth_options_check(&options, &error) != BERTH_OK)
        return replay_broken("options: %s: %s", error.path, error.message);
    host->row_of_count = options.parked_max + options.running_max + options.ended_max + 1;
    host->row_of = calloc(host->row_of_count, sizeof *host->row_of);
    if (host->row_of == NULL) return replay_broken("no memory for the table of rows");
    replay_fairness_init(&host->fairness, worker == NULL ? trace->tenant_count : 0);
    if (worker == NULL) {
        host->decisions = replay_decisions_create();
        if (host->decisions == NULL) return replay_broken("no memory for the decision log");
    }
    const berth_status status = berth_pool_create(&options, &executor, &host->pool);
    if (status != BERTH_OK) return replay_broken("create: %s", berth_status_message(status));
    if (berth_clock_now(host->pool, &host->start_at_ns) != BERTH_OK)
        return replay_broken("the pool has no clock");
    return 0;
}

int replay_host_fini(replay_host *host) {
    const berth_status status = berth_pool_destroy(host->pool);
    replay_decisions_destroy(host->decisions);
    replay_prefix_fini(&host->prefix);
    free(host->row_of);
    host->row_of = NULL;
    host->pool = NULL;
    host->decisions = NULL;
    return status == BERTH_OK ? 0 : replay_broken("destroy: %s", berth_status_message(status));
}

void replay_host_released(void *user_data, void *payload, uint64_t payload_size) {
    replay_host *host = user_data;
    replay_row *row = payload;
    (void)payload_size;
    row->ended_next = atomic_load(&host->released);
    while (!atomic_compare_exchange_weak(&host->released, &row->ended_next, row)) continue;
}

/* 24 bits of place, as berth.h has it. */
static uint32_t place_of(berth_request_id id) {
    return (uint32_t)(id & 0xffffff);
}

replay_row *replay_host_row(const replay_host *host, berth_request_id id) {
    const uint32_t place = place_of(id);
    replay_row *row;
    if (place >= host->row_of_count) return NULL;
    row = &host->trace->rows[host->row_of[place]];
    return row->id == id ? row : NULL;
}

static void log_decision(replay_host *host, enum replay_decision kind, const uint64_t what[3]) {
    replay_decision_entry entry = {.kind = kind, .at_ns = host->now_ns};
    if (host->decisions == NULL) return;
    memcpy(entry.what, what, sizeof entry.what);
    replay_decisions_add(host->decisions, &entry);
}

/* How long a request may wait: as the command line says, else as the policy makes of the target. */
static uint64_t queue_ns_of(const replay_settings *settings) {
    if (settings->queue_timeout_ns != 0 || settings->policy.queue_ppm == 0)
        return settings->queue_timeout_ns;
    return settings->slo.ttft_ns / 1000 * settings->policy.queue_ppm / 1000;
}

int replay_host_submit(replay_host *host, replay_row *row) {
    const replay_settings *settings = host->settings;
    const double faster = settings->real_time > 0.0 ? settings->real_time : 1.0;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request request = {.struct_size = sizeof request,
                             .payload = row,
                             .prompt_tokens = row->prompt_tokens,
                             .max_new_tokens = row->output_tokens,
                             .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                             .cost_count = REPLAY_RESOURCES};
    request.cost[REPLAY_SEQUENCES] = 1; /* KV blocks come from the tokens */
    if (!row->late) request.queue_ns = (uint64_t)((double)queue_ns_of(settings) / faster);
    request.band = band_of(settings, row);
    request.tenant = row->tenant;
    if (host->prefix.block_count > 0) {
        request.block_hash_count = replay_prefix_name(&host->prefix, row);
        request.block_hashes = host->prefix.names;
    }
    const berth_status status = berth_submit(host->pool, &request, &row->id, &refusal);
    host->submitted++;
    if (status == BERTH_OK) {
        host->accepted++;
        if (place_of(row->id) >= host->row_of_count)
            return replay_broken("an id beyond the pool's table");
        host->row_of[place_of(row->id)] = row->index;
        row->parked = 1;
        replay_fairness_parked(&host->fairness, row->tenant_rank, 1);
        const uint64_t what[3] = {row->index, row->id, request.band};
        log_decision(host, REPLAY_DECISION_ACCEPTED, what);
        return 0;
    }
    if (status != BERTH_EREFUSED || refusal.reason == BERTH_REFUSAL_NONE)
        return replay_broken("submit of row %u: %s", (unsigned)row->index + 1,
                             berth_status_message(status));
    if (refusal.reason == BERTH_REFUSAL_DEADLINE && has_late_band(settings)) {
        row->late = 1;
        host->late++;
        return replay_host_submit(host, row);
    }
    row->refusal = refusal.reason;
    const uint64_t what[3] = {row->index, refusal.reason, refusal.retry_after_ns};
    log_decision(host, REPLAY_DECISION_REFUSED, what);
    return 0;
}

/* The list as it was pushed, oldest first. */
static replay_row *take_released(replay_host *host) {
    replay_row *newest = atomic_exchange(&host->released, NULL);
    replay_row *oldest = NULL;
    while (newest != NULL) {
        replay_row *next = newest->ended_next;
        newest->ended_next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* It left the queue in vain: it goes on behind all others. */
static int go_on_late(replay_host *host, replay_row *row) {
    row->late = 1;
    row->parked = 0;
    host->late++;
    host->ended++;
    replay_fairness_parked(&host->fairness, row->tenant_rank, -1);
    return replay_host_submit(host, row);
}

static int take_outcome(replay_host *host, replay_row *row) {
    berth_outcome outcome = {.struct_size = sizeof outcome};
    const berth_status status = berth_outcome_take(host->pool, row->id, &outcome);
    if (status != BERTH_OK)
        return replay_broken("the outcome of row %u: %s", (unsigned)row->index + 1,
                             berth_status_message(status));
    if (row->outcome != BERTH_OUTCOME_NONE)
        return replay_broken("row %u ended twice", (unsigned)row->index + 1);
    if (outcome.kind == BERTH_OUTCOME_EXPIRED && has_late_band(host->settings) && !row->late)
        return go_on_late(host, row);
    row->outcome = outcome.kind;
    row->ended_at_ns = outcome.ended_at_ns - host->start_at_ns;
    if (row->outcome != BERTH_OUTCOME_COMPLETED && row->parked)
        replay_fairness_parked(&host->fairness, row->tenant_rank, -1);
    /* A moment of 0 is "never" in an outcome; on a virtual clock the plan has told it before. */
    if (outcome.admitted_at_ns != 0)
        row->admitted_at_ns = outcome.admitted_at_ns - host->start_at_ns;
    host->ended++;
    host->generated += outcome.tokens_generated;
    if (outcome.kind == BERTH_OUTCOME_COMPLETED && outcome.tokens_generated != row->output_tokens)
        return replay_broken("row %u: %llu tokens counted, %u generated", (unsigned)row->index + 1,
                             (unsigned long long)outcome.tokens_generated,
                             (unsigned)row->output_tokens);
    const uint64_t what[3] = {row->index, (uint64_t)outcome.kind << 32 | outcome.detail,
                              outcome.tokens_generated};
    log_decision(host, REPLAY_DECISION_OUTCOME, what);
    return 0;
}

int replay_host_harvest(replay_host *host) {
    for (replay_row *row = take_released(host); row != NULL; row = row->ended_next)
        if (take_outcome(host, row) != 0) return -1;
    return 0;
}

static int check_resource(const berth_resource_stats *resource) {
    if (resource->used_units <= resource->capacity_units && resource->overdraft_units == 0)
        return 0;
    return replay_broken("%llu of %llu %s are used", (unsigned long long)resource->used_units,
                         (unsigned long long)resource->capacity_units, resource->name);
}

int replay_host_check_stats(const berth_stats *stats) {
    uint64_t outcomes = 0, refusals = 0, bands = 0;
    if (stats->broken) return replay_broken("the pool says that an invariant failed");
    for (uint32_t i = 0; i < BERTH_OUTCOMES_MAX; i++) outcomes += stats->outcome_total[i];
    for (uint32_t i = 0; i < BERTH_REFUSALS_MAX; i++) refusals += stats->refusal_total[i];
    if (stats->submitted_total != stats->refused_total + stats->parked + stats->running +
                                      stats->stopping + stats->ended_total)
        return replay_broken("submitted = refused + parked + running + stopping + ended is not so");
    if (outcomes != stats->ended_total) return replay_broken("outcomes do not add up to ended");
    if (refusals != stats->refused_total) return replay_broken("refusals do not add up");
    for (uint32_t i = 0; i < stats->band_count && i < BERTH_BANDS_MAX; i++) {
        const berth_band_stats *band = &stats->bands[i];
        bands += band->submitted_total;
        if (band->submitted_total !=
            band->refused_total + band->parked + band->running + band->stopping + band->ended_total)
            return replay_broken("the counters of band %u do not add up", (unsigned)i + 1);
    }
    if (bands != stats->submitted_total) return replay_broken("bands do not add up to submitted");
    for (uint32_t i = 0; i < stats->resource_count && i < BERTH_RESOURCES_MAX; i++)
        if (check_resource(&stats->resources[i]) != 0) return -1;
    return 0;
}

/* What the pool says of its index against what the engine has. */
static int check_prefix(const replay_prefix *prefix, const berth_stats *stats) {
    const uint64_t cached = prefix->resident_count - prefix->held;
    if (stats->prefix_blocks_held != prefix->held || stats->prefix_blocks_cached != cached)
        return replay_broken("%llu blocks are held and %llu cached, the pool says %u and %u",
                             (unsigned long long)prefix->held, (unsigned long long)cached,
                             (unsigned)stats->prefix_blocks_held,
                             (unsigned)stats->prefix_blocks_cached);
    if (stats->prefix_hit_tokens_total != prefix->hit_tokens ||
        stats->prefix_evicted_total != prefix->evicted)
        return replay_broken("the pool counts other hits or evictions than there were");
    if (stats->prefix_truncated_total != 0)
        return replay_broken("the index has no room for %llu names",
                             (unsigned long long)stats->prefix_truncated_total);
    return 0;
}

int replay_host_check(replay_host *host) {
    berth_stats stats = {.struct_size = sizeof stats};
    const berth_status status = berth_stats_read(host->pool, &stats);
    if (status != BERTH_OK) return replay_broken("stats: %s", berth_status_message(status));
    if (replay_host_check_stats(&stats) != 0) return -1;
    if (stats.submitted_total != host->submitted ||
        stats.refused_total != host->submitted - host->accepted)
        return replay_broken("the pool counts other submits than were made");
    if (check_prefix(&host->prefix, &stats) != 0) return -1;
    const double passed_ns = (double)(host->now_ns - host->used_since_ns);
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        host->used_ns[r] += (double)host->used[r] * passed_ns;
        host->used[r] = stats.resources[r].used_units;
        host->peak[r] = stats.resources[r].used_units_peak;
        if (host->peak[r] > host->granted[r])
            return replay_broken("a peak of %llu %s is above the capacity",
                                 (unsigned long long)host->peak[r], stats.resources[r].name);
    }
    host->used_since_ns = host->now_ns;
    host->steps = stats.steps_total;
    host->preemptions = stats.preemptions_total;
    host->recomputed = stats.tokens_recomputed_total;
    return 0;
}

int replay_host_check_end(replay_host *host) {
    berth_stats stats = {.struct_size = sizeof stats};
    if (replay_host_check(host) != 0) return -1;
    if (berth_stats_read(host->pool, &stats) != BERTH_OK) return replay_broken("stats failed");
    if (stats.parked + stats.running + stats.stopping != 0)
        return replay_broken("%llu requests are left behind",
                             (unsigned long long)(stats.parked + stats.running + stats.stopping));
    if (host->decisions != NULL && host->left_early != host->preemptions)
        return replay_broken("%llu were preempted, and %llu told to leave so",
                             (unsigned long long)host->preemptions,
                             (unsigned long long)host->left_early);
    if (host->ended != host->accepted || host->submitted != host->trace->count + host->late)
        return replay_broken("of %u requests %llu were accepted, %llu ended",
                             (unsigned)host->trace->count, (unsigned long long)host->accepted,
                             (unsigned long long)host->ended);
    return 0;
}

void replay_host_progress(replay_host *host) {
    const uint64_t wall_ns = replay_wall_ns();
    if (host->progress_at == REPLAY_NEVER || wall_ns < host->progress_at) return;
    if (!isatty(STDERR_FILENO)) {
        host->progress_at = REPLAY_NEVER;
        return;
    }
    if (host->progress_at != 0)
        fprintf(stderr, "\rreplay: %llu of %u submitted, %llu ended, at %.0f s \x1b[K",
                (unsigned long long)host->submitted, (unsigned)host->trace->count,
                (unsigned long long)host->ended, (double)host->now_ns / 1e9);
    if (host->submitted == host->trace->count + host->late && host->ended == host->accepted)
        fputs("\r\x1b[K", stderr);
    host->progress_at = wall_ns + 300000000;
}
