/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long options only; each is a case of set(). */
enum option_key {
    KEY_TRACE = 256,
    KEY_POLICY,
    KEY_BANDS,
    KEY_SPEED,
    KEY_PARKED_MAX,
    KEY_KV_TOKENS,
    KEY_SEQUENCES,
    KEY_MODEL,
    KEY_SEED,
    KEY_JSON,
    KEY_REAL_TIME,
    KEY_LIMIT,
    KEY_QUEUE_TIMEOUT,
    KEY_REQUESTS,
    KEY_RATE,
    KEY_GAP_CV,
    KEY_PROMPT_MEDIAN,
    KEY_PROMPT_SIGMA,
    KEY_PROMPT_MAX,
    KEY_OUTPUT_MEDIAN,
    KEY_OUTPUT_SIGMA,
    KEY_OUTPUT_MAX,
    KEY_SELF_TEST,
    KEY_PREFIX_CACHE,
    KEY_STEPS,
    KEY_HOST_TIME,
    KEY_KV, /* from here to KEY_FIXED: of a policy */
    KEY_VICTIM,
    KEY_FAIRNESS,
    KEY_ORDER,
    KEY_FIT,
    KEY_STEP,
    KEY_QUEUE,
    KEY_WAIT,
    KEY_LATE,
    KEY_PACE,
    KEY_FIXED,
    KEY_TENANTS,
    KEY_SLO,
    KEY_COMPARE,
    KEY_GOODPUT,
    KEY_SVG,
    KEY_HELP
};

static const struct option long_options[] = {
    {"trace", required_argument, NULL, KEY_TRACE},
    {"policy", required_argument, NULL, KEY_POLICY},
    {"bands", required_argument, NULL, KEY_BANDS},
    {"speed", required_argument, NULL, KEY_SPEED},
    {"parked-max", required_argument, NULL, KEY_PARKED_MAX},
    {"kv-tokens", required_argument, NULL, KEY_KV_TOKENS},
    {"sequences", required_argument, NULL, KEY_SEQUENCES},
    {"model", required_argument, NULL, KEY_MODEL},
    {"seed", required_argument, NULL, KEY_SEED},
    {"json", no_argument, NULL, KEY_JSON},
    {"real-time", required_argument, NULL, KEY_REAL_TIME},
    {"limit", required_argument, NULL, KEY_LIMIT},
    {"queue-timeout", required_argument, NULL, KEY_QUEUE_TIMEOUT},
    {"requests", required_argument, NULL, KEY_REQUESTS},
    {"rate", required_argument, NULL, KEY_RATE},
    {"gap-cv", required_argument, NULL, KEY_GAP_CV},
    {"prompt-median", required_argument, NULL, KEY_PROMPT_MEDIAN},
    {"prompt-sigma", required_argument, NULL, KEY_PROMPT_SIGMA},
    {"prompt-max", required_argument, NULL, KEY_PROMPT_MAX},
    {"output-median", required_argument, NULL, KEY_OUTPUT_MEDIAN},
    {"output-sigma", required_argument, NULL, KEY_OUTPUT_SIGMA},
    {"output-max", required_argument, NULL, KEY_OUTPUT_MAX},
    {"self-test", no_argument, NULL, KEY_SELF_TEST},
    {"prefix-cache", no_argument, NULL, KEY_PREFIX_CACHE},
    {"steps", required_argument, NULL, KEY_STEPS},
    {"host-time", required_argument, NULL, KEY_HOST_TIME},
    {"kv", required_argument, NULL, KEY_KV},
    {"victim", required_argument, NULL, KEY_VICTIM},
    {"fairness", required_argument, NULL, KEY_FAIRNESS},
    {"order", required_argument, NULL, KEY_ORDER},
    {"fit", required_argument, NULL, KEY_FIT},
    {"step", required_argument, NULL, KEY_STEP},
    {"queue", required_argument, NULL, KEY_QUEUE},
    {"wait", required_argument, NULL, KEY_WAIT},
    {"late", required_argument, NULL, KEY_LATE},
    {"pace", required_argument, NULL, KEY_PACE},
    {"fixed", required_argument, NULL, KEY_FIXED},
    {"tenants", required_argument, NULL, KEY_TENANTS},
    {"slo", required_argument, NULL, KEY_SLO},
    {"compare", required_argument, NULL, KEY_COMPARE},
    {"goodput", no_argument, NULL, KEY_GOODPUT},
    {"svg", required_argument, NULL, KEY_SVG},
    {"help", no_argument, NULL, KEY_HELP},
    {NULL, 0, NULL, 0},
};

/* Number options: where the value goes, and what it may be. */
typedef struct whole_option {
    int key;
    size_t offset;
    size_t size;
    uint64_t min;
    uint64_t max;
} whole_option;

typedef struct real_option {
    int key;
    size_t offset;
    double min;
    double max;
} real_option;

#define WHOLE(key, field, min, max)                                                                \
    { key, offsetof(replay_settings, field), sizeof(((replay_settings *)0)->field), min, max }
#define REAL(key, field, min, max)                                                                 \
    { key, offsetof(replay_settings, field), min, max }

static const whole_option whole_options[] = {
    WHOLE(KEY_PARKED_MAX, parked_max, 1, REPLAY_ROWS_MAX),
    WHOLE(KEY_KV_TOKENS, kv_tokens, REPLAY_BLOCK_TOKENS, REPLAY_KV_TOKENS_MAX),
    WHOLE(KEY_SEQUENCES, sequences, 1, 65536),
    WHOLE(KEY_SEED, seed, 0, UINT64_MAX),
    WHOLE(KEY_TENANTS, tenants, 1, 100000),
    WHOLE(KEY_LIMIT, limit, 1, REPLAY_ROWS_MAX),
    WHOLE(KEY_STEPS, steps, 1, REPLAY_STEPS_MAX),
    WHOLE(KEY_REQUESTS, generator.requests, 1, REPLAY_ROWS_MAX),
    WHOLE(KEY_PROMPT_MAX, generator.prompt_max, 1, REPLAY_TOKENS_MAX),
    WHOLE(KEY_OUTPUT_MAX, generator.output_max, 1, REPLAY_TOKENS_MAX),
};

static const real_option real_options[] = {
    REAL(KEY_SPEED, speed, 1e-3, 1e6),
    REAL(KEY_REAL_TIME, real_time, 1e-3, 1e6),
    REAL(KEY_RATE, generator.rate, 1e-3, 1e6),
    REAL(KEY_GAP_CV, generator.gap_cv, 0.01, 100.0),
    REAL(KEY_PROMPT_MEDIAN, generator.prompt_median, 1.0, (double)REPLAY_TOKENS_MAX),
    REAL(KEY_PROMPT_SIGMA, generator.prompt_sigma, 0.0, 10.0),
    REAL(KEY_OUTPUT_MEDIAN, generator.output_median, 1.0, (double)REPLAY_TOKENS_MAX),
    REAL(KEY_OUTPUT_SIGMA, generator.output_sigma, 0.0, 10.0),
};

static const char *option_name(int key) {
    for (size_t i = 0; long_options[i].name != NULL; i++)
        if (long_options[i].val == key) return long_options[i].name;
    return "?";
}

static int wrong(int key, const char *value, const char *want) {
    fprintf(stderr, "berth-replay: --%s: '%s' is not %s (--help lists all options)\n",
            option_name(key), value, want);
    return -1;
}

/* Digits only: no sign, space, or suffix. 0, or -1 where it is none or does not fit. */
static int digits(const char *text, const char **out_end, uint64_t *out) {
    char *end;
    if (*text < '0' || *text > '9') return -1;
    errno = 0;
    *out = strtoull(text, &end, 10);
    *out_end = end;
    return errno == 0 ? 0 : -1;
}

static int set_whole(const whole_option *option, const char *text, replay_settings *out) {
    char want[80];
    const char *end;
    uint64_t value;
    snprintf(want, sizeof want, "a whole number from %llu to %llu", (unsigned long long)option->min,
             (unsigned long long)option->max);
    if (digits(text, &end, &value) != 0 || *end != '\0' || value < option->min ||
        value > option->max)
        return wrong(option->key, text, want);
    if (option->size == sizeof(uint32_t))
        memcpy((char *)out + option->offset, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    else
        memcpy((char *)out + option->offset, &value, sizeof value);
    return 0;
}

static int real(const char *text, double min, double max, double *out) {
    char *end;
    if ((*text < '0' || *text > '9') && *text != '.') return -1;
    if (strpbrk(text, "xX") != NULL) return -1;
    *out = strtod(text, &end);
    return *end == '\0' && *out >= min && *out <= max ? 0 : -1;
}

static int set_real(const real_option *option, const char *text, replay_settings *out) {
    char want[80];
    double value;
    snprintf(want, sizeof want, "a number from %g to %g", option->min, option->max);
    if (real(text, option->min, option->max, &value) != 0) return wrong(option->key, text, want);
    memcpy((char *)out + option->offset, &value, sizeof value);
    return 0;
}

/* HIGH/NORMAL/LOW in percent. */
static int set_bands(const char *text, replay_settings *out) {
    const char *at = text;
    uint64_t share[REPLAY_BANDS], sum = 0;
    for (uint32_t i = 0; i < REPLAY_BANDS; i++) {
        if (digits(at, &at, &share[i]) != 0 || share[i] > 100) break;
        sum += share[i];
        if (*at != (i + 1 < REPLAY_BANDS ? '/' : '\0')) break;
        out->shares[BERTH_BAND_HIGH - i] = (uint32_t)share[i];
        if (i + 1 == REPLAY_BANDS && sum == 100) return 0;
        at++;
    }
    return wrong(KEY_BANDS, text, "HIGH/NORMAL/LOW in percent with the sum 100, such as 10/30/60");
}

/* A preset; single values of it that were named before or after go on top, in policy_of(). */
static int set_policy(const char *text, replay_settings *out) {
    const replay_policy *preset = replay_preset_find(text);
    if (preset == NULL) return wrong(KEY_POLICY, text, replay_preset_wanted());
    out->policy = *preset;
    return 0;
}

/* NAME,NAME,... */
static int set_compare(const char *text, replay_settings *out) {
    const char *at = text;
    out->task = REPLAY_TASK_COMPARE;
    out->compared_count = 0;
    for (;;) {
        char name[32];
        const size_t size = strcspn(at, ",");
        if (size >= sizeof name || out->compared_count == REPLAY_COMPARED_MAX) break;
        memcpy(name, at, size);
        name[size] = '\0';
        const replay_policy *preset = replay_preset_find(name);
        if (preset == NULL) break;
        out->compared[out->compared_count++] = preset;
        if (at[size] == '\0') return 0;
        at += size + 1;
    }
    fprintf(stderr, "berth-replay: --compare: '%s' is not up to %u of %s, with commas\n", text,
            (unsigned)REPLAY_COMPARED_MAX, replay_preset_wanted());
    return -1;
}

static int set_slo(const char *text, replay_settings *out) {
    if (replay_slo_read(text, &out->slo) == 0) return 0;
    return wrong(KEY_SLO, text, "ttft=TIME[+prompt],tpot=TIME such as ttft=2s+prompt,tpot=100ms");
}

/* What was said of single policies; they need the preset, so they are read last. */
typedef struct policy_texts {
    struct {
        int key;
        const char *value;
    } said[16];
    uint32_t count;
    uint32_t reserved;
} policy_texts;

/* 1 if the option is of a policy; the last of several counts. */
static int note_policy(int key, const char *value, policy_texts *texts) {
    uint32_t i = 0;
    if (key < KEY_KV || key > KEY_FIXED) return 0;
    while (i < texts->count && texts->said[i].key != key) i++;
    texts->count += i == texts->count;
    texts->said[i].key = key;
    texts->said[i].value = value;
    return 1;
}

static int policy_of(const policy_texts *texts, replay_settings *out) {
    for (uint32_t i = 0; i < texts->count; i++) {
        const int key = texts->said[i].key;
        const char *value = texts->said[i].value;
        if (out->task == REPLAY_TASK_COMPARE || out->task == REPLAY_TASK_GOODPUT)
            return wrong(key, value, "for a comparison, which takes presets whole");
        const char *wanted = replay_policy_set(option_name(key), value, &out->policy);
        if (wanted != NULL) return wrong(key, value, wanted);
    }
    return 0;
}

static int set_model(const char *text, replay_settings *out) {
    char want[160] = "one of";
    out->model = replay_model_find(text);
    if (out->model != NULL) return 0;
    for (uint32_t i = 0; replay_model_at(i) != NULL; i++) {
        const size_t used = strlen(want);
        snprintf(want + used, sizeof want - used, " %s", replay_model_at(i)->name);
    }
    return wrong(KEY_MODEL, text, want);
}

static int set_queue_timeout(const char *text, replay_settings *out) {
    double seconds;
    if (real(text, 1e-3, 1e9, &seconds) != 0)
        return wrong(KEY_QUEUE_TIMEOUT, text, "seconds from 0.001 to 1e9");
    out->queue_timeout_ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static int set_host_time(const char *text, replay_settings *out) {
    double milliseconds;
    if (real(text, 0.0, 1e6, &milliseconds) != 0)
        return wrong(KEY_HOST_TIME, text, "milliseconds from 0 to 1e6");
    out->host_ns = (uint64_t)(milliseconds * 1e6);
    return 0;
}

static int set(int key, const char *value, replay_settings *out) {
    for (size_t i = 0; i < sizeof whole_options / sizeof whole_options[0]; i++)
        if (whole_options[i].key == key) return set_whole(&whole_options[i], value, out);
    for (size_t i = 0; i < sizeof real_options / sizeof real_options[0]; i++)
        if (real_options[i].key == key) return set_real(&real_options[i], value, out);
    switch (key) {
    case KEY_TRACE: out->trace_path = value; return 0;
    case KEY_POLICY: return set_policy(value, out);
    case KEY_BANDS: return set_bands(value, out);
    case KEY_MODEL: return set_model(value, out);
    case KEY_QUEUE_TIMEOUT: return set_queue_timeout(value, out);
    case KEY_SLO: return set_slo(value, out);
    case KEY_HOST_TIME: return set_host_time(value, out);
    case KEY_COMPARE: return set_compare(value, out);
    case KEY_GOODPUT: out->task = REPLAY_TASK_GOODPUT; return 0;
    case KEY_SVG: out->svg_path = value; return 0;
    case KEY_JSON: out->json = 1; return 0;
    case KEY_PREFIX_CACHE: out->prefix_cache = 1; return 0;
    case KEY_SELF_TEST: out->task = REPLAY_TASK_SELF_TEST; return 0;
    case KEY_HELP: out->task = REPLAY_TASK_HELP; return 0;
    default: /* getopt has named it */
        fputs("berth-replay: --help lists all options\n", stderr);
        return -1;
    }
}

static int policy_together(const replay_settings *out) {
    const replay_policy *p = &out->policy;
    const uint32_t sequences = p->sequences != 0 ? p->sequences : out->sequences;
    if (out->real_time > 0.0 &&
        (replay_policy_grows(p) || p->step_tokens != 0 || p->pace_ppm != 0)) {
        fputs("berth-replay: --real-time has no steps: --kv is worst_case, without --step and "
              "--pace\n",
              stderr);
        return -1;
    }
    if (out->prefix_cache && p->overcommit) {
        fputs("berth-replay: --prefix-cache: an engine that gives out more KV than it has would "
              "never give up what is cached\n",
              stderr);
        return -1;
    }
    if (out->steps > 1 && p->overcommit) {
        fputs(
            "berth-replay: --steps: where a full cache fails all, steps behind it cannot be out\n",
            stderr);
        return -1;
    }
    if (p->order == BERTH_ORDER_PREFIX && !out->prefix_cache) {
        fputs("berth-replay: --order prefix needs --prefix-cache\n", stderr);
        return -1;
    }
    if (p->step_tokens != 0 && p->step_tokens < sequences) {
        fputs("berth-replay: --step is below --sequences: each that runs needs a token\n", stderr);
        return -1;
    }
    if (p->fixed_ppm != 0 && p->step_tokens == 0) {
        fputs("berth-replay: --fixed needs --step, from which steps grow\n", stderr);
        return -1;
    }
    if ((p->wait_ppm != 0 || p->late_ppm != 0) && p->queue_ppm == 0 && out->queue_timeout_ns == 0) {
        fputs("berth-replay: --wait and --late need --queue or --queue-timeout\n", stderr);
        return -1;
    }
    return 0;
}

/* What is well-formed each by itself, but not together. */
static int check_together(int argc, char **argv, uint32_t generated, const replay_settings *out) {
    if (optind < argc) {
        fprintf(stderr, "berth-replay: '%s' belongs to no option (a trace is --trace FILE)\n",
                argv[optind]);
        return -1;
    }
    if (generated && out->trace_path != NULL) {
        fputs("berth-replay: --trace and the generator's options exclude each other\n", stderr);
        return -1;
    }
    if (out->prefix_cache && (out->trace_path == NULL || out->real_time > 0.0)) {
        fputs(out->trace_path == NULL
                  ? "berth-replay: --prefix-cache needs a trace that names blocks of its prompts\n"
                  : "berth-replay: --real-time has no prefix cache: workers do not plan\n",
              stderr);
        return -1;
    }
    if (out->real_time > 0.0 && (out->steps > 1 || out->host_ns > 0)) {
        fputs("berth-replay: --real-time has no steps: not with --steps and --host-time\n", stderr);
        return -1;
    }
    if (out->task != REPLAY_TASK_COMPARE && out->svg_path != NULL) {
        fputs("berth-replay: --svg draws what --compare compares\n", stderr);
        return -1;
    }
    if (out->real_time > 0.0 && out->task != REPLAY_TASK_RUN) {
        fputs("berth-replay: --compare and --goodput repeat: not with --real-time\n", stderr);
        return -1;
    }
    if (out->task == REPLAY_TASK_RUN && policy_together(out) != 0) return -1;
    if (out->real_time > 0.0 && out->sequences > 1024) {
        fputs("berth-replay: --real-time runs a thread per sequence: --sequences 1024 at most\n",
              stderr);
        return -1;
    }
    return 0;
}

int replay_settings_read(int argc, char **argv, replay_settings *out) {
    static char program[] = "berth-replay"; /* in getopt's messages, for any path */
    policy_texts texts = {0};
    uint32_t generated = 0;
    int key;
    if (argc > 0) argv[0] = program;
    *out = (replay_settings){.policy = *replay_preset_at(0),
                             .slo = replay_slo_default,
                             .generator = replay_generator_default,
                             .model = replay_model_at(0),
                             .shares = {0, 0, 100, 0},
                             .speed = 1.0,
                             .seed = 1,
                             .steps = 1,
                             .sequences = 256};
    optind = 1;
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (note_policy(key, optarg, &texts)) continue;
        if (set(key, optarg, out) != 0) return -1;
        if (key >= KEY_REQUESTS && key <= KEY_OUTPUT_MAX) generated = 1;
    }
    if (policy_of(&texts, out) != 0) return -1;
    if (check_together(argc, argv, generated, out) != 0) return -1;
    if (out->kv_tokens == 0) out->kv_tokens = out->model->kv_tokens;
    return 0;
}

uint32_t replay_settings_steps(const replay_settings *settings) {
    return settings->policy.overcommit ? 1 : settings->steps;
}

int replay_settings_has_prefix(const replay_settings *settings) {
    return settings->prefix_cache && !settings->policy.overcommit;
}

const char *replay_band_name(uint32_t band) {
    static const char *const names[] = {"default", "low", "normal", "high"};
    return band < sizeof names / sizeof names[0] ? names[band] : "unknown";
}
