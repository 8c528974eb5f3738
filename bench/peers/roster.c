/* SPDX-License-Identifier: MIT */
#include "roster.h"

#include "peer.h"

#include <stdio.h>
#include <string.h>

#define ALL (PEER_PRIORITY | PEER_COST | PEER_DEADLINE | PEER_CANCEL | PEER_RESULT)

const roster_entrant roster[] = {
    {"berth", "berth-peers-c", "nothing", ALL},
    {"libuv", "berth-peers-c", "libuv1-dev", PEER_CANCEL | PEER_RESULT},
    {"glib", "berth-peers-c", "libglib2.0-dev", 0},
    {"glib-sorted", "berth-peers-c", "libglib2.0-dev", PEER_PRIORITY},
    {"mutex-ring", "berth-peers-c", "nothing", 0},
    {"futex-ring", "berth-peers-c", "nothing", 0},
    {"tbb-arena", "berth-peers-cxx", "g++ and libtbb-dev", PEER_PRIORITY},
    {"tbb-queue", "berth-peers-cxx", "g++ and libtbb-dev", PEER_PRIORITY},
    {"asio", "berth-peers-cxx", "g++ and libboost-dev", 0},
    {"crossbeam", "berth-peers-rust", "cargo and its registry", 0},
    {"flume", "berth-peers-rust", "cargo and its registry", 0},
    {"tokio", "berth-peers-rust", "cargo and its registry", PEER_CANCEL | PEER_RESULT},
    {"tokio-blocking", "berth-peers-rust", "cargo and its registry", PEER_RESULT},
    {"rayon", "berth-peers-rust", "cargo and its registry", 0},
    {"rust-heap", "berth-peers-rust", "cargo and its registry", PEER_PRIORITY},
    {"replaced", "berth-peers-rust", "cargo and its registry", PEER_RESULT},
};
const size_t roster_count = sizeof roster / sizeof roster[0];

#define SATURATED(name, shape)                                                                     \
    { name, "saturated " shape " 100000 128", "saturated " shape " 2000 128", NULL }
#define TENANTS(n)                                                                                 \
    { "g/" n, "saturated 1 1 200000 10000 0 " n, "saturated 1 1 2000 100 0 " n, "berth" }
#define SUBMITTERS(n)                                                                              \
    { "i/" n, "saturated " n " 2 32000 16 1", "saturated " n " 2 3200 16 1", NULL }

#define STEPS(running, parked)                                                                     \
    { "d/" running "/" parked, "engine " running " " parked, "engine " running " 10", "berth" }
#define RECIPE(name, verb, size)                                                                   \
    { "j/" name, verb " " size, verb " " size, "berth,replaced" }
#define STORM(letter, verb, depth)                                                                 \
    { letter "/" depth, verb " " depth, verb " 100", "berth,libuv" }

const roster_workload workloads[] = {
    SATURATED("a/1x1", "1 1"),
    SATURATED("a/2x2", "2 2"),
    {"b", "burst 100000", "burst 2000", NULL},
    {"c/5us", "idle 5000 2000", "idle 5000 50", NULL},
    {"c/300us", "idle 300000 1000", "idle 300000 20", NULL},
    {"c/5ms", "idle 5000000 200", "idle 5000000 2", NULL},
    STEPS("1", "0"),
    STEPS("16", "0"),
    STEPS("64", "0"),
    STEPS("256", "0"),
    STEPS("1024", "0"),
    STEPS("256", "1000"),
    STEPS("256", "10000"),
    STEPS("256", "100000"),
    STEPS("256", "1000000"),
    STEPS("1024", "1000000"),
    STORM("e", "cancel", "1000"),
    STORM("e", "cancel", "10000"),
    STORM("e", "cancel", "100000"),
    STORM("e", "cancel", "1000000"),
    STORM("f", "expire", "1000"),
    STORM("f", "expire", "10000"),
    STORM("f", "expire", "100000"),
    STORM("f", "expire", "1000000"),
    TENANTS("1"),
    TENANTS("10000"),
    {"h", "memory", "memory", "berth"},
    {"h", "library", "library", "berth"},
    {"h", "first", "first", NULL},
    SUBMITTERS("2"),
    SUBMITTERS("8"),
    SUBMITTERS("16"),
    SUBMITTERS("32"),
    RECIPE("enqueue_dequeue/100", "enqueue_dequeue", "100"),
    RECIPE("enqueue_dequeue/1000", "enqueue_dequeue", "1000"),
    RECIPE("enqueue_dequeue/10000", "enqueue_dequeue", "10000"),
    RECIPE("priority_sorting", "priority_sorting", "5000"),
    RECIPE("prune_expired", "prune_expired", "5000"),
    RECIPE("mailbox_deliver", "mailbox_deliver", "10000"),
    RECIPE("mailbox_fetch", "mailbox_fetch", "5000"),
    RECIPE("submit_immediate", "submit_immediate", "100"),
    RECIPE("with_queueing", "with_queueing", "200"),
    RECIPE("mixed_priorities", "mixed_priorities", "100"),
    RECIPE("deadline_checking", "deadline_checking", "50"),
    RECIPE("end_to_end", "end_to_end", "150"),
};
const size_t workload_count = sizeof workloads / sizeof workloads[0];

void roster_lacks(const roster_entrant *of, char *text, size_t size) {
    static const struct {
        uint32_t feature;
        const char *name;
    } names[] = {{PEER_PRIORITY, "priority"},
                 {PEER_COST, "cost"},
                 {PEER_DEADLINE, "deadline"},
                 {PEER_CANCEL, "cancel"},
                 {PEER_RESULT, "result"}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((of->features & names[i].feature) != 0 || used >= size) continue;
        int wrote =
            snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", names[i].name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

bool roster_named(const char *names, const char *name) {
    size_t size = strlen(name);
    while (names != NULL && *names != '\0') {
        const char *end = strchr(names, ',');
        size_t here = end == NULL ? strlen(names) : (size_t)(end - names);
        if (here == size && strncmp(names, name, size) == 0) return true;
        names = end == NULL ? NULL : end + 1;
    }
    return false;
}
