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
    WHOLE(KEY_LIMIT, limit, 1, REPLAY_ROWS_MAX),
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

static int set_policy(const char *text, replay_settings *out) {
    if (strcmp(text, "fifo") == 0)
        out->policy = REPLAY_POLICY_FIFO;
    else if (strcmp(text, "bands") == 0)
        out->policy = REPLAY_POLICY_BANDS;
    else
        return wrong(KEY_POLICY, text, "fifo or bands");
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
    case KEY_JSON: out->json = 1; return 0;
    case KEY_SELF_TEST: out->task = REPLAY_TASK_SELF_TEST; return 0;
    case KEY_HELP: out->task = REPLAY_TASK_HELP; return 0;
    default: /* getopt has named it */
        fputs("berth-replay: --help lists all options\n", stderr);
        return -1;
    }
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
    if (out->real_time > 0.0 && out->sequences > 1024) {
        fputs("berth-replay: --real-time runs a thread per sequence: --sequences 1024 at most\n",
              stderr);
        return -1;
    }
    return 0;
}

int replay_settings_read(int argc, char **argv, replay_settings *out) {
    static char program[] = "berth-replay"; /* in getopt's messages, for any path */
    uint32_t generated = 0;
    int key;
    if (argc > 0) argv[0] = program;
    *out = (replay_settings){.policy = REPLAY_POLICY_BANDS,
                             .generator = replay_generator_default,
                             .model = replay_model_at(0),
                             .shares = {0, 0, 100, 0},
                             .speed = 1.0,
                             .seed = 1,
                             .sequences = 256};
    optind = 1;
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (set(key, optarg, out) != 0) return -1;
        if (key >= KEY_REQUESTS && key <= KEY_OUTPUT_MAX) generated = 1;
    }
    if (check_together(argc, argv, generated, out) != 0) return -1;
    if (out->kv_tokens == 0) out->kv_tokens = out->model->kv_tokens;
    return 0;
}

const char *replay_policy_name(enum replay_policy policy) {
    return policy == REPLAY_POLICY_FIFO ? "fifo" : "bands";
}

const char *replay_band_name(uint32_t band) {
    static const char *const names[] = {"default", "low", "normal", "high"};
    return band < sizeof names / sizeof names[0] ? names[band] : "unknown";
}

void replay_settings_help(void) {
    fputs("Usage: sh bench/run.sh replay [--trace FILE] [options]\n"
          "\n"
          "Drives a pool with a trace of requests and reports what became of them.\n"
          "\n"
          "  --trace FILE        CSV: TIMESTAMP,ContextTokens,GeneratedTokens; else generated\n"
          "  --limit N           only the first N requests of the trace\n"
          "  --speed X           requests come X times faster than in the trace (1)\n"
          "  --bands H/N/L       percent dealt to high/normal/low, by the seed (0/100/0)\n"
          "  --policy P          bands: strict bands; fifo: all in one band, same deal (bands)\n"
          "  --parked-max N      requests that may wait (all of the trace)\n"
          "  --queue-timeout S   seconds that a request may wait (no limit)\n"
          "  --model M           a100-opt-13b, a100-llama3-8b or h100-llama2-7b (the first)\n"
          "  --kv-tokens N       KV cache in tokens, in blocks of 16 (the model's)\n"
          "  --sequences N       requests that may run at once (256)\n"
          "  --seed S            of the deal, the generator and the pool (1)\n"
          "  --real-time X       on worker threads and the system's clock, X times faster\n"
          "  --json              one JSON object instead of the table\n"
          "  --self-test         check the parts of this program, and say so\n"
          "  --help              this text\n"
          "\n"
          "Generator: --requests N (10000), --rate R per second (5.5), --gap-cv C (1.1),\n"
          "  --prompt-median T (900), --prompt-sigma S (0.8), --prompt-max T (14000),\n"
          "  --output-median T (129), --output-sigma S (0.9), --output-max T (1000)\n"
          "\n"
          "Exit status: 0, 1 if a rule was broken or the pool failed, 2 for bad input.\n",
          stdout);
}
