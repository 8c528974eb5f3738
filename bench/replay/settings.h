/* SPDX-License-Identifier: MIT */
/*
 * What:    what a replay was asked to do, read off its command line.
 * Why:     a figure is repeated only from all of its settings; the report echoes them.
 * Rules:   a value that is not understood is an error that names it; nothing is ignored.
 * Threads: none.
 */
#ifndef REPLAY_SETTINGS_H
#define REPLAY_SETTINGS_H

#include "generator.h"
#include "model.h"
#include "presets.h"
#include "slo.h"

#define REPLAY_BANDS 3u /* low, normal, high: berth_band 1 to 3 */

#define REPLAY_COMPARED_MAX 12u

#define REPLAY_STEPS_MAX 4u /* berth_options.steps_max */

enum replay_task {
    REPLAY_TASK_RUN = 0,
    REPLAY_TASK_HELP = 1,
    REPLAY_TASK_SELF_TEST = 2,
    REPLAY_TASK_COMPARE = 3,
    REPLAY_TASK_GOODPUT = 4
};

typedef struct replay_settings {
    enum replay_task task;
    replay_policy policy;
    const replay_policy *compared[REPLAY_COMPARED_MAX];
    uint32_t compared_count;
    uint32_t tenants; /* dealt by the seed; 0 = as the trace has them */
    replay_slo slo;
    const char *svg_path;   /* NULL = none */
    const char *trace_path; /* NULL = generator */
    replay_generator generator;
    const replay_model *model;
    uint32_t shares[REPLAY_BANDS + 1]; /* percent, by berth_band; [0] is unused */
    double speed;                      /* arrivals come this much faster */
    double real_time;                  /* 0 = virtual clock; else all goes this much faster */
    uint64_t kv_tokens;                /* 0 until defaults are applied */
    uint64_t queue_timeout_ns;         /* 0 = none */
    uint64_t seed;
    uint32_t parked_max; /* 0 = as many as the trace has rows */
    uint32_t sequences;
    uint32_t limit; /* rows; 0 = all */
    uint32_t json;
    uint32_t prefix_cache; /* 1 = prompts share KV, as the trace names their blocks */
    uint32_t steps;        /* that may be in flight */
    uint64_t host_ns;      /* from a plan until its step can begin */
} replay_settings;

/* 0, or -1 after saying on stderr what is wrong. */
int replay_settings_read(int argc, char **argv, replay_settings *out);

/* Steps in flight of this run; one where a step that fails ends all that runs. */
uint32_t replay_settings_steps(const replay_settings *settings);

/* Does this run keep a prefix cache? Not on an engine that gives out KV which it has not. */
int replay_settings_has_prefix(const replay_settings *settings);

const char *replay_band_name(uint32_t band);

#endif
