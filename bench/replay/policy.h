/* SPDX-License-Identifier: MIT */
/*
 * What:    how the pool is to decide: one value for each of its policies.
 * Why:     a preset is one such set, and the options of the command line change single values.
 * Rules:   0 is the pool's default, as in berth.h.
 * Threads: none.
 */
#ifndef REPLAY_POLICY_H
#define REPLAY_POLICY_H

#include <berth.h>

#include <stdint.h>

typedef struct replay_policy {
    const char *name;    /* of the preset that it began as */
    const char *what;    /* for people */
    uint32_t one_band;   /* 1 = bands make no difference: all are submitted in one */
    uint32_t sequences;  /* requests that may run at once; 0 = --sequences */
    uint32_t kv_mode;    /* berth_kv_mode */
    uint32_t kv_ppm;     /* its parameter: watermark, first ratio, or quantile; 0 = its default */
    uint32_t victim;     /* berth_victim */
    uint32_t fairness;   /* berth_fairness */
    uint32_t order;      /* berth_order */
    uint32_t fit;        /* berth_fit */
    uint32_t overcommit; /* 1 = a free slot is all that is asked; when the KV runs out, everything
                            that runs fails at once */
    uint32_t queue_ppm;  /* of the target's ttft, what a request may wait in the queue; 0 = any */
    uint32_t wait_ppm;   /* of the time that it may wait: whose predicted wait is longer is refused,
                            or late at once; 0 = nobody */
    uint32_t late_ppm;   /* who waited so long goes on in a band below all others, which enters
                            while the pool is no fuller than this part; 0 = it expires */
    uint32_t pace_ppm;   /* while the tokens of those who are to be in time take longer than this
                            part of the target's tpot, on average over what each has had, nobody
                            more is let in; 0 = the host does not look */
    uint32_t fixed_ppm;  /* the step grows beyond step_tokens until what a prefill costs, however
                            short, is at most this part of what its tokens cost; 0 = as it is */
    uint32_t reserved;
    uint64_t step_tokens;        /* that a step computes at most; 0 = no limit */
    uint64_t prefill_tokens_max; /* of one prompt in a step; 0 = no limit */
} replay_policy;

/* One value by its option's name, such as "kv" and "optimistic:0.02". NULL, or what it takes where
 * `text` is no such thing. */
const char *replay_policy_set(const char *name, const char *text, replay_policy *out);

const char *replay_policy_kv_name(const replay_policy *policy);
const char *replay_policy_victim_name(const replay_policy *policy);
const char *replay_policy_fairness_name(const replay_policy *policy);
const char *replay_policy_order_name(const replay_policy *policy);
const char *replay_policy_fit_name(const replay_policy *policy);

/* Does what a request holds grow with its tokens? */
int replay_policy_grows(const replay_policy *policy);

/* `tenants` is how many the trace has. The step is left to the host, who knows its engine. */
void replay_policy_apply(const replay_policy *policy, uint32_t tenants, berth_options *options);

#endif
