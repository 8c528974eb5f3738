/* SPDX-License-Identifier: MIT */
/*
 * What:    events as data, and a core and its model that live through them side by side.
 * Why:     a program of events can be printed, shrunk and replayed; every answer is compared.
 * Rules:   an event names its request by the number its submit had, so that a program stays
 *          meaningful when events are taken out of it; name 0 stands for an id that never was.
 * Threads: one per pair.
 */
#ifndef BERTH__TESTS_SUPPORT_CORE_PAIR_H
#define BERTH__TESTS_SUPPORT_CORE_PAIR_H

#include "support/core_model.h"

#include <stdio.h>

enum core_event_kind {
    CORE_SUBMIT = 1,
    CORE_RECOST,
    CORE_CHARGE,
    CORE_CAPACITY,
    CORE_CANCEL,
    CORE_EXPIRE,
    CORE_CLOSE,
    CORE_SHUTDOWN,
    CORE_ADMIT,
    CORE_EMIT,
    CORE_FINISH,
    CORE_LET_GO,
    CORE_PLAN,
    CORE_COMMIT,
    CORE_FORGET,
    CORE_PIN,
    CORE_UNPIN,
    CORE_CHUNK,
    CORE_IDLE,
    CORE_PREEMPT,
    CORE_PAUSE,
    CORE_SUSPEND, /* choice 0: resume */
    CORE_PLAN_FAIL
};

/* How the results of a commit are made. */
enum core_commit_kind {
    CORE_COMMIT_RANDOM = 0, /* from the event's seed: faults of every sort */
    CORE_COMMIT_NOTHING,    /* no results at all */
    CORE_COMMIT_PROGRESS,   /* everything as planned */
    CORE_COMMIT_FINISH_FIRST,
    CORE_COMMIT_FINISH_ALL,
    CORE_COMMIT_FAIL_LAST,
    CORE_COMMIT_WRONG_STEP
};

typedef struct core_event {
    uint32_t kind;
    uint32_t name;        /* of the request it is about */
    uint64_t elapsed_ns;  /* the clock moves on by this first */
    uint64_t back_ns;     /* and the event carries a moment this much earlier */
    berth__submit submit; /* SUBMIT, RECOST; its cost is what CHARGE states */
    uint64_t amount;      /* capacity, tokens, bytes, room of a plan, idle workers */
    uint64_t seed;        /* of a random commit */
    uint32_t resource;
    uint32_t choice; /* finish kind, cause, commit kind; 1 = dropped, running, delivered */
    int32_t code;
    uint32_t reserved;
} core_event;

#define CORE_NAMES_MAX 1024u

typedef struct core_pair {
    core_kit kit;
    core_model model;
    uint64_t now;
    berth_request_id ids[CORE_NAMES_MAX]; /* by name; [0] is an id that never was */
    uint32_t name_count;                  /* names below this may be out */
    uint32_t entry_count;                 /* of the outstanding plan */
    berth_step_id step_id;
    berth_plan_entry *entries; /* of the core's last plan */
    berth_plan_entry *model_entries;
    char text[256]; /* of what differs */
} core_pair;

void core_pair_init(core_pair *pair, const berth_options *options);
void core_pair_fini(core_pair *pair);

/* NULL, or what differs or does not hold after this event. */
const char *core_pair_apply(core_pair *pair, const core_event *event);

/* One event as a line. */
void core_event_print(FILE *out, const core_event *event);

size_t core_pair_state_size(const core_pair *pair);
void core_pair_save(const core_pair *pair, void *state);
void core_pair_restore(core_pair *pair, const void *state);

#endif
