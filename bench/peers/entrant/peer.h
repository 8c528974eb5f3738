/* SPDX-License-Identifier: MIT */
/* What: what an entrant of the comparison has to do: take a task, run it, say that it ended.
 * Why: one driver times all of them, in C, C++ and Rust, by the same loop and the same clock.
 * Rules: a task is the driver's; peer_run() is the work, called once by a thread of the entrant;
 *        an entrant that has no results of its own calls peer_task_finish() and peer_task_wait(),
 *        one flag per task, which is the least that a host would write by hand.
 * Threads: create and destroy one at a time; submit and wait by task->producer's thread. */
#ifndef PEER_H
#define PEER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a request brings with it. Entrants that cannot use a field leave it. */
typedef struct peer_task {
    uint32_t state;    /* of the flag, see task.c */
    uint32_t producer; /* who submits and waits for it */
    uint32_t band;     /* 1 to 3, higher is more urgent */
    uint32_t stamp;    /* peer_run() notes when it started */
    uint32_t cost[2];  /* of two resources */
    uint64_t tenant;
    uint64_t deadline_ns; /* from now, to leave the queue */
    uint64_t id;          /* the entrant's own name for it */
    uint64_t started_at_ns;
    uint64_t value; /* what the work computes */
} peer_task;

/* How large a pool is wanted. */
typedef struct peer_shape {
    uint32_t producers;
    uint32_t workers;
    uint32_t in_flight_max; /* tasks submitted and not yet waited for, by all producers together */
    uint32_t tenants; /* tasks are dealt to so many, fairly served; 0 = it makes no difference */
} peer_shape;

/* What an entrant does of what a request asks for. */
enum peer_feature {
    PEER_PRIORITY = 1,
    PEER_COST = 2,
    PEER_DEADLINE = 4,
    PEER_CANCEL = 8,
    PEER_RESULT = 16
};

typedef struct peer_ops {
    const char *name;
    uint32_t features;                        /* peer_feature */
    uint32_t extra_size;                      /* bytes of the entrant's own behind each task */
    void *(*create)(const peer_shape *shape); /* NULL where it fails */
    void (*submit)(void *pool, peer_task *task);
    void (*wait)(void *pool, peer_task *task); /* returns once the task's outcome is read */
    void (*destroy)(void *pool);
    /* A workload of its own: writes rows through peer_say() and returns 1; 0 where it has none of
     * this name. May be NULL. */
    int32_t (*special)(int argc, char **argv);
} peer_ops;

/* The work of one task. */
void peer_run(peer_task *task);

/* The flag: set by the thread that ran the task, waited for by its producer. */
void peer_task_finish(peer_task *task);
void peer_task_wait(peer_task *task);

/* One figure on stdout: its name, its unit, its value. */
void peer_say(const char *metric, const char *unit, double value);

uint64_t peer_now_ns(void);

/* The entrants of this program; ends with NULL. The driver's main() picks one by name. */
extern const peer_ops *const peer_list[];

#ifdef __cplusplus
}
#endif

#endif
