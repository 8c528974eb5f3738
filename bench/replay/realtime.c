/* SPDX-License-Identifier: MIT */
#include "realtime.h"

#include <errno.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)
#define GATHER_NS UINT64_C(5000000)  /* tokens are emitted in bunches at least this long */
#define HARVEST_NS UINT64_C(2000000) /* how often the driver looks for outcomes */
#define DRAIN_NS (60 * SECOND_NS)

/*
 * A worker knows only its own request; what a step of the whole batch takes follows from how many
 * run and what they attend to, which all workers keep here.
 */
typedef struct engine {
    replay_host *host;
    _Atomic uint64_t decoding;
    _Atomic uint64_t context;
    _Atomic uint32_t failed; /* a worker met a status that it should not */
} engine;

/* A host's executor has one user_data, which release() expects to be the host: keep both. */
typedef struct driver {
    replay_host host; /* first, so that the host's address is the driver's */
    engine engine;
} driver;

static void sleep_until(uint64_t at_ns) {
    const struct timespec at = {.tv_sec = (time_t)(at_ns / SECOND_NS),
                                .tv_nsec = (long)(at_ns % SECOND_NS)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) continue;
}

static uint64_t faster(const engine *e, uint64_t model_ns) {
    return (uint64_t)((double)model_ns / e->host->settings->real_time);
}

static uint64_t prefill_ns(const engine *e, const replay_row *row) {
    replay_load load = {0};
    replay_load_prefill(&load, row->prompt_tokens);
    return faster(e, e->host->settings->model->step_ns(&load));
}

static uint64_t decode_ns(engine *e) {
    const replay_load load = {.decoding = atomic_load(&e->decoding),
                              .context = atomic_load(&e->context)};
    return faster(e, e->host->settings->model->step_ns(&load));
}

/* 0, or 1 where the request is to stop. */
static int emit(engine *e, const berth_call *call, replay_row *row, uint64_t tokens) {
    const berth_status status = berth_emit(call->pool, call->id, "token", 5, tokens);
    if (status == BERTH_EENDED) return 1;
    if (status != BERTH_OK) {
        atomic_store(&e->failed, 1);
        return 1;
    }
    uint64_t now = 0;
    berth_clock_now(call->pool, &now);
    row->last_at_ns = now - e->host->start_at_ns;
    if (row->generated == 0) row->first_at_ns = row->last_at_ns;
    row->generated += tokens;
    return 0;
}

/* The rest of the output after the first token, in bunches. */
static void decode(engine *e, const berth_call *call, replay_row *row, uint64_t at_ns) {
    while (row->generated < row->output_tokens) {
        uint64_t tokens = 0, bunch_ns = 0;
        const uint64_t left = row->output_tokens - row->generated;
        const uint64_t token_ns = decode_ns(e);
        while (tokens < left && (tokens == 0 || bunch_ns < GATHER_NS)) {
            bunch_ns += token_ns;
            tokens++;
        }
        at_ns += bunch_ns;
        sleep_until(at_ns);
        if (emit(e, call, row, tokens) != 0) return;
        atomic_fetch_add(&e->context, tokens);
    }
}

static int32_t execute(void *user_data, const berth_call *call) {
    engine *e = &((driver *)user_data)->engine;
    replay_row *row = call->payload;
    uint64_t at_ns = replay_wall_ns();
    if (row->prompt_tokens > 0) {
        at_ns += prefill_ns(e, row);
        sleep_until(at_ns);
        if (row->output_tokens > 0 && emit(e, call, row, 1) != 0) return BERTH_EXECUTE_DONE;
    }
    const uint64_t before = row->generated;
    atomic_fetch_add(&e->decoding, 1);
    atomic_fetch_add(&e->context, row->prompt_tokens);
    decode(e, call, row, at_ns);
    atomic_fetch_sub(&e->context, row->prompt_tokens + row->generated - before);
    atomic_fetch_sub(&e->decoding, 1);
    return BERTH_EXECUTE_DONE;
}

static int look(driver *d) {
    replay_host *host = &d->host;
    uint64_t now = 0;
    if (berth_clock_now(host->pool, &now) != BERTH_OK) return replay_broken("the clock fails");
    host->now_ns = now - host->start_at_ns;
    if (atomic_load(&d->engine.failed)) return replay_broken("a worker could not emit");
    if (replay_host_harvest(host) != 0 || replay_host_check(host) != 0) return -1;
    replay_host_progress(host);
    return 0;
}

/* Sleep to a moment of the replay, and look around on the way. */
static int wait_until(driver *d, uint64_t to_ns) {
    for (;;) {
        if (look(d) != 0) return -1;
        const uint64_t now_ns = d->host.now_ns;
        if (now_ns >= to_ns) return 0;
        const uint64_t left_ns = to_ns - now_ns;
        sleep_until(replay_wall_ns() + (left_ns < HARVEST_NS ? left_ns : HARVEST_NS));
    }
}

static int drive(driver *d) {
    replay_trace *trace = d->host.trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        if (wait_until(d, trace->rows[i].arrive_at_ns) != 0) return -1;
        if (replay_host_submit(&d->host, &trace->rows[i]) != 0) return -1;
    }
    while (d->host.ended < d->host.accepted)
        if (wait_until(d, d->host.now_ns + HARVEST_NS) != 0) return -1;
    return 0;
}

static void scale_moment(uint64_t *at_ns, double times) {
    if (*at_ns != REPLAY_NEVER) *at_ns = (uint64_t)((double)*at_ns * times);
}

/* Times of the run to times of the trace. */
static void scale_back(replay_host *host) {
    const double times = host->settings->real_time;
    for (uint32_t i = 0; i < host->trace->count; i++) {
        replay_row *row = &host->trace->rows[i];
        scale_moment(&row->arrive_at_ns, times);
        scale_moment(&row->admitted_at_ns, times);
        scale_moment(&row->first_at_ns, times);
        scale_moment(&row->last_at_ns, times);
        scale_moment(&row->ended_at_ns, times);
    }
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) host->used_ns[r] *= times;
    host->now_ns = (uint64_t)((double)host->now_ns * times);
}

int replay_realtime_run(replay_host *host, const replay_settings *settings, replay_trace *trace) {
    static driver d; /* workers may hold it until drain returns */
    const berth_executor worker = {.struct_size = sizeof worker, .execute = execute};
    for (uint32_t i = 0; i < trace->count; i++)
        trace->rows[i].arrive_at_ns =
            (uint64_t)((double)trace->rows[i].arrive_at_ns / settings->real_time);
    int result = replay_host_init(&d.host, settings, trace, &worker);
    d.engine.host = &d.host;
    if (result == 0) result = drive(&d);
    if (d.host.pool != NULL && berth_drain(d.host.pool, DRAIN_NS) != BERTH_OK)
        result = replay_broken("workers do not come back");
    if (result == 0) result = replay_host_check_end(&d.host);
    if (result == 0) scale_back(&d.host);
    *host = d.host;
    return result;
}
